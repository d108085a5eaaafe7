"""The best bound that a convex combination of subgradients proves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.formulations.highs_model import highs_lp, quiet_highs

__all__ = ["QUADRATURE", "ROUNDING", "combined_bound", "lifted_bound", "proven"]


#: Relative error of exact subgradients: rounding.
ROUNDING = 2e-13
#: Relative error of subgradients by quadrature.
QUADRATURE = 3e-11


@dataclass(frozen=True, eq=False)
class TinyWeights:
    """How cuts are combined, and combinations raised by other cuts of very small weight."""

    weights: FloatArray
    """Weights of a cut beside a combination: a factor of two between neighbours loses a quarter of
    what the cut can raise, and the next one makes up for it."""
    added: int = 40
    """Cuts that are added at most, one by one."""
    worthwhile: float = 1e-10
    """Relative rise of the bound below which no more are added."""
    tolerance: float = 1e-10
    """Tolerance of HiGHS, the smallest that it takes: the program is scaled to values about 1."""


_TINY = TinyWeights(2.0 ** np.arange(-200.0, 0.0, 1.0))


def proven(subgradients: list[FloatArray], error: float) -> float:
    """:func:`combined_bound` less what an error of the subgradients may have added, relatively."""
    return combined_bound(np.array(subgradients)) * (1.0 - error)


def combined_bound(subgradients: FloatArray) -> float:
    """``max_c min_n (sum_j c_j g^j)_n`` over convex weights ``c``, for partitions with sum 1.

    Every subgradient ``g^j`` of the convex and homogeneous expected runtime bounds it,
    ``f(y) >= g^j . y``; so does every convex combination. The best one is the dual of the
    cutting-plane master problem ``min_y max_j g^j . y`` and is found by HiGHS; its weights are made
    convex again, and the bound is computed from them.

    Parameters
    ----------
    subgradients : ndarray, shape (m, N)
        Subgradients in the partition.

    Examples
    --------
    >>> round(combined_bound(np.array([[1.0, 3.0], [3.0, 1.0]])), 9)
    2.0
    """
    best = int(np.argmax(subgradients.min(axis=1)))
    single = float(subgradients[best].min())
    if len(subgradients) == 1:
        return single
    count, levels = subgradients.shape
    scale = abs(single) or 1.0
    table = np.vstack(
        (np.hstack((subgradients.T / scale, -np.ones((levels, 1)))), np.ones(count + 1))
    )
    table[-1, -1] = 0.0
    lp = highs_lp(
        table,
        np.append(np.zeros(count), -1.0),
        (np.append(np.zeros(count), -np.inf), np.inf),
        (np.append(np.zeros(levels), 1.0), np.append(np.full(levels, np.inf), 1.0)),
    )
    highs = quiet_highs(
        lp,
        primal_feasibility_tolerance=_TINY.tolerance,
        dual_feasibility_tolerance=_TINY.tolerance,
    )
    highs.run()
    weights = np.maximum(np.array(highs.getSolution().col_value[:count]), 0.0)
    start = subgradients[best]
    if weights.sum() > 0.0:
        combined = weights @ subgradients / weights.sum()
        start = max(start, combined, key=np.min)
    return _with_tiny_weights(start, subgradients)


def _with_tiny_weights(combined: FloatArray, subgradients: FloatArray) -> float:
    """Raise the least entry of a combination by adding one cut at a time at its best weight.

    A cut with entries of ``1e23`` needs a weight of ``1e-23``, which a linear program rounds to
    nothing.
    """
    least = float(combined.min())
    for _ in range(_TINY.added):
        lifting = subgradients[subgradients[:, int(combined.argmin())] > least]
        if len(lifting) == 0:
            break
        tried = np.concatenate([_weighted(combined, cut, _TINY.weights) for cut in lifting])
        found = tried[int(tried.min(axis=1).argmax())]
        if not found.min() > least + _TINY.worthwhile * abs(least):
            break
        combined, least = found, float(found.min())
    return least


def _weighted(combined: FloatArray, cut: FloatArray, weights: FloatArray) -> FloatArray:
    """Combinations of both, one for each weight of the cut, shape ``(weights, N)``."""
    return (1.0 - weights[:, np.newaxis]) * combined + weights[:, np.newaxis] * cut


def lifted_bound(subgradient: FloatArray, means: FloatArray, copies: FloatArray) -> float:
    """The best bound from one subgradient and the mean order statistics, without a linear program.

    ``f(y) >= E[T_(N-n)] w_n(y)`` for every level ``n``. A level whose largest times are very long
    needs but a very small weight of its own such cut, too small for the tolerances of a solver, to
    lift its entry of the subgradient to any ``c``. With the least weights ``a_n`` that lift all
    entries, ``c / (1 + sum a_n)`` bounds ``f`` over partitions with sum 1; every entry is tried as ``c``.

    Parameters
    ----------
    subgradient : ndarray, shape (N,)
        A subgradient in the partition.
    means : ndarray, shape (N,)
        ``E[T_(N-n)]`` by level, positive, in the unit of the subgradient.
    copies : ndarray, shape (N,)
        ``n + 1`` by level.

    Examples
    --------
    >>> round(lifted_bound(np.array([0.5, 1.0]), np.array([1e9, 1.0]), np.array([1.0, 2.0])), 8)
    1.0
    """
    candidates = np.unique(subgradient[subgradient > 0.0])
    if candidates.size == 0:
        return float(subgradient.min())
    wanted = (candidates[:, np.newaxis] - subgradient) / copies
    lifts = np.maximum.accumulate(np.maximum(wanted, 0.0)[:, ::-1], axis=1)[:, ::-1]
    weights = (lifts - np.append(lifts[:, 1:], np.zeros((len(lifts), 1)), axis=1)) / means
    return float((candidates / (1.0 + weights.sum(axis=1))).max())
