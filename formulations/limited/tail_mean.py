"""Conditional value at risk on scenarios within limits, or with costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.formulations.highs_model import HighsModel
from cgcopt.formulations.limited.runtime import RuntimeWithin, ScipyParts
from cgcopt.formulations.limited.within import PARAMETERS
from cgcopt.formulations.risk.worst_rounds import TAIL_PARAMETERS, WorstRounds, with_tail

__all__ = ["TailMeanWithin"]


class TailMeanWithin(WorstRounds, RuntimeWithin):
    r"""``min t + sum_k s_k / ((1-q) K)``, ``theta_k >= u T^k_(N-n) w_n + beta X_n + gamma K_n``.

    The variables of :class:`~cgcopt.formulations.limited.runtime.RuntimeWithin`, with those of
    :class:`~cgcopt.formulations.risk.tail_mean.TailMeanPartition`; a start-up adds to the value as
    it is.
    """

    changeable: ClassVar[tuple[str, ...]] = ("probability", "coordinates", "costs", "limits")
    documented: ClassVar[Mapping[str, str]] = {**PARAMETERS, **TAIL_PARAMETERS}

    @property
    def of_rounds(self) -> Mapping[str, tuple[int, ...]]:
        """Name and shape of the variables of the scenarios."""
        return {**super().of_rounds, "t": (1,), "excess": (self.rounds,)}

    @property
    def parameters(self) -> dict[str, FloatArray]:
        """Parameters of limits and costs, and the weight of the excesses."""
        return {**super().parameters, **self.weight}

    def _cvxpy_rounds(
        self, found: dict[str, Any], reached: Any, given: Mapping[str, Any]
    ) -> tuple[Any, list[Any]]:
        _, rows = super()._cvxpy_rounds(found, reached, given)
        objective, tail = self.cvxpy_tail(found["theta"], given["weight"])
        return objective, [*rows, tail]

    def _pyomo_rounds(self, m: Any) -> None:
        super()._pyomo_rounds(m)
        self.pyomo_tail(m)

    def _scipy_rounds(self, given: ScipyParts) -> float:
        sign = super()._scipy_rounds(given)
        self.add_scipy_tail(given.rows)
        return sign

    def _fill_rounds(self, model: HighsModel, found: Mapping[str, IntArray]) -> dict[str, IntArray]:
        columns = super()._fill_rounds(model, found)
        return {**columns, **self.fill_tail(model, columns)}

    def latex(self) -> str:
        """Return the mathematics of the model as a LaTeX ``align`` environment."""
        return with_tail(super().latex())
