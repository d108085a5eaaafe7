"""Completion probability for independent workers whose time has a density."""

from __future__ import annotations

from numpy.typing import ArrayLike

from cgcopt.evaluation.crossing.completion import completion_probabilities
from cgcopt.evaluation.double_range import within_doubles
from cgcopt.evaluation.result import Probability
from cgcopt.system import System
from cgcopt.workers.base import Times

__all__ = ["completion_probability"]


@within_doubles("the completion probability")
def completion_probability(
    system: System, work: ArrayLike, deadline: float, *, gradient: bool = False
) -> Probability:
    """Exact probability that a round of a design ends by the deadline.

    Parameters
    ----------
    system : System
        Its worker times must be independent.
    work : array_like, shape (N,)
        Cumulative work ``w``, coordinates; entries of 0 are levels without a constraint.
    deadline : float
        Seconds.
    gradient : bool
        Whether to compute ``dP/dw``; without a density there is none.

    Returns
    -------
    Probability
        With ``complement`` and ``log_value``.

    Raises
    ------
    InvalidInputError
        If the work has the wrong shape or a negative entry.
    UnsupportedProblemError
        If the worker times are not independent.

    Examples
    --------
    >>> from cgcopt import Design, Exponential, System
    >>> system = System(workers=2, coordinates=3, worker_times=Exponential(rate=1.0))
    >>> result = completion_probability(system, Design([1, 2]).work, 2.0)
    >>> round(result.value, 6), round(result.value + result.complement, 12)
    (0.777932, 1.0)
    """
    smooth = system.worker_times.kind is Times.CONTINUOUS
    found = completion_probabilities(system, work, float(deadline), gradient=gradient and smooth)
    return found.evaluation()
