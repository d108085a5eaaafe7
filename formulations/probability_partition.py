"""Completion probability on scenarios in the blocks: a MILP, with or without mixing inequalities."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgcopt.design import Design, partition_of_work, work_of_partition
from cgcopt.formulations.base import Point
from cgcopt.formulations.probability import ProbabilityFormulation
from cgcopt.problem import Level

__all__ = ["ProbabilityPartition"]

FloatArray = NDArray[np.float64]


class ProbabilityPartition(ProbabilityFormulation):
    r"""``max (1/K) sum_k y_k``, ``w_n <= b_{k,n}`` for every level of a scenario that is met.

    Variables ``x`` (blocks), ``w`` (cumulative work) and binaries ``y``; ``b_{k,n}`` are the
    :attr:`thresholds`, ``W_n = (n+1) L`` the most work that level ``n`` can hold.

    - plain: ``w_n <= W_n - (W_n - b_{k,n}) y_k``, the tightest constant for every scenario;
    - strong: the thresholds of a level form a mixing set.  ``d_{k,n}`` in ``[0, 1]`` says that
      ``w_n`` keeps to the threshold of scenario ``k``; with the scenarios of a level in order of
      their thresholds, ``w_n <= W_n - sum_j (b_{j+1,n} - b_{j,n}) d_{j,n}``, ``d_{j,n} <=
      d_{j+1,n}`` and ``y_k <= d_{k,n}``.  This is as strong as all star (mixing) inequalities
      together (Luedtke, Ahmed, Nemhauser, Math. Program. 122, 2010, section 4).
    """

    @property
    def variables(self) -> Mapping[str, tuple[int, ...]]:
        """``x`` and ``w`` of shape ``(N,)``, ``y`` of ``(K,)``; if strong, ``d`` of ``(K, N)``."""
        K, N = self.rounds, self.workers
        shapes: dict[str, tuple[int, ...]] = {"x": (N,), "w": (N,), "y": (K,)}
        return {**shapes, "d": (K, N)} if self.strong else shapes

    @property
    def most(self) -> FloatArray:
        """``W_n = (n+1) L`` in units of the model, shape ``(N,)``."""
        return self.budget * self.redundancy

    @cached_property
    def capped(self) -> FloatArray:
        """The thresholds, but at most ``W_n``, shape ``(K, N)``."""
        return np.minimum(self.thresholds, self.most)

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """Scenarios in order of their thresholds at every level, shape ``(K, N)``."""
        return np.argsort(self.capped, axis=0, kind="stable")

    @cached_property
    def steps(self) -> FloatArray:
        """From the threshold of ``order[j, n]`` to the next one (or ``W_n``), shape ``(K, N)``."""
        ordered = np.take_along_axis(self.capped, self.order, axis=0)
        return np.diff(ordered, axis=0, append=self.most[None, :])

    def _recourse(self, design: Design) -> dict[str, FloatArray]:
        recourse = super()._recourse(design)
        if not self.strong:
            return recourse
        # A scenario that is met keeps to its thresholds, whatever rounding says of a tie.
        keeps = design.work / self.coordinate_scale <= self.capped
        keeps |= recourse["y"][:, None] > 0.5
        ordered = np.maximum.accumulate(np.take_along_axis(keeps, self.order, axis=0), axis=0)
        d = np.empty(keeps.shape)
        np.put_along_axis(d, self.order, ordered.astype(np.float64), axis=0)
        return {**recourse, "d": d}

    def partition(self, point: Point) -> FloatArray:
        """Return the partition ``x`` of a point in coordinates, shape ``(N,)``, unchecked.

        At the relaxed level an optimal point touches thresholds, and lies beyond them by the
        solver's tolerance.  The work is then drawn in proportionally as far as the scenarios with
        ``y_k = 1`` leave room.
        """
        x = super().partition(point)
        met = np.asarray(point["y"]) > 0.5
        if self.level is not Level.RELAXED or not met.any():
            return x
        if self._met(work_of_partition(np.maximum(x, 0.0)))[met].all():
            return x
        room = self.thresholds[met].min(axis=0)
        full = float(room @ self.budget_weights)
        if full < self.budget:
            return x
        return partition_of_work(room * (self.problem.system.coordinates / full))

    def to_highspy(self) -> Any:
        """Return a ``highspy.Highs`` holding the model, with named columns and rows."""
        from cgcopt.formulations.highs_model import HighsModel

        K, N, most = self.rounds, self.workers, self.most
        model = HighsModel()
        x = model.columns("x", (N,), integer=self.integer)
        w = model.columns("w", (N,), upper=most)
        y = model.columns("y", (K,), upper=self.reachable, cost=1.0, integer=True)
        model.rows("budget", (), [(1.0, x)], lower=self.budget, upper=self.budget)
        model.rows("start", (), [(1.0, w[0]), (-1.0, x[0])], lower=0.0, upper=0.0)
        steps = [(1.0, w[1:]), (-1.0, w[:-1]), (-self.redundancy[1:], x[1:])]
        model.rows("work", (N - 1,), steps, lower=0.0, upper=0.0)
        binds = self.capped < most
        if self.strong:
            d = model.columns("d", (K, N), upper=1.0)
            ordered = np.take_along_axis(d, self.order, axis=0)
            model.rows("mixing", (N,), [(1.0, w), (self.steps.T, ordered.T)], upper=most)
            pairs = [(1.0, ordered[:-1]), (-1.0, ordered[1:])]
            model.rows("nested", (K - 1, N), pairs, upper=0.0)
            model.rows("met", (K, N), [(1.0, y[:, None]), (-1.0, d)], upper=0.0, where=binds)
        else:
            late = [(1.0, w[None, :]), (most - self.capped, y[:, None])]
            model.rows("met", (K, N), late, upper=most, where=binds)
        return model.build(maximize=True)
