"""Completion probability on scenarios in the redundancy of every coordinate."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgcopt.formulations.probability import ProbabilityFormulation

__all__ = ["ProbabilityCoordinate"]

FloatArray = NDArray[np.float64]


class ProbabilityCoordinate(ProbabilityFormulation):
    r"""``max (1/K) sum_k y_k`` over one redundancy ``s_l`` in ``{0..N-1}`` per coordinate.

    Binaries ``z_{l,n}`` (coordinate ``l`` has level ``n``, ``sum_n z_{l,n} = 1``), cumulative work
    ``c_l = c_{l-1} + sum_n (n+1) z_{l,n}``, binaries ``y_k``; a met scenario has ``c_l <= b_{k,n}``
    where ``z_{l,n} = 1``, with the :attr:`thresholds` ``b``.  The last is written

    - plain: ``c_l <= b_{k,n} + N l (2 - z_{l,n} - y_k)``;
    - strong: ``c_l <= sum_n min(b_{k,n}, C_{l,n}) z_{l,n} + M_{k,l} (1 - y_k)``, ``C_{l,n}`` the
      most that ``c_l`` can be at level ``n`` and ``M_{k,l} = max_n (C_{l,n} - b_{k,n})^+``, and
      ``y_k <= sum_{n : b_{k,n} >= l + n} z_{l,n}``: work is at least ``l + n`` at level ``n``.
    """

    @property
    def variables(self) -> Mapping[str, tuple[int, ...]]:
        """``z`` of shape ``(L, N)``, ``c`` of shape ``(L,)``, ``y`` of shape ``(K,)``."""
        L = self.problem.system.coordinates
        return {"z": (L, self.workers), "c": (L,), "y": (self.rounds,)}

    @cached_property
    def room(self) -> FloatArray:
        """``min(b_{k,n}, C_{l,n})``, shape ``(K, L, N)``."""
        return np.minimum(self.thresholds[:, None, :], self.most_work_at_level)

    @cached_property
    def slack(self) -> FloatArray:
        """``M_{k,l}``, shape ``(K, L)``."""
        return np.asarray((self.most_work_at_level - self.room).max(axis=2))

    @cached_property
    def possible(self) -> NDArray[np.bool_]:
        """Whether level ``n`` at coordinate ``l`` can meet scenario ``k``, shape ``(K, L, N)``."""
        least = np.arange(1, self.problem.system.coordinates + 1)[:, None] + np.arange(self.workers)
        return np.asarray(self.thresholds[:, None, :] >= least)

    def to_highspy(self) -> Any:
        """Return a ``highspy.Highs`` holding the model, with named columns and rows."""
        from cgcopt.formulations.highs_model import HighsModel

        K, N, L = self.rounds, self.workers, self.problem.system.coordinates
        most = self.most_work
        model = HighsModel()
        z = model.columns("z", (L, N), upper=1.0, integer=True)
        c = model.columns("c", (L,), upper=most)
        y = model.columns("y", (K,), upper=self.reachable, cost=1.0, integer=True)
        model.rows("one_level", (L,), [(1.0, z)], lower=1.0, upper=1.0)
        model.rows("start", (), [(1.0, c[0]), (-self.redundancy, z[0])], lower=0.0, upper=0.0)
        steps = [(1.0, c[1:]), (-1.0, c[:-1]), (-self.redundancy, z[1:])]
        model.rows("work", (L - 1,), steps, lower=0.0, upper=0.0)
        if self.symmetry:
            n = np.arange(N)
            model.rows("increasing", (L - 1,), [(n, z[1:]), (-n, z[:-1])], lower=0.0)
        if self.strong:
            met = [(1.0, c[None, :]), (self.slack, y[:, None]), (-self.room, z[None, :, :])]
            model.rows("met", (K, L), met, upper=self.slack)
            cover = [(1.0, y[:, None]), (-1.0 * self.possible, z[None, :, :])]
            model.rows("possible", (K, L), cover, upper=0.0)
        else:
            big = most[:, None]
            met = [(1.0, c[None, :, None]), (big, z[None]), (big, y[:, None, None])]
            model.rows("met", (K, L, N), met, upper=self.thresholds[:, None, :] + 2.0 * big)
        return model.build(maximize=True)
