"""Means of order statistics of worker times with a density, by quadrature over the logit.

``E[h(T_(k))]`` is the integral of ``h`` at the quantile of a Beta(k, N - k + 1) variable (David and
Nagaraja, Order Statistics, 3rd ed., section 2.1). All ``k`` share the nodes of one trapezoidal rule
in the logit of the probability. It is stretched double exponentially at both ends (Takahasi and Mori
1974), which heavy tails need. The weights are positive and normalised by their own sum, so that
nothing cancels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.errors import SolverError
from cgcopt.process.time_left import look
from cgcopt.workers.base import ContinuousTimes

__all__ = ["order_statistic_means"]


@dataclass(frozen=True)
class _Tuning:
    """Numbers of the quadrature.

    Where a line does not say how a value was found, no measurement of it is recorded.
    """

    tolerance: float = 1e-11
    """Relative change of a mean, from one step to half of it, at which the sums have settled."""
    halvings: int = 6
    """How often the step is halved at most."""
    far: float = 600.0
    """Logit up to which quantiles are computed; ``exp(-600)`` is still a normal number."""
    decayed: float = 60.0
    """Decay at the ends in any case, as minus a logarithm: ``exp(-60)`` is below every rounding."""
    beyond: float = 3.0
    """Logits by which the densest nodes lie beyond ``log N``."""
    per_unit: tuple[float, float] = (2.0, 1.2)
    """Nodes per unit of the outer variable, a half of them: constant, and per ``sqrt(N)``."""
    no_decay: float = 1e-9
    """Decay of the integrand in the logit that counts as none: there is no mean."""
    near_zero: tuple[float, float] = (1e-150, 1e-75)
    """Times, over the median, between which the power of the density at zero is read off."""
    same_power: float = 1.001
    """Ratio of the powers at these two beyond which there is none."""
    heavy: float = 0.9
    """Inverse tail index from which quantiles are computed less far, lest they overflow."""
    entries: int = 2**21
    """Entries of the largest temporary array."""
    narrow: int = 4
    """Times these entries from which nodes that count for nothing are left out."""
    together: tuple[int, int] = (64, 2000)
    """Neighbouring ranks whose nodes are chosen together then: so many, and such a share of all."""


_TUNING = _Tuning()


def order_statistic_means(
    times: ContinuousTimes, workers: int, power: int, ranks: FloatArray | None = None
) -> FloatArray:
    """Means of the order statistics, or of their inverses.

    Parameters
    ----------
    times : ContinuousTimes
        Of one worker.
    workers : int
        ``N``.
    power : int
        1 for the means, -1 for the means of the inverses.
    ranks : ndarray, optional
        Which ``k``, in increasing order; all by default.

    Returns
    -------
    ndarray, shape (N,) or that of ``ranks``
        Increasing order; infinite where there is no mean.

    Raises
    ------
    SolverError
        If the quadrature does not settle.
    """
    quantile = _LogQuantile.of(times)
    k = np.arange(1, workers + 1, dtype=np.float64) if ranks is None else ranks
    # Decay of the integrand in the logit at its slower end; not positive: no mean.
    left, right = (0.0, quantile.right) if power > 0 else (quantile.left, 0.0)
    decay = np.minimum(k - left, workers + 1 - k - right)
    finite = decay > _TUNING.no_decay
    result = np.full(k.size, np.inf)
    if not finite.any():
        return result
    k = k[finite]
    reach = max(_TUNING.far, _TUNING.decayed / float(decay[finite].min()))
    centre = math.log(workers) + _TUNING.beyond
    ends = centre + math.log(reach)
    constant, growing = _TUNING.per_unit
    step = 2.0 * ends / math.ceil(ends * (constant + growing * math.sqrt(workers)))
    xi = np.arange(-ends, ends + 0.5 * step, step)
    sums = _weighted_sums(quantile, k, workers, power, xi, centre)
    for _ in range(_TUNING.halvings):
        more = _weighted_sums(quantile, k, workers, power, xi[:-1] + 0.5 * step, centre)
        finer = sums + more
        means, coarse = finer[1] / finer[0], sums[1] / sums[0]
        if np.all(np.abs(means - coarse) <= _TUNING.tolerance * means):
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
    block = max(1, _TUNING.entries // xi.size)
    narrow = k.size * xi.size > _TUNING.entries * _TUNING.narrow
    if narrow:
        block = max(_TUNING.together[0], k.size // _TUNING.together[1])
    for start in range(0, k.size, block):
        look()
        part = slice(start, start + block)
        near = slice(None)
        if narrow:
            first, last = start, min(start + block, k.size) - 1
            lowest, highest = (
                k[i] * log_p + other[i] * log_q + log_width - peak[i] for i in (first, last)
            )
            near = _nodes_that_count(lowest, highest, log_value)
        exponent = np.outer(k[part], log_p[near]) + np.outer(other[part], log_q[near])
        exponent += log_width[near] - peak[part, np.newaxis]
        sums[0, part] = np.exp(exponent).sum(axis=1)
        sums[1, part] = np.exp(exponent + log_value[near]).sum(axis=1)
    return sums


def _nodes_that_count(first: FloatArray, last: FloatArray, log_value: FloatArray) -> slice:
    """The nodes that neighbouring ranks need: from where the first one rises to where the last ends.

    The weights of the ranks between are shifted from those of the first towards those of the last.
    """
    ends = []
    for exponent in (first, last):
        whole = exponent + log_value
        counts = (exponent > exponent.max() - _TUNING.decayed) | (
            whole > whole.max() - _TUNING.decayed
        )
        ends.append(np.flatnonzero(counts))
    return slice(int(ends[0][0]), int(ends[1][-1]) + 1)


@dataclass(frozen=True)
class _LogQuantile:
    """Logarithm of the quantile function at a logit, continued linearly where doubles end.

    ``left`` and ``right`` are the derivatives of the logarithm at minus and plus infinity: ``1/b`` when
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
            return cls(times, 0.0, right, -_TUNING.far)
        tiny = float(times.ppf(0.5)) * np.array(_TUNING.near_zero)
        # The power b of the distribution function is one more than that of the density.
        power = 1.0 + tiny * times.dlogpdf(tiny)
        if not power[0] <= _TUNING.same_power * power[1]:
            return cls(times, 0.0, right, -_TUNING.far)  # faster than any power
        start = float(times.cdf(tiny[0]))
        lowest = max(math.log(start), -_TUNING.far) if start > 0.0 else -_TUNING.far
        return cls(times, 1.0 / float(power[0]), right, lowest)

    def __call__(self, logit: FloatArray) -> FloatArray:
        # Heavy tails leave the range of doubles before their probabilities do.
        heavy = _TUNING.heavy
        inner = np.clip(logit, self.lowest, _TUNING.far * min(1.0, heavy / max(self.right, heavy)))
        with np.errstate(divide="ignore", over="ignore"):
            tail = np.exp(-np.abs(inner))
            share = tail / (1.0 + tail)
            value = np.log(np.where(inner < 0.0, self.times.ppf(share), self.times.isf(share)))
        beyond = self.left * np.minimum(logit - inner, 0.0)
        return np.asarray(value + beyond + self.right * np.maximum(logit - inner, 0.0))
