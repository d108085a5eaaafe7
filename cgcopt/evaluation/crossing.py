"""Probability that every uniform order statistic stays below its threshold.

For ``N`` independent uniform variables with order statistics ``U_(1) <= ... <= U_(N)``
:func:`crossing` evaluates ``P = P[U_(k) <= p_k for k = 1..N]``, the complement ``1 - P``,
``log P`` and the gradient, from positive terms only.  With ``p_k`` the probability that a
worker has finished the work which the ``k``-th fastest worker must deliver, ``P`` is the
completion probability of a block coordinate gradient coding scheme (arXiv 2206.02450).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgcopt.errors import InvalidInputError

__all__ = ["Crossing", "crossing"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Crossing:
    """What :func:`crossing` returns; ``batch`` is the shape of its input without the last axis.

    Attributes
    ----------
    probability : ndarray, shape batch
        ``P[U_(k) <= p_k for all k]``.
    complement : ndarray, shape batch
        ``1 - P``, computed without subtraction.
    log_probability : ndarray, shape batch
        ``log P``, right also where ``P`` underflows.
    gradient : ndarray, shape batch + (N,), or None
        ``dP/dp_k`` for ``k = 1..N`` (``k``-th fastest worker).
    log_gradient : ndarray, shape batch + (N,), or None
        ``d log P/dp_k``, finite also where ``P`` underflows.
    """

    probability: Floats
    complement: Floats
    log_probability: Floats
    gradient: Floats | None
    log_gradient: Floats | None


def crossing(
    cdf: ArrayLike, sf: ArrayLike, *, gradient: bool = False, threads: int | None = None
) -> Crossing:
    """Probability that no order statistic of ``N`` uniform variables exceeds its threshold.

    Parameters
    ----------
    cdf, sf : array_like, shape (..., N)
        Thresholds ``p_k`` and ``1 - p_k``, ``k = 1..N`` along the last axis.
    gradient : bool
        Whether to compute the gradient too.
    threads : int, optional
        Number of threads for a batch; by default decided from the amount of work.

    Returns
    -------
    Crossing

    Raises
    ------
    InvalidInputError
        Shapes that differ or are empty, values outside [0, 1] or not a number.

    Examples
    --------
    >>> result = crossing([0.25, 0.5], [0.75, 0.5], gradient=True)
    >>> float(result.probability.round(12)), result.gradient.round(12).tolist()
    (0.1875, [0.5, 0.5])
    """
    p, s = _checked(cdf, sf)
    n = p.shape[-1]
    batch = p.shape[:-1]
    p, s = p.reshape(-1, n), s.reshape(-1, n)
    p = np.ascontiguousarray(np.minimum.accumulate(p[:, ::-1], axis=1)[:, ::-1])
    s = np.ascontiguousarray(np.maximum.accumulate(s[:, ::-1], axis=1)[:, ::-1])
    from cgcopt.evaluation._crossing_kernel import sweep

    value, complement, log_value = (np.empty(len(p)) for _ in range(3))
    shape = p.shape if gradient else (0, n)
    slope, log_slope = np.empty(shape), np.empty(shape)
    sweep(p, s, gradient, value, complement, log_value, slope, log_slope)
    return Crossing(
        value.reshape(batch),
        complement.reshape(batch),
        log_value.reshape(batch),
        slope.reshape((*batch, n)) if gradient else None,
        log_slope.reshape((*batch, n)) if gradient else None,
    )


def _checked(cdf: ArrayLike, sf: ArrayLike) -> tuple[Floats, Floats]:
    p, s = np.asarray(cdf, dtype=np.float64), np.asarray(sf, dtype=np.float64)
    if p.ndim < 1 or p.shape[-1] < 1:
        raise InvalidInputError("cdf", p.shape, "an array of shape (..., N) with N >= 1")
    if s.shape != p.shape:
        raise InvalidInputError("sf", s.shape, f"an array of the shape of cdf, {p.shape}")
    for name, values in (("cdf", p), ("sf", s)):
        bad = ~((values >= 0.0) & (values <= 1.0))
        if bad.any():
            raise InvalidInputError(name, float(values[bad][0]), "probabilities in [0, 1]")
    return p, s
