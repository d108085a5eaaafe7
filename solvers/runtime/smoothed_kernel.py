"""Compiled pass over rounds behind :mod:`cgcopt.solvers.runtime.smoothed_maximum` (imports numba)."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

__all__ = ["smoothed_rows"]


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def smoothed_rows(  # type: ignore[no-untyped-def]
    times, factors, power, reach, first, last, sums, gradient, mixture, curvature
):
    """Add up rounds ``first..last-1``: maxima, their power norms, gradients and curvature.

    ``sums`` gets the maxima, the power norms, and how many products counted; ``gradient`` the gradient
    of the norms; ``mixture`` the gradients of the products, by weights that sum to 1 in every round;
    ``curvature`` the lower triangle of the Hessian of the norms, divided by ``power - 1``.
    Products below the share ``reach`` of the maximum are dropped, so a row
    costs one pass and a little for what is near its top.
    """
    workers = times.shape[1]
    near = np.empty(workers + 1, np.int64)
    product = np.empty(workers)
    for row in range(first, last):
        top = 0.0
        for j in range(workers):
            product[j] = times[row, j] * factors[j]
            top = product[j] if product[j] > top else top
        sums[0] += top
        cut = top * reach
        m = 0
        for j in range(workers):
            if product[j] > cut:
                near[m] = j
                m += 1
        sums[2] += m
        if m == 1:
            sums[1] += top
            gradient[near[0]] += times[row, near[0]]
            mixture[near[0]] += times[row, near[0]]
            continue
        total = 0.0
        weight = 0.0
        for i in range(m):
            ratio = product[near[i]] / top
            e = math.exp(power * math.log(ratio))
            total += e
            e /= ratio
            weight += e
            product[i] = e
        norm = top * total ** (1.0 / power)
        sums[1] += norm
        share = total ** (1.0 / power - 1.0)
        root = 1.0 / math.sqrt(norm)
        for i in range(m):
            j = near[i]
            e = product[i] * times[row, j]
            mixture[j] += e / weight
            g = e * share
            gradient[j] += g
            curvature[j, j] += g / factors[j]
            product[i] = g * root
        for i in range(m):
            g = product[i]
            j = near[i]
            for k in range(i + 1):
                curvature[j, near[k]] -= g * product[k]
