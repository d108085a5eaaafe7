"""Conditional value at risk on scenarios: the linear program of Rockafellar and Uryasev."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.formulations.highs_model import HighsModel
from cgcopt.formulations.models.parameters import add_pyomo_parameters, cvxpy_parameters
from cgcopt.formulations.risk.worst_rounds import TAIL_PARAMETERS, WorstRounds, with_tail
from cgcopt.formulations.runtime_coordinate import RuntimeCoordinate
from cgcopt.formulations.runtime_partition import RuntimePartition
from cgcopt.formulations.scipy_program import Rows
from cgcopt.problem import Form, Problem

__all__ = ["TailMeanCoordinate", "TailMeanPartition"]


class TailMeanPartition(WorstRounds, RuntimePartition):
    r"""``min t + sum_k s_k / ((1-q) K)``, ``s_k >= theta_k - t``, ``theta_k >= u T^k_(N-n) w_n``.

    To the variables and rows of the expected runtime come ``t``, which is a quantile at the optimum,
    and ``excess``, by how much a scenario is later, both in units of :attr:`runtime_scale`
    (Rockafellar and Uryasev, Journal of Risk 2, 2000).
    """

    @property
    def variables(self) -> Mapping[str, tuple[int, ...]]:
        """Those of the expected runtime, ``t`` of shape ``(1,)`` and ``excess`` of shape ``(K,)``."""
        return {**super().variables, "t": (1,), "excess": (self.rounds,)}

    changeable = ("probability", "coordinates")

    @property
    def parameters(self) -> dict[str, FloatArray]:
        """Values of the parameters: ``L``, and the :attr:`weight` of the excesses."""
        return {**super().parameters, **self.weight}

    def to_cvxpy(self) -> Any:
        """Return a ``cvxpy.Problem``; its parameters ``L`` and ``weight`` may be changed."""
        import cvxpy as cp

        model = super().to_cvxpy()
        theta = next(v for v in model.variables() if v.name() == "theta")
        objective, row = self.cvxpy_tail(theta, cvxpy_parameters(self.weight)["weight"])
        return cp.Problem(objective, [*model.constraints, row])

    def to_pyomo(self) -> Any:
        """Return a ``pyomo.environ.ConcreteModel`` with mutable parameters ``L`` and ``weight``."""
        m = super().to_pyomo()
        m.name, m.doc = "conditional value at risk", f"On scenarios, {self.form} form."
        add_pyomo_parameters(m, self.weight, TAIL_PARAMETERS)
        self.pyomo_tail(m)
        return m

    def scipy_rows(self) -> Rows:
        """Blocks of the rows by variable, with their sides."""
        rows = super().scipy_rows()
        self.add_scipy_tail(rows)
        return rows

    def fill_more(self, model: HighsModel, found: Mapping[str, IntArray]) -> dict[str, IntArray]:
        """Write ``t``, the excesses and their rows."""
        return self.fill_tail(model, found)

    def latex(self) -> str:
        """Return the mathematics of the model as a LaTeX ``align`` environment."""
        return with_tail(super().latex())


@dataclass(frozen=True, eq=False)
class TailMeanCoordinate(WorstRounds, RuntimeCoordinate):
    """The same objective over one redundancy ``s_l`` in ``{0..N-1}`` per coordinate.

    The rows of :class:`~cgcopt.formulations.runtime_coordinate.RuntimeCoordinate` bound the runtimes.
    """

    changeable = ("probability",)

    @cached_property
    def blocks(self) -> TailMeanPartition:
        """The program over blocks."""
        return TailMeanPartition(self.problem, Form.BLOCK, strong=self.strong)

    def moved(self, model: Any, problem: Problem, at_least: int) -> Self:
        """Change the probability, which the rows of the coordinates do not know."""
        self.blocks.moved(model, problem, at_least)
        return replace(self, problem=problem)

    def latex(self) -> str:
        """Return the mathematics of the model as a LaTeX ``align`` environment."""
        return with_tail(super().latex())
