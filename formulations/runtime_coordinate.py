"""Expected runtime on scenarios in the redundancy of every coordinate: the original MILP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgcopt.formulations.coordinate import coordinate_rows
from cgcopt.formulations.latex import program
from cgcopt.formulations.runtime import RuntimeFormulation
from cgcopt.formulations.scipy_program import LinearProgram, block_row

__all__ = ["RuntimeCoordinate"]

FloatArray = NDArray[np.float64]

_PYOMO_DOC = "Expected runtime of coordinate gradient coding on scenarios."


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
        """``(T_(N-n) - T_(N-m)) C_{l,m}`` of scenario ``k`` over ``(l, n, m)``, 0 at ``m <= n``."""
        T = self.times[k]
        difference = np.triu(T[:, None] - T[None, :], 1)
        return np.asarray(difference * self.most_work_at_level[:, None, :])

    def to_cvxpy(self) -> Any:
        """Return a ``cvxpy.Problem``."""
        import cvxpy as cp

        K, N, L = self.rounds, self.workers, self.problem.system.coordinates
        z = cp.Variable((L, N), name="z", boolean=True)
        c = cp.Variable(L, name="c")
        theta = cp.Variable(K, name="theta")
        level_of = z @ np.arange(N)
        constraints = [
            (cp.sum(z, axis=1) == 1).set_label("one_level"),
            (c == cp.cumsum(z @ self.redundancy)).set_label("work"),
        ]
        if self.symmetry and L > 1:
            constraints.append((cp.diff(level_of) >= 0).set_label("increasing"))
        column = cp.reshape(c, (L, 1), order="C")
        for k in range(K):
            if self.strong:
                relief = self.relief(k)
                spared = cp.vstack([relief[l] @ z[l] for l in range(L)])
            else:
                spared = cp.multiply(np.outer(self.most_work, self.times[k]), 1 - z)
            late = column @ self.times[k][None, :] - spared
            constraints.append((theta[k] >= late).set_label(f"runtime_{k}"))
        return cp.Problem(cp.Minimize(cp.sum(theta)), constraints)

    def to_pyomo(self) -> Any:
        """Return a ``pyomo.environ.ConcreteModel``."""
        import pyomo.environ as pyo

        N, L, T = self.workers, self.problem.system.coordinates, self.times
        m = pyo.ConcreteModel("expected runtime", doc=_PYOMO_DOC)
        m.L = pyo.RangeSet(0, L - 1, doc="coordinates")
        m.N = pyo.RangeSet(0, N - 1, doc="redundancy levels")
        m.K = pyo.RangeSet(0, self.rounds - 1, doc="scenarios")
        m.z = pyo.Var(m.L, m.N, domain=pyo.Binary, doc="whether coordinate l has level n")
        m.c = pyo.Var(m.L, domain=pyo.NonNegativeReals, doc="cumulative work up to coordinate l")
        m.theta = pyo.Var(m.K, domain=pyo.NonNegativeReals, doc="runtime of every scenario")
        m.total = pyo.Objective(expr=pyo.quicksum(m.theta[k] for k in m.K), sense=pyo.minimize)

        @m.Constraint(m.L, doc="a coordinate has one level")
        def one_level(m: Any, l: int) -> Any:
            return pyo.quicksum(m.z[l, n] for n in m.N) == 1

        @m.Constraint(m.L, doc="a coordinate of level n costs n+1 units of work")
        def work(m: Any, l: int) -> Any:
            before = m.c[l - 1] if l else 0.0
            return m.c[l] == before + pyo.quicksum((n + 1) * m.z[l, n] for n in m.N)

        @m.Constraint(m.L, doc="redundancies increase along the coordinates")
        def increasing(m: Any, l: int) -> Any:
            if l == 0 or not self.symmetry:
                return pyo.Constraint.Skip
            return pyo.quicksum(n * (m.z[l, n] - m.z[l - 1, n]) for n in m.N) >= 0

        @m.Constraint(m.K, m.L, m.N, doc="a coordinate of level n waits for worker N-n")
        def runtime(m: Any, k: int, l: int, n: int) -> Any:
            late = float(T[k, n]) * m.c[l]
            if not self.strong:
                return m.theta[k] >= late - float(T[k, n]) * N * (l + 1) * (1 - m.z[l, n])
            most = self.most_work_at_level[l]
            return m.theta[k] >= late - pyo.quicksum(
                float((T[k, n] - T[k, q]) * most[q]) * m.z[l, q] for q in range(n + 1, N)
            )

        return m

    def to_scipy(self) -> LinearProgram:
        """Return the program for :func:`scipy.optimize.milp`."""
        from scipy import sparse
        from scipy.optimize import Bounds, LinearConstraint

        K, N, L, T = self.rounds, self.workers, self.problem.system.coordinates, self.times
        rows = coordinate_rows(self)
        each_level = sparse.kron(sparse.eye_array(L), np.ones((N, 1)))
        late = sparse.vstack([sparse.diags_array(np.tile(T[k], L)) @ each_level for k in range(K)])
        if self.strong:
            spared = [sparse.block_diag(list(self.relief(k))) for k in range(K)]
            least = np.zeros(1)
        else:
            big = np.stack([np.outer(self.most_work, T[k]).ravel() for k in range(K)])
            spared = [-sparse.diags_array(big[k]) for k in range(K)]
            least = -big.ravel()
        whose = sparse.kron(sparse.eye_array(K), np.ones((L * N, 1)))
        rows["runtime"] = ([sparse.vstack(spared), -late, whose], least, np.inf)
        return LinearProgram(
            c=np.concatenate([np.zeros(L * N + L), np.ones(K)]),
            integrality=np.concatenate([np.ones(L * N), np.zeros(L + K)]),
            bounds=Bounds(
                0.0, np.concatenate([np.ones(L * N), self.most_work, np.full(K, np.inf)])
            ),
            constraints={
                name: LinearConstraint(block_row(blocks, (L * N, L, K)), lower, upper)
                for name, (blocks, lower, upper) in rows.items()
            },
        )

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

    def latex(self) -> str:
        """Return the mathematics of the model as a LaTeX ``align`` environment."""
        if self.strong:
            relief = r"\sum_{m>n} (T^k_{(N-n)} - T^k_{(N-m)})\, C_{l,m}\, z_{l,m}"
            late = rf"\theta_k \geq u\, T^k_{{(N-n)}}\, c_l - u \textstyle{relief}"
        else:
            late = r"\theta_k \geq u\, T^k_{(N-n)} \left(c_l - N l\, (1 - z_{l,n})\right)"
        return program(
            r"\min_{z, c, \theta} \quad & \frac{1}{K} \sum_{k} \theta_k",
            rf"& {late} && \forall k, l, n",
            *self.coordinate_rows_latex(),
        )
