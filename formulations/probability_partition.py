"""Completion probability on scenarios in the blocks: a MILP with mixing inequalities."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import Design, largest_remainder, straightened, work_of_partition
from cgcopt.errors import InvalidInputError
from cgcopt.formulations.base import Point
from cgcopt.formulations.highs_model import HighsModel, before
from cgcopt.formulations.latex import program
from cgcopt.formulations.models.parameters import (
    HighsRows,
    add_pyomo_parameters,
    cvxpy_parameters,
)
from cgcopt.formulations.probability import ProbabilityFormulation
from cgcopt.formulations.scipy_program import LinearProgram, Rows, linear_program
from cgcopt.problem import Form, Problem

__all__ = ["ProbabilityPartition"]

#: What the parameters are.
_DOC = {
    "L": "coordinates",
    "most": "most work of every level, scaled",
    "reachable": "1 where some design meets the scenario",
    "steps": "from the room of a scenario to the next one at a level, scaled",
    "late": "what a scenario that is met takes from the most work of a level, scaled",
}
_PYOMO_DOC = "Completion probability on scenarios, {form} form."


class ProbabilityPartition(ProbabilityFormulation):
    r"""``max (1/K) sum_k y_k``, ``w_n <= b_{k,n}`` for every level of a scenario that is met.

    Variables ``x`` (coordinates at every level), ``omega`` (cumulative work ``w`` in units of
    :attr:`coordinate_scale`) and binaries ``y``; ``b_{k,n}`` are the thresholds of the work, ``W_n``
    the most work that level ``n`` can hold, ``(n+1) L`` or a lower ceiling.

    - plain: ``w_n <= W_n - (W_n - b_{k,n}) y_k``, the tightest constant for every scenario;
    - strong: the thresholds of a level form a mixing set.  ``d_{k,n}`` in ``[0, 1]`` says that
      ``w_n`` keeps to the threshold of scenario ``k``; with the scenarios of a level in order of
      their thresholds, ``w_n <= W_n - sum_j (b_{j+1,n} - b_{j,n}) d_{j,n}``, ``d_{j,n} <=
      d_{j+1,n}`` and ``y_k <= d_{k,n}``.  This is as strong as all star (mixing) inequalities
      together (Luedtke, Ahmed, Nemhauser, Math. Program. 122, 2010, section 4).
    """

    @property
    def variables(self) -> Mapping[str, tuple[int, ...]]:
        """``x``, ``omega`` of shape ``(N,)``, ``y`` of ``(K,)``; if strong, ``d`` of ``(K, N)``."""
        K, N = self.rounds, self.workers
        shapes: dict[str, tuple[int, ...]] = {"x": (N,), "omega": (N,), "y": (K,)}
        return {**shapes, "d": (K, N)} if self.strong else shapes

    @property
    def most(self) -> FloatArray:
        """``W_n``, ``(n+1) L`` or the lower of the :attr:`ceilings`, scaled, shape ``(N,)``."""
        ceilings = self.ceilings / self.coordinate_scale
        return np.minimum(self.budget * self.redundancy, ceilings)

    @cached_property
    def room(self) -> FloatArray:
        """``b_{k,n}``, at most ``W_n``, scaled, shape ``(K, N)``."""
        return np.minimum(self.thresholds / self.coordinate_scale, self.most)

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """Scenarios in order of their thresholds at every level, shape ``(K, N)``."""
        return np.argsort(-self.times, axis=0, kind="stable")

    @cached_property
    def steps(self) -> FloatArray:
        """From the room of ``order[j, n]`` to the next one (or ``W_n``), shape ``(K, N)``."""
        ordered = np.take_along_axis(self.room, self.order, axis=0)
        return np.diff(ordered, axis=0, append=self.most[None, :])

    def _recourse(self, design: Design) -> dict[str, FloatArray]:
        recourse = super()._recourse(design)
        if not self.strong:
            return recourse
        # A scenario that is met keeps to its thresholds, whatever rounding says of a tie.
        keeps = design.work / self.coordinate_scale <= self.room
        keeps |= recourse["y"][:, None] > 0.5
        ordered = np.maximum.accumulate(np.take_along_axis(keeps, self.order, axis=0), axis=0)
        d = np.empty(keeps.shape)
        np.put_along_axis(d, self.order, ordered.astype(np.float64), axis=0)
        return {**recourse, "d": d}

    def partition(self, point: Point) -> FloatArray:
        """Return the partition ``x`` of a point in coordinates, shape ``(N,)``, unchecked.

        An optimal point touches thresholds, and lies beyond them by the solver's tolerance or by
        what rounding to whole numbers costs.  A design that meets all scenarios with ``y_k = 1`` is
        then put in its place where there is one.
        """
        given = super().partition(point)
        met = np.asarray(point["y"]) > 0.5
        L = self.problem.system.coordinates
        try:
            x = straightened(given, self.workers, L)
        except InvalidInputError:  # of another budget, or for the caller to refuse
            return given
        # A point that misses the budget by tolerance meets what its design may not.
        at_hand = x if self.form is Form.RELAXED else largest_remainder(x, L)
        if not met.any() or self._met(work_of_partition(at_hand))[met].all():
            return at_hand
        return self.moved_within(x, met)

    @property
    def parameters(self) -> dict[str, FloatArray]:
        """Values of the parameters: ``L``, ``W_n``, who is in reach, and what the deadline leaves.

        The thresholds keep their order along the scenarios, whatever the deadline: only numbers
        change.  ``steps`` are those of the strong model, ``late`` is ``W_n - b_{k,n}`` of the plain one.
        """
        room = {"steps": self.steps} if self.strong else {"late": self.most - self.room}
        reachable = self.reachable.astype(np.float64)
        return {**super().parameters, "most": self.most, "reachable": reachable, **room}

    changeable = ("deadline", "coordinates")

    def moved(self, model: Any, problem: Problem, at_least: int) -> Self:
        """Change the deadline or the budget ``L`` of a model."""
        return self.updated(model, problem, at_least=at_least)

    def set_highs(self, rows: HighsRows) -> None:
        """Set what the parameters stand for in a model of HiGHS, in the rows that it has."""
        super().set_highs(rows)
        K, N, most = self.rounds, self.workers, self.most
        rows.bounds("omega", (N,), 0.0, most)
        rows.bounds("y", (K,), 0.0, self.reachable)
        if self.strong:
            rows.sides("mixing", (N,), -np.inf, most)
            for j, n in np.ndindex(K, N):
                column = ("d", int(self.order[j, n]), n)
                rows.entry(("mixing", n), column, float(self.steps[j, n]))
            return
        if not rows.holds("met", 0, 0):
            return
        rows.sides("met", (K, N), -np.inf, most)
        late = most - self.room
        for k, n in np.ndindex(K, N):
            rows.entry(("met", k, n), ("y", k), float(late[k, n]))

    def to_cvxpy(self) -> Any:
        """Return a ``cvxpy.Problem``, up to 5,000 numbers with :attr:`parameters`."""
        import cvxpy as cp

        K, N = self.rounds, self.workers
        values = cvxpy_parameters(self.parameters)
        most = values["most"]
        step = np.eye(N) - np.eye(N, k=-1)
        x = cp.Variable(N, name="x", integer=self.integer)
        omega = cp.Variable(N, name="omega", nonneg=True)
        y = cp.Variable(K, name="y", boolean=True)
        each = cp.reshape(y, (K, 1), order="C")
        constraints = [
            (self.budget_weights @ omega == values["L"] / self.coordinate_scale).set_label(
                "budget"
            ),
            (cp.multiply(self.coordinate_work, x) == step @ omega).set_label("work"),
            (step @ omega >= 0).set_label("rising"),
            (y <= values["reachable"]).set_label("reachable"),
        ]
        if not self.strong:
            late = cp.multiply(values["late"], each @ np.ones((1, N)))
            every = np.ones((K, 1)) @ cp.reshape(most - omega, (1, N), order="C")
            constraints.append((every >= late).set_label("met"))
            return cp.Problem(cp.Maximize(cp.sum(y)), constraints)
        d = cp.Variable((K, N), name="d", bounds=[0.0, 1.0])
        ordered = cp.vstack([d[self.order[:, n], n] for n in range(N)]).T
        mixed = cp.sum(cp.multiply(values["steps"], ordered), axis=0)
        constraints += [
            (omega <= most - mixed).set_label("mixing"),
            (each @ np.ones((1, N)) <= d).set_label("met"),
        ]
        if K > 1:
            constraints.append((cp.diff(ordered, axis=0) >= 0).set_label("nested"))
        return cp.Problem(cp.Maximize(cp.sum(y)), constraints)

    def to_pyomo(self) -> Any:
        """Return a ``pyomo.environ.ConcreteModel`` with mutable :attr:`parameters`."""
        import pyomo.environ as pyo

        m = pyo.ConcreteModel("completion probability", doc=_PYOMO_DOC.format(form=self.form))
        m.N = pyo.RangeSet(0, self.workers - 1, doc="redundancy levels")
        m.K = pyo.RangeSet(0, self.rounds - 1, doc="scenarios")
        add_pyomo_parameters(m, self.parameters, _DOC)
        self.add_pyomo_work(m)
        m.y = pyo.Var(m.K, domain=pyo.Binary, doc="whether a scenario is met")
        for k in m.K:
            m.y[k].setub(m.reachable[k])
        m.count = pyo.Objective(expr=pyo.quicksum(m.y[k] for k in m.K), sense=pyo.maximize)

        if not self.strong:

            def keeps(m: Any, k: int, n: int) -> Any:
                return m.omega[n] + m.late[k, n] * m.y[k] <= m.most[n]

            m.met = pyo.Constraint(
                m.K, m.N, rule=keeps, doc="a scenario that is met leaves this much room at level n"
            )
            return m
        m.d = pyo.Var(
            m.K, m.N, bounds=(0, 1), doc="whether level n keeps to the room of scenario k"
        )

        @m.Constraint(m.K, m.N, doc="a scenario is met if every level keeps to it")
        def met(m: Any, k: int, n: int) -> Any:
            return m.y[k] <= m.d[k, n]

        @m.Constraint(m.K, m.N, doc="who keeps to a scenario keeps to the next easier one")
        def nested(m: Any, j: int, n: int) -> Any:
            order = self.order[:, n]
            if j + 1 == order.size:
                return pyo.Constraint.Skip
            return m.d[int(order[j]), n] <= m.d[int(order[j + 1]), n]

        @m.Constraint(m.N, doc="the room is that of the hardest scenario that is kept to")
        def mixing(m: Any, n: int) -> Any:
            order = self.order[:, n]
            kept = pyo.quicksum(m.steps[j, n] * m.d[int(order[j]), n] for j in m.K)
            return m.omega[n] + kept <= m.most[n]

        return m

    def scipy_rows(self) -> Rows:
        """Blocks of the rows by variable, with their sides."""
        from scipy import sparse

        K, N, most = self.rounds, self.workers, self.most
        one = sparse.eye_array(N)
        step = one - sparse.eye_array(N, k=-1)
        each_level = sparse.kron(sparse.eye_array(K), np.ones((N, 1)))
        costs = sparse.diags_array(self.coordinate_work)
        rows: Rows = {
            "budget": ({"omega": self.budget_weights[None, :]}, self.budget, self.budget),
            "work": ({"omega": -step, "x": costs}, 0.0, 0.0),
            "rising": ({"omega": step}, 0.0, np.inf),
        }
        if not self.strong:
            late = sparse.diags_array((most - self.room).ravel()) @ each_level
            every = sparse.kron(np.ones((K, 1)), one)
            return {**rows, "met": ({"omega": every, "y": late}, -np.inf, np.tile(most, K))}
        # Row (j, n) of `pick` takes d of the scenario with the j-th threshold of level n.
        column = (self.order * N + np.arange(N)).ravel()
        pick = sparse.csr_array((np.ones(K * N), (np.arange(K * N), column)))
        mixing = sparse.hstack([sparse.diags_array(row) for row in self.steps]) @ pick
        rows["mixing"] = ({"omega": one, "d": mixing}, -np.inf, most)
        if K > 1:
            rows["nested"] = ({"d": pick[:-N] - pick[N:]}, -np.inf, 0.0)
        rows["met"] = ({"y": each_level, "d": -sparse.eye_array(K * N)}, -np.inf, 0.0)
        return rows

    @property
    def upper_bounds(self) -> dict[str, Any]:
        """Most of every variable that has a bound."""
        return {"omega": self.most, "y": self.reachable, "d": 1.0}

    def to_scipy(self) -> LinearProgram:
        """Return the program for :func:`scipy.optimize.milp`."""
        return linear_program(
            self.variables,
            self.scipy_rows(),
            cost={"y": 1.0},
            lower={"x": self.least_block},
            upper=self.upper_bounds,
            integer=("x", "y") if self.integer else ("y",),
            sign=-1.0,
        )

    def fill(self, model: HighsModel) -> dict[str, IntArray]:
        """Write the columns and rows into a model; return the columns by name."""
        K, N, most = self.rounds, self.workers, self.most
        x = model.columns("x", (N,), lower=self.least_block, integer=self.integer)
        omega = model.columns("omega", (N,), upper=most)
        y = model.columns("y", (K,), upper=self.reachable, cost=1.0, integer=True)
        total = [(self.budget_weights, omega)]
        model.rows("budget", (), total, lower=self.budget, upper=self.budget)
        less, previous = before(omega)
        work = [(self.coordinate_work, x), (-1.0, omega), (-less, previous)]
        model.rows("work", (N,), work, lower=0.0, upper=0.0)
        model.rows("rising", (N,), [(1.0, omega), (less, previous)], lower=0.0)
        if self.strong:
            d = model.columns("d", (K, N), upper=1.0)
            ordered = np.take_along_axis(d, self.order, axis=0)
            model.rows("mixing", (N,), [(1.0, omega), (self.steps.T, ordered.T)], upper=most)
            pairs = [(1.0, ordered[:-1]), (-1.0, ordered[1:])]
            model.rows("nested", (K - 1, N), pairs, upper=0.0)
            model.rows("met", (K, N), [(1.0, y[:, None]), (-1.0, d)], upper=0.0)
        else:
            late = [(1.0, omega[None, :]), (most - self.room, y[:, None])]
            model.rows("met", (K, N), late, upper=most)
        return {"x": x, "omega": omega, "y": y}

    def to_highspy(self) -> Any:
        """Return a ``highspy.Highs`` holding the model, with named columns and rows."""
        model = HighsModel()
        self.fill(model)
        return model.build(maximize=True)

    def room_latex(self) -> list[str]:
        """Rows that bound the work of a level, in LaTeX."""
        if not self.strong:
            return [r"& w_n \leq W_n - (W_n - b_{k,n})\, y_k && \forall k, n"]
        return [
            r"& w_n \leq W_n - \textstyle\sum_j (b_{[j+1],n} - b_{[j],n})\, d_{[j],n} "
            r"&& \forall n",
            r"& d_{[j],n} \leq d_{[j+1],n}, \quad y_k \leq d_{k,n} && \forall j, k, n",
        ]

    def latex(self) -> str:
        """Return the mathematics of the model as a LaTeX ``align`` environment."""
        whole = self.form is not Form.RELAXED
        room = r"t / (u\, T^k_{(N-n)})"
        room = rf"\lfloor {room} \rfloor" if whole else room
        return program(
            r"\max_{x, w, y} \quad & \frac{1}{K} \sum_{k} y_k",
            *self.room_latex(),
            r"& w_n = w_{n-1} + (n+1)\, x_n && \forall n",
            r"& \textstyle\sum_n x_n = L",
            rf"& x \in {self.domain}, \quad y \in \{{0,1\}}^K",
            rf"& b_{{k,n}} = {room}, "
            r"\quad W_n = (n+1) L",
        )
