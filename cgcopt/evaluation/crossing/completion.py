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

import math
from dataclasses import dataclass, replace
from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.crossing.crossing import crossing
from cgcopt.evaluation.crossing.thresholds import (
    KEPT,
    Thresholds,
    ThresholdsWithDerivative,
    checked_work,
    proportional_thresholds,
)
from cgcopt.evaluation.dispatch import times_as
from cgcopt.evaluation.double_range import within_doubles
from cgcopt.evaluation.lines import lines_of_work, work_gradient
from cgcopt.evaluation.result import Method, Probability
from cgcopt.system import System
from cgcopt.workers.base import IndependentTimes, Times

__all__ = [
    "Completion",
    "CompletionWithGradient",
    "completion",
    "completion_probabilities",
    "reaches",
]


@dataclass(frozen=True)
class _Tuning:
    """Numbers of the comparisons with deadlines and probabilities."""

    reached: float = 1e-12
    """A probability this close to another one, relatively, has reached it; the accuracy of the kernel."""


_TUNING = _Tuning()


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
    """

    probability: FloatArray
    complement: FloatArray
    log_probability: FloatArray

    def evaluation(self) -> Probability:
        """The result for a single design and deadline as an :class:`Evaluation`."""
        return Probability.of(
            float(self.probability),
            Method.EXACT,
            complement=float(self.complement),
            log_value=float(self.log_probability),
            gradient=self._gradient(),
        )

    def _gradient(self) -> FloatArray | None:
        return None


@dataclass(frozen=True, eq=False)
class CompletionWithGradient(Completion):
    """Completion probabilities with their gradients.

    Attributes
    ----------
    gradient : ndarray, shape batch + (N,)
        ``dP/dw_n``, at most 0; that of ``1 - P`` is its negative. 0 where ``P`` is 0.
    log_gradient : ndarray, shape batch + (N,)
        ``d log P/dw_n``; not finite where ``log P`` is not.
    log_rate : ndarray, shape batch
        ``d log P/dt``; NaN where the deadlines are not known.
    """

    gradient: FloatArray
    log_gradient: FloatArray
    log_rate: FloatArray

    def _gradient(self) -> FloatArray:
        return self.gradient


def reaches(on_time: float, late: float, probability: float) -> bool:
    """Whether ``P`` is at least a probability, where equal numbers may differ by rounding.

    Parameters
    ----------
    on_time, late : float
        ``P`` and ``1 - P``; the smaller one is compared, so that no digit is lost.
    probability : float
        The wanted probability, itself rounded.

    Examples
    --------
    >>> reaches(0.3, 0.7, 0.1 + 0.2), reaches(0.3, 0.7, 0.31)
    (True, False)
    """
    if probability <= 0.5:
        return on_time >= probability * (1 - _TUNING.reached)
    return late <= (1 - probability) * (1 + _TUNING.reached) + math.ulp(probability) / 2


@overload
def completion_probabilities(
    system: System,
    work: ArrayLike,
    deadlines: ArrayLike,
    *,
    gradient: Literal[True],
    threads: int | None = None,
) -> CompletionWithGradient: ...


@overload
def completion_probabilities(
    system: System,
    work: ArrayLike,
    deadlines: ArrayLike,
    *,
    gradient: bool = False,
    threads: int | None = None,
) -> Completion: ...


@within_doubles("a completion probability")
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
        Whether to compute the gradients; needs continuous worker times.
    threads : int, optional
        Threads of the kernel; its own choice by default.

    Returns
    -------
    Completion
        A :class:`CompletionWithGradient` where the gradients were asked for.

    Raises
    ------
    InvalidInputError
        If a work has the wrong shape or a negative entry, or a deadline is not a number.
    UnsupportedProblemError
        If the worker times are not independent, or gradients are asked for and there is no density.

    Examples
    --------
    >>> from cgcopt import Design, Exponential, System
    >>> system = System(workers=2, coordinates=3, worker_times=Exponential(rate=1.0))
    >>> result = completion_probabilities(system, Design([1, 2]).work, [1.0, 2.0, 4.0])
    >>> result.probability.round(4).tolist()
    [0.4614, 0.7779, 0.9587]
    """
    need = "an exact completion probability needs independent worker times, not"
    times = times_as(IndependentTimes, system, need)
    w = checked_work(work, system.workers)
    t = np.asarray(deadlines, dtype=np.float64)
    if np.isnan(t).any():
        raise InvalidInputError("deadline", deadlines, "a number of seconds")
    if times.kind is Times.DISCRETE:
        t = t * KEPT
    if system.costs:
        return _with_costs(system, times, w, t, gradient, threads)
    levels = proportional_thresholds(times, system.unit * w, t, derivative=gradient)
    found = completion(levels, w, threads=threads)
    if not isinstance(found, CompletionWithGradient):
        return found
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        # P depends on w/t alone.
        return replace(found, log_rate=-(found.log_gradient * w).sum(axis=-1) / t)


