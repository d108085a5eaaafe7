"""Quantiles of the runtime on scenarios within limits, or with costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import Design, largest_remainder
from cgcopt.formulations.highs_model import HighsModel
from cgcopt.formulations.limited.runtime import RuntimeWithin, ScipyParts
from cgcopt.formulations.limited.within import PARAMETERS
from cgcopt.formulations.risk.late_rounds import LATE_PARAMETERS, LateRounds, with_late_rounds

__all__ = ["QuantileWithin"]


@dataclass(frozen=True, eq=False)
class QuantileWithin(LateRounds, RuntimeWithin):
    r"""``min t``, ``theta_k <= t + M_k z_k``, ``theta_k >= u T^k_(N-n) w_n + beta X_n + gamma K_n``.

    The variables of :class:`~cgcopt.formulations.limited.runtime.RuntimeWithin`, with those of
    :class:`~cgcopt.formulations.risk.quantile.QuantilePartition` and its rows, in which every level
    also has what is sent until it is there; a start-up adds to the value as it is.
    """

    changeable: ClassVar[tuple[str, ...]] = ("probability", "coordinates", "costs", "limits")
    documented: ClassVar[Mapping[str, str]] = {**PARAMETERS, **LATE_PARAMETERS}

    @property
    def of_rounds(self) -> Mapping[str, tuple[int, ...]]:
        """Name and shape of the variables of the scenarios."""
        return {**super().of_rounds, "t": (1,), "late": (self.rounds,)}

    @property
    def cost(self) -> Mapping[str, float]:
        """Coefficients of the objective: 1 for ``t``."""
        return {"t": 1.0}

    def quick_design(self) -> Design:
        """Return the best of some: one allowed level, two of them, work inverse to the quantiles."""
        return min(self._quick_designs(), key=self.quantile_of)

    def _quick_designs(self) -> Iterator[Design]:
        limits, total = self.problem.limits, self.problem.system.coordinates
        one = np.eye(self.workers) * total
        levels = limits.allowed_levels(self.workers)
        yield from (Design(one[n]) for n in levels)
        mixed = [0.5 * (one[n] + one[m]) for n in levels for m in levels if n < m]
        for x in (self.balanced, *mixed):
            rounded = x if not self.integer else largest_remainder(x, total)
            if not limits.violation(rounded):
                yield Design(rounded)

    @property
    def most_delay(self) -> float:
        """The most that sending adds to a runtime, scaled."""
        return self.per_unit * self.budget_units + self.per_message * self.most

    forgets: ClassVar[Mapping[str, Any]] = {"at_most": None}

    @property
    def parameters(self) -> dict[str, FloatArray]:
        """Those of limits and costs, and those of the rounds that may be late."""
        return {**super().parameters, **self.of_late_rounds}

    def _cvxpy_rounds(
        self, found: dict[str, Any], reached: Any, given: Mapping[str, Any]
    ) -> tuple[Any, list[Any]]:
        _, rows = super()._cvxpy_rounds(found, reached, given)
        objective, late = self.cvxpy_late(found, given)
        return objective, [*rows, *late]

    def _pyomo_rounds(self, m: Any) -> None:
        super()._pyomo_rounds(m)
        self.pyomo_late(m)

    def _scipy_rounds(self, given: ScipyParts) -> float:
        sign = super()._scipy_rounds(given)
        given.rows.update(self.scipy_late(delayed=True))
        given.whole.append("late")
        given.upper.update({"t": self.known, "late": 1.0})
        return sign

    def _fill_rounds(self, model: HighsModel, found: Mapping[str, IntArray]) -> dict[str, IntArray]:
        columns = super()._fill_rounds(model, found)
        return {**columns, **self.fill_late(model, {**found, **columns})}

    def latex(self) -> str:
        """Return the mathematics of the model as a LaTeX ``align`` environment."""
        _, *sent = self._latex_reached.split(" + ")
        delay = "".join(f" + {term}" for term in sent)
        return with_late_rounds(super().latex(), self.strong, delay)
