"""Completion probability on scenarios within limits, or with costs: a mixed-integer program."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import Design
from cgcopt.evaluation.rounds.runtimes import round_runtimes
from cgcopt.formulations.highs_model import HighsModel
from cgcopt.formulations.runtime_within import RuntimeWithin
from cgcopt.formulations.scipy_program import Rows

__all__ = ["ProbabilityWithin"]

#: A dual bound this much below a whole number of scenarios may be that number.
_SURPLUS = 1e-5


class ProbabilityWithin(RuntimeWithin):
    r"""``max sum_k y_k``, ``u T^k_(N-n) w_n + beta X_n + gamma K_n <= t - sigma`` where ``y_k = 1``.

    The variables of :class:`~cgcopt.formulations.runtime_within.RuntimeWithin`, with a binary ``y_k`` in
    place of ``theta_k``. A scenario that is not met lifts its rows by the largest amount by which any
    design misses them.
    """

    of_rounds: ClassVar[str] = "y"
    counts_rounds: ClassVar[bool] = True

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

    def _cvxpy_rounds(self, reached: Any) -> tuple[Any, Any]:
        import cvxpy as cp

        y = cp.Variable(self.rounds, name="y", boolean=True)
        met = cp.reshape(y, (self.rounds, 1), order="C")
        row = reached + cp.multiply(self.lift, met) <= self.room + self.lift
        return cp.Maximize(cp.sum(y)), row.set_label("met")

    def _pyomo_rounds(self, m: Any) -> None:
        import pyomo.environ as pyo

        T, lift, room = self.times.tolist(), self.lift.tolist(), self.room
        m.y = pyo.Var(m.K, domain=pyo.Binary, doc="whether a scenario is met")
        m.total = pyo.Objective(expr=pyo.quicksum(m.y[k] for k in m.K), sense=pyo.maximize)

        @m.Constraint(m.K, m.N, doc="a scenario that is met ends by the deadline")
        def met(m: Any, k: int, n: int) -> Any:
            reached = T[k][n] * m.omega[n] + m.delay[n]
            return reached + lift[k][n] * m.y[k] <= room + lift[k][n]

    def _scipy_rounds(
        self,
        rows: Rows,
        whole: list[str],
        upper: dict[str, Any],
        every_level: Any,
        reached: dict[str, Any],
    ) -> float:
        from scipy import sparse

        lift = self.lift.ravel()
        met = sparse.diags_array(lift) @ every_level
        rows["met"] = ({**reached, "y": met}, -np.inf, self.room + lift)
        whole.append("y")
        upper["y"] = 1.0
        return -1.0

    def _fill_rounds(self, model: HighsModel, omega: IntArray, delay: IntArray) -> IntArray:
        y = model.columns("y", (self.rounds,), upper=1.0, cost=1.0, integer=True)
        reached = [(self.times, omega), (1.0, delay), (self.lift, y[:, None])]
        model.rows("met", (self.rounds, self.workers), reached, upper=self.room + self.lift)
        return y

    def _latex_rounds(self) -> tuple[str, ...]:
        startup = r" - \sigma" if self.problem.system.costs.startup else ""
        row = rf"& {self._latex_reached} \leq t{startup} + M_{{k,n}} (1 - y_k) && \forall k, n"
        objective = r"\max_{x, w, y} \quad & \frac{1}{K} \sum_{k} y_k"
        return objective, row, r"& y_k \in \{0, 1\} && \forall k"
