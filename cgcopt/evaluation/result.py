"""What an evaluation says of a design."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import overload

from cgcopt.arrays import FloatArray
from cgcopt.errors import UnsupportedProblemError

__all__ = [
    "Certificate",
    "Evaluation",
    "Method",
    "Probability",
    "ProbabilityWithGradient",
    "WithGradient",
    "as_probability",
    "with_gradient",
]


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
    LEVEL_SETS = "level-sets"
    """A branch and bound over used levels and ends of blocks; gradient cuts bound every node."""
    LEVELS = "levels"
    """Every level alone must be in time: the work that each of them affords, summed up."""
    SPEED_OF_LIGHT = "speed-of-light"
    """Every coordinate is computed on every piece of the data once, whatever the scheme."""
    TRIVIAL = "trivial"
    """A probability is at most 1."""


class _Unsaid:
    """What an evaluation may have to say beside the value; a variant that does declares a field."""

    complement: float | None = None
    log_value: float | None = None
    gradient: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class Evaluation(_Unsaid):
    """The worth of a design under one objective.

    The variants say more: a probability has ``complement`` and ``log_value``, and where a gradient was
    asked for and exists there is a ``gradient``. Each of them is ``None`` where it is not.

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
    """

    value: float
    method: Method
    lower: float
    upper: float
    standard_error: float = 0.0

    @overload
    @classmethod
    def exact(cls, value: float, method: Method, *, gradient: FloatArray) -> WithGradient: ...

    @overload
    @classmethod
    def exact(cls, value: float, method: Method, *, gradient: None = None) -> Evaluation: ...

    @classmethod
    def exact(
        cls, value: float, method: Method, *, gradient: FloatArray | None = None
    ) -> Evaluation:
        """Build an evaluation whose bracket is the value itself.

        Examples
        --------
        >>> Evaluation.exact(2.0, Method.EXACT).gradient is None
        True
        """
        if gradient is None:
            return Evaluation(value, method, value, value)
        return WithGradient(value, method, value, value, gradient=gradient)


@dataclass(frozen=True, eq=False)
class WithGradient(Evaluation):
    """An evaluation with the (sub)gradient of the value.

    Attributes
    ----------
    gradient : ndarray
        With respect to the cumulative work ``w``, shape ``(N,)``.
    """

    gradient: FloatArray = field(kw_only=True)


def with_gradient(evaluation: Evaluation) -> WithGradient:
    """Return an evaluation that was asked for its gradient.

    Raises
    ------
    UnsupportedProblemError
        If there is no gradient, whoever asked.
    """
    if not isinstance(evaluation, WithGradient):
        raise UnsupportedProblemError("a gradient is needed, which this value does not have")
    return evaluation


@dataclass(frozen=True, eq=False)
class Probability(Evaluation):
    """An evaluation of a completion probability.

    Attributes
    ----------
    complement : float
        ``1 - value``, computed without subtraction.
    log_value : float
        Natural logarithm, also where the probability underflows.
    """

    complement: float = field(kw_only=True)
    log_value: float = field(kw_only=True)

    @classmethod
    def of(
        cls,
        value: float,
        method: Method,
        *,
        complement: float,
        log_value: float,
        gradient: FloatArray | None = None,
    ) -> Probability:
        """Build a probability whose bracket is the value itself."""
        if gradient is None:
            return Probability(
                value, method, value, value, complement=complement, log_value=log_value
            )
        return ProbabilityWithGradient(
            value,
            method,
            value,
            value,
            complement=complement,
            log_value=log_value,
            gradient=gradient,
        )


@dataclass(frozen=True, eq=False)
class ProbabilityWithGradient(Probability, WithGradient):
    """A completion probability with its gradient."""


def as_probability(evaluation: Evaluation) -> Probability:
    """Return the evaluation of a completion probability as such.

    Raises
    ------
    UnsupportedProblemError
        If it is that of another objective, or has no logarithm.
    """
    if not isinstance(evaluation, Probability):
        raise UnsupportedProblemError("a completion probability is needed, with its logarithm")
    return evaluation
