"""Completion probability on scenarios within limits, or with costs: a mixed-integer program."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import Design, work_of_partition
from cgcopt.evaluation.rounds.runtimes import round_runtimes
from cgcopt.formulations.base import Point
from cgcopt.formulations.highs_model import HighsModel
from cgcopt.formulations.limited.runtime import RuntimeWithin, ScipyParts
from cgcopt.formulations.models.parameters import HighsRows
from cgcopt.formulations.probability import moved_towards

__all__ = ["ProbabilityWithin"]

#: A dual bound this much below a whole number of scenarios may be that number.
_SURPLUS = 1e-5


class ProbabilityWithin(RuntimeWithin):
    r"""``max sum_k y_k``, ``u T^k_(N-n) w_n + beta X_n + gamma K_n <= t - sigma`` where ``y_k = 1``.

    The variables of :class:`~cgcopt.formulations.limited.runtime.RuntimeWithin`, with a binary ``y_k`` in
    place of ``theta_k``. A scenario that is not met lifts its rows by the largest amount by which any
    design misses them.
    """

    counts_rounds: ClassVar[bool] = True
    changeable: ClassVar[tuple[str, ...]] = ("deadline", "coordinates", "costs", "limits")

    @property
    def of_rounds(self) -> Mapping[str, tuple[int, ...]]:
        """Name and shape of the variables of the scenarios."""
        return {"y": (self.rounds,)}

    @property
    def cost(self) -> Mapping[str, float]:
        """Coefficients of the objective: one for every scenario."""
        return {"y": 1.0}

    @property
    def deadline(self) -> float:
        """Seconds."""
        (deadline,) = self.problem.objective.parameters
        return float(deadline)

    @property
    def room(self) -> float:
        """What is left of the deadline after the start-up, in units of :attr:`runtime_scale`."""
        return (self.deadline - self.problem.system.costs.startup) / self.runtime_scale

    @cached_property
    def lift(self) -> FloatArray:
        """By how much a design can miss a row at most, shape ``(K, N)``, at least 0."""
        total = self.budget_units
        longest = self.times * (total * np.arange(1.0, self.workers + 1.0))
        longest = longest + self.per_unit * total + self.per_message * self.most
        return np.asarray(np.maximum(longest - self.room, 0.0))

    @property
    def linear(self) -> bool:
        """Whether the model has no integer variables: never."""
        return False

    def value(self, objective: float) -> float:
        """Convert ``sum_k y_k`` to the share of scenarios met."""
        return objective / self.rounds

    def bound(self, dual_bound: float) -> float:
        """Convert a dual bound on ``sum_k y_k``, a whole number, to one on the share."""
        return min(math.floor(dual_bound + _SURPLUS) / self.rounds, 1.0)

    def _recourse(self, design: Design) -> dict[str, FloatArray]:
        point = super()._recourse(design)
        del point["theta"]
        met = round_runtimes(self.problem.system, design.work) <= self.deadline
        return {**point, "y": met.astype(np.float64)}

    def partition(self, point: Point) -> FloatArray:
        """Return the partition of a point; in real numbers one that meets what the point says is met.

        An optimal point touches the deadline, and lies beyond it by the solver's tolerance.
        """
        given = super().partition(point)
        if self.integer or self.ends is not None or "y" not in point:
            return given
        met = np.asarray(point["y"]) > 0.5

        def in_time(x: FloatArray) -> bool:
            ends = round_runtimes(self.problem.system, work_of_partition(x))
            return bool((ends[met] <= self.deadline).all())

        if in_time(np.maximum(given, 0.0)):
            return given
        inside = self._inside(np.flatnonzero(given > 0.0), self.times[met].max(axis=0))
        return given if inside is None else moved_towards(given, inside, in_time)

    def _inside(self, levels: IntArray, slowest: FloatArray) -> FloatArray | None:
        """The partition on these levels that keeps the largest distance from the deadline."""
        from scipy.optimize import linprog

        earlier = levels[None, :] <= levels[:, None]
        rows = earlier * (slowest[levels, None] * (levels + 1.0) + self.per_unit)
        messages = self.per_message * np.arange(1.0, levels.size + 1)
        # One more variable: the distance, which every row takes from the room.
        found: Any = linprog(
            np.append(np.zeros(levels.size), -1.0),
            A_ub=np.column_stack([rows, np.ones(levels.size)]),
            b_ub=self.room - messages,
            A_eq=np.append(np.ones(levels.size), 0.0)[None, :],
            b_eq=[self.budget_units],
            bounds=[(self.least if self.counted else 0.0, None)] * levels.size + [(0.0, None)],
            method="highs",
        )
        if found.x is None:
            return None
        x = np.zeros(self.workers)
        x[levels] = found.x[:-1] * self.coordinate_scale
        return x

    @property
    def parameters(self) -> dict[str, FloatArray]:
        """Parameters of limits and costs, and the room that the deadline leaves."""
        return {**super().parameters, "room": np.asarray(self.room), "lift": self.lift}

    def set_highs(self, rows: HighsRows) -> None:
        """Set what the parameters stand for in a model of HiGHS."""
        super().set_highs(rows)
        K, N = self.rounds, self.workers
        rows.sides("met", (K, N), -np.inf, self.room + self.lift)
        for k, n in np.ndindex(K, N):
            rows.entry(("met", k, n), ("y", k), float(self.lift[k, n]))

    def _cvxpy_rounds(
        self, found: dict[str, Any], reached: Any, given: Mapping[str, Any]
    ) -> tuple[Any, list[Any]]:
        import cvxpy as cp

        y = cp.Variable(self.rounds, name="y", boolean=True)
        met = cp.reshape(y, (self.rounds, 1), order="C") @ np.ones((1, self.workers))
        row = reached + cp.multiply(given["lift"], met) <= given["room"] + given["lift"]
        return cp.Maximize(cp.sum(y)), [row.set_label("met")]

    def _pyomo_rounds(self, m: Any) -> None:
        import pyomo.environ as pyo

        T = self.times.tolist()
        m.y = pyo.Var(m.K, domain=pyo.Binary, doc="whether a scenario is met")
        m.total = pyo.Objective(expr=pyo.quicksum(m.y[k] for k in m.K), sense=pyo.maximize)

        @m.Constraint(m.K, m.N, doc="a scenario that is met ends by the deadline")
        def met(m: Any, k: int, n: int) -> Any:
            reached = T[k][n] * m.omega[n] + m.delay[n]
            return reached + m.lift[k, n] * m.y[k] <= m.room + m.lift[k, n]

    def _scipy_rounds(self, given: ScipyParts) -> float:
        from scipy import sparse

        lift = self.lift.ravel()
        met = sparse.diags_array(lift) @ given.every_level
        given.rows["met"] = ({**given.reached, "y": met}, -np.inf, self.room + lift)
        given.whole.append("y")
        given.upper["y"] = 1.0
        return -1.0

    def _fill_rounds(self, model: HighsModel, found: Mapping[str, IntArray]) -> dict[str, IntArray]:
        y = model.columns("y", (self.rounds,), upper=1.0, cost=1.0, integer=True)
        reached = [(self.times, found["omega"]), (1.0, found["delay"]), (self.lift, y[:, None])]
        model.rows("met", (self.rounds, self.workers), reached, upper=self.room + self.lift)
        return {"y": y}

    def _latex_rounds(self) -> tuple[str, ...]:
        startup = r" - \sigma" if self.problem.system.costs.startup else ""
        row = rf"& {self._latex_reached} \leq t{startup} + M_{{k,n}} (1 - y_k) && \forall k, n"
        objective = r"\max_{x, w, y} \quad & \frac{1}{K} \sum_{k} y_k"
        return objective, row, r"& y_k \in \{0, 1\} && \forall k"
