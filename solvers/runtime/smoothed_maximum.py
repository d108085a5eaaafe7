"""The sample average with its maximum smoothed: value, gradient and curvature in one pass.

For rounds ``T^1..T^K`` and factors ``a_n`` the average of the maxima ``max_n a_n T^k_(N-n)`` is
bounded by the average of the norms with a large power ``q``,

    F_q(a) = (1/K) sum_k (sum_n (a_n T^k_(N-n))^q)^(1/q) ,

which is as convex and as homogeneous (of degree 1) as the average itself, and smooth. The weights
``(a_n T_(N-n))^(q-1)``, scaled to sum 1 in every round, mix the gradients of the products: a convex
combination of subgradients, which bounds the *unsmoothed* average of every design from below,
whatever the power.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from os import cpu_count

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.process.time_left import look, looking

__all__ = ["TUNING", "PassTuning", "SmoothedMaximum", "smoothed_maximum", "warm_up"]


@dataclass(frozen=True)
class PassTuning:
    """Numbers of the passes over the rounds. No measurement of them is on record."""

    compiled_from: int = 500_000
    """Entries from which the compiled pass pays for its import."""
    threaded_from: int = 2_000_000
    """Entries from which the pass is divided among threads."""
    looked_entries: int = 2_000_000
    """Entries between two looks at the time that is left."""
    dense_from: float = 0.12
    """Products near the maximum, as a share of all, from which a dense matrix product is faster."""
    looked_at: int = 64
    """Rounds in which that share is measured."""
    block: int = 2048
    """Rounds of one dense matrix product."""
    least_ratio: float = 1e-300
    """Least share of the maximum that a product counts as, so that logarithms are finite."""
    lost: float = 37.0
    """Products whose weight is below ``exp(-37)``, less than a rounding of the sum, are dropped."""


TUNING = PassTuning()


@dataclass(frozen=True, eq=False)
class SmoothedMaximum:
    """A sample average and its smoothing at one design.

    Attributes
    ----------
    value : float
        The average of the maxima, unsmoothed.
    smoothed : float
        ``F_q``, at least ``value``.
    gradient : ndarray, shape (N,)
        Of ``F_q`` with respect to the factor of every level.
    mixture : ndarray, shape (N,)
        Average of the mixed gradients: ``mixture . b`` is at most the average at factors ``b``.
    curvature : ndarray, shape (N, N)
        Hessian of ``F_q``.
    """

    value: float
    smoothed: float
    gradient: FloatArray
    mixture: FloatArray
    curvature: FloatArray


def smoothed_maximum(
    times: FloatArray, factors: FloatArray, power: float, threads: int | None = None
) -> SmoothedMaximum:
    """Evaluate the sample average and its smoothing.

    Parameters
    ----------
    times : ndarray, shape (K, N)
        Rounds, every row ascending.
    factors : ndarray, shape (N,)
        ``a_n``, the factor of the ``(N-n)``-th fastest worker; nonnegative, not all 0.
    power : float
        ``q > 2``.
    threads : int, optional
        At most so many threads.

    Examples
    --------
    >>> result = smoothed_maximum(np.array([[1.0, 3.0]]), np.array([1.0, 4.0]), 100.0)
    >>> result.value, result.gradient.round(9).tolist(), result.mixture.round(9).tolist()
    (4.0, [0.0, 1.0], [0.0, 1.0])
    """
    backwards = np.ascontiguousarray(factors[::-1])
    sparse = (
        times.size >= TUNING.compiled_from and _density(times, backwards, power) < TUNING.dense_from
    )
    sums, gradient, mixture, curvature = (
        _compiled(times, backwards, power, threads) if sparse else _dense(times, backwards, power)
    )
    count = len(times)
    return SmoothedMaximum(
        value=float(sums[0]) / count,
        smoothed=float(sums[1]) / count,
        gradient=gradient[::-1] / count,
        mixture=mixture[::-1] / count,
        curvature=curvature[::-1, ::-1] * ((power - 1.0) / count),
    )


_Sums = tuple[FloatArray, FloatArray, FloatArray, FloatArray]


def _density(times: FloatArray, factors: FloatArray, power: float) -> float:
    """Share of the products that count beside the maximum, in a few rounds."""
    products = times[:: max(len(times) // TUNING.looked_at, 1)] * factors
    near = products > products.max(axis=1, keepdims=True) * np.exp(-TUNING.lost / power)
    return float(near.mean())


def _dense(times: FloatArray, factors: FloatArray, power: float) -> _Sums:
    n = factors.size
    sums, gradient, mixture, curvature = np.zeros(3), np.zeros(n), np.zeros(n), np.zeros((n, n))
    for start in range(0, len(times), TUNING.block):
        look()
        block = times[start : start + TUNING.block]
        ratio = block * factors
        top = ratio.max(axis=1)
        ratio /= top[:, np.newaxis]
        np.maximum(ratio, TUNING.least_ratio, out=ratio)
        weight = np.log(ratio)
        weight *= power
        np.exp(weight, out=weight)
        total = weight.sum(axis=1)
        norm = top * total ** (1.0 / power)
        weight /= ratio
        scaled = weight * block
        mixture += (1.0 / weight.sum(axis=1)) @ scaled
        scaled *= (total ** (1.0 / power - 1.0))[:, np.newaxis]
        gradient += scaled.sum(axis=0)
        scaled /= np.sqrt(norm)[:, np.newaxis]
        curvature -= scaled.T @ scaled
        sums += top.sum(), norm.sum(), weight.size
    used = factors > 0.0
    curvature[np.diag_indices(n)] += np.where(used, gradient / np.where(used, factors, 1.0), 0.0)
    return sums, gradient, mixture, curvature


def _compiled(times: FloatArray, factors: FloatArray, power: float, threads: int | None) -> _Sums:
    from cgcopt.solvers.runtime.smoothed_kernel import smoothed_rows

    n, look_here = factors.size, looking()
    piece = max(TUNING.looked_entries // n, 1)
    frozen = times.view()
    frozen.flags.writeable = False  # one compiled signature serves all callers

    def part(ends: tuple[int, int]) -> _Sums:
        sums, gradient, mixture, curvature = np.zeros(3), np.zeros(n), np.zeros(n), np.zeros((n, n))
        reach = math.exp(-TUNING.lost / power)
        for first in range(*ends, piece):
            look_here()
            rows = (first, min(first + piece, ends[1]))
            smoothed_rows(frozen, factors, power, reach, *rows, sums, gradient, mixture, curvature)
        return sums, gradient, mixture, curvature

    count = min(threads or cpu_count() or 1, len(times))
    if times.size < TUNING.threaded_from or count == 1:
        parts = [part((0, len(times)))]
    else:
        edges = np.linspace(0, len(times), count + 1).astype(int).tolist()
        with ThreadPoolExecutor(count) as pool:
            parts = list(pool.map(part, pairwise(edges)))
    sums, gradient, mixture, lower = (
        sum(terms[1:], terms[0]) for terms in zip(*parts, strict=True)
    )
    return sums, gradient, mixture, lower + np.tril(lower, -1).T


@cache
def warm_up() -> None:
    """Compile the pass over many rounds, or load it from the cache."""
    from cgcopt.solvers.runtime.smoothed_kernel import smoothed_rows

    times = np.ones((1, 2))
    times.flags.writeable = False
    zeros = np.zeros(2)
    sums = np.zeros(3)
    smoothed_rows(times, np.ones(2), 9.0, 0.5, 0, 1, sums, zeros, zeros.copy(), np.zeros((2, 2)))
