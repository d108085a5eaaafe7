"""Expected runtime on scenarios in the blocks: a linear program, or a MILP in whole blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgcopt.formulations.latex import program
from cgcopt.formulations.runtime import RuntimeFormulation
from cgcopt.formulations.scipy_program import LinearProgram, block_row

__all__ = ["RuntimePartition"]

FloatArray = NDArray[np.float64]

_PYOMO_DOC = "Expected runtime of block coordinate gradient coding on scenarios, {form} form."


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

    def to_cvxpy(self) -> Any:
        """Return a ``cvxpy.Problem``; its parameter ``L`` holds the budget and may be changed."""
        import cvxpy as cp

        K, N = self.rounds, self.workers
        L = cp.Parameter(name="L", value=self.budget)
        x = cp.Variable(N, name="x", integer=self.integer)
        w = cp.Variable(N, name="w")
        theta = cp.Variable(K, name="theta")
        runtimes = cp.multiply(self.times, cp.reshape(w, (1, N), order="C"))
        constraints = [
            (x >= 0).set_label("sign"),
            (cp.sum(x) == L).set_label("budget"),
            (w == cp.cumsum(cp.multiply(self.redundancy, x))).set_label("work"),
            (cp.reshape(theta, (K, 1), order="C") >= runtimes).set_label("runtime"),
        ]
        return cp.Problem(cp.Minimize(cp.sum(theta)), constraints)

    def to_pyomo(self) -> Any:
        """Return a ``pyomo.environ.ConcreteModel``."""
        import pyomo.environ as pyo

        T = self.times
        m = pyo.ConcreteModel("expected runtime", doc=_PYOMO_DOC.format(form=self.form))
        m.N = pyo.RangeSet(0, self.workers - 1, doc="redundancy levels")
        m.K = pyo.RangeSet(0, self.rounds - 1, doc="scenarios")
        kind = pyo.NonNegativeIntegers if self.integer else pyo.NonNegativeReals
        m.x = pyo.Var(m.N, domain=kind, doc="coordinates at every level")
        m.w = pyo.Var(m.N, domain=pyo.NonNegativeReals, doc="cumulative work up to every level")
        m.theta = pyo.Var(m.K, domain=pyo.NonNegativeReals, doc="runtime of every scenario")
        m.total = pyo.Objective(expr=pyo.quicksum(m.theta[k] for k in m.K), sense=pyo.minimize)
        m.budget = pyo.Constraint(expr=pyo.quicksum(m.x[n] for n in m.N) == self.budget)

        @m.Constraint(m.N, doc="a coordinate of level n costs n+1 units of work")
        def work(m: Any, n: int) -> Any:
            before = m.w[n - 1] if n else 0.0
            return m.w[n] == before + (n + 1) * m.x[n]

        @m.Constraint(m.K, m.N, doc="a round ends when its slowest level does")
        def runtime(m: Any, k: int, n: int) -> Any:
            return m.theta[k] >= float(T[k, n]) * m.w[n]

        return m

    def to_scipy(self) -> LinearProgram:
        """Return the program for :func:`scipy.optimize.milp` and ``linprog``."""
        from scipy import sparse
        from scipy.optimize import Bounds, LinearConstraint

        K, N = self.rounds, self.workers
        one = sparse.eye_array(N)
        step = one - sparse.eye_array(N, k=-1)
        every_level = sparse.kron(sparse.eye_array(K), np.ones((N, 1)))
        work = sparse.diags_array(self.times.ravel()) @ sparse.kron(np.ones((K, 1)), one)
        rows: dict[str, tuple[list[Any], Any, Any]] = {
            "budget": ([np.ones((1, N)), None, None], self.budget, self.budget),
            "work": ([-sparse.diags_array(self.redundancy), step, None], 0.0, 0.0),
            "runtime": ([None, -work, every_level], 0.0, np.inf),
        }
        return LinearProgram(
            c=np.concatenate([np.zeros(2 * N), np.ones(K)]),
            integrality=np.concatenate([np.full(N, float(self.integer)), np.zeros(N + K)]),
            bounds=Bounds(np.zeros(2 * N + K), np.full(2 * N + K, np.inf)),
            constraints={
                name: LinearConstraint(block_row(blocks, (N, N, K)), lower, upper)
                for name, (blocks, lower, upper) in rows.items()
            },
        )

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

    def latex(self) -> str:
        """Return the mathematics of the model as a LaTeX ``align`` environment."""
        return program(
            r"\min_{x, w, \theta} \quad & \frac{1}{K} \sum_{k} \theta_k",
            r"& \theta_k \geq u\, T^k_{(N-n)}\, w_n && \forall k, n",
            r"& w_n = w_{n-1} + (n+1)\, x_n && \forall n",
            r"& \textstyle\sum_n x_n = L",
            rf"& x \in {self.domain}",
        )
