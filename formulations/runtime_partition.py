"""Expected runtime on scenarios in the blocks: a linear program, or a MILP in whole blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from cgcopt.arrays import IntArray
from cgcopt.evaluation.certificates import partition_gradient
from cgcopt.evaluation.prices import Prices
from cgcopt.formulations.highs_model import HighsModel, before
from cgcopt.formulations.latex import program
from cgcopt.formulations.models.duals import read_duals
from cgcopt.formulations.runtime import RuntimeFormulation
from cgcopt.formulations.scipy_program import LinearProgram, Rows, linear_program
from cgcopt.problem import Problem

__all__ = ["RuntimePartition"]

_PYOMO_DOC = "Expected runtime of block coordinate gradient coding on scenarios, {form} form."


class RuntimePartition(RuntimeFormulation):
    r"""``min (1/K) sum_k theta_k`` subject to ``theta_k >= u T^k_(N-n) w_n`` for all ``k, n``.

    Variables ``x`` (coordinates at every level), ``omega`` (cumulative work ``w`` in units of
    :attr:`coordinate_scale`) and ``theta`` (runtime of every scenario in units of
    :attr:`runtime_scale`).  The runtime rows are written with the work and have two entries each;
    with ``x`` they would have ``n + 2``.

    The sample average of arXiv 2206.02450, Problems 2 and 3.
    """

    @property
    def variables(self) -> Mapping[str, tuple[int, ...]]:
        """``x`` and ``omega`` of shape ``(N,)``, ``theta`` of shape ``(K,)``."""
        n = self.workers
        return {"x": (n,), "omega": (n,), "theta": (self.rounds,)}

    @property
    def cost(self) -> Mapping[str, float]:
        """Coefficient of the objective for the entries of every variable that has one."""
        return {"theta": 1.0}

    @property
    def whole(self) -> tuple[str, ...]:
        """Variables in whole numbers."""
        return ("x",) if self.integer else ()

    @property
    def upper_bounds(self) -> Mapping[str, float]:
        """Upper bounds by variable, where there are any."""
        return {}

    def prices(self, model: Any) -> Prices:
        r"""Return the price of the budget and the reduced costs, from the multipliers of the rows.

        With ``m_{k,n}`` those of the rows ``runtime``, ``dE/dx_i = (i+1) sum_{n>=i} sum_k m_{k,n} u
        T^k_(N-n)``; ``lambda`` is the multiplier of the row ``budget``.
        A pyomo model is to have been given ``model.dual = Suffix(direction=Suffix.IMPORT)`` before
        it was solved.
        """
        if not self.linear:
            return super().prices(model)
        x = self.design(model).partition
        duals = read_duals(model, {"budget": (), "runtime": (self.rounds, self.workers)})
        per_level = (duals["runtime"] * self.times).sum(axis=0)
        seconds = self.objective_scale / self.coordinate_scale
        budget = float(duals["budget"]) * seconds
        return Prices(budget, partition_gradient(per_level) * seconds, x)

    changeable: ClassVar[tuple[str, ...]] = ("coordinates",)

    def moved(self, model: Any, problem: Problem, at_least: int) -> Self:
        """Change the budget ``L`` of a model."""
        return self.updated(model, problem)

    def to_cvxpy(self) -> Any:
        """Return a ``cvxpy.Problem``; its parameter ``L`` holds the budget and may be changed."""
        import cvxpy as cp

        K, N, U = self.rounds, self.workers, self.coordinate_scale
        L = cp.Parameter(name="L", value=self.problem.system.coordinates)
        step = np.eye(N) - np.eye(N, k=-1)
        x = cp.Variable(N, name="x", integer=self.integer)
        omega = cp.Variable(N, name="omega", nonneg=True)
        theta = cp.Variable(K, name="theta")
        runtimes = cp.multiply(self.times, cp.reshape(omega, (1, N), order="C"))
        constraints = [
            (self.budget_weights @ omega == L / U).set_label("budget"),
            (cp.multiply(self.coordinate_work, x) == step @ omega).set_label("work"),
            (step @ omega >= 0).set_label("rising"),
            (cp.reshape(theta, (K, 1), order="C") >= runtimes).set_label("runtime"),
        ]
        return cp.Problem(cp.Minimize(cp.sum(theta)), constraints)

    def to_pyomo(self) -> Any:
        """Return a ``pyomo.environ.ConcreteModel``; its parameter ``L`` may be changed."""
        import pyomo.environ as pyo

        T = self.times
        m = pyo.ConcreteModel("expected runtime", doc=_PYOMO_DOC.format(form=self.form))
        m.N = pyo.RangeSet(0, self.workers - 1, doc="redundancy levels")
        m.K = pyo.RangeSet(0, self.rounds - 1, doc="scenarios")
        m.L = pyo.Param(initialize=self.problem.system.coordinates, mutable=True, doc="coordinates")
        self.add_pyomo_work(m)
        m.theta = pyo.Var(m.K, domain=pyo.NonNegativeReals, doc="runtime of every scenario, scaled")
        m.total = pyo.Objective(expr=pyo.quicksum(m.theta[k] for k in m.K), sense=pyo.minimize)

        @m.Constraint(m.K, m.N, doc="a round ends when its slowest level does")
        def runtime(m: Any, k: int, n: int) -> Any:
            return m.theta[k] >= float(T[k, n]) * m.omega[n]

        return m

    def scipy_rows(self) -> Rows:
        """Blocks of the rows by variable, with their sides."""
        from scipy import sparse

        K, N = self.rounds, self.workers
        one = sparse.eye_array(N)
        step = one - sparse.eye_array(N, k=-1)
        every_level = sparse.kron(sparse.eye_array(K), np.ones((N, 1)))
        runtimes = sparse.diags_array(self.times.ravel()) @ sparse.kron(np.ones((K, 1)), one)
        costs = sparse.diags_array(self.coordinate_work)
        return {
            "budget": ({"omega": self.budget_weights[None, :]}, self.budget, self.budget),
            "work": ({"omega": -step, "x": costs}, 0.0, 0.0),
            "rising": ({"omega": step}, 0.0, np.inf),
            "runtime": ({"theta": every_level, "omega": -runtimes}, 0.0, np.inf),
        }

    def to_scipy(self) -> LinearProgram:
        """Return the program for :func:`scipy.optimize.milp` and ``linprog``."""
        return linear_program(
            self.variables,
            self.scipy_rows(),
            cost=self.cost,
            lower={"x": self.least_block},
            upper=self.upper_bounds,
            integer=self.whole,
        )

    def fill(self, model: HighsModel) -> dict[str, IntArray]:
        """Write the columns and rows into a model; return the columns by name."""
        K, N, T = self.rounds, self.workers, self.times
        x = model.columns("x", (N,), lower=self.least_block, integer=self.integer)
        omega = model.columns("omega", (N,))
        theta = model.columns("theta", (K,), cost=self.cost.get("theta", 0.0))
        found = {"x": x, "omega": omega, "theta": theta}
        found |= self.fill_more(model, found)
        total = [(self.budget_weights, omega)]
        model.rows("budget", (), total, lower=self.budget, upper=self.budget)
        less, previous = before(omega)
        work = [(self.coordinate_work, x), (-1.0, omega), (-less, previous)]
        model.rows("work", (N,), work, lower=0.0, upper=0.0)
        model.rows("rising", (N,), [(1.0, omega), (less, previous)], lower=0.0)
        model.rows("runtime", (K, N), [(1.0, theta[:, None]), (-T, omega)], lower=0.0)
        return found

    def fill_more(self, model: HighsModel, found: Mapping[str, IntArray]) -> dict[str, IntArray]:
        """Write further columns and rows on those found by name; return the new columns by name."""
        return {}

    def to_highspy(self) -> Any:
        """Return a ``highspy.Highs`` holding the model, with named columns and rows."""
        model = HighsModel()
        self.fill(model)
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
