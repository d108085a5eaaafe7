"""Expected runtime on scenarios: what the coordinate and the block form have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import BoolArray, FloatArray
from cgcopt.design import Design, budget_weights, largest_remainder, partition_of_work
from cgcopt.evaluation.certificates import partition_gradient
from cgcopt.evaluation.rounds.runtimes import round_runtimes
from cgcopt.formulations.scenarios import ScenarioFormulation
from cgcopt.problem import Form

__all__ = ["RuntimeFormulation"]


@dataclass(frozen=True, eq=False)
class RuntimeFormulation(ScenarioFormulation):
    """Minimise the sum of the runtimes ``theta_k``, in units of :attr:`runtime_scale`."""

    @property
    def runtime_scale(self) -> float:
        """Seconds that count as 1 in ``theta``."""
        return self.problem.system.unit * self.time_scale * self.coordinate_scale

    @property
    def objective_scale(self) -> float:
        """Seconds that count as 1 in the objective of the model."""
        return self.runtime_scale / self.rounds

    @property
    def theta_seconds(self) -> float:
        """Seconds that count as 1 in ``theta``."""
        return self.runtime_scale

    def value(self, objective: float) -> float:
        """Convert the objective of the model, here ``sum_k theta_k``, to seconds."""
        return objective * self.objective_scale

    def quick_design(self) -> Design:
        """Return a good design without solving anything: work inverse to the mean runtimes.

        The optimum where every round is like the mean one (arXiv 2206.02450, section V).
        """
        share = 1.0 / self.times.mean(axis=0)
        L = self.problem.system.coordinates
        x = partition_of_work(share * (L / float(share @ budget_weights(self.workers))))
        return Design(x if self.form is Form.RELAXED else largest_remainder(x, L))

    def _recourse(self, design: Design) -> dict[str, FloatArray]:
        return {"theta": round_runtimes(self.problem.system, design.work) / self.runtime_scale}

    def fitted(self, duals: FloatArray) -> FloatArray | None:
        """Multipliers of the runtime rows that make a convex combination of subgradients.

        Parameters
        ----------
        duals : ndarray, shape (K, N)
            As a solver reports them, of either sign convention and any accuracy.

        Returns
        -------
        ndarray, shape (K, N)
            Nonnegative, ``sum_n lambda_{k,n} = 1/K``; ``None`` where all are zero or not finite.
        """
        weight = np.abs(duals)
        total = weight.sum(axis=1, keepdims=True)
        if not np.isfinite(weight).all() or not total.any():
            return None
        weight = np.where(total > 0.0, weight, 1.0)
        return np.asarray(weight / (weight.sum(axis=1, keepdims=True) * self.rounds))

    def gradient_of(self, weights: FloatArray) -> FloatArray:
        """The subgradient of fitted multipliers: ``u`` :attr:`time_scale` seconds a coordinate, (N,)."""
        return partition_gradient((weights * self.times).sum(axis=0))

    def bound_of_duals(self, duals: FloatArray) -> float:
        r"""Turn multipliers of the runtime rows into a lower bound on every value.

        Nonnegative ``lambda_{k,n}`` with ``sum_n lambda_{k,n} = 1/K`` make ``g`` with
        ``g_i = (i+1) sum_{n>=i} sum_k lambda_{k,n} u T^k_(N-n)`` a convex combination of
        subgradients of the homogeneous expected runtime, hence ``E[tau] >= L min_i g_i`` for
        every design.  The multipliers are made to fit first, so the bound holds for any array.

        Parameters
        ----------
        duals : ndarray, shape (K, N)
            Multipliers as a solver reports them, of either sign convention.

        Returns
        -------
        float
            Seconds; NaN where the multipliers are all zero or not finite.
        """
        weights = self.fitted(duals)
        if weights is None:
            return float("nan")
        system = self.problem.system
        seconds = system.unit * self.time_scale
        least = float(self.gradient_of(weights)[self.open_levels].min())
        return least * seconds * system.coordinates + system.costs.startup

    @property
    def open_levels(self) -> BoolArray:
        """Levels that a design may use, shape ``(N,)``."""
        return np.ones(self.workers, dtype=np.bool_)
