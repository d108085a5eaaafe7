"""The sample average with its maximum smoothed: value, gradient and curvature in one pass.

For rounds ``T^1..T^K`` and factors ``a_n`` the average ``(1/K) sum_k max_n a_n T^k_(N-n)`` is
bounded by its smoothing at a temperature ``h``,

    F_h(a) = (h/K) sum_k log sum_n exp(a_n T^k_(N-n) / h) .

The weights of the softmax are nonnegative and sum to 1 in every round; so the gradient of ``F_h``
is a convex combination of the slopes of the pieces and bounds the *unsmoothed* average of every
other design from below, whatever the temperature.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from os import cpu_count

import numpy as np
from numpy.typing import NDArray

__all__ = ["COMPILED_FROM", "SmoothedMaximum", "smoothed_maximum", "warm_up"]

FloatArray = NDArray[np.float64]

#: Entries from which the compiled pass pays for its import.
COMPILED_FROM = 300_000
#: Entries from which the pass is divided among threads.
_THREADED_FROM = 2_000_000
_BLOCK = 4096


@dataclass(frozen=True, eq=False)
class SmoothedMaximum:
    """A sample average and its smoothing at one design.

    Attributes
    ----------
    value : float
        The average of the maxima, unsmoothed.
    smoothed : float
        ``F_h``, at least ``value``.
    mean : float
        ``gradient . factors``, the softmax average, at most ``value``.
    gradient : ndarray, shape (N,)
        Of ``F_h`` with respect to the factor of every level.
    curvature : ndarray, shape (N, N)
        Its Hessian.
    """

    value: float
    smoothed: float
    mean: float
    gradient: FloatArray
    curvature: FloatArray


def smoothed_maximum(
    times: FloatArray, factors: FloatArray, temperature: float, threads: int | None = None
) -> SmoothedMaximum:
    """Evaluate the sample average and its smoothing.

    Parameters
    ----------
    times : ndarray, shape (K, N)
        Rounds, every row ascending.
    factors : ndarray, shape (N,)
        ``a_n``, the factor of the ``(N-n)``-th fastest worker.
    temperature : float
        ``h > 0``, in the unit of the products.
    threads : int, optional
        At most so many threads.

    Examples
    --------
    >>> result = smoothed_maximum(np.array([[1.0, 2.0]]), np.array([1.0, 2.0]), 0.5)
    >>> result.value, result.gradient.tolist()
    (2.0, [1.0, 0.5])
    """
    backwards = np.ascontiguousarray(factors[::-1])
    compiled = times.size >= COMPILED_FROM
    add_up = _compiled if compiled else _plain
    sums, slope, curvature = add_up(times, backwards, temperature, threads)
    count = len(times)
    curvature = curvature[::-1, ::-1] / (count * temperature)
    return SmoothedMaximum(
        value=float(sums[0]) / count,
        smoothed=float(sums[0] + sums[1]) / count,
        mean=float(sums[2]) / count,
        gradient=slope[::-1] / count,
        curvature=curvature,
    )


def _plain(
    times: FloatArray, factors: FloatArray, temperature: float, threads: int | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    del threads
    n = factors.size
    sums, slope, curvature = np.zeros(3), np.zeros(n), np.zeros((n, n))
    for start in range(0, len(times), _BLOCK):
        block = times[start : start + _BLOCK]
        products = block * factors
        top = products.max(axis=1)
        products -= top[:, np.newaxis]
        products *= 1.0 / temperature
        np.exp(products, out=products)
        total = products.sum(axis=1)
        products /= total[:, np.newaxis]
        products *= block
        slope += products.sum(axis=0)
        squares = np.einsum("kn,kn->n", products, block)
        curvature -= products.T @ products
        curvature[np.diag_indices(n)] += squares
        sums[0] += top.sum()
        sums[1] += temperature * np.log(total).sum()
    sums[2] = slope @ factors
    return sums, slope, curvature


def _compiled(
    times: FloatArray, factors: FloatArray, temperature: float, threads: int | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    from cgcopt.solvers._scenario_kernel import smoothed_rows

    n = factors.size
    frozen = times.view()
    frozen.flags.writeable = False  # one compiled signature serves all callers

    def part(ends: tuple[int, int]) -> tuple[FloatArray, FloatArray, FloatArray]:
        sums, slope, curvature = np.zeros(3), np.zeros(n), np.zeros((n, n))
        smoothed_rows(frozen, factors, temperature, *ends, sums, slope, curvature)
        return sums, slope, curvature

    hands = min(threads or cpu_count() or 1, len(times))
    if times.size < _THREADED_FROM or hands == 1:
        parts = [part((0, len(times)))]
    else:
        edges = np.linspace(0, len(times), hands + 1).astype(int).tolist()
        with ThreadPoolExecutor(hands) as pool:
            parts = list(pool.map(part, pairwise(edges)))
    sums, slope, lower = (sum(terms[1:], terms[0]) for terms in zip(*parts, strict=True))
    return sums, slope, lower + np.tril(lower, -1).T


def warm_up() -> None:
    """Compile the pass over many rounds, or load it from the cache."""
    from cgcopt.solvers._scenario_kernel import smoothed_rows

    times = np.ones((1, 2))
    times.flags.writeable = False
    smoothed_rows(times, np.ones(2), 1.0, 0, 1, np.zeros(3), np.zeros(2), np.zeros((2, 2)))
