"""The slowest rounds that a conditional value at risk averages: data and rows of its programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import Design
from cgcopt.evaluation.rounds.quantile import rank_of
from cgcopt.formulations.highs_model import HighsModel
from cgcopt.formulations.models.parameters import HighsRows
from cgcopt.formulations.runtime import RuntimeFormulation
from cgcopt.formulations.scipy_program import Rows

__all__ = ["TAIL_PARAMETERS", "WorstRounds", "with_tail"]

#: What the parameters are.
TAIL_PARAMETERS: Mapping[str, str] = {"weight": "of what a round takes beyond the quantile"}
_TAIL_LATEX = r"& s_k \geq \theta_k - t, \quad s_k \geq 0 && \forall k"
_OBJECTIVE_LATEX = r"t + \frac{1}{(1-q) K} \sum_{k} s_k"


class WorstRounds(RuntimeFormulation):
    """What the programs of a conditional value at risk share: data, recourse, bound and rows."""

    @property
    def probability(self) -> float:
        """``q``."""
        return float(self.problem.objective.parameters[0])

    @property
    def worst(self) -> float:
        """``(1 - q) K``, the rounds that count."""
        return (1.0 - self.probability) * self.rounds

    @property
    def objective_scale(self) -> float:
        """Seconds that count as 1 in the objective of the model."""
        return self.runtime_scale

    @property
    def cost(self) -> Mapping[str, float]:
        """Coefficients of ``t`` and of the excesses."""
        return {"t": 1.0, "excess": 1.0 / self.worst}

    def _recourse(self, design: Design) -> dict[str, FloatArray]:
        found = super()._recourse(design)
        theta = found["theta"]
        t = np.sort(theta)[rank_of(self.probability, theta.size) - 1]
        return {**found, "t": np.array([t]), "excess": np.maximum(theta - t, 0.0)}

    def fitted(self, duals: FloatArray) -> FloatArray | None:
        """Multipliers with ``sum_n lambda_{k,n} <= 1/((1-q) K)`` and sum at most 1, shape ``(K, N)``."""
        weight = np.abs(duals)
        if not np.isfinite(weight).all() or not weight.any():
            return None
        each = weight.sum(axis=1, keepdims=True) * self.worst
        weight = weight / np.maximum(each, 1.0)
        return np.asarray(weight / max(float(weight.sum()), 1.0))

    # -- rows, in every language ----------------------------------------------------------------

    @property
    def weight(self) -> dict[str, FloatArray]:
        """The parameter ``weight``, ``1 / ((1 - q) K)``, of the excesses."""
        return {"weight": np.asarray(1.0 / self.worst)}

    def set_highs(self, rows: HighsRows) -> None:
        """Set what the parameters stand for in a model of HiGHS."""
        super().set_highs(rows)
        rows.costs("excess", (self.rounds,), 1.0 / self.worst)

    def cvxpy_tail(self, theta: Any, weight: Any) -> tuple[Any, Any]:
        """The objective, and the row of what a round takes beyond ``t``."""
        import cvxpy as cp

        t = cp.Variable(1, name="t", nonneg=True)
        excess = cp.Variable(self.rounds, name="excess", nonneg=True)
        row = (excess >= theta - t).set_label("tail")
        return cp.Minimize(cp.sum(t) + weight * cp.sum(excess)), row

    def pyomo_tail(self, m: Any) -> None:
        """Add variables, objective and row to a model that has ``theta`` and ``weight``."""
        import pyomo.environ as pyo

        m.t = pyo.Var([0], domain=pyo.NonNegativeReals, doc="a quantile of the runtime, scaled")
        m.excess = pyo.Var(m.K, domain=pyo.NonNegativeReals, doc="by how much a round is later")
        m.del_component("total")
        beyond = m.weight * pyo.quicksum(m.excess[k] for k in m.K)
        m.total = pyo.Objective(expr=m.t[0] + beyond, sense=pyo.minimize)

        @m.Constraint(m.K, doc="what a round takes beyond the quantile")
        def tail(m: Any, k: int) -> Any:
            return m.excess[k] >= m.theta[k] - m.t[0]

    def add_scipy_tail(self, rows: Rows) -> None:
        """Add the row of the tail before those of the runtime, whose multipliers are read as the last."""
        from scipy import sparse

        runtime, each = rows.pop("runtime"), sparse.eye_array(self.rounds)
        tail = {"excess": each, "theta": -each, "t": np.ones((self.rounds, 1))}
        rows |= {"tail": (tail, 0.0, np.inf), "runtime": runtime}

    def fill_tail(self, model: HighsModel, found: Mapping[str, IntArray]) -> dict[str, IntArray]:
        """Write ``t``, the excesses and their rows."""
        t = model.columns("t", (1,), cost=1.0)
        excess = model.columns("excess", (self.rounds,), cost=1.0 / self.worst)
        terms = [(1.0, excess), (-1.0, found["theta"]), (1.0, t)]
        model.rows("tail", (self.rounds,), terms, lower=0.0)
        return {"t": t, "excess": excess}


def with_tail(latex: str) -> str:
    """Put the objective and the rows of the tail into the program of the expected runtime."""
    mean, variables = r"\frac{1}{K} \sum_{k} \theta_k", r"\theta} \quad"
    latex = latex.replace(mean, _OBJECTIVE_LATEX).replace(variables, r"\theta, t, s} \quad")
    return latex.replace("\n\\end{aligned}", " \\\\\n" + _TAIL_LATEX + "\n\\end{aligned}")
