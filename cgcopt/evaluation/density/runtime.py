"""Expected runtime of a design for independent workers whose time has a density.

``E[tau] = t_min + integral of (1 - P[tau <= t])`` from ``t_min``, and its gradient is the integral
of ``-dP/dw``, over the exact completion probability of :mod:`cgcopt.evaluation.crossing.completion`
(system model: Wang, Cui, Li, Zou and Xiong, arXiv 2206.02450). In the logarithm of ``t - t_min``
the integrands are smooth for every family, whatever the density does at the lower end of the
support or in the tail.

- An analytic map between this logarithm and about the normal score of ``tau`` turns the integrands
  into bells, which the trapezoidal rule integrates with some sixty nodes
  (:mod:`cgcopt.evaluation.density.by_trapezoids`).
- Designs whose levels are fast on very different scales, and tails with hardly a variance, are not
  resolved by it. They are left to Gauss-Legendre panels cut near quantiles of ``tau``, and to the
  power of the tail beyond (:mod:`cgcopt.evaluation.density.by_panels`).
"""

from __future__ import annotations

from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from cgcopt.arrays import FloatArray
from cgcopt.errors import (
    InfiniteMeanError,
    InvalidInputError,
)
from cgcopt.evaluation.crossing.single import FEWEST
from cgcopt.evaluation.crossing.thresholds import checked_work
from cgcopt.evaluation.density.by_panels import by_panels
from cgcopt.evaluation.density.by_trapezoids import by_trapezoids
from cgcopt.evaluation.density.normalised import NormalisedRuntime
from cgcopt.evaluation.density.order_statistics import order_statistic_means
from cgcopt.evaluation.dispatch import times_as
from cgcopt.evaluation.double_range import within_doubles
from cgcopt.evaluation.lines import LineRuntime, Lines, lines_of_work
from cgcopt.evaluation.result import Evaluation, Method, WithGradient
from cgcopt.system import System
from cgcopt.workers.base import ContinuousTimes

__all__ = [
    "density_of",
    "distinct_work",
    "expected_runtime",
    "require_finite_mean",
    "runtime_of_lines",
]

#: Relative difference of the work of two levels that is taken for rounding.
_SAME_WORK = 1e-13


@overload
def expected_runtime(
    system: System, work: ArrayLike, *, gradient: Literal[True], threads: int | None = None
) -> WithGradient: ...


@overload
def expected_runtime(
    system: System, work: ArrayLike, *, gradient: bool = False, threads: int | None = None
) -> Evaluation: ...


@within_doubles("the expected runtime")
def expected_runtime(
    system: System, work: ArrayLike, *, gradient: bool = False, threads: int | None = None
) -> Evaluation:
    """Exact expected seconds of a round, by quadrature; right to 1e-10, mostly to 1e-13.

    Parameters
    ----------
    system : System
        Its worker times must have a density.
    work : array_like, shape (N,)
        Cumulative work ``w``, coordinates, not all 0; leading zeros are levels without a
        constraint. The value is homogeneous of degree 1 in it.
    gradient : bool
        Whether to compute ``dE/dw``, seconds per coordinate.
    threads : int, optional
        Threads of the kernel; its own choice by default.

    Returns
    -------
    Evaluation
        With method ``quadrature``.

    Raises
    ------
    InfiniteMeanError
        If the expected runtime is infinite.
    InvalidInputError
        If the work has the wrong shape, a negative entry, or nothing but zeros.
    SolverError
        If the tail of the worker times leaves the range of double precision.
    UnsupportedProblemError
        If the worker times have no density.

    Examples
    --------
    One worker more than needed: the second slowest of three, two cycles for each coordinate.

    >>> from cgcopt import Design, Exponential, System
    >>> system = System(workers=3, coordinates=10, worker_times=Exponential(rate=1.0))
    >>> result = expected_runtime(system, Design([0, 10, 0]).work, gradient=True)
    >>> round(result.value, 10), round(2 * 10 / 3 * (1 / 3 + 1 / 2), 10)
    (5.5555555556, 5.5555555556)
    """
    times = density_of(system)
    w = distinct_work(work, system.workers)
    if system.costs:
        return runtime_of_lines(system, lines_of_work(system, w), threads=threads).evaluation(
            system
        )
    require_finite_mean(times, w)
    if w.size >= FEWEST and w[np.argmax(w > 0.0)] == w[-1]:
        return _of_one_block(system, times, w, gradient)
    integrals = _integrals(NormalisedRuntime.of(times, w / w[-1]), gradient, threads)
    seconds = system.unit * float(w[-1])
    return Evaluation.exact(
        seconds * (times.support[0] + float(integrals[0])),
        Method.QUADRATURE,
        gradient=system.unit * integrals[1:] if gradient else None,
    )


