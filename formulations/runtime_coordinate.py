"""Expected runtime on scenarios in the redundancy of every coordinate: the original MILP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgcopt.formulations.runtime import RuntimeFormulation

__all__ = ["RuntimeCoordinate"]

FloatArray = NDArray[np.float64]


class RuntimeCoordinate(RuntimeFormulation):
    r"""``min (1/K) sum_k theta_k`` over one redundancy ``s_l`` in ``{0..N-1}`` per coordinate.

    Binaries ``z_{l,n}`` (coordinate ``l`` has level ``n``, ``sum_n z_{l,n} = 1``), cumulative work
    ``c_l = c_{l-1} + sum_n (n+1) z_{l,n}``, and ``theta_k >= u T^k_(N-n) c_l`` where
    ``z_{l,n} = 1``.  The last is written

    - plain: ``theta_k >= u T^k_(N-n) (c_l - N l (1 - z_{l,n}))``;
    - strong: ``theta_k >= u T^k_(N-n) c_l - u sum_{m>n} (T^k_(N-n) - T^k_(N-m)) C_{l,m} z_{l,m}``,
      ``C_{l,m}`` the most that ``c_l`` can be when ``l`` has level ``m``: a level below ``n`` binds
      more, not less, and one above needs relief only by the difference.  The plain row is implied.

    The sample average of arXiv 2206.02450, Problem 1.
    """

    @property
    def variables(self) -> Mapping[str, tuple[int, ...]]:
        """``z`` of shape ``(L, N)``, ``c`` of shape ``(L,)``, ``theta`` of shape ``(K,)``."""
        L = self.problem.system.coordinates
        return {"z": (L, self.workers), "c": (L,), "theta": (self.rounds,)}

    def relief(self, k: int) -> FloatArray:
        """``(T_(N-n) - T_(N-m)) C_{l,m}`` of scenario ``k`` over ``(l, n, m)``, 0 for ``m <= n``."""
        T = self.times[k]
        difference = np.triu(T[:, None] - T[None, :], 1)
        return difference * self.most_work_at_level[:, None, :]

    def to_highspy(self) -> Any:
        """Return a ``highspy.Highs`` holding the model, with named columns and rows."""
        from cgcopt.formulations.highs_model import HighsModel

        K, N, L, T = self.rounds, self.workers, self.problem.system.coordinates, self.times
        most = self.most_work
        model = HighsModel()
        z = model.columns("z", (L, N), upper=1.0, integer=True)
        c = model.columns("c", (L,), upper=most)
        theta = model.columns("theta", (K,), cost=1.0)
        model.rows("one_level", (L,), [(1.0, z)], lower=1.0, upper=1.0)
        model.rows("start", (), [(1.0, c[0]), (-self.redundancy, z[0])], lower=0.0, upper=0.0)
        steps = [(1.0, c[1:]), (-1.0, c[:-1]), (-self.redundancy, z[1:])]
        model.rows("work", (L - 1,), steps, lower=0.0, upper=0.0)
        if self.symmetry:
            n = np.arange(N)
            model.rows("increasing", (L - 1,), [(n, z[1:]), (-n, z[:-1])], lower=0.0)
        late = [(1.0, theta[:, None, None]), (-T[:, None, :], c[None, :, None])]
        if self.strong:
            relief = np.stack([self.relief(k) for k in range(K)])
            late.append((relief, z[None, :, None, :]))
            model.rows("runtime", (K, L, N), late, lower=0.0)
        else:
            big = T[:, None, :] * most[:, None]
            late.append((-big, z[None, :, :]))
            model.rows("runtime", (K, L, N), late, lower=-big)
        return model.build()
