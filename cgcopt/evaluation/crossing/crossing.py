"""Probability that every uniform order statistic stays below its threshold.

For ``N`` independent uniform variables with order statistics ``U_(1) <= ... <= U_(N)``
:func:`crossing` evaluates ``P = P[U_(k) <= p_k for k = 1..N]``, the complement ``1 - P``,
``log P`` and the gradient, from positive terms only.  With ``p_k`` the probability that a
worker has finished the work which the ``k``-th fastest worker must deliver, ``P`` is the
completion probability of a block coordinate gradient coding scheme (arXiv 2206.02450).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.crossing.single import FEWEST, one_threshold, ranks_of_one_threshold
from cgcopt.evaluation.crossing.threads import in_parts

__all__ = [
    "Crossing",
    "CrossingWithGradient",
    "crossing",
]

CONSISTENT = 1e-9
"""Largest accepted ``abs(cdf + sf - 1)``."""


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
        ``log P``, right also where ``P`` underflows and where it is close to one; ``-inf`` where
        ``P = 0``.
    """

    probability: FloatArray
    complement: FloatArray
    log_probability: FloatArray


@dataclass(frozen=True)
class CrossingWithGradient(Crossing):
    """Probabilities of a batch of thresholds, with their gradients.

    Attributes
    ----------
    gradient : ndarray, shape batch + (N,)
        ``dP/dp_k`` for ``k = 1..N`` (``k``-th fastest worker).
    log_gradient : ndarray, shape batch + (N,)
        ``d log P/dp_k``, finite also where ``P`` underflows.  Where ``P = 0`` it is infinite at
        the last ``k`` whose effective threshold is zero, and zero elsewhere.
    """

    gradient: FloatArray
    log_gradient: FloatArray


@overload
def crossing(
    cdf: ArrayLike, sf: ArrayLike, *, gradient: Literal[True], threads: int | None = None
) -> CrossingWithGradient: ...


@overload
def crossing(
    cdf: ArrayLike, sf: ArrayLike, *, gradient: bool = False, threads: int | None = None
) -> Crossing: ...


def crossing(
    cdf: ArrayLike, sf: ArrayLike, *, gradient: bool = False, threads: int | None = None
) -> Crossing:
    """Probability that no order statistic of ``N`` uniform variables exceeds its threshold.

    The thresholds need not be monotone: only ``min_{j >= k} p_j`` matters for ``U_(k)``.  ``P`` is
    differentiable wherever these effective thresholds are positive and below one, and its whole
    derivative in a run of equal effective thresholds belongs to the last entry of the run, which
    attains the minimum.  (Lowering another one excludes two points in a vanishing interval,
    raising it changes nothing.)  At ``p_k = 1`` and ``p_k = 0`` the one-sided derivative into
    [0, 1] is given.

    Parameters
    ----------
    cdf, sf : array_like, shape (..., N)
        Thresholds ``p_k`` and ``1 - p_k``, ``k = 1..N`` along the last axis; each is read where it
        is at most one half, so that neither end of [0, 1] loses digits.
    gradient : bool
        Whether to compute the gradient too (about twice the time).
    threads : int, optional
        Threads for a batch.  By default as many as there are processors for a batch that takes
        more than some milliseconds, otherwise one.  The result does not depend on it.

    Returns
    -------
    Crossing
        A :class:`CrossingWithGradient` where the gradient was asked for.

    Raises
    ------
    InvalidInputError
        Shapes that differ or are empty, values outside [0, 1] or not a number, ``cdf`` and ``sf``
        that do not add up to one.

    Notes
    -----
    From some hundred workers on, rows with one threshold have a closed form
    (:mod:`cgcopt.evaluation.crossing.single`). Otherwise time grows like ``N^1.5`` per row for
    thresholds within a few standard deviations of ``k/N`` and at most like ``N^2``, memory like
    ``N``.  Relative errors are some ``1e-15`` in ``P``,
    ``1 - P`` and the gradient (``abs(log P)`` times the rounding error where ``P < 1e-26``).
    Gradient entries below some ``1e-270`` of the natural scale are returned as zero.  The method
    is described in :mod:`cgcopt.evaluation.crossing.kernel`.

    Examples
    --------
    >>> result = crossing([0.25, 0.5], [0.75, 0.5], gradient=True)
    >>> float(result.probability), float(result.complement), result.gradient.tolist()
    (0.1875, 0.8125, [0.5, 0.5])

    A threshold far below the rounding error of one:

    >>> float(crossing([1e-20, 1.0], [1.0, 0.0]).probability)
    2e-20
    """
    p, s = _checked(cdf, sf)
    if threads is not None and not (isinstance(threads, int) and threads >= 1):
        raise InvalidInputError("threads", threads, "a whole number of at least 1, or None")
    n, batch = p.shape[-1], p.shape[:-1]
    p, s = p.reshape(-1, n), s.reshape(-1, n)
    p = np.ascontiguousarray(np.minimum.accumulate(p[:, ::-1], axis=1)[:, ::-1])
    s = np.ascontiguousarray(np.maximum.accumulate(s[:, ::-1], axis=1)[:, ::-1])
    positive = p[:, 0] > 0.0
    if positive.all():
        values, derivatives = _swept(p, s, gradient, threads)
    else:
        values, derivatives = _impossible(p, s, gradient, threads)
        values[positive], found = _swept(p[positive], s[positive], gradient, threads)
        if gradient:
            derivatives[:, positive] = found
    columns = tuple(values[:, column].reshape(batch) for column in range(3))
    if not gradient:
        return Crossing(*columns)
    return CrossingWithGradient(*columns, *(part.reshape((*batch, n)) for part in derivatives))


