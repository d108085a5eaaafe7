"""Completion probability for independent workers whose time takes finitely many values."""

from __future__ import annotations

from numpy.typing import ArrayLike

from cgcopt.evaluation.crossing.completion import completion_probabilities
from cgcopt.evaluation.double_range import within_doubles
from cgcopt.evaluation.result import Probability
from cgcopt.system import System

__all__ = ["completion_probability"]


@within_doubles("the completion probability")
def completion_probability(
    system: System, work: ArrayLike, deadline: float, *, gradient: bool = False
) -> Probability:
    """Exact probability that a round of a design ends by the deadline.

    Parameters
    ----------
    system : System
        With :class:`~cgcopt.workers.base.DiscreteTimes` as worker times.
    work : array_like, shape (N,)
        Cumulative work ``w``, coordinates; entries of 0 are levels without a constraint.
    deadline : float
        Seconds; a deadline that equals a possible runtime but for rounding is kept.
    gradient : bool
        Without effect: the probability is piecewise constant in ``w``.

    Returns
    -------
    Probability
        With ``complement`` and ``log_value``.

    Examples
    --------
    Two workers, times 1 or 3 with equal chance; both have to be fast.

    >>> from cgcopt import Empirical, System
    >>> system = System(2, 4, Empirical([1.0, 3.0]), samples=2)
    >>> completion_probability(system, [4.0, 4.0], 8.0).value
    0.25
    """
    return completion_probabilities(system, work, float(deadline)).evaluation()
