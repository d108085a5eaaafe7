"""Expected runtime on scenarios in the blocks: a linear program, or a MILP in whole blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgcopt.formulations.runtime import RuntimeFormulation

__all__ = ["RuntimePartition"]

FloatArray = NDArray[np.float64]


class RuntimePartition(RuntimeFormulation):
    r"""``min (1/K) sum_k theta_k`` subject to ``theta_k >= u T^k_(N-n) w_n`` for all ``k, n``.

    Variables ``x`` (blocks), ``w`` (cumulative work, ``w_n = w_{n-1} + (n+1) x_n``) and ``theta``
    (runtime of every scenario).  The runtime rows are written with ``w`` and have two entries
    each; with ``x`` they would have ``n + 2``.

    The sample average of arXiv 2206.02450, Problems 2 and 3.
    """

    @property
    def variables(self) -> Mapping[str, tuple[int, ...]]:
        """``x`` and ``w`` of shape ``(N,)``, ``theta`` of shape ``(K,)``."""
        n = self.workers
        return {"x": (n,), "w": (n,), "theta": (self.rounds,)}

    def to_highspy(self) -> Any:
        """Return a ``highspy.Highs`` holding the model, with named columns and rows."""
        from cgcopt.formulations.highs_model import HighsModel

        K, N, T = self.rounds, self.workers, self.times
        model = HighsModel()
        x = model.columns("x", (N,), integer=self.integer)
        w = model.columns("w", (N,))
        theta = model.columns("theta", (K,), cost=1.0)
        model.rows("budget", (), [(1.0, x)], lower=self.budget, upper=self.budget)
        model.rows("start", (), [(1.0, w[0]), (-1.0, x[0])], lower=0.0, upper=0.0)
        steps = [(1.0, w[1:]), (-1.0, w[:-1]), (-self.redundancy[1:], x[1:])]
        model.rows("work", (N - 1,), steps, lower=0.0, upper=0.0)
        model.rows("runtime", (K, N), [(1.0, theta[:, None]), (-T, w)], lower=0.0)
        return model.build()