def _checked(cdf: ArrayLike, sf: ArrayLike) -> tuple[FloatArray, FloatArray]:
    p, s = np.asarray(cdf, dtype=np.float64), np.asarray(sf, dtype=np.float64)
    if p.ndim < 1 or p.shape[-1] < 1:
        raise InvalidInputError("cdf", p.shape, "an array of shape (..., N) with N >= 1")
    if s.shape != p.shape:
        raise InvalidInputError("sf", s.shape, f"an array of the shape of cdf, {p.shape}")
    for name, values in (("cdf", p), ("sf", s)):
        bad = ~((values >= 0.0) & (values <= 1.0))
        if bad.any():
            raise InvalidInputError(name, float(values[bad][0]), "probabilities in [0, 1]")
    bad = np.abs((p - 0.5) + (s - 0.5)) > CONSISTENT
    if bad.any():
        raise InvalidInputError("sf", float(s[bad][0]), f"1 - cdf, here {1.0 - p[bad][0]}")
    return p, s


def _swept(
    p: FloatArray, s: FloatArray, gradient: bool, threads: int | None
) -> tuple[FloatArray, FloatArray]:
    """``P``, ``1 - P``, ``log P`` in columns and both gradients, for rows with ``p_1 > 0``."""
    rows, n = p.shape
    ranks = ranks_of_one_threshold(p, s) if n >= FEWEST else np.zeros(rows, dtype=np.intp)
    if not ranks.any():
        return _swept_through(p, s, gradient, threads)
    values = np.empty((rows, 3))
    derivatives = np.zeros((2, rows if gradient else 0, n))
    one = np.flatnonzero(ranks)
    values[one], *rises = one_threshold(p[one, 0], s[one, 0], ranks[one], n)
    if gradient:
        _fill_rises(derivatives, one, ranks[one], p[one, 0], s[one, 0], rises)
    rest = np.flatnonzero(ranks == 0)
    if rest.size:
        values[rest], found = _swept_through(p[rest], s[rest], gradient, threads)
        if gradient:
            derivatives[:, rest] = found
    return values, derivatives


def _fill_rises(
    derivatives: FloatArray,
    rows: NDArray[np.intp],
    ranks: NDArray[np.intp],
    q: FloatArray,
    s: FloatArray,
    rises: list[FloatArray],
) -> None:
    """Put the derivatives of rows with one threshold where they belong.

    The last threshold of all, where it is 1, loses the chance that ``N - 1`` points do without it.
    """
    n = derivatives.shape[-1]
    for part, rise in zip(derivatives, rises, strict=True):
        part[rows, ranks - 1] = rise
    free = ranks < n
    if free.any():
        others, _, _ = one_threshold(q[free], s[free], ranks[free], n - 1)
        known, _, _ = one_threshold(q[free], s[free], ranks[free], n)
        derivatives[0, rows[free], n - 1] = n * others[:, 0]
        derivatives[1, rows[free], n - 1] = n * np.exp(others[:, 2] - known[:, 2])


def _swept_through(
    p: FloatArray, s: FloatArray, gradient: bool, threads: int | None
) -> tuple[FloatArray, FloatArray]:
    """Probabilities and gradients by the sweep through all thresholds."""
    from cgcopt.evaluation.crossing.kernel import MARGIN, WORKSPACE, sweep

    rows, n = p.shape
    values = np.empty((rows, 3))
    derivatives = np.empty((2, rows if gradient else 0, n))

    def work(part: slice) -> None:
        reals = np.empty((WORKSPACE, n + MARGIN))
        whole = np.empty((WORKSPACE, n + MARGIN), np.int64)
        sweep(
            p[part],
            s[part],
            gradient,
            values[part],
            derivatives[0, part],
            derivatives[1, part],
            reals,
            whole,
        )

    in_parts(work, rows, n, threads)
    return values, derivatives


def _impossible(
    p: FloatArray, s: FloatArray, gradient: bool, threads: int | None
) -> tuple[FloatArray, FloatArray]:
    """Probabilities and gradients of rows with ``p_1 = 0``; the other rows are left to be filled."""
    rows, n = p.shape
    values = np.tile([0.0, 1.0, -np.inf], (rows, 1))
    derivatives = np.zeros((2, rows if gradient else 0, n))
    if gradient:
        zeros = np.count_nonzero(p == 0.0, axis=1)
        some, one = np.flatnonzero(zeros), np.flatnonzero(zeros == 1)
        derivatives[1, some, zeros[some] - 1] = np.inf
        derivatives[0, one, 0] = n
        if n > 1 and one.size:
            derivatives[0, one, 0] *= crossing(p[one, 1:], s[one, 1:], threads=threads).probability
    return values, derivatives
