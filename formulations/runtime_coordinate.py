"""Expected runtime on scenarios in the redundancy of every coordinate: the original MILP."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.formulations.coordinate import CoordinateFormulation
from cgcopt.formulations.highs_model import HighsModel
from cgcopt.formulations.latex import program
from cgcopt.formulations.runtime import RuntimeFormulation
from cgcopt.formulations.runtime_partition import RuntimePartition
from cgcopt.formulations.scipy_program import LinearProgram, linear_program
from cgcopt.problem import Form

__all__ = ["RuntimeCoordinate"]


@dataclass(frozen=True, eq=False)
class RuntimeCoordinate(CoordinateFormulation, RuntimeFormulation):
    r"""``min (1/K) sum_k theta_k`` over one redundancy ``s_l`` in ``{0..N-1}`` per coordinate.

    To the rows of :class:`CoordinateFormulation` comes ``theta_k >= u T^k_(N-n) c_l`` where
    ``z_{l,n} = 1``.  It is written

    - plain: ``theta_k >= u T^k_(N-n) (c_l - N l (1 - z_{l,n}))``;
    - strong: ``theta_k >= u T^k_(N-n) c_l - u sum_{m>n} (T^k_(N-n) - T^k_(N-m)) C_{l,m} z_{l,m}``,
      ``C_{l,m}`` the most that ``c_l`` can be when ``l`` has level ``m``: a level below ``n`` binds
      more, not less, and one above needs relief only by the difference.  The plain row is implied.

    The sample average of arXiv 2206.02450, Problem 1.
    """

    implied = ("runtime",)

    @cached_property
    def blocks(self) -> RuntimePartition:
        """The program over blocks."""
        return RuntimePartition(self.problem, Form.BLOCK, strong=self.strong)

    @cached_property
    def pace(self) -> FloatArray:
        """``T^k_(N-n)`` per coordinate of work in units of ``theta``, shape ``(K, N)``."""
        return self.times / self.coordinate_scale

    def relief(self, n: int) -> FloatArray:
        """``T_(N-n) - T_(N-m)`` over ``(k, m)``, 0 at ``m <= n``, in units of :attr:`pace`."""
        return np.where(np.arange(self.workers) > n, self.pace[:, [n]] - self.pace, 0.0)

    def to_cvxpy(self) -> Any:
        """Return a ``cvxpy.Problem``."""
        import cvxpy as cp

        K, N, L, T = self.rounds, self.workers, self.coordinates, self.pace
        block = self.blocks.to_cvxpy()
        found, rows = self.cvxpy_rows(block)
        theta = cp.reshape(found["theta"], (K, 1), order="C")
        work = cp.reshape(found["c"], (1, L), order="C")
        spared = cp.multiply(self.most_work_at_level, found["z"]).T
        for n in range(N):
            if self.strong:
                late = T[:, [n]] @ work - self.relief(n) @ spared
            else:
                other = cp.reshape(1 - found["z"][:, n], (1, L), order="C")
                late = T[:, [n]] @ (work - cp.multiply(self.most_work[None, :], other))
            rows.append((theta >= late).set_label(f"coordinate_runtime_{n}"))
        return cp.Problem(block.objective, rows)

    def to_pyomo(self) -> Any:
        """Return a ``pyomo.environ.ConcreteModel``."""
        import pyomo.environ as pyo

        N, T, C = self.workers, self.pace, self.most_work_at_level
        m = self.blocks.to_pyomo()
        self.fill_pyomo(m)

        @m.Constraint(m.K, m.coordinates, m.N, doc="a coordinate of level n waits for worker N-n")
        def coordinate_runtime(m: Any, k: int, l: int, n: int) -> Any:
            late = float(T[k, n]) * m.c[l]
            if not self.strong:
                return m.theta[k] >= late - float(T[k, n]) * N * (l + 1) * (1 - m.z[l, n])
            return m.theta[k] >= late - pyo.quicksum(
                float((T[k, n] - T[k, q]) * C[l, q]) * m.z[l, q] for q in range(n + 1, N)
            )

        return m

    def to_scipy(self) -> LinearProgram:
        """Return the program for :func:`scipy.optimize.milp`."""
        from scipy import sparse

        K, N, L, T = self.rounds, self.workers, self.coordinates, self.pace
        rows = self.coordinate_rows()
        each = sparse.kron(sparse.eye_array(K), np.ones((L, 1)))
        of_coordinate = sparse.csr_array(sparse.kron(np.ones((K, 1)), sparse.eye_array(L)))
        levels = sparse.csr_array(sparse.kron(of_coordinate, np.ones((1, N))))
        for n in range(N):
            late = sparse.kron(T[:, [n]], sparse.eye_array(L))
            least: Any = 0.0
            spared = np.zeros((K, L, N))
            if self.strong:
                spared[:] = self.relief(n)[:, None, :] * self.most_work_at_level
            else:
                big = T[:, [n]] * self.most_work
                spared[:, :, n], least = -big, -big.ravel()
            relief = sparse.csr_array((spared.ravel(), levels.indices, levels.indptr), levels.shape)
            blocks = {"theta": each, "c": -late, "z": relief}
            rows[f"coordinate_runtime_{n}"] = (blocks, least, np.inf)
        upper = {**self.blocks.upper_bounds, "z": 1.0, "c": self.most_work}
        whole = (*self.blocks.whole, "z")
        return linear_program(
            self.variables, rows, cost=self.blocks.cost, upper=upper, integer=whole
        )

    def to_highspy(self) -> Any:
        """Return a ``highspy.Highs`` holding the model, with named columns and rows."""
        K, N, L, T = self.rounds, self.workers, self.coordinates, self.pace
        model = HighsModel()
        found = self.fill(model)
        theta, z, c = found["theta"][:, None, None], found["z"], found["c"]
        late = [(1.0, theta), (-T[:, None, :], c[None, :, None])]
        if self.strong:
            relief = np.stack([self.relief(n) for n in range(N)], axis=1)[:, None, :, :]
            spared = relief * self.most_work_at_level[None, :, None, :]
            late.append((spared, z[None, :, None, :]))
            model.rows("coordinate_runtime", (K, L, N), late, lower=0.0)
        else:
            big = T[:, None, :] * self.most_work[:, None]
            late.append((-big, z[None, :, :]))
            model.rows("coordinate_runtime", (K, L, N), late, lower=-big)
        return model.build()

    def latex(self) -> str:
        """Return the mathematics of the model as a LaTeX ``align`` environment."""
        if self.strong:
            relief = r"\sum_{m>n} (T^k_{(N-n)} - T^k_{(N-m)})\, C_{l,m}\, z_{l,m}"
            late = rf"\theta_k \geq u\, T^k_{{(N-n)}}\, c_l - u \textstyle{relief}"
        else:
            late = r"\theta_k \geq u\, T^k_{(N-n)} \left(c_l - N l\, (1 - z_{l,n})\right)"
        sort = [
            r"& \theta_k \geq u\, T^k_{(N-n)}\, w_n && \forall k, n",
            r"& w_n = w_{n-1} + (n+1)\, x_n && \forall n",
        ]
        return program(
            r"\min_{z, c, x, \theta} \quad & \frac{1}{K} \sum_{k} \theta_k",
            rf"& {late} && \forall k, l, n",
            *self.rows_latex(),
            *(sort if self.equivalence else []),
        )
