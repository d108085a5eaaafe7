"""Which order statistic is the first to exceed its threshold, as the thresholds rise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.evaluation.crossing.threads import in_parts

__all__ = ["FirstFailures", "first_failures", "paired_derivatives"]

#: Parts into which the rows of :func:`paired_derivatives` are divided: the sum over the parts, and so
#: the result, does not depend on the number of threads.
_PAIR_PARTS = 16


@dataclass(frozen=True)
class FirstFailures:
    """What :func:`first_failures` returns, for ``M`` rows of ``N`` thresholds.

    Attributes
    ----------
    probability, complement : ndarray, shape (M,)
        ``P[U_(k) <= q_k for all k]`` of every row and what is left to one.
    chance : ndarray, shape (M, N)
        Probability that ``k`` is the first to exceed its threshold of the row before, while none
        exceeds that of this row. The sum over ``k`` is the increase of the probability.
    leading, second : ndarray, shape (M, N)
        The first terms of it, ``leading (q_k - p_k) + second (q_k - p_k)^2 / 2 + ...``, all
        positive.
    derivative, curvature : ndarray, shape (M, N)
        ``dP/dq_k`` and ``-d^2P/dq_k^2`` from the right, at this row, every other threshold fixed.
    """

    probability: FloatArray
    complement: FloatArray
    chance: FloatArray
    leading: FloatArray
    second: FloatArray
    derivative: FloatArray
    curvature: FloatArray


def first_failures(
    cdf: FloatArray, sf: FloatArray, *, rough: bool = False, threads: int | None = None
) -> FirstFailures:
    """Which order statistic is the first to exceed its threshold, as the thresholds rise.

    Row ``v`` is compared with row ``v - 1``, row 0 with thresholds of zero. "First" is meant in
    the order ``k = 1..N``. All terms are positive sums; the forward chain of one row meets the
    backward chain of the next (:func:`~cgcopt.evaluation.crossing.kernel.sweep_panels`).

    Parameters
    ----------
    cdf, sf : ndarray, shape (M, N)
        Thresholds and one minus thresholds, monotone along both axes.
    rough : bool
        Whether values that are too small by some 1e-8 will do; a quarter faster.
    threads : int, optional
        As for :func:`~cgcopt.evaluation.crossing.crossing.crossing`.

    Examples
    --------
    Two uniform variables, thresholds rising from 1/2 to 1: either the smaller one is above 1/2, or
    only the larger one is.

    >>> rows = np.array([[0.5, 0.5], [1.0, 1.0]])
    >>> first_failures(rows, 1 - rows).chance[1].tolist()
    [0.25, 0.5]
    """
    from cgcopt.evaluation.crossing import kernel

    row_tail, term_tail = kernel.ROW_TAIL, kernel.TERM_TAIL
    if rough:
        row_tail, term_tail = kernel.ROUGH_ROW_TAIL, kernel.ROUGH_TERM_TAIL
    rows, n = cdf.shape
    cdf, sf = np.ascontiguousarray(cdf), np.ascontiguousarray(sf)
    values = np.empty((rows, 2))
    terms = np.empty((kernel.PANEL_TERMS, rows, n))

    def work(part: slice) -> None:
        reals = np.empty((kernel.PANEL_WORKSPACE, n + kernel.MARGIN))
        whole = np.empty((kernel.PANEL_WORKSPACE, n + kernel.MARGIN), np.int64)
        kernel.sweep_panels(
            cdf, sf, part.start, part.stop, values, terms, reals, whole, row_tail, term_tail
        )

    in_parts(work, rows, n, threads)
    return FirstFailures(values[:, 0], values[:, 1], *terms)


def paired_derivatives(
    cdf: FloatArray,
    derivative: FloatArray,
    rise: FloatArray,
    before: FloatArray,
    after: FloatArray,
    *,
    least: float = 0.0,
    threads: int | None = None,
) -> FloatArray:
    """Sum how chances of first failures change with other thresholds, right to some percent.

    For a model of the curvature, not for a result. With ``j < k`` and thresholds ``p``, let
    ``q_jk = (d^2P/dp_j dp_k) / (dP/dp_k)``. That is how the chance of ``k`` to be the first to fail
    from this row to the next changes with ``p_j``, relative to it; and that of ``j`` from the row
    before to this one changes with ``p_k`` by about ``q_jk (dP/dp_k) / (dP/dp_j)``
    (:func:`first_failures`).

    Parameters
    ----------
    cdf : ndarray, shape (M, N)
        Thresholds, nondecreasing along the rows.
    derivative : ndarray, shape (M, N)
        ``dP/dp_k`` of every row.
    rise : ndarray, shape (M, N)
        Weights of the thresholds, nonnegative.
    before, after : ndarray, shape (M, N)
        Chances from the row before to this one and from this one to the next, or multiples of them.
    least : float
        Thresholds with ``before + after`` up to this are left out.
    threads : int, optional
        As for :func:`~cgcopt.evaluation.crossing.crossing.crossing`.

    Returns
    -------
    ndarray, shape (N, N)
        Above the diagonal, ``j < k``, the sum over the rows of
        ``q_jk (rise_j after_k + before_j rise_k (dP/dp_k) / (dP/dp_j))``; else 0.

    Examples
    --------
    ``P = 2 p_1 p_2 - p_1^2`` for two variables, so the mixed derivative is 2.

    >>> from cgcopt.evaluation.crossing.crossing import crossing
    >>> cdf, one = np.array([[0.3, 0.6]]), np.ones((1, 2))
    >>> derivative = crossing(cdf, 1 - cdf, gradient=True).gradient
    >>> paired_derivatives(cdf, derivative, one, 0 * one, derivative).round(12).tolist()
    [[0.0, 2.0], [0.0, 0.0]]
    """
    from cgcopt.evaluation.crossing import kernel

    rows, n = cdf.shape
    totals: dict[int, FloatArray] = {}

    def work(part: slice) -> None:
        total = np.zeros((n, n))
        reals = np.empty((kernel.PAIR_WORKSPACE, n + kernel.MARGIN))
        table = np.empty((n + kernel.MARGIN, kernel.PAIR_TERMS))
        whole = np.empty((kernel.PAIR_COUNTS, n + kernel.MARGIN), np.int64)
        kernel.sweep_pairs(
            cdf[part], derivative[part], rise[part], before[part], after[part], least, total, reals,
            table, whole,
        )  # fmt: skip
        totals[part.start] = total

    # Always the same parts, so that the sum does not depend on the number of threads.
    in_parts(work, rows, n, threads, parts=max(min(rows, _PAIR_PARTS), 1))
    return np.asarray(sum(totals[start] for start in sorted(totals)))
