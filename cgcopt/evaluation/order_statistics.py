"""Mean order statistics of the worker times, and of their inverses.

For a density, ``E[h(T_(k))]`` is the integral of ``h`` at the quantile of a Beta(k, N - k + 1)
variable (David and Nagaraja, Order Statistics, 3rd ed., section 2.1). All ``k`` share the nodes
of one trapezoidal rule in the logit of the probability, stretched double exponentially at both ends
(Takahasi and Mori 1974), where heavy tails live; the weights are positive and normalised by their
own sum, so that nothing cancels. For step distributions and scenarios the means are finite sums.

What is computed how for which kind of worker times is in one table, see
:func:`register_order_statistics`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cgcopt._validate import whole_number
from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError, SolverError, UnsupportedProblemError
from cgcopt.evaluation.binomials import log_binomials
from cgcopt.evaluation.double_range import within_doubles
from cgcopt.evaluation.rounds.quantile import rank_of
from cgcopt.workers.base import (
    ContinuousTimes,
    DiscreteTimes,
    IndependentTimes,
    Times,
    WorkerTimes,
)
from cgcopt.workers.empirical import Scenarios

__all__ = [
    "order_statistic_inverse_means",
    "order_statistic_means",
    "order_statistic_quantiles",
    "register_order_statistics",
]

_TOLERANCE = 1e-11
_HALVINGS = 6
_FAR = 600.0  # exp(-_FAR) is still a normal number
_ENTRIES = 2**21  # of the largest temporary array


@within_doubles("a mean of an order statistic")
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

    k = np.arange(1, workers + 1)
    if on_time <= 0.5:
        return times.ppf(betaincinv(k, workers + 1 - k, on_time))
    return times.isf(betaincinv(workers + 1 - k, k, late))


def _discrete_means(times: DiscreteTimes, workers: int, power: int) -> FloatArray:
    """``E[h(T_(k))]`` of a step distribution as a sum of steps, all of one sign.

    ``T_(k)`` exceeds ``v_j`` when fewer than ``k`` of the ``N`` workers are at most ``v_j``.
    """
    height = times.values**power
    steps = np.abs(np.diff(height))
    log_below, log_above = np.log(times.cdf(times.values)), np.log(times.sf(times.values)[:-1])
    k = np.arange(workers + 1, dtype=np.float64)
    log_choose = log_binomials(workers)
    total = np.zeros(workers)
    block = max(1, _ENTRIES // (workers + 1))
    for start in range(0, steps.size, block):
        part = slice(start, min(start + block, steps.size))
        exponent = log_choose + np.outer(log_below[part], k) + np.outer(log_above[part], k[::-1])
        count = np.exp(exponent - exponent.max(axis=1, keepdims=True))
        count /= count.sum(axis=1, keepdims=True)
        # Increasing h steps up while fewer than k are below, decreasing h climbs back otherwise.
        if power > 0:
            chance = np.cumsum(count, axis=1)[:, :-1]
        else:
            chance = np.cumsum(count[:, ::-1], axis=1)[:, ::-1][:, 1:]
        total += steps[part] @ chance
    return np.asarray(total + height.min())


def _continuous_means(times: ContinuousTimes, workers: int, power: int) -> FloatArray:
    quantile = _LogQuantile.of(times)
    k = np.arange(1, workers + 1, dtype=np.float64)
    # Decay of the integrand in the logit at its slower end; not positive: no mean.
    left, right = (0.0, quantile.right) if power > 0 else (quantile.left, 0.0)
    decay = np.minimum(k - left, workers + 1 - k - right)
    finite = decay > 1e-9
    result = np.full(workers, np.inf)
    if not finite.any():
        return result
    k = k[finite]
    reach = max(_FAR, 60.0 / float(decay[finite].min()))
    centre = math.log(workers) + 3.0
    ends = centre + math.log(reach)
    step = 2.0 * ends / math.ceil(ends * (2.0 + 1.2 * math.sqrt(workers)))
    xi = np.arange(-ends, ends + 0.5 * step, step)
    sums = _weighted_sums(quantile, k, workers, power, xi, centre)
    for _ in range(_HALVINGS):
        more = _weighted_sums(quantile, k, workers, power, xi[:-1] + 0.5 * step, centre)
        finer = sums + more
        means, coarse = finer[1] / finer[0], sums[1] / sums[0]
        if np.all(np.abs(means - coarse) <= _TOLERANCE * means):
            result[finite] = means
            return result
        sums, step = finer, 0.5 * step
        xi = np.arange(-ends, ends + 0.5 * step, step)
    raise SolverError(f"order statistics of {times.label} did not settle")


def _weighted_sums(
    quantile: _LogQuantile,
    k: FloatArray,
    workers: int,
    power: int,
    xi: FloatArray,
    centre: float,
) -> FloatArray:
    """Sums over the nodes of the Beta weights, and of the weights times the values, ``(2, K)``."""
    up, down = np.exp(xi - centre), np.exp(-xi - centre)
    logit = xi + up - down
    log_width = np.log1p(up + down)
    log_p, log_q = -np.logaddexp(0.0, -logit), -np.logaddexp(0.0, logit)
    log_value = power * quantile(logit)
    other = workers + 1.0 - k
    peak = k * np.log(k / (workers + 1)) + other * np.log(other / (workers + 1))
    sums = np.zeros((2, k.size))
    block = max(1, _ENTRIES // xi.size)
    for start in range(0, k.size, block):
        part = slice(start, start + block)
        exponent = np.outer(k[part], log_p) + np.outer(other[part], log_q)
        exponent += log_width - peak[part, np.newaxis]
        sums[0, part] = np.exp(exponent).sum(axis=1)
        sums[1, part] = np.exp(exponent + log_value).sum(axis=1)
    return sums


@dataclass(frozen=True)
class _LogQuantile:
    """Logarithm of the quantile function at a logit, continued linearly where doubles end.

    ``left`` and ``right`` are the slopes of the logarithm at minus and plus infinity: ``1/b`` when
    ``P(T <= t)`` is like ``t**b`` for small times (0 when the support starts above 0), and ``1/a``
    for a tail like ``t**-a``.
    """

    times: ContinuousTimes
    left: float
    right: float
    lowest: float

    @classmethod
    def of(cls, times: ContinuousTimes) -> _LogQuantile:
        right = 1.0 / times.tail_index
        if times.support[0] > 0.0:
            return cls(times, 0.0, right, -_FAR)
        tiny = float(times.ppf(0.5)) * np.array([1e-150, 1e-75])
        # The power b of the distribution function is one more than that of the density.
        power = 1.0 + tiny * times.dlogpdf(tiny)
        if not power[0] <= 1.001 * power[1]:
            return cls(times, 0.0, right, -_FAR)  # faster than any power
        start = float(times.cdf(tiny[0]))
        lowest = max(math.log(start), -_FAR) if start > 0.0 else -_FAR
        return cls(times, 1.0 / float(power[0]), right, lowest)

    def __call__(self, logit: FloatArray) -> FloatArray:
        # Heavy tails leave the range of doubles before their probabilities do.
        inner = np.clip(logit, self.lowest, _FAR * min(1.0, 0.9 / max(self.right, 0.9)))
        with np.errstate(divide="ignore", over="ignore"):
            tail = np.exp(-np.abs(inner))
            share = tail / (1.0 + tail)
            value = np.log(np.where(inner < 0.0, self.times.ppf(share), self.times.isf(share)))
        beyond = self.left * np.minimum(logit - inner, 0.0)
        return np.asarray(value + beyond + self.right * np.maximum(logit - inner, 0.0))


def _group_means(times: WorkerTimes, workers: int, power: int) -> FloatArray:
    from cgcopt.evaluation.groups.runtime import order_statistic_means as of_groups

    return of_groups(times, workers, power)  # type: ignore[arg-type]


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
}
