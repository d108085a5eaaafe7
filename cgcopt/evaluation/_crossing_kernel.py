"""Compiled sweeps behind :func:`cgcopt.evaluation.crossing.crossing` (imports numba)."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

__all__ = ["sweep"]


@njit(cache=True, nogil=True, error_model="numpy")
def sweep(lam, sf, gradient, log_p, complement, grad, log_grad):  # type: ignore[no-untyped-def]
    """Forward and backward chain, row by row (plain O(N^3) form)."""
    nodes, n = lam.shape
    for v in range(nodes):
        a = np.zeros(n + 1)
        diagonal = np.zeros(n + 1)
        exponent = np.zeros(n + 1)
        a[0] = 1.0
        diagonal[0] = 1.0
        scale = 0.0
        for k in range(1, n + 1):
            x = lam[v, k - 1]
            new = np.zeros(n + 1)
            for j in range(k, n + 1):
                term = 1.0
                total = 0.0
                for d in range(j - k + 2):
                    total += term * a[j - d]
                    term *= x / (d + 1)
                new[j] = total
            top = new.max()
            if top > 0.0:
                new /= top
                scale += math.log(top)
            a = new
            diagonal[k] = a[k]
            exponent[k] = scale
        constant = math.lgamma(n + 1.0) - n * math.log(n)
        log_p[v] = constant + scale + (math.log(a[n]) if a[n] > 0.0 else -math.inf)
        total = 0.0
        for k in range(1, n + 1):
            m = n - k + 1
            s = n * sf[v, k - 1]
            if s > 0.0 and diagonal[k - 1] > 0.0:
                total += math.exp(
                    constant + math.log(diagonal[k - 1]) + exponent[k - 1]
                    + m * math.log(s) - math.lgamma(m + 1.0)
                )
        complement[v] = total
        if not gradient:
            continue
        r = np.zeros(n + 1)
        r[n] = 1.0
        back = 0.0
        for k in range(n, 0, -1):
            value = 0.0
            if diagonal[k - 1] > 0.0 and r[k] > 0.0:
                value = math.log(n * diagonal[k - 1] * r[k]) + exponent[k - 1] + back
                grad[v, k - 1] = math.exp(constant + value)
                log_grad[v, k - 1] = math.exp(constant + value - log_p[v])
            x = lam[v, k - 1]
            new = np.zeros(n + 1)
            for i in range(k - 1, n + 1):
                first = max(i, k)
                term = 1.0 if first == i else x
                total = 0.0
                for j in range(first, n + 1):
                    total += term * r[j]
                    term *= x / (j - i + 1)
                new[i] = total
            top = new.max()
            if top > 0.0:
                new /= top
                back += math.log(top)
            r = new
