"""Logarithms of binomial coefficients."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from cgcopt.arrays import FloatArray, read_only

__all__ = ["log_binomials"]


@lru_cache(maxsize=64)
def log_binomials(total: int) -> FloatArray:
    """``log C(total, k)`` for ``k = 0, ..., total``, read-only.

    Sums of logarithms: the logarithm of the gamma function loses digits for large numbers.

    Parameters
    ----------
    total : int
        At least 0.

    Examples
    --------
    >>> np.exp(log_binomials(4)).round(9).tolist()
    [1.0, 4.0, 6.0, 4.0, 1.0]
    """
    log_factorial = np.cumsum(np.log(np.maximum(np.arange(total + 1.0), 1.0)))
    return read_only(np.asarray(log_factorial[-1] - log_factorial - log_factorial[::-1]))
