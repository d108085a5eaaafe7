"""Quantiles of the runtime on scenarios: the shortest deadline that enough rounds keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import Design, budget_weights, largest_remainder, partition_of_work
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.rounds.quantile import rank_of
from cgcopt.evaluation.rounds.runtimes import round_runtimes
from cgcopt.formulations.base import Formulation
from cgcopt.formulations.highs_model import HighsModel
from cgcopt.formulations.models.parameters import (
    HighsRows,
    add_pyomo_parameters,
    cvxpy_parameters,
)
from cgcopt.formulations.runtime import RuntimeFormulation
from cgcopt.formulations.runtime_coordinate import RuntimeCoordinate
from cgcopt.formulations.runtime_partition import RuntimePartition
from cgcopt.formulations.scipy_program import Rows
from cgcopt.problem import Form, Problem

__all__ = ["QuantileCoordinate", "QuantilePartition"]

#: How much above the quantile of the known design the deadline may be: the rounding of both.
_ROUNDING = 1e-9
#: Binaries are whole to this tolerance of the solvers; so much of the largest relief a bound may be off.
_BINARY = 1e-6

#: What the parameters are.
_DOC = {
    "known": "the quantile of a known design, scaled: the deadline at most",
    "late_rounds": "how many rounds may be late",
    "most_spare": "by how much a round that is late may be later, scaled",
    "tau": "the slowest time of a level that one round in time has at least, scaled",
    "spare": "by how much a level of a round that is late may be later, scaled",
    "steps": "from what a level of a round is later to the next round, scaled",
}


class _Quantile(RuntimeFormulation):
    """What all forms share: the data of the rows, recourse, value and bound."""

    @property
    def linear(self) -> bool:
        """No: binaries choose the late scenarios."""
        return False

    @property
    def theta_seconds(self) -> float:
        """Seconds that count as 1 in ``theta``."""
        return self.runtime_scale

    @cached_property
    def allowed(self) -> int:
        """``r``, the scenarios that may be late."""
        (probability,) = self.problem.objective.parameters
        return self.rounds - rank_of(probability, self.rounds)

    @cached_property
    def ordered(self) -> FloatArray:
        """The ``r + 1`` largest ``T_(N-n)`` of every level, falling, shape ``(r + 1, N)``."""
        return np.ascontiguousarray(np.take_along_axis(self.times, self.order, axis=0))

    @cached_property
    def order(self) -> IntArray:
        """Their scenarios, shape ``(r + 1, N)``."""
        return np.argsort(-self.times, axis=0, kind="stable")[: self.allowed + 1]

    @cached_property
    def deadline(self) -> float:
        """The quantile of a known design, scaled: the most that the deadline ``t`` may be."""
        return self._quantile(self.quick_design()) * (1.0 + _ROUNDING)

    @cached_property
    def spare(self) -> FloatArray:
        """``M_{k,n} = t' (T^k_(N-n) / tau_n - 1)^+`` with ``t'`` the known deadline, shape ``(K, N)``."""
        return np.asarray(self.deadline * np.maximum(self.times / self.ordered[-1] - 1.0, 0.0))

    @cached_property
    def steps(self) -> FloatArray:
        """``M_{[j],n} - M_{[j+1],n}`` for the scenario ``[j]`` of level ``n``, shape ``(K, N)``."""
        steps = np.zeros_like(self.times)
        falls = self.deadline * (self.ordered[:-1] - self.ordered[1:]) / self.ordered[-1]
        np.put_along_axis(steps, self.order[:-1], falls, axis=0)
        return steps

    @property
    def slow(self) -> NDArray[np.bool_]:
        """Whether a scenario may be late because of a level, shape ``(K, N)``."""
        return np.asarray(self.times > self.ordered[-1])

    def quick_design(self) -> Design:
        """Return the better of two: work inverse to the mean, or to the quantile, of every level."""
        L = self.problem.system.coordinates
        found = [super().quick_design()]
        share = 1.0 / self.ordered[-1]
        x = partition_of_work(share * (L / float(share @ budget_weights(self.workers))))
        found.append(Design(x if self.form is Form.RELAXED else largest_remainder(x, L)))
        return min(found, key=self._quantile)

    def _quantile(self, design: Design) -> float:
        ends = np.sort(round_runtimes(self.problem.system, design.work)) / self.runtime_scale
        return float(ends[self.rounds - self.allowed - 1])

    def _recourse(self, design: Design) -> dict[str, FloatArray]:
        theta, t = super()._recourse(design)["theta"], self._quantile(design)
        if t > self.deadline:
            allowed = f"a design with a quantile of at most {self.value(self.deadline):.6g} s"
            raise InvalidInputError("partition", design.partition.tolist(), allowed)
        late = (theta > t * (1.0 + _ROUNDING)).astype(np.float64)
        return {"theta": theta, "t": np.array([t]), "late": late}

    def value(self, objective: float) -> float:
        """Convert ``t`` to seconds."""
        return objective * self.runtime_scale

    def bound(self, dual_bound: float) -> float:
        """Convert a dual bound on ``t``, less what the tolerance of the binaries may have given."""
        return super().bound(dual_bound - _BINARY * float(self.spare.max()))


class QuantilePartition(_Quantile, RuntimePartition):
    r"""``min t``, ``theta_k <= t + M_k z_k``, ``sum_k z_k <= r``, ``theta_k >= u T^k_(N-n) w_n``.

    A binary ``late`` (``z_k``) for each scenario says that it may be later than ``t``; ``r`` of them
    may, so that ``t`` is the quantile. With ``tau_n`` the ``(r+1)``-th largest ``u T^k_(N-n)`` every
    design has ``tau_n w_n <= t``, and one that is as good as a known deadline ``t'`` needs no more
    relief than ``M_{k,n} = t' (u T^k_(N-n) / tau_n - 1)^+``. The strong rows are

    - ``tau_n w_n <= t``: one scenario in time is at least as slow at level ``n``;
    - ``u T^k_(N-n) w_n <= t + M_{k,n} z_k``: the relief of the level itself;
    - ``u T^[1]_(N-n) w_n <= t + sum_j (M_{[j],n} - M_{[j+1],n}) z_[j]`` over the scenarios
      ``[j]`` in falling order: star inequalities of the mixing set (Luedtke, Ahmed and Nemhauser,
      Mathematical Programming 122, 2010), for a variable deadline.

    The probability model at a deadline that is halved again and again would have the tighter rows,
    but no parametric optimum and no single bound.
    """

    @property
    def variables(self) -> Mapping[str, tuple[int, ...]]:
        """Those of the expected runtime, ``t`` of shape ``(1,)`` and ``late`` of shape ``(K,)``."""
        return {**super().variables, "t": (1,), "late": (self.rounds,)}

    @property
    def cost(self) -> Mapping[str, float]:
        """That of ``t``."""
        return {"t": 1.0}

    @property
    def whole(self) -> tuple[str, ...]:
        """Variables in whole numbers."""
        return (*super().whole, "late")

    @property
    def upper_bounds(self) -> Mapping[str, float]:
        """Of ``t`` and of the binaries."""
        return {"t": self.deadline, "late": 1.0}

    changeable = ("probability", "coordinates")

    @property
    def parameters(self) -> dict[str, FloatArray]:
        """Values of the parameters: ``L``, and what follows from the probability and the known deadline.

        ``known`` is ``t'``, ``late_rounds`` is ``r``, ``most_spare`` is ``M_k``; of the strong model also
        ``tau``, ``spare`` and ``steps``. They belong together: :meth:`update` changes all of them.
        """
        values: dict[str, Any] = {
            "known": self.deadline,
            "late_rounds": float(self.allowed),
            "most_spare": self.spare.max(axis=1),
        }
        if self.strong:
            values |= {"tau": self.ordered[-1], "spare": self.spare, "steps": self.steps}
        return {**super().parameters, **{name: np.asarray(value) for name, value in values.items()}}

    def set_highs(self, rows: HighsRows) -> None:
        """Set what the parameters stand for in a model of HiGHS.

        A level that may make a round late, and could not when the model was written, has no row of its
        own; the row ``in_time`` of the round holds it.
        """
        super().set_highs(rows)
        K, N = self.rounds, self.workers
        rows.bounds("t", (1,), 0.0, self.deadline)
        rows.sides("given_up", (), 0.0, float(self.allowed))
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

    def to_cvxpy(self) -> Any:
        """Return a ``cvxpy.Problem``, up to 5,000 numbers with :attr:`parameters`."""
        import cvxpy as cp

        model = super().to_cvxpy()
        given: Mapping[str, Any] = cvxpy_parameters(_without_budget(self.parameters))
        found = {variable.name(): variable for variable in model.variables()}
        omega, theta = found["omega"], found["theta"]
        t = cp.Variable(1, name="t", nonneg=True)
        late = cp.Variable(self.rounds, name="late", boolean=True)
        rows = [
            (theta <= t + cp.multiply(given["most_spare"], late)).set_label("in_time"),
            (cp.sum(late) <= given["late_rounds"]).set_label("given_up"),
            (t <= given["known"]).set_label("known"),
        ]
        if self.strong:
            rows += [
                (cp.multiply(given["tau"], omega) <= t).set_label("level"),
                (cp.multiply(self.ordered[0], omega) <= t + given["steps"].T @ late).set_label(
                    "mixing"
                ),
            ]
            k, n = np.nonzero(self.slow)
            if k.size:
                slow = cp.multiply(self.times[k, n], omega[n])
                held = slow <= t + cp.multiply(given["spare"][k, n], late[k])
                rows.append(held.set_label("level_in_time"))
        return cp.Problem(cp.Minimize(cp.sum(t)), [*model.constraints, *rows])

    def to_pyomo(self) -> Any:
        """Return a ``pyomo.environ.ConcreteModel`` with mutable :attr:`parameters`."""
        import pyomo.environ as pyo

        T, slowest = self.times, self.ordered[0]
        m = super().to_pyomo()
        m.name, m.doc = "quantile of the runtime", f"On scenarios, {self.form} form."
        add_pyomo_parameters(m, _without_budget(self.parameters), _DOC)
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
            return m

        @m.Constraint(m.N, doc="one round in time is at least as slow at the level")
        def level(m: Any, n: int) -> Any:
            return m.tau[n] * m.omega[n] <= m.t[0]

        @m.Constraint(m.N, doc="star inequality of the mixing set of the level")
        def mixing(m: Any, n: int) -> Any:
            relief = pyo.quicksum(m.steps[k, n] * m.late[k] for k in m.K)
            return float(slowest[n]) * m.omega[n] <= m.t[0] + relief

        @m.Constraint(m.K, m.N, doc="the relief of the level itself")
        def level_in_time(m: Any, k: int, n: int) -> Any:
            if not self.slow[k, n]:
                return pyo.Constraint.Skip
            return float(T[k, n]) * m.omega[n] <= m.t[0] + m.spare[k, n] * m.late[k]

        return m

    def scipy_rows(self) -> Rows:
        """Blocks of the rows by variable, with their sides."""
        from scipy import sparse

        K, N = self.rounds, self.workers
        each, most = sparse.eye_array(K), sparse.diags_array(self.spare.max(axis=1))
        rows = super().scipy_rows()
        in_time = {"theta": -each, "t": np.ones((K, 1)), "late": most}
        rows["in_time"] = (in_time, 0.0, np.inf)
        rows["given_up"] = ({"late": np.ones((1, K))}, 0.0, float(self.allowed))
        if not self.strong:
            return rows
        one = np.ones((N, 1))
        rows["level"] = ({"t": one, "omega": -np.diag(self.ordered[-1])}, 0.0, np.inf)
        star = {"t": one, "omega": -np.diag(self.ordered[0]), "late": self.steps.T}
        rows["mixing"] = (star, 0.0, np.inf)
        k, n = np.nonzero(self.slow)
        if k.size:
            i = np.arange(k.size)
            slow = sparse.csr_array((-self.times[k, n], (i, n)), shape=(k.size, N))
            held = sparse.csr_array((self.spare[k, n], (i, k)), shape=(k.size, K))
            blocks = {"t": np.ones((k.size, 1)), "omega": slow, "late": held}
            rows["level_in_time"] = (blocks, 0.0, np.inf)
        return rows

    def fill_more(self, model: HighsModel, found: Mapping[str, IntArray]) -> dict[str, IntArray]:
        """Write ``t``, the binaries and their rows."""
        K, N, omega = self.rounds, self.workers, found["omega"]
        t = model.columns("t", (1,), upper=self.deadline, cost=1.0)
        late = model.columns("late", (K,), upper=1.0, integer=True)
        most = self.spare.max(axis=1)
        in_time = [(1.0, t), (most, late), (-1.0, found["theta"])]
        model.rows("in_time", (K,), in_time, lower=0.0)
        model.rows("given_up", (), [(1.0, late)], lower=0.0, upper=float(self.allowed))
        if self.strong:
            model.rows("level", (N,), [(1.0, t), (-self.ordered[-1], omega)], lower=0.0)
            star = [(1.0, t), (-self.ordered[0], omega), (self.steps.T, late[None, :])]
            model.rows("mixing", (N,), star, lower=0.0)
            held = [(1.0, t[None, :]), (-self.times, omega), (self.spare, late[:, None])]
            model.rows("level_in_time", (K, N), held, lower=0.0, where=self.slow)
        return {"t": t, "late": late}

    def latex(self) -> str:
        """Return the mathematics of the model as a LaTeX ``align`` environment."""
        return _with_rows(super().latex(), self.strong)


@dataclass(frozen=True, eq=False)
class QuantileCoordinate(_Quantile, RuntimeCoordinate):
    """The same objective over one redundancy ``s_l`` in ``{0..N-1}`` per coordinate."""

    changeable = ("probability",)

    @cached_property
    def blocks(self) -> QuantilePartition:
        """The program over blocks."""
        return QuantilePartition(self.problem, Form.BLOCK, strong=self.strong)

    def moved(self, model: Any, problem: Problem, at_least: int) -> Formulation:
        """Change the probability, which the rows of the coordinates do not know."""
        self.blocks.moved(model, problem, at_least)
        return replace(self, problem=problem)

    def latex(self) -> str:
        """Return the mathematics of the model as a LaTeX ``align`` environment."""
        return _with_rows(super().latex(), self.strong)


def _without_budget(values: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Those parameters that the program of the expected runtime does not have."""
    return {name: value for name, value in values.items() if name != "L"}


def _with_rows(latex: str, strong: bool) -> str:
    """Put the objective and the rows of the deadline into the program of the expected runtime."""
    mean, variables = r"\frac{1}{K} \sum_{k} \theta_k", r"\theta} \quad"
    latex = latex.replace(mean, "t").replace(variables, r"\theta, t, y} \quad")
    rows = [
        r"& \theta_k \leq t + M_k\, y_k, \quad M_k = \max_n M_{k,n} && \forall k",
        r"& \textstyle\sum_k y_k \leq r, \quad y \in \{0,1\}^K",
    ]
    if strong:
        rows += [
            r"& \tau_n w_n \leq t && \forall n",
            r"& u\, T^k_{(N-n)}\, w_n \leq t + M_{k,n}\, y_k && \forall k, n",
            r"& u\, T^{[1]}_{(N-n)}\, w_n \leq t + \textstyle\sum_j (M_{[j],n} - M_{[j+1],n})\, y_{[j]} "
            r"&& \forall n",
        ]
    more = " \\\\\n".join(rows)
    return latex.replace("\n\\end{aligned}", " \\\\\n" + more + "\n\\end{aligned}")
