"""Compiled pass over rounds behind :mod:`cgcopt.solvers._smoothed_maximum` (imports numba)."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["smoothed_rows"]


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "arcp", "nsz"}, error_model="numpy")
def smoothed_rows(times, factors, temperature, first, last, sums, slope, curvature):  # type: ignore[no-untyped-def]
    """Add up rounds ``first..last-1``: values, slope and curvature of the smoothed maximum.

    ``sums`` gets the maxima, ``temperature`` times the logarithms of the partition functions, and
    the softmax averages. ``curvature`` gets the lower triangle of
    ``diag(p t^2) - (p t)(p t)'``; products that lie 36 temperatures below the maximum are dropped
    (their weight is below rounding), so a row costs one pass and a little for what is near its top.
    """
    workers = times.shape[1]
    near = np.empty(workers + 1, np.int64)
    product = np.empty(workers)
    for row in range(first, last):
        top = 0.0
        for j in range(workers):
            product[j] = times[row, j] * factors[j]
            top = max(top, product[j])
        sums[0] += top
        cut = top - 36.0 * temperature
        m = 0
        for j in range(workers):
            near[m] = j
            m += product[j] > cut
        if m == 1:
            slope[near[0]] += times[row, near[0]]
            sums[2] += top
            continue
        total = 0.0
        for i in range(m):
            product[i] = np.exp((product[near[i]] - top) / temperature)
            total += product[i]
        sums[1] += temperature * np.log(total)
        mean = 0.0
        for i in range(m):
            j = near[i]
            t = times[row, j]
            pt = product[i] / total * t
            product[i] = pt
            slope[j] += pt
            mean += pt * factors[j]
            curvature[j, j] += pt * t
        sums[2] += mean
        for i in range(m):
            pt = product[i]
            j = near[i]
            for k in range(i + 1):
                curvature[j, near[k]] -= pt * product[k]
