"""Conditional value at risk on scenarios: the linear program of Rockafellar and Uryasev."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import Design
from cgcopt.evaluation.rounds.quantile import rank_of
from cgcopt.evaluation.rounds.tail_mean import bound_of_multipliers
from cgcopt.formulations.base import Formulation
from cgcopt.formulations.highs_model import HighsModel
from cgcopt.formulations.models.parameters import HighsRows, add_pyomo_parameters
from cgcopt.formulations.runtime import RuntimeFormulation
from cgcopt.formulations.runtime_coordinate import RuntimeCoordinate
from cgcopt.formulations.runtime_partition import RuntimePartition
from cgcopt.formulations.scipy_program import Rows
from cgcopt.problem import Form, Problem

__all__ = ["TailMeanCoordinate", "TailMeanPartition"]

_DOC = {"weight": "of what a round takes beyond the quantile"}
_TAIL_LATEX = r"& s_k \geq \theta_k - t, \quad s_k \geq 0 && \forall k"
_OBJECTIVE_LATEX = r"t + \frac{1}{(1-q) K} \sum_{k} s_k"


class _TailMean(RuntimeFormulation):
    """What all forms share: value, recourse and bound."""

    @property
    def probability(self) -> float:
        """``q``."""
        return float(self.problem.objective.parameters[0])

    @property
    def worst(self) -> float:
        """``(1 - q) K``, the rounds that count."""
        return (1.0 - self.probability) * self.rounds

    @property
    def theta_seconds(self) -> float:
        """Seconds that count as 1 in ``theta``."""
        return self.runtime_scale

    def value(self, objective: float) -> float:
        """Convert ``t + sum_k s_k / ((1 - q) K)`` to seconds."""
        return objective * self.runtime_scale

    def _recourse(self, design: Design) -> dict[str, FloatArray]:
        theta = super()._recourse(design)["theta"]
        t = np.sort(theta)[rank_of(self.probability, theta.size) - 1]
        return {"theta": theta, "t": np.array([t]), "excess": np.maximum(theta - t, 0.0)}

    def bound_of_duals(self, duals: FloatArray) -> float:
        """Turn multipliers of the runtime rows into a lower bound on every conditional value at risk.

        Parameters
        ----------
        duals : ndarray, shape (K, N)
            Multipliers as a solver reports them, of either sign convention.

        Returns
        -------
        float
            Seconds; NaN where the multipliers are all zero or not finite.
        """
        weight = np.abs(duals)
        if not np.isfinite(weight).all() or not weight.any():
            return float("nan")
        rounds, levels = np.indices(weight.shape)
        bound = bound_of_multipliers(
            weight.ravel(), rounds.ravel(), levels.ravel(), self.times, self.worst
        )
        seconds = self.problem.system.unit * self.time_scale
        return bound * seconds * self.problem.system.coordinates


class TailMeanPartition(_TailMean, RuntimePartition):
    r"""``min t + sum_k s_k / ((1-q) K)``, ``s_k >= theta_k - t``, ``theta_k >= u T^k_(N-n) w_n``.

    To the variables and rows of the expected runtime come ``t``, which is a quantile at the optimum,
    and ``excess``, by how much a scenario is later, both in units of :attr:`runtime_scale`
    (Rockafellar and Uryasev, Journal of Risk 2, 2000).
    """

    @property
    def variables(self) -> Mapping[str, tuple[int, ...]]:
        """Those of the expected runtime, ``t`` of shape ``(1,)`` and ``excess`` of shape ``(K,)``."""
        return {**super().variables, "t": (1,), "excess": (self.rounds,)}

    @property
    def cost(self) -> Mapping[str, float]:
        """Coefficients of ``t`` and of the excesses."""
        return {"t": 1.0, "excess": 1.0 / self.worst}

    changeable = ("probability", "coordinates")

    @property
    def parameters(self) -> dict[str, FloatArray]:
        """Values of the parameters: ``L``, and the ``weight`` ``1 / ((1 - q) K)`` of the excesses."""
        return {**super().parameters, "weight": np.asarray(1.0 / self.worst)}

    def set_highs(self, rows: HighsRows) -> None:
        """Set what the parameters stand for in a model of HiGHS."""
        super().set_highs(rows)
        rows.costs("excess", (self.rounds,), 1.0 / self.worst)

    def to_cvxpy(self) -> Any:
        """Return a ``cvxpy.Problem``; its parameters ``L`` and ``weight`` may be changed."""
        import cvxpy as cp

        model = super().to_cvxpy()
        theta = next(v for v in model.variables() if v.name() == "theta")
        t = cp.Variable(1, name="t", nonneg=True)
        excess = cp.Variable(self.rounds, name="excess", nonneg=True)
        rows = [*model.constraints, (excess >= theta - t).set_label("tail")]
        weight = cp.Parameter(name="weight", nonneg=True, value=1.0 / self.worst)
        return cp.Problem(cp.Minimize(cp.sum(t) + weight * cp.sum(excess)), rows)

    def to_pyomo(self) -> Any:
        """Return a ``pyomo.environ.ConcreteModel`` with mutable parameters ``L`` and ``weight``."""
        import pyomo.environ as pyo

        m = super().to_pyomo()
        m.name, m.doc = "conditional value at risk", f"On scenarios, {self.form} form."
        m.t = pyo.Var([0], domain=pyo.NonNegativeReals, doc="a quantile of the runtime, scaled")
        m.excess = pyo.Var(m.K, domain=pyo.NonNegativeReals, doc="by how much a round is later")
        m.del_component("total")
        add_pyomo_parameters(m, {"weight": self.parameters["weight"]}, _DOC)
        beyond = m.weight * pyo.quicksum(m.excess[k] for k in m.K)
        m.total = pyo.Objective(expr=m.t[0] + beyond, sense=pyo.minimize)

        @m.Constraint(m.K, doc="what a round takes beyond the quantile")
        def tail(m: Any, k: int) -> Any:
            return m.excess[k] >= m.theta[k] - m.t[0]

        return m

    def scipy_rows(self) -> Rows:
        """Blocks of the rows by variable, with their sides."""
        from scipy import sparse

        rows = super().scipy_rows()
        runtime, each = rows.pop("runtime"), sparse.eye_array(self.rounds)
        tail = {"excess": each, "theta": -each, "t": np.ones((self.rounds, 1))}
        return {**rows, "tail": (tail, 0.0, np.inf), "runtime": runtime}

    def fill_more(self, model: HighsModel, found: Mapping[str, IntArray]) -> dict[str, IntArray]:
        """Write ``t``, the excesses and their rows."""
        t = model.columns("t", (1,), cost=1.0)
        excess = model.columns("excess", (self.rounds,), cost=1.0 / self.worst)
        terms = [(1.0, excess), (-1.0, found["theta"]), (1.0, t)]
        model.rows("tail", (self.rounds,), terms, lower=0.0)
        return {"t": t, "excess": excess}

    def latex(self) -> str:
        """Return the mathematics of the model as a LaTeX ``align`` environment."""
        return _with_tail(super().latex())


@dataclass(frozen=True, eq=False)
class TailMeanCoordinate(_TailMean, RuntimeCoordinate):
    """The same objective over one redundancy ``s_l`` in ``{0..N-1}`` per coordinate.

    The rows of :class:`~cgcopt.formulations.runtime_coordinate.RuntimeCoordinate` bound the runtimes.
    """

    changeable = ("probability",)

    @cached_property
    def blocks(self) -> TailMeanPartition:
        """The program over blocks."""
        return TailMeanPartition(self.problem, Form.BLOCK, strong=self.strong)

    def moved(self, model: Any, problem: Problem, at_least: int) -> Formulation:
        """Change the probability, which the rows of the coordinates do not know."""
        self.blocks.moved(model, problem, at_least)
        return replace(self, problem=problem)

    def latex(self) -> str:
        """Return the mathematics of the model as a LaTeX ``align`` environment."""
        return _with_tail(super().latex())


def _with_tail(latex: str) -> str:
    """Put the objective and the rows of the tail into the program of the expected runtime."""
    mean, variables = r"\frac{1}{K} \sum_{k} \theta_k", r"\theta} \quad"
    latex = latex.replace(mean, _OBJECTIVE_LATEX).replace(variables, r"\theta, t, s} \quad")
    return latex.replace("\n\\end{aligned}", " \\\\\n" + _TAIL_LATEX + "\n\\end{aligned}")
