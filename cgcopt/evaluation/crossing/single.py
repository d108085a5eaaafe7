"""Crossing probability of one threshold, in closed form.

Where all effective thresholds up to the ``k``-th are the same ``q`` and the later ones are 1, as for a
design of a single block, ``P`` is the probability that at least ``k`` of ``N`` uniform variables are
below ``q``, the regularised incomplete beta function ``I_q(k, N - k + 1)`` (David and Nagaraja, Order
Statistics, 3rd ed., section 2.1). The sweep through all thresholds needs a time like ``N**2`` here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cgcopt.arrays import FloatArray

__all__ = ["FEWEST", "one_threshold", "ranks_of_one_threshold"]

#: Workers from which the closed form is quicker than the sweep.
FEWEST = 256
#: Below it the closed form underflows, or has lost digits.
_SMALLEST = 1e-280
#: Number from which the series of Stirling's error is right to rounding.
_MANY = 16.0
#: Relative distance of a number and a mean up to which the series of the deviance is taken.
_CLOSE = 0.1
#: Share of a sum below which its terms are left out.
_NEGLIGIBLE = 1e-18


def ranks_of_one_threshold(p: FloatArray, s: FloatArray) -> NDArray[np.intp]:
    """Return ``k`` of the rows with ``p_1 = ... = p_k`` and 1 beyond; 0 for all others.

    Thresholds that are 1 in double precision are told apart by what they leave to it.

    Parameters
    ----------
    p, s : ndarray, shape (rows, N)
        Effective thresholds, not decreasing, and one less them.

    Examples
    --------
    >>> p = np.array([[0.2, 0.2, 1.0], [0.2, 0.3, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
    >>> s = np.array([[0.8, 0.8, 0.0], [0.8, 0.7, 0.0], [0.0, 0.0, 0.0], [1e-19, 1e-20, 0.0]])
    >>> ranks_of_one_threshold(p, s)
    array([2, 0, 3, 0])
    """
    same = np.count_nonzero((p == p[:, :1]) & (s == s[:, :1]), axis=1)
    ones = np.count_nonzero(s == 0.0, axis=1)
    whole = np.where(s[:, 0] > 0.0, same + ones, same) == p.shape[1]
    return np.where(whole, same, 0)


def one_threshold(
    q: FloatArray, s: FloatArray, ranks: NDArray[np.intp], workers: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return ``P``, ``1 - P``, ``log P`` in columns, ``dP/dq`` and ``d log P/dq``.

    Parameters
    ----------
    q, s : ndarray, shape (rows,)
        The threshold, positive, and one less it; the smaller one is read.
    ranks : ndarray of int, shape (rows,)
        ``k``, at least 1.
    workers : int
        ``N``.

    Examples
    --------
    >>> values, rise, _ = one_threshold(np.array([0.25]), np.array([0.75]), np.array([2]), 2)
    >>> values[0].round(4).tolist(), rise.tolist()
    ([0.0625, 0.9375, -2.7726], [0.5])
    """
    from scipy.special import betainc, betaincc

    k, rest = ranks.astype(np.float64), workers + 1.0 - ranks
    with np.errstate(all="ignore"):
        low = q <= 0.5
        chance = np.where(low, betainc(k, rest, q), betaincc(rest, k, s))
        late = np.where(low, betaincc(k, rest, q), betainc(rest, k, s))
        density = np.log(k) - np.log(q) + _log_binomial(k, float(workers), q, s)
        log_chance = np.where(late < 0.5, np.log1p(-late), np.log(chance))
        rise = np.exp(density)
        log_rise = rise / chance
        for row in np.flatnonzero(chance < _SMALLEST):
            ratio = _mills_ratio(q[row], s[row], int(ranks[row]), workers)
            log_chance[row] = density[row] + np.log(ratio)
            log_rise[row] = 1.0 / ratio
    return np.stack((chance, late, log_chance), axis=1), rise, log_rise


def _log_binomial(m: FloatArray, n: float, q: FloatArray, s: FloatArray) -> FloatArray:
    """Log of the chance of ``m >= 1`` hits in ``n``, without cancellation (Loader 2000)."""
    rest = n - m
    log_q = np.where(q <= 0.5, np.log(q), np.log1p(-s))
    last = np.maximum(rest, 1.0)
    inner = (
        (_stirling_error(np.array(n)) - _stirling_error(m) - _stirling_error(last))
        - (_deviance(m, n * q) + _deviance(last, n * s))
        + 0.5 * np.log(n / (2.0 * np.pi * m * last))
    )
    return np.where(rest > 0.0, inner, n * log_q)


def _stirling_error(m: FloatArray) -> FloatArray:
    """``log m! - log(sqrt(2 pi m) (m/e)**m)``."""
    from scipy.special import gammaln

    z = 1.0 / (m * m)
    series = (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - z / 1188) * z) * z) * z) / m
    plain = gammaln(m + 1.0) - (m + 0.5) * np.log(m) + m - 0.5 * np.log(2.0 * np.pi)
    return np.where(m > _MANY, series, plain)


def _deviance(m: FloatArray, mean: FloatArray) -> FloatArray:
    """``m log(m/mean) + mean - m``, by its series where the two are close."""
    v = (m - mean) / (m + mean)
    total, term = (m - mean) * v, 2.0 * m * v
    for j in range(3, 20, 2):
        term = term * (v * v)
        total = total + term / j
    return np.where(np.abs(v) <= _CLOSE, total, m * np.log(m / mean) + mean - m)


def _mills_ratio(q: float, s: float, rank: int, workers: int) -> float:
    """``P / (dP/dq)`` far below the mean: a sum of falling terms."""
    j = np.arange(rank, workers, dtype=np.float64)
    terms = np.cumprod((workers - j) / (j + 1.0) * (q / s))
    terms = terms[terms > _NEGLIGIBLE]
    return float(q / rank * (1.0 + terms.sum()))