def _with_costs(
    system: System,
    times: IndependentTimes,
    w: FloatArray,
    t: FloatArray,
    gradient: bool,
    threads: int | None,
) -> Completion:
    """``F_n(t) = F_T((t - c_n) / a_n)`` for the lines ``c_n + a_n T`` of the levels."""
    lines = lines_of_work(system, w)
    levels = proportional_thresholds(
        times, lines.factor, t, ahead=-lines.delay, derivative=gradient
    )
    found = completion(levels, lines.factor, threads=threads)
    if not isinstance(found, CompletionWithGradient):
        return found
    with np.errstate(divide="ignore", invalid="ignore"):
        time = (t[..., np.newaxis] - lines.delay) / lines.factor
        reachable = (lines.factor > 0.0) & (time > 0.0)
        late = np.where(reachable, found.gradient / time, 0.0)
        log_late = np.where(reachable, found.log_gradient / time, 0.0)
    return replace(
        found,
        gradient=work_gradient(system, found.gradient, late),
        log_gradient=work_gradient(system, found.log_gradient, log_late),
        log_rate=-log_late.sum(axis=-1),
    )


@overload
def completion(
    levels: ThresholdsWithDerivative, work: FloatArray, *, threads: int | None = None
) -> CompletionWithGradient: ...


@overload
def completion(
    levels: Thresholds, work: FloatArray, *, threads: int | None = None
) -> Completion: ...


def completion(levels: Thresholds, work: FloatArray, *, threads: int | None = None) -> Completion:
    """Completion probabilities, and gradients where the derivatives of the thresholds are known.

    Parameters
    ----------
    levels : Thresholds
        Finishing probabilities of the levels.
    work : ndarray, shape (..., N)
        What the derivatives refer to; the gradient is 0 where it is 0.
    threads : int, optional
        Threads of the kernel; its own choice by default.

    Returns
    -------
    Completion
        A :class:`CompletionWithGradient` where the derivatives are known.

    Examples
    --------
    Two workers: both have to finish level 0, one of them level 1.

    >>> finished = np.array([0.5, 0.25])
    >>> levels = Thresholds(finished, 1.0 - finished)
    >>> float(completion(levels, np.array([1.0, 2.0])).probability.round(12))
    0.1875
    """
    # The k-th fastest worker answers for level N - k: the kernel counts levels downwards.
    finished, late = levels.finished[..., ::-1], levels.late[..., ::-1]
    if not isinstance(levels, ThresholdsWithDerivative):
        plain = crossing(finished, late, threads=threads)
        return Completion(plain.probability, plain.complement, plain.log_probability)
    found = crossing(finished, late, gradient=True, threads=threads)
    with np.errstate(divide="ignore", invalid="ignore"):
        by_work = np.where(work > 0.0, levels.derivative / work, 0.0)
        dp, dlog = found.gradient[..., ::-1] * by_work, found.log_gradient[..., ::-1] * by_work
    possible = found.probability[..., np.newaxis] > 0.0
    return CompletionWithGradient(
        found.probability,
        found.complement,
        found.log_probability,
        np.where(possible, dp, 0.0),
        dlog,
        np.full(found.probability.shape, np.nan),
    )