def _of_one_block(
    system: System, times: ContinuousTimes, w: FloatArray, gradient: bool
) -> Evaluation:
    """``u w E[T_(N-n)]`` with the gradient that Euler's theorem gives, all of it at level ``n``."""
    level = int(np.argmax(w > 0.0))
    means = order_statistic_means(times, w.size, 1, np.array([float(w.size - level)]))
    value = system.unit * float(w[-1]) * float(means[0])
    rise = np.zeros(w.size)
    rise[level] = value / w[-1]
    return Evaluation.exact(value, Method.QUADRATURE, gradient=rise if gradient else None)


def density_of(system: System) -> ContinuousTimes:
    """Return the worker times of a system, or say that they have no density."""
    need = "quadrature of the expected runtime needs a density of worker times, not"
    return times_as(ContinuousTimes, system, need)


def runtime_of_lines(system: System, lines: Lines, *, threads: int | None = None) -> LineRuntime:
    """Expected runtime ``E[max_n (c_n + a_n T_(N-n))]`` by quadrature, as for :func:`expected_runtime`.

    Parameters
    ----------
    system : System
        Its worker times must have a density; its costs do not count, they are in the lines.
    lines : Lines
        Of the levels.
    threads : int, optional
        Threads of the kernel; its own choice by default.

    Examples
    --------
    >>> from cgcopt import Exponential, System
    >>> lines = Lines(np.array([2.0, 2.0]), np.array([1.0, 1.0]))
    >>> result = runtime_of_lines(System(2, 1, Exponential(rate=1.0)), lines)
    >>> round(result.value, 9), result.delay_gradient.round(9).tolist()
    (4.0, [1.0, 0.0])
    """
    times = density_of(system)
    require_finite_mean(times, lines.factor)
    cycles, last = float(lines.factor[-1]), float(lines.delay[-1])
    lead = (last - lines.delay) / cycles
    scaled = NormalisedRuntime.of(times, lines.factor / cycles, lead)
    integrals = _integrals(scaled, True, threads)
    count = lines.factor.size
    value = last + cycles * (times.support[0] + float(integrals[0]))
    return LineRuntime(
        value,
        value,
        value,
        Method.QUADRATURE,
        integrals[1 : count + 1],
        integrals[count + 1 :],
    )


def _integrals(runtime: NormalisedRuntime, gradient: bool, threads: int | None) -> FloatArray:
    """``E[tau] - t_min`` and, with gradient, its derivatives in ``omega`` and in delays."""
    result = by_trapezoids(runtime, gradient, threads)
    return by_panels(runtime, gradient, threads) if result is None else result


def distinct_work(work: ArrayLike, workers: int) -> FloatArray:
    """Raise a level with less work than one before it, which never ends a round, to that one's.

    Levels that differ by rounding alone become the same too: the chances of their workers would be
    the same in double precision at some times, not at others, and the gradient would jump.

    Raises
    ------
    InvalidInputError
        If the work is not that of one design, with a positive entry.
    """
    given = checked_work(work, workers)
    if given.ndim != 1 or not given.any():
        raise InvalidInputError("work", given.tolist(), "one design with a positive entry")
    w = np.maximum.accumulate(given)
    for n in range(1, w.size):
        if w[n] <= w[n - 1] * (1.0 + _SAME_WORK):
            w[n] = w[n - 1]
    return w


def require_finite_mean(times: ContinuousTimes, work: FloatArray) -> None:
    """Raise :class:`~cgcopt.errors.InfiniteMeanError` where the work has an infinite mean runtime."""
    first = int(np.argmax(work > 0.0))
    if times.tail_index * (first + 1) <= 1.0:
        raise InfiniteMeanError(
            f"the expected runtime is infinite: {times.label} has tail index "
            f"{times.tail_index:g} and the first used level is {first}; "
            f"(level + 1) * tail index must exceed 1"
        )
