"""What an evaluation says of a design."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

__all__ = ["Certificate", "Evaluation", "Method"]


class Method(StrEnum):
    """How a value was computed."""

    QUADRATURE = "quadrature"
    """Integral over exact completion probabilities; right to about 1e-12."""
    EXACT = "exact"
    """Closed recursion or finite sum; right to rounding."""
    BRACKET = "bracket"
    """Between two sums over panels of exact chances; the bracket is rigorous."""
    SCENARIOS = "scenarios"
    """Average over the finite set of rounds that is the model; right to rounding."""
    SIMULATION = "simulation"
    """Average over drawn rounds; has a standard error."""


class Certificate(StrEnum):
    """The proof behind a bound."""

    NONE = "none"
    """No bound is known."""
    SUBGRADIENT = "subgradient"
    """``L min_n g_n`` of one (sub)gradient of the convex, homogeneous expected runtime."""
    CUTTING_PLANES = "cutting-planes"
    """``L min_n g_n`` of a convex combination of subgradients."""
    JENSEN = "jensen"
    """Order statistics replaced by their means."""
    OUTER_APPROXIMATION = "outer-approximation"
    """A mixed-integer master problem over gradient cuts."""
    DUAL_BOUND = "dual-bound"
    """The dual bound that an outside solver reported for the same problem."""
    BRANCH_AND_BOUND = "branch-and-bound"
    """Bounds from conditional log-concavity on every node of a branch and bound."""
    LEVELS = "levels"
    """Every level alone must be in time: the work that each of them affords, summed up."""
    TRIVIAL = "trivial"
    """A probability is at most 1."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The worth of a design under one objective.

    Attributes
    ----------
    value : float
        Seconds (expected runtime, quantile) or probability.
    method : Method
        How the value was computed.
    lower, upper : float
        Rigorous bracket of the value; equal to ``value`` when the method is exact.
    standard_error : float
        Of a simulated value; 0 otherwise.
    complement : float, optional
        ``1 - value`` of a probability, computed without subtraction.
    log_value : float, optional
        Natural logarithm of a probability, also where the probability underflows.
    gradient : ndarray, optional
        (Sub)gradient of the value with respect to the cumulative work ``w``, shape ``(N,)``.
    """

    value: float
    method: Method
    lower: float
    upper: float
    standard_error: float = 0.0
    complement: float | None = None
    log_value: float | None = None
    gradient: NDArray[np.float64] | None = None

    @classmethod
    def exact(
        cls,
        value: float,
        method: Method,
        *,
        gradient: NDArray[np.float64] | None = None,
        complement: float | None = None,
        log_value: float | None = None,
    ) -> Evaluation:
        """Build an evaluation whose bracket is the value itself."""
        return cls(
            value,
            method,
            value,
            value,
            gradient=gradient,
            complement=complement,
            log_value=log_value,
        )
