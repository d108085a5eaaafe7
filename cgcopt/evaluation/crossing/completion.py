"""Completion probability of a design for independent, identically distributed workers.

Level ``n`` of a design is finished by the deadline when at least ``N - n`` workers have done its
cumulative work ``w_n``.  With ``F_n(t)`` the probability that one worker has done so by ``t``,

    P[tau <= t] = P[U_(N-n) <= F_n(t) for every n],

where ``U_(1) <= ... <= U_(N)`` are the order statistics of uniform variables (the system model is
that of Wang, Cui, Li, Zou and Xiong, arXiv 2206.02450; the probability is evaluated by
:mod:`cgcopt.evaluation.crossing.crossing`).  How ``F_n`` depends on the work is told by
:mod:`cgcopt.evaluation.crossing.thresholds`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError, UnsupportedProblemError
from cgcopt.evaluation.crossing.crossing import crossing
from cgcopt.evaluation.crossing.thresholds import (
    Thresholds,
    checked_work,
    proportional_thresholds,
)
from cgcopt.evaluation.result import Evaluation, Method
from cgcopt.system import System
from cgcopt.workers.base import IndependentTimes, Times

__all__ = ["Completion", "completion", "completion_probabilities"]

# A deadline that equals a possible runtime in exact arithmetic counts as kept, however
# t / (u w_n) is rounded.
_ROUNDING = 1.0 + 4.0 * np.finfo(np.float64).eps


@dataclass(frozen=True, eq=False)
class Completion:
    """Completion probabilities of a batch of deadlines or designs, and their gradients.

    ``batch`` is the broadcast shape of the deadlines and of the works without their last axis; all
    of it keeps its relative accuracy where ``P`` or ``1 - P`` is tiny.

    Attributes
    ----------
    probability : ndarray, shape batch
        ``P = P[tau <= t]``.
    complement : ndarray, shape batch
        ``1 - P``, computed without subtraction.
    log_probability : ndarray, shape batch
        ``log P``, right also where ``P`` underflows.
    gradient : ndarray, shape batch + (N,), or None
        ``dP/dw_n``, at most 0; that of ``1 - P`` is its negative. 0 where ``P`` is 0.
    log_gradient : ndarray, shape batch + (N,), or None
        ``d log P/dw_n``; not finite where ``log P`` is not.
    """

    probability: FloatArray
    complement: FloatArray
    log_probability: FloatArray
    gradient: FloatArray | None = None
    log_gradient: FloatArray | None = None

    def evaluation(self) -> Evaluation:
        """The result for a single design and deadline as an :class:`Evaluation`."""
        return Evaluation.exact(
            float(self.probability),
            Method.EXACT,
            gradient=self.gradient,
            complement=float(self.complement),
            log_value=float(self.log_probability),
        )


def completion_probabilities(
    system: System,
    work: ArrayLike,
    deadlines: ArrayLike,
    *,
    gradient: bool = False,
    threads: int | None = None,
) -> Completion:
    """Exact completion probabilities for many deadlines, many designs, or both.

    Parameters
    ----------
    system : System
        Its worker times must be independent (continuous or discrete).
    work : array_like, shape (..., N)
        Cumulative work of one or many designs.
    deadlines : array_like
        Seconds; broadcast against the leading axes of ``work``.
    gradient : bool
        Whether to compute the gradients, for continuous worker times.
    threads : int, optional
        Threads of the kernel; its own choice by default.

    Returns
    -------
    Completion

    Raises
    ------
    InvalidInputError
        If a work has the wrong shape or a negative entry, or a deadline is not a number.
    UnsupportedProblemError
        If the worker times are not independent.

    Examples
    --------
    >>> from cgcopt import Design, Exponential, System
    >>> system = System(workers=2, coordinates=3, worker_times=Exponential(rate=1.0))
    >>> result = completion_probabilities(system, Design([1, 2]).work, [1.0, 2.0, 4.0])
    >>> result.probability.round(4).tolist()
    [0.4614, 0.7779, 0.9587]
    """
    times = system.worker_times
    if not isinstance(times, IndependentTimes):
        raise UnsupportedProblemError(
            f"an exact completion probability needs independent worker times, not {times.label}"
        )
    w = checked_work(work, system.workers)
    t = np.asarray(deadlines, dtype=np.float64)
    if np.isnan(t).any():
        raise InvalidInputError("deadline", deadlines, "a number of seconds")
    if times.kind is Times.DISCRETE:
        t = t * _ROUNDING
    with_slope = gradient and times.kind is Times.CONTINUOUS
    levels = proportional_thresholds(times, system.unit * w, t, slope=with_slope)
    return completion(levels, w, threads=threads)


def completion(levels: Thresholds, work: FloatArray, *, threads: int | None = None) -> Completion:
    """Completion probabilities, and gradients where the slopes are known.

    Parameters
    ----------
    levels : Thresholds
        Finishing probabilities of the levels.
    work : ndarray, shape (..., N)
        What the slopes refer to; the gradient is 0 where it is 0.
    threads : int, optional
        Threads of the kernel; its own choice by default.

    Returns
    -------
    Completion

    Examples
    --------
    Two workers: both have to finish level 0, one of them level 1.

    >>> finished = np.array([0.5, 0.25])
    >>> levels = Thresholds(finished, 1.0 - finished, None)
    >>> float(completion(levels, np.array([1.0, 2.0])).probability.round(12))
    0.1875
    """
    with_gradient = levels.slope is not None
    # The k-th fastest worker answers for level N - k: the kernel counts levels downwards.
    result = crossing(
        levels.finished[..., ::-1], levels.late[..., ::-1], gradient=with_gradient, threads=threads
    )
    values = (result.probability, result.complement, result.log_probability)
    if levels.slope is None or result.gradient is None or result.log_gradient is None:
        return Completion(*values)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(work > 0.0, levels.slope / work, 0.0)
        dp, dlog = result.gradient[..., ::-1] * slope, result.log_gradient[..., ::-1] * slope
    possible = result.probability[..., np.newaxis] > 0.0
    return Completion(*values, np.where(possible, dp, 0.0), dlog)
