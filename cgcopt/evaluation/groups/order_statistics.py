"""Quantiles of order statistics of workers in groups: each level alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.evaluation.binomials import log_binomials
from cgcopt.workers.groups import Groups

__all__ = ["order_statistic_quantiles"]


@dataclass(frozen=True)
class _Tuning:
    """Numbers of the search; no measurement of them is recorded."""

    accuracy: float = 1e-11
    """Relative width of the bracket whose lower end is returned."""
    most: int = 200
    """Halvings at most."""
    room: float = 1e-12
    """What the ends of the first bracket are moved out by, relatively: rounding."""


_TUNING = _Tuning()


def order_statistic_quantiles(
    times: Groups, workers: int, on_time: float, late: float
) -> FloatArray:
    """Quantiles of ``T_(1), ..., T_(N)``, rounded down, shape ``(N,)``, seconds.

    ``T_(k) <= t`` when at least ``k`` workers are done, a sum of one binomial a group. The quantiles
    lie between those of workers that are all as fast as the fastest group, and as the slowest.

    Parameters
    ----------
    times : Groups
    workers : int
        ``N``.
    on_time, late : float
        The probability and its complement.

    Examples
    --------
    The faster of two exponential workers is exponential with the sum of the rates.

    >>> import math
    >>> from cgcopt import Exponential
    >>> pair = Groups([(1, Exponential(rate=1.0)), (1, Exponential(rate=2.0))])
    >>> first, last = order_statistic_quantiles(pair, 2, 0.5, 0.5)
    >>> bool(abs(first - math.log(2) / 3) < 1e-10)
    True
    """
    from scipy.special import betaincinv

    k = np.arange(1, workers + 1)
    if on_time <= 0.5:
        one = betaincinv(k, workers + 1 - k, on_time)
        alike = np.array([model.ppf(one) for _, model in times.groups])
    else:
        one = betaincinv(workers + 1 - k, k, late)
        alike = np.array([model.isf(one) for _, model in times.groups])
    # Rounding may have moved the ends by their last digits.
    low, high = alike.min(axis=0) * (1 - _TUNING.room), alike.max(axis=0) * (1 + _TUNING.room)
    for _ in range(_TUNING.most):
        if np.all(high - low <= _TUNING.accuracy * high):
            break
        middle = 0.5 * (low + high)
        done, missed = _chances(times, middle, k)
        reached = missed <= late if on_time > 0.5 else done >= on_time
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return np.asarray(low)


def _chances(times: Groups, t: FloatArray, k: IntArray) -> tuple[FloatArray, FloatArray]:
    """``P[T_(k) <= t_k]`` and its complement for every ``k``, sums of positive terms."""
    counts = np.ones((t.size, 1))
    for size, model in times.groups:
        counts = _with_group(counts, size, model.cdf(t), model.sf(t))
    enough = np.arange(counts.shape[1]) >= k[:, np.newaxis]
    return (counts * enough).sum(axis=1), (counts * ~enough).sum(axis=1)


def _with_group(counts: FloatArray, size: int, done: FloatArray, late: FloatArray) -> FloatArray:
    """Probabilities of the numbers of workers that are done, one group more, a row for every time."""
    j = np.arange(size + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        powers = np.where(j == 0, 0.0, j * np.log(done)[:, np.newaxis])
        powers += np.where(j == size, 0.0, (size - j) * np.log(late)[:, np.newaxis])
    group = np.exp(log_binomials(size) + powers)
    total = np.zeros((counts.shape[0], counts.shape[1] + size))
    for place in range(counts.shape[1]):
        total[:, place : place + size + 1] += counts[:, place : place + 1] * group
    return total
