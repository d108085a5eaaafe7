"""The slowest rounds that a quantile leaves out: data and rows of its programs, with costs or without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import Design, budget_weights, partition_of_work
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.rounds.quantile import rank_of
from cgcopt.formulations.highs_model import HighsModel
from cgcopt.formulations.models.parameters import HighsRows
from cgcopt.formulations.runtime import RuntimeFormulation
from cgcopt.formulations.scipy_program import Rows

__all__ = ["LATE_PARAMETERS", "LateRounds", "with_late_rounds"]

#: How much above the quantile of the known design the deadline may be: the rounding of both.
_ROUNDING = 1e-9
#: Binaries are whole to this tolerance of the solvers; so much of the largest relief a bound may be off.
_BINARY = 1e-6

#: What the parameters are.
LATE_PARAMETERS: Mapping[str, str] = {
    "known": "the deadline at most, scaled",
    "late_rounds": "how many rounds may be late",
    "most_spare": "by how much a round that is late may be later, scaled",
    "tau": "the slowest time of a level that one round in time has at least, scaled",
    "spare": "by how much a level of a round that is late may be later, scaled",
    "steps": "from what a level of a round is later to the next round, scaled",
}


@dataclass(frozen=True, eq=False)
class LateRounds(RuntimeFormulation):
    """What the programs of a quantile share: data, recourse, value, bound, and the rows of the rounds.

    The rows take what sending adds to a level (``delay``), where there is such a cost: the reliefs
    hold with it too, since a level of a design as good as the known one has at most its work.

    Attributes
    ----------
    at_most : float, optional
        Seconds that the quantile of some design is known to be.  Worse designs are then left out of
        the model, which makes it far easier to solve.
    """

    at_most: float | None = field(default=None, kw_only=True)

    known_as: ClassVar[str] = "at_most"

    @property
    def linear(self) -> bool:
        """False: binaries choose the late scenarios."""
        return False

    @property
    def objective_scale(self) -> float:
        """Seconds that count as 1 in the objective of the model."""
        return self.runtime_scale

    @cached_property
    def late_rounds(self) -> int:
        """``r``, the scenarios that may be late."""
        (probability,) = self.problem.objective.parameters
        return self.rounds - rank_of(probability, self.rounds)

    @cached_property
    def ordered(self) -> FloatArray:
        """The ``r + 1`` largest ``T_(N-n)`` of every level, falling, shape ``(r + 1, N)``."""
        return np.ascontiguousarray(np.take_along_axis(self.times, self.order, axis=0))

    @cached_property
    def order(self) -> IntArray:
        """Scenarios of these times, shape ``(r + 1, N)``."""
        return np.argsort(-self.times, axis=0, kind="stable")[: self.late_rounds + 1]

    @property
    def most_delay(self) -> float:
        """The most that sending adds to a runtime, scaled."""
        return 0.0

    @cached_property
    def known(self) -> float:
        """``t'``, the most that ``t`` may be, scaled: that of any design, or of a known one."""
        any_design = float((self.ordered[-1] * self.redundancy).max()) * self.budget
        worst = any_design + self.most_delay
        if self.at_most is None:
            return worst
        startup = self.value(0.0)
        return min((self.at_most - startup) / self.runtime_scale * (1.0 + _ROUNDING), worst)

    @cached_property
    def level_work(self) -> FloatArray:
        """``W_n``, the most work of a level, ``(n+1) L`` or ``t' / tau_n``, scaled, shape ``(N,)``."""
        return np.asarray(np.minimum(self.redundancy * self.budget, self.known / self.ordered[-1]))

    @cached_property
    def spare(self) -> FloatArray:
        """``M_{k,n} = W_n (T^k_(N-n) - tau_n)^+``, shape ``(K, N)``."""
        return np.asarray(self.level_work * np.maximum(self.times - self.ordered[-1], 0.0))

    @cached_property
    def steps(self) -> FloatArray:
        """``M_{[j],n} - M_{[j+1],n}`` for the scenario ``[j]`` of level ``n``, shape ``(K, N)``."""
        steps = np.zeros_like(self.times)
        falls = self.level_work * (self.ordered[:-1] - self.ordered[1:])
        np.put_along_axis(steps, self.order[:-1], falls, axis=0)
        return steps

    @property
    def slow(self) -> NDArray[np.bool_]:
        """Whether a scenario may be late because of a level, shape ``(K, N)``."""
        return np.asarray(self.times > self.ordered[-1])

    @property
    def balanced(self) -> FloatArray:
        """The partition whose work is inverse to the quantile of every level, shape ``(N,)``."""
        share = 1.0 / self.ordered[-1]
        coordinates = self.problem.system.coordinates
        return partition_of_work(
            share * (coordinates / float(share @ budget_weights(self.workers)))
        )

    def quantile_of(self, design: Design) -> float:
        """The quantile of a design, without a start-up, in units of :attr:`runtime_scale`."""
        theta = np.sort(super()._recourse(design)["theta"])
        return float(theta[self.rounds - self.late_rounds - 1])

    def reached(self, design: Design) -> float:
        """The quantile of a design, seconds."""
        return self.value(self.quantile_of(design))

    def leaves_out(self, design: Design) -> bool:
        """Whether the quantile of a design is larger than the known one."""
        return self.reached(design) > self.value(self.known)

    def _recourse(self, design: Design) -> dict[str, FloatArray]:
        found, t = super()._recourse(design), self.quantile_of(design)
        if t > self.known * (1.0 + _ROUNDING):
            allowed = f"a design with a quantile of at most {self.value(self.known):.6g} s"
            raise InvalidInputError("partition", design.partition.tolist(), allowed)
        late = (found["theta"] > t * (1.0 + _ROUNDING)).astype(np.float64)
        return {**found, "t": np.array([t]), "late": late}

    def bound(self, dual_bound: float) -> float:
        """Convert a dual bound on ``t``, less what the tolerance of the binaries may have given."""
        return super().bound(dual_bound - _BINARY * float(self.spare.max()))

    # -- rows, in every language ----------------------------------------------------------------

    @property
    def of_late_rounds(self) -> dict[str, FloatArray]:
        """Values of the parameters that follow from the probability and the known deadline.

        ``known`` is ``t'``, ``late_rounds`` is ``r``, ``most_spare`` is ``M_k``; of the strong model also
        ``tau``, ``spare`` and ``steps``. They belong together: :meth:`update` changes all of them.
        """
        values: dict[str, Any] = {
            "known": self.known,
            "late_rounds": float(self.late_rounds),
            "most_spare": self.spare.max(axis=1),
        }
        if self.strong:
            values |= {"tau": self.ordered[-1], "spare": self.spare, "steps": self.steps}
        return {name: np.asarray(value) for name, value in values.items()}

    def set_highs(self, rows: HighsRows) -> None:
        """Set what the parameters stand for in a model of HiGHS.

        A level that may make a round late, and could not when the model was written, has no row of its
        own; the row ``in_time`` of the round holds it.
        """
        super().set_highs(rows)
        K, N = self.rounds, self.workers
        rows.bounds("t", (1,), 0.0, self.known)
        rows.sides("given_up", (), 0.0, float(self.late_rounds))
        for k, most in enumerate(self.spare.max(axis=1).tolist()):
            rows.entry(("in_time", k), ("late", k), most)
        if not self.strong:
            return
        for n, slowest in enumerate(self.ordered[-1].tolist()):
            rows.entry(("level", n), ("omega", n), -slowest)
        for k, n in np.ndindex(K, N):
            rows.entry(("mixing", n), ("late", k), float(self.steps[k, n]))
            if rows.holds("level_in_time", k, n):
                rows.entry(("level_in_time", k, n), ("late", k), float(self.spare[k, n]))

    def cvxpy_late(
        self, found: Mapping[str, Any], given: Mapping[str, Any]
    ) -> tuple[Any, list[Any]]:
        """The objective and the rows on ``theta``, ``omega`` and, with costs, ``delay``."""
        import cvxpy as cp

        omega, theta = found["omega"], found["theta"]
        delay = found.get("delay", np.zeros(self.workers))
        t = cp.Variable(1, name="t", nonneg=True)
        late = cp.Variable(self.rounds, name="late", boolean=True)
        rows = [
            (theta <= t + cp.multiply(given["most_spare"], late)).set_label("in_time"),
            (cp.sum(late) <= given["late_rounds"]).set_label("given_up"),
            (t <= given["known"]).set_label("known"),
        ]
        if self.strong:
            level = cp.multiply(given["tau"], omega) + delay <= t
            star = cp.multiply(self.ordered[0], omega) + delay <= t + given["steps"].T @ late
            rows += [level.set_label("level"), star.set_label("mixing")]
            k, n = np.nonzero(self.slow)
            if k.size:
                slow = cp.multiply(self.times[k, n], omega[n]) + delay[n]
                held = slow <= t + cp.multiply(given["spare"][k, n], late[k])
                rows.append(held.set_label("level_in_time"))
        return cp.Minimize(cp.sum(t)), rows

    def pyomo_late(self, m: Any) -> None:
        """Add variables, objective and rows to a model that has ``theta`` and the parameters."""
        import pyomo.environ as pyo

        T, slowest = self.times, self.ordered[0]
        delay = m.component("delay") or dict.fromkeys(range(self.workers), 0.0)
        m.t = pyo.Var([0], domain=pyo.NonNegativeReals, doc="the deadline, scaled")
        m.t[0].setub(m.known)
        m.late = pyo.Var(m.K, domain=pyo.Binary, doc="the round may be late")
        m.del_component("total")
        m.total = pyo.Objective(expr=m.t[0], sense=pyo.minimize)
        m.given_up = pyo.Constraint(
            expr=pyo.quicksum(m.late[k] for k in m.K) <= m.late_rounds, doc="how many may be late"
        )

        @m.Constraint(m.K, doc="a round is in time unless it may be late")
        def in_time(m: Any, k: int) -> Any:
            return m.theta[k] <= m.t[0] + m.most_spare[k] * m.late[k]

        if not self.strong:
            return

        @m.Constraint(m.N, doc="one round in time is at least as slow at the level")
        def level(m: Any, n: int) -> Any:
            return m.tau[n] * m.omega[n] + delay[n] <= m.t[0]

        @m.Constraint(m.N, doc="star inequality of the mixing set of the level")
        def mixing(m: Any, n: int) -> Any:
            relief = pyo.quicksum(m.steps[k, n] * m.late[k] for k in m.K)
            return float(slowest[n]) * m.omega[n] + delay[n] <= m.t[0] + relief

        @m.Constraint(m.K, m.N, doc="the relief of the level itself")
        def level_in_time(m: Any, k: int, n: int) -> Any:
            if not self.slow[k, n]:
                return pyo.Constraint.Skip
            reached = float(T[k, n]) * m.omega[n] + delay[n]
            return reached <= m.t[0] + m.spare[k, n] * m.late[k]

    def scipy_late(self, *, delayed: bool) -> Rows:
        """Blocks of the rows by variable, with their sides; with the variable ``delay``, or without."""
        from scipy import sparse

        K, N = self.rounds, self.workers
        each, most = sparse.eye_array(K), sparse.diags_array(self.spare.max(axis=1))
        in_time = {"theta": -each, "t": np.ones((K, 1)), "late": most}
        rows: Rows = {
            "in_time": (in_time, 0.0, np.inf),
            "given_up": ({"late": np.ones((1, K))}, 0.0, float(self.late_rounds)),
        }
        if not self.strong:
            return rows
        one, less = np.ones((N, 1)), -np.eye(N)
        later = {"delay": less} if delayed else {}
        rows["level"] = ({"t": one, "omega": less * self.ordered[-1], **later}, 0.0, np.inf)
        star = {"t": one, "omega": less * self.ordered[0], "late": self.steps.T, **later}
        rows["mixing"] = (star, 0.0, np.inf)
        k, n = np.nonzero(self.slow)
        if k.size:
            i = np.arange(k.size)
            slow = sparse.csr_array((-self.times[k, n], (i, n)), shape=(k.size, N))
            held = sparse.csr_array((self.spare[k, n], (i, k)), shape=(k.size, K))
            blocks: dict[str, Any] = {"t": np.ones((k.size, 1)), "omega": slow, "late": held}
            if delayed:
                blocks["delay"] = sparse.csr_array(less[n])
            rows["level_in_time"] = (blocks, 0.0, np.inf)
        return rows

    def fill_late(self, model: HighsModel, found: Mapping[str, IntArray]) -> dict[str, IntArray]:
        """Write ``t``, the binaries and their rows on ``theta``, ``omega`` and, with costs, ``delay``."""
        K, N, omega = self.rounds, self.workers, found["omega"]
        t = model.columns("t", (1,), upper=self.known, cost=1.0)
        late = model.columns("late", (K,), upper=1.0, integer=True)
        most = self.spare.max(axis=1)
        in_time = [(1.0, t), (most, late), (-1.0, found["theta"])]
        model.rows("in_time", (K,), in_time, lower=0.0)
        model.rows("given_up", (), [(1.0, late)], lower=0.0, upper=float(self.late_rounds))
        if self.strong:
            later = [(-1.0, found["delay"])] if "delay" in found else []
            level = [(1.0, t), (-self.ordered[-1], omega), *later]
            model.rows("level", (N,), level, lower=0.0)
            star = [(1.0, t), (-self.ordered[0], omega), (self.steps.T, late[None, :]), *later]
            model.rows("mixing", (N,), star, lower=0.0)
            held = [(1.0, t[None, :]), (-self.times, omega), (self.spare, late[:, None]), *later]
            model.rows("level_in_time", (K, N), held, lower=0.0, where=self.slow)
        return {"t": t, "late": late}


def with_late_rounds(latex: str, strong: bool, delay: str = "") -> str:
    """Put the objective and the rows of the deadline into the program of the expected runtime."""
    mean, variables = r"\frac{1}{K} \sum_{k} \theta_k", r"\theta} \quad"
    latex = latex.replace(mean, "t").replace(variables, r"\theta, t, y} \quad")
    rows = [
        r"& \theta_k \leq t + M_k\, y_k, \quad M_k = \max_n M_{k,n} && \forall k",
        r"& \textstyle\sum_k y_k \leq r, \quad y \in \{0,1\}^K",
    ]
    if strong:
        rows += [
            rf"& \tau_n w_n{delay} \leq t && \forall n",
            rf"& u\, T^k_{{(N-n)}}\, w_n{delay} \leq t + M_{{k,n}}\, y_k && \forall k, n",
            rf"& u\, T^{{[1]}}_{{(N-n)}}\, w_n{delay} \leq t + \textstyle\sum_j "
            r"(M_{[j],n} - M_{[j+1],n})\, y_{[j]} && \forall n",
        ]
    more = " \\\\\n".join(rows)
    return latex.replace("\n\\end{aligned}", " \\\\\n" + more + "\n\\end{aligned}")
