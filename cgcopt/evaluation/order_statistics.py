"""Mean order statistics of the worker times, and of their inverses.

For a density the means are integrals (:mod:`cgcopt.evaluation.density.order_statistics`), for step
distributions and scenarios finite sums.

What is computed how for which kind of worker times is in one table, see
:func:`register_order_statistics`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cgcopt._validate import whole_number
from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError, UnsupportedProblemError
from cgcopt.evaluation.binomials import log_binomials
from cgcopt.evaluation.double_range import within_doubles
from cgcopt.evaluation.rounds.quantile import rank_of
from cgcopt.process.time_left import look
from cgcopt.workers.base import (
    DiscreteTimes,
    IndependentTimes,
    Times,
    WorkerTimes,
)
from cgcopt.workers.scenarios import Scenarios

__all__ = [
    "order_statistic_inverse_means",
    "order_statistic_means",
    "order_statistic_quantiles",
    "register_order_statistics",
]

#: Entries of the largest temporary array, numbers; no measurement of it is recorded.
_ENTRIES = 2**21
#: Ranks whose quantiles are computed between two looks at the time.
_RANKS = 2**13


def order_statistic_means(times: WorkerTimes, workers: int) -> FloatArray:
    """Expected order statistics ``E[T_(1)], ..., E[T_(N)]``.

    Parameters
    ----------
    times : WorkerTimes
        Independent times, or scenarios with ``workers`` workers.
    workers : int
        ``N``.

    Returns
    -------
    ndarray, shape (N,)
        Seconds per cycle, right to about 1e-12; ``inf`` where the mean does not exist.

    Examples
    --------
    >>> from cgcopt import ShiftedExponential
    >>> order_statistic_means(ShiftedExponential(rate=1.0, shift=1.0), 3).round(6).tolist()
    [1.333333, 1.833333, 2.833333]
    """
    return _means(times, workers, 1)


@within_doubles("a mean of an order statistic")
def order_statistic_inverse_means(times: WorkerTimes, workers: int) -> FloatArray:
    """Expected inverse order statistics ``E[1/T_(1)], ..., E[1/T_(N)]``, decreasing.

    Parameters
    ----------
    times : WorkerTimes
        Independent times, or scenarios with ``workers`` workers.
    workers : int
        ``N``.

    Returns
    -------
    ndarray, shape (N,)
        Cycles per second, right to about 1e-12. ``inf`` where the mean does not exist: with
        ``P(T <= t)`` like ``t**b`` for small ``t``, that is for ``k b <= 1``, for instance for
        ``k = 1`` of an exponential time without shift.

    Examples
    --------
    >>> from cgcopt import Exponential
    >>> order_statistic_inverse_means(Exponential(rate=1.0), 2).round(6).tolist()
    [inf, 1.386294]
    """
    return _means(times, workers, -1)


@within_doubles("a quantile of an order statistic")
def order_statistic_quantiles(
    times: WorkerTimes, workers: int, on_time: float, late: float
) -> FloatArray:
    """Quantiles of the order statistics ``T_(1), ..., T_(N)``.

    Parameters
    ----------
    times : WorkerTimes
        Independent times, or scenarios with ``workers`` workers.
    workers : int
        ``N``.
    on_time, late : float
        The probability ``q`` and ``1 - q``; the smaller one is read, so that no digit is lost.

    Returns
    -------
    ndarray, shape (N,)
        The smallest ``t`` with ``P(T_(k) <= t) >= q``, seconds per cycle.

    Examples
    --------
    >>> from cgcopt import Scenarios
    >>> order_statistic_quantiles(Scenarios([[3.0, 1.0], [2.0, 5.0]]), 2, 0.5, 0.5).tolist()
    [1.0, 3.0]
    """
    function = _of_kind(_QUANTILES, times)
    return np.asarray(function(times, whole_number("workers", workers, least=1), on_time, late))


def register_order_statistics(
    kind: Times,
    *,
    means: Callable[..., FloatArray] | None = None,
    quantiles: Callable[..., FloatArray] | None = None,
) -> None:
    """Say how order statistics are computed for a kind of worker times.

    Parameters
    ----------
    kind : Times
        The kind of worker times.
    means : callable, optional
        ``means(times, workers, power)`` returns ``E[T_(k)**power]``, ``power`` 1 or -1.
    quantiles : callable, optional
        ``quantiles(times, workers, on_time, late)`` returns what
        :func:`order_statistic_quantiles` does.
    """
    if means is not None:
        _MEANS[kind] = means
    if quantiles is not None:
        _QUANTILES[kind] = quantiles


def _means(times: WorkerTimes, workers: int, power: int) -> FloatArray:
    n = whole_number("workers", workers, least=1)
    return np.asarray(_of_kind(_MEANS, times)(times, n, power))


def _of_kind(
    table: dict[Times, Callable[..., FloatArray]], times: WorkerTimes
) -> Callable[..., FloatArray]:
    function = table.get(times.kind)
    if function is None:
        raise UnsupportedProblemError(f"no order statistics of {times.label}: a model is needed")
    return function


def _scenario_means(times: Scenarios, workers: int, power: int) -> FloatArray:
    if times.workers != workers:
        raise InvalidInputError("workers", workers, f"{times.workers}, as in {times.label}")
    return np.asarray((times.sorted_times**power).mean(axis=0))


def _scenario_quantiles(times: Scenarios, workers: int, on_time: float, late: float) -> FloatArray:
    rank = rank_of(on_time, times.rounds)
    return np.asarray(np.partition(times.sorted_times, rank - 1, axis=0)[rank - 1])


def _independent_quantiles(
    times: IndependentTimes, workers: int, on_time: float, late: float
) -> FloatArray:
    from scipy.special import betaincinv

    found = np.empty(workers)
    for start in range(0, workers, _RANKS):
        look()
        k = np.arange(start + 1, min(start + _RANKS, workers) + 1)
        part = slice(start, start + k.size)
        if on_time <= 0.5:
            found[part] = times.ppf(betaincinv(k, workers + 1 - k, on_time))
        else:
            found[part] = times.isf(betaincinv(workers + 1 - k, k, late))
    return found


def _discrete_means(times: DiscreteTimes, workers: int, power: int) -> FloatArray:
    """``E[h(T_(k))]`` of a step distribution as a sum of steps, all of one sign.

    ``T_(k)`` exceeds ``v_j`` when fewer than ``k`` of the ``N`` workers are at most ``v_j``.
    """
    height = times.values if power == 1 else times.values**power
    below, above = times.below[1:], times.above[1:]
    k = np.arange(workers + 1, dtype=np.float64)
    log_choose = log_binomials(workers)
    total = np.zeros(workers)
    block = max(1, _ENTRIES // (workers + 1))
    for start in range(0, height.size - 1, block):
        part = slice(start, min(start + block, height.size - 1))
        steps = np.abs(np.diff(height[part.start : part.stop + 1]))
        exponent = log_choose + np.outer(np.log(below[part]), k)
        exponent += np.outer(np.log(above[part]), k[::-1])
        count = np.exp(exponent - exponent.max(axis=1, keepdims=True))
        count /= count.sum(axis=1, keepdims=True)
        # Increasing h steps up while fewer than k are below, decreasing h climbs back otherwise.
        if power > 0:
            chance = np.cumsum(count, axis=1)[:, :-1]
        else:
            chance = np.cumsum(count[:, ::-1], axis=1)[:, ::-1][:, 1:]
        total += steps @ chance
    return np.asarray(total + height.min())


def _continuous_means(times: WorkerTimes, workers: int, power: int) -> FloatArray:
    from cgcopt.evaluation.density.order_statistics import order_statistic_means as of_densities

    return of_densities(times, workers, power)  # type: ignore[arg-type]


def _group_means(times: WorkerTimes, workers: int, power: int) -> FloatArray:
    from cgcopt.evaluation.groups.runtime import order_statistic_means as of_groups

    return of_groups(times, workers, power)  # type: ignore[arg-type]


def _group_quantiles(times: WorkerTimes, workers: int, on_time: float, late: float) -> FloatArray:
    from cgcopt.evaluation.groups.order_statistics import order_statistic_quantiles as of_groups

    return of_groups(times, workers, on_time, late)  # type: ignore[arg-type]


_MEANS: dict[Times, Callable[..., FloatArray]] = {
    Times.CONTINUOUS: _continuous_means,
    Times.DISCRETE: _discrete_means,
    Times.SCENARIOS: _scenario_means,
    Times.GROUPS: _group_means,
}
_QUANTILES: dict[Times, Callable[..., FloatArray]] = {
    Times.CONTINUOUS: _independent_quantiles,
    Times.DISTRIBUTION: _independent_quantiles,
    Times.DISCRETE: _independent_quantiles,
    Times.SCENARIOS: _scenario_quantiles,
    Times.GROUPS: _group_quantiles,
}
