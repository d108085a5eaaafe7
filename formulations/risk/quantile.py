"""Quantiles of the runtime on scenarios: the shortest deadline that enough rounds keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import Design, largest_remainder
from cgcopt.formulations.highs_model import HighsModel
from cgcopt.formulations.models.parameters import add_pyomo_parameters, cvxpy_parameters
from cgcopt.formulations.risk.late_rounds import LATE_PARAMETERS, LateRounds, with_late_rounds
from cgcopt.formulations.runtime_coordinate import RuntimeCoordinate
from cgcopt.formulations.runtime_partition import RuntimePartition
from cgcopt.formulations.scipy_program import Rows
from cgcopt.problem import Form, Problem

__all__ = ["QuantileCoordinate", "QuantilePartition"]


@dataclass(frozen=True, eq=False)
class _Quantile(LateRounds):
    """What both forms share: a design that is quickly found."""

    def quick_design(self) -> Design:
        """Return the better of two: work inverse to the mean, or to the quantile, of every level."""
        x = self.balanced
        if self.form is not Form.RELAXED:
            x = largest_remainder(x, self.problem.system.coordinates)
        return min(super().quick_design(), Design(x), key=self.quantile_of)


@dataclass(frozen=True, eq=False)
class QuantilePartition(_Quantile, RuntimePartition):
    r"""``min t``, ``theta_k <= t + M_k z_k``, ``sum_k z_k <= r``, ``theta_k >= u T^k_(N-n) w_n``.

    A binary ``late`` (``z_k``) for each scenario says that it may be later than ``t``; ``r`` of them
    may, so that ``t`` is the quantile. With ``tau_n`` the ``(r+1)``-th largest ``u T^k_(N-n)`` every
    design has ``tau_n w_n <= t`` and needs no more relief than ``M_{k,n} = W_n (u T^k_(N-n) - tau_n)^+``,
    with the most work ``W_n``, ``(n+1) L``, or ``t' / tau_n`` where a deadline ``t'`` is known that
    some design keeps. The strong rows are

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
        """Coefficients of the objective: 1 for ``t``."""
        return {"t": 1.0}

    @property
    def whole(self) -> tuple[str, ...]:
        """Variables in whole numbers."""
        return (*super().whole, "late")

    @property
    def upper_bounds(self) -> Mapping[str, float]:
        """Upper bounds of ``t`` and of the binaries."""
        return {"t": self.known, "late": 1.0}

    changeable = ("probability", "coordinates")

    def moved(self, model: Any, problem: Problem, at_least: int) -> Self:
        """Change the probability or the budget; what was known of the old problem is no more."""
        return self.updated(model, problem, at_most=None)

    @property
    def parameters(self) -> dict[str, FloatArray]:
        """Values of the parameters: ``L``, and those :attr:`of_late_rounds`."""
        return {**super().parameters, **self.of_late_rounds}

    def to_cvxpy(self) -> Any:
        """Return a ``cvxpy.Problem``, up to 5,000 numbers with :attr:`parameters`."""
        import cvxpy as cp

        model = super().to_cvxpy()
        given: Mapping[str, Any] = cvxpy_parameters(self.of_late_rounds)
        found = {variable.name(): variable for variable in model.variables()}
        objective, rows = self.cvxpy_late(found, given)
        return cp.Problem(objective, [*model.constraints, *rows])

    def to_pyomo(self) -> Any:
        """Return a ``pyomo.environ.ConcreteModel`` with mutable :attr:`parameters`."""
        m = super().to_pyomo()
        m.name, m.doc = "quantile of the runtime", f"On scenarios, {self.form} form."
        add_pyomo_parameters(m, self.of_late_rounds, LATE_PARAMETERS)
        self.pyomo_late(m)
        return m

    def scipy_rows(self) -> Rows:
        """Blocks of the rows by variable, with their sides."""
        return {**super().scipy_rows(), **self.scipy_late(delayed=False)}

    def fill_more(self, model: HighsModel, found: Mapping[str, IntArray]) -> dict[str, IntArray]:
        """Write ``t``, the binaries and their rows."""
        return self.fill_late(model, found)

    def latex(self) -> str:
        """Return the mathematics of the model as a LaTeX ``align`` environment."""
        return with_late_rounds(super().latex(), self.strong)


@dataclass(frozen=True, eq=False)
class QuantileCoordinate(_Quantile, RuntimeCoordinate):
    """The same objective over one redundancy ``s_l`` in ``{0..N-1}`` per coordinate."""

    changeable = ("probability",)

    @cached_property
    def blocks(self) -> QuantilePartition:
        """The program over blocks."""
        return QuantilePartition(self.problem, Form.BLOCK, strong=self.strong, at_most=self.at_most)

    def moved(self, model: Any, problem: Problem, at_least: int) -> Self:
        """Change the probability, which the rows of the coordinates do not know."""
        self.blocks.moved(model, problem, at_least)
        return replace(self, problem=problem, at_most=None)

    def latex(self) -> str:
        """Return the mathematics of the model as a LaTeX ``align`` environment."""
        return with_late_rounds(super().latex(), self.strong)
