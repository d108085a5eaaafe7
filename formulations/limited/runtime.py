"""Expected runtime on scenarios within limits, or with costs: a linear or mixed-integer program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cgcopt.arrays import IntArray
from cgcopt.formulations.highs_model import HighsModel, before
from cgcopt.formulations.latex import program
from cgcopt.formulations.limited.rows import add_ends, add_used_levels
from cgcopt.formulations.limited.within import Within
from cgcopt.formulations.models.parameters import add_pyomo_parameters, cvxpy_parameters
from cgcopt.formulations.scipy_program import LinearProgram, Rows, linear_program

__all__ = ["RuntimeWithin"]


@dataclass(frozen=True, eq=False)
class ScipyParts:
    """A program of scipy that is being written, for those who add the scenarios.

    Attributes
    ----------
    rows : dict
        Rows by name.
    whole : list of str
        Variables in whole numbers.
    upper : dict
        Upper bounds by variable.
    every_level : sparse array, shape (K N, K)
        Repeats a number of a scenario at all levels.
    reached : dict
        Blocks of the rows that say when a level is reached in a scenario, by variable.
    """

    rows: Rows
    whole: list[str]
    upper: dict[str, Any]
    every_level: Any
    reached: dict[str, Any]


class RuntimeWithin(Within):
    r"""``min (1/K) sum_k theta_k``, ``theta_k >= u T^k_(N-n) w_n + beta X_n + gamma K_n``.

    Variables ``x`` (coordinates at every level), ``omega`` (cumulative work ``w`` in units of
    :attr:`coordinate_scale`), ``z`` (1 where a level is used), ``delay`` (sending up to a level) and
    ``theta`` (runtime of every scenario without the start-up), the last two in units of
    :attr:`runtime_scale`; with boundaries also ``end``, 1 where the blocks up to a level end at a
    boundary. A block of a level that may not be used is fixed at 0.

    ``z`` and ``end`` are whole numbers in both forms; without a limit or a price on the number of
    blocks, and without boundaries, ``z`` stays out, and the relaxed form is a linear program.
    """

    # -- languages ------------------------------------------------------------------------------

    def to_cvxpy(self) -> Any:
        """Return a ``cvxpy.Problem`` with :attr:`parameters`."""
        import cvxpy as cp

        N, U = self.workers, self.coordinate_scale
        given: Mapping[str, Any] = cvxpy_parameters(self.parameters)
        step = np.eye(N) - np.eye(N, k=-1)
        x = cp.Variable(N, name="x", integer=self.integer)
        omega, delay = cp.Variable(N, name="omega"), cp.Variable(N, name="delay")
        z = cp.Variable(N, name="z", boolean=True) if self.counted else None
        sent = given["per_coordinate"] / U * x
        if z is not None:
            sent = sent + given["per_message"] * z
        reached = cp.multiply(self.times, cp.reshape(omega, (1, N), order="C"))
        reached = reached + cp.reshape(delay, (1, N), order="C")
        rows = [
            (cp.sum(x) / U == given["L"] / U).set_label("budget"),
            (cp.multiply(self.coordinate_work, x) == step @ omega).set_label("work"),
            (sent == step @ delay).set_label("sending"),
            (x >= 0).set_label("nonnegative"),
            (x / U <= given["largest"] / U).set_label("allowed"),
        ]
        found = {"omega": omega, "delay": delay}
        objective, rows_of_rounds = self._cvxpy_rounds(found, reached, given)
        rows += rows_of_rounds
        if z is not None:
            rows += [
                (x / U <= given["L"] / U * z).set_label("used"),
                (x / U >= given["least_block"] * z).set_label("least"),
                (cp.sum(z) <= given["most_blocks"]).set_label("blocks"),
            ]
        if self.ends is not None:
            end = cp.Variable((N, self.ends.size), name="end", boolean=True)
            rows += [
                (cp.sum(end, axis=1) == 1).set_label("one_end"),
                (np.tril(np.ones((N, N))) @ x / U == end @ given["boundaries"]).set_label(
                    "boundary"
                ),
            ]
        return cp.Problem(objective, rows)

    def _cvxpy_rounds(
        self, found: dict[str, Any], reached: Any, given: Mapping[str, Any]
    ) -> tuple[Any, list[Any]]:
        """The objective, and the rows of the scenarios, of what every level takes."""
        import cvxpy as cp

        theta = found["theta"] = cp.Variable(self.rounds, name="theta")
        row = cp.reshape(theta, (self.rounds, 1), order="C") >= reached
        return cp.Minimize(cp.sum(theta)), [row.set_label("runtime")]

    def to_pyomo(self) -> Any:
        """Return a ``pyomo.environ.ConcreteModel`` with mutable :attr:`parameters`."""
        import pyomo.environ as pyo

        U = self.coordinate_scale
        m = pyo.ConcreteModel("expected runtime within limits")
        m.N = pyo.RangeSet(0, self.workers - 1, doc="redundancy levels")
        m.K = pyo.RangeSet(0, self.rounds - 1, doc="scenarios")
        add_pyomo_parameters(m, self.parameters, self.documented)
        kind = pyo.NonNegativeIntegers if self.integer else pyo.NonNegativeReals
        m.x = pyo.Var(m.N, domain=kind, doc="coordinates at every level")
        m.omega = pyo.Var(m.N, domain=pyo.NonNegativeReals, doc="cumulative work, scaled")
        m.delay = pyo.Var(m.N, domain=pyo.NonNegativeReals, doc="sending up to a level, scaled")
        m.budget = pyo.Constraint(expr=pyo.quicksum(m.x[n] for n in m.N) / U == m.L / U)
        if self.counted:
            m.z = pyo.Var(m.N, domain=pyo.Binary, doc="whether a level is used")
            m.blocks = pyo.Constraint(expr=pyo.quicksum(m.z[n] for n in m.N) <= m.most_blocks)
            m.used = pyo.Constraint(m.N, rule=lambda m, n: m.x[n] / U <= m.L / U * m.z[n])
            m.least = pyo.Constraint(m.N, rule=lambda m, n: m.x[n] / U >= m.least_block * m.z[n])
        for n in m.N:
            m.x[n].setub(m.largest[n])

        @m.Constraint(m.N, doc="a coordinate of level n costs n+1 units of work")
        def work(m: Any, n: int) -> Any:
            return (n + 1) / U * m.x[n] == m.omega[n] - (m.omega[n - 1] if n else 0.0)

        @m.Constraint(m.N, doc="coordinates and messages are sent")
        def sending(m: Any, n: int) -> Any:
            messages = m.per_message * m.z[n] if self.counted else 0.0
            earlier = m.delay[n - 1] if n else 0.0
            return m.per_coordinate / U * m.x[n] + messages == m.delay[n] - earlier

        self._pyomo_rounds(m)
        if self.ends is not None:
            m.P = pyo.RangeSet(0, self.ends.size - 1, doc="boundaries")
            m.end = pyo.Var(m.N, m.P, domain=pyo.Binary, doc="where the blocks up to a level end")
            m.one_end = pyo.Constraint(
                m.N, rule=lambda m, n: pyo.quicksum(m.end[n, p] for p in m.P) == 1
            )
            m.boundary = pyo.Constraint(
                m.N,
                rule=lambda m, n: (
                    pyo.quicksum(m.x[i] for i in range(n + 1)) / U
                    == pyo.quicksum(m.boundaries[p] * m.end[n, p] for p in m.P)
                ),
            )
        return m

    def _pyomo_rounds(self, m: Any) -> None:
        """Write the objective and the rows of the scenarios."""
        import pyomo.environ as pyo

        T = self.times
        m.theta = pyo.Var(m.K, domain=pyo.NonNegativeReals, doc="runtime of every scenario, scaled")
        m.total = pyo.Objective(expr=pyo.quicksum(m.theta[k] for k in m.K), sense=pyo.minimize)

        @m.Constraint(m.K, m.N, doc="a round ends when its slowest level does")
        def runtime(m: Any, k: int, n: int) -> Any:
            return m.theta[k] >= float(T[k, n]) * m.omega[n] + m.delay[n]

    def to_scipy(self) -> LinearProgram:
        """Return the program for :func:`scipy.optimize.milp` and ``linprog``."""
        from scipy import sparse

        K, N, U, total = self.rounds, self.workers, self.coordinate_scale, self.budget_units
        one, ones = sparse.eye_array(N), np.ones((1, N))
        step = one - sparse.eye_array(N, k=-1)
        every_level = sparse.kron(sparse.eye_array(K), np.ones((N, 1)))
        every_round = sparse.kron(np.ones((K, 1)), one)
        runtimes = sparse.diags_array(self.times.ravel()) @ every_round
        sending = {"delay": step, "x": -self.per_unit / U * one}
        rows: Rows = {
            "budget": ({"x": ones / U}, total, total),
            "work": ({"omega": -step, "x": sparse.diags_array(self.coordinate_work)}, 0.0, 0.0),
            "sending": (sending, 0.0, 0.0),
        }
        whole = ["x"] if self.integer else []
        upper: dict[str, Any] = {"x": total * U * self.allowed}
        reached = {"omega": runtimes, "delay": every_round}
        sign = self._scipy_rounds(ScipyParts(rows, whole, upper, every_level, reached))
        if self.counted:
            sending["z"] = -self.per_message * one
            rows["used"] = ({"x": one / U, "z": -total * one}, -np.inf, 0.0)
            rows["least"] = ({"x": one / U, "z": -self.least * one}, 0.0, np.inf)
            rows["blocks"] = ({"z": ones}, -np.inf, float(self.most))
            whole.append("z")
            upper["z"] = 1.0
        if self.ends is not None:
            each = sparse.kron(one, np.ones((1, self.ends.size)))
            at = sparse.kron(one, self.ends[None, :])
            rows["one_end"] = ({"end": each}, 1.0, 1.0)
            rows["boundary"] = ({"x": np.tril(np.ones((N, N))) / U, "end": -at}, 0.0, 0.0)
            whole.append("end")
            upper["end"] = 1.0
        return linear_program(
            self.variables, rows, cost=self.cost, sign=sign, upper=upper, integer=whole
        )

    def _scipy_rounds(self, given: ScipyParts) -> float:
        """Write the rows of the scenarios; return the sign of the objective."""
        less = {name: -block for name, block in given.reached.items()}
        given.rows["runtime"] = ({"theta": given.every_level, **less}, 0.0, np.inf)
        return 1.0

    def fill(self, model: HighsModel) -> dict[str, IntArray]:
        """Write the columns and rows into a model; return the columns by name."""
        N, U, total = self.workers, self.coordinate_scale, self.budget_units
        x = model.columns("x", (N,), upper=total * U * self.allowed, integer=self.integer)
        omega, delay = model.columns("omega", (N,)), model.columns("delay", (N,))
        found = {"x": x, "omega": omega, "delay": delay}
        model.rows("budget", (), [(1.0 / U, x)], lower=total, upper=total)
        less, previous = before(omega)
        work = [(self.coordinate_work, x), (-1.0, omega), (-less, previous)]
        model.rows("work", (N,), work, lower=0.0, upper=0.0)
        found |= self._fill_rounds(model, found)
        less, previous = before(delay)
        sending = [(1.0, delay), (less, previous), (-self.per_unit / U, x)]
        if self.counted:
            most, least = float(self.most), self.least
            z = add_used_levels(model, "z", x, unit=U, largest=total, least=least, most=most)
            found["z"] = z
            sending.append((-self.per_message, z))
        model.rows("sending", (N,), sending, lower=0.0, upper=0.0)
        if self.ends is not None:
            found["end"] = add_ends(model, x, self.ends, unit=U)
        return found

    def _fill_rounds(self, model: HighsModel, found: Mapping[str, IntArray]) -> dict[str, IntArray]:
        """Write the columns and rows of the scenarios; return the columns by name."""
        theta = model.columns("theta", (self.rounds,), cost=self.cost.get("theta", 0.0))
        reached = [(1.0, theta[:, None]), (-self.times, found["omega"]), (-1.0, found["delay"])]
        model.rows("runtime", (self.rounds, self.workers), reached, lower=0.0)
        return {"theta": theta}

    def to_highspy(self) -> Any:
        """Return a ``highspy.Highs`` holding the model, with named columns and rows."""
        model = HighsModel()
        self.fill(model)
        return model.build(maximize=self.counts_rounds)

    def latex(self) -> str:
        """Return the mathematics of the model as a LaTeX ``align`` environment."""
        limits = self.problem.limits
        objective, *rounds = self._latex_rounds()
        rows = [
            *rounds,
            r"& w_n = w_{n-1} + (n+1)\, x_n && \forall n",
            r"& \textstyle\sum_n x_n = L",
        ]
        if not self.allowed.all():
            rows.append(r"& x_n = 0 && \forall n \text{ not allowed}")
        if self.counted:
            least = rf"{limits.least:g} L z_n \leq " if limits.least else ""
            rows.append(rf"& {least}x_n \leq L z_n, \quad z_n \in \{{0, 1\}} && \forall n")
        if limits.blocks is not None:
            rows.append(rf"& \textstyle\sum_n z_n \leq {limits.blocks}")
        if self.ends is not None:
            rows.append(r"& \textstyle\sum_{i \leq n} x_i = \sum_p b_p\, e_{n,p} && \forall n")
            rows.append(
                r"& \textstyle\sum_p e_{n,p} = 1, \quad e_{n,p} \in \{0, 1\} && \forall n, p"
            )
        rows.append(rf"& x \in {self.domain}")
        return program(objective, *rows)

    def _latex_rounds(self) -> tuple[str, ...]:
        """The objective, and what binds the scenarios."""
        startup = r"\sigma + " if self.problem.system.costs.startup else ""
        objective = rf"\min_{{x, w, \theta}} \quad & {startup}\frac{{1}}{{K}} \sum_{{k}} \theta_k"
        return objective, rf"& \theta_k \geq {self._latex_reached} && \forall k, n"

    @property
    def _latex_reached(self) -> str:
        """What a level takes in a scenario."""
        costs = self.problem.system.costs
        terms = [
            r"u\, T^k_{(N-n)}\, w_n",
            *([r"\beta \textstyle\sum_{i \leq n} x_i"] if costs.per_coordinate else []),
            *([r"\gamma \textstyle\sum_{i \leq n} z_i"] if costs.per_message else []),
        ]
        return " + ".join(terms)
