"""The best bound that a convex combination of subgradients proves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cgcopt.formulations.highs_model import highs_lp, quiet_highs

__all__ = ["QUADRATURE", "ROUNDING", "combined_bound", "proven"]

FloatArray = NDArray[np.float64]


#: Relative error of exact subgradients, and of those by quadrature.
ROUNDING, QUADRATURE = 2e-13, 3e-11


def proven(slopes: list[FloatArray], error: float) -> float:
    """:func:`combined_bound` less what an error of the slopes may have added, relatively."""
    return combined_bound(np.array(slopes)) * (1.0 - error)


def combined_bound(slopes: FloatArray) -> float:
    """``max_c min_n (sum_j c_j g^j)_n`` over convex weights ``c``, for partitions with sum 1.

    Every slope ``g^j`` of the convex and homogeneous expected runtime bounds it, ``f(y) >= g^j . y``;
    so does every convex combination. The best one is the dual of the cutting-plane master problem
    ``min_y max_j g^j . y`` and is found by HiGHS; its weights are made convex again, and the bound
    is computed from them.

    Parameters
    ----------
    slopes : ndarray, shape (m, N)
        Subgradients in the partition.

    Examples
    --------
    >>> round(combined_bound(np.array([[1.0, 3.0], [3.0, 1.0]])), 9)
    2.0
    """
    best = int(np.argmax(slopes.min(axis=1)))
    single = float(slopes[best].min())
    if len(slopes) == 1:
        return single
    count, levels = slopes.shape
    scale = abs(single) or 1.0
    table = np.vstack((np.hstack((slopes.T / scale, -np.ones((levels, 1)))), np.ones(count + 1)))
    table[-1, -1] = 0.0
    lp = highs_lp(
        table,
        np.append(np.zeros(count), -1.0),
        (np.append(np.zeros(count), -np.inf), np.inf),
        (np.append(np.zeros(levels), 1.0), np.append(np.full(levels, np.inf), 1.0)),
    )
    highs = quiet_highs(lp, primal_feasibility_tolerance=1e-10, dual_feasibility_tolerance=1e-10)
    highs.run()
    weights = np.maximum(np.array(highs.getSolution().col_value[:count]), 0.0)
    if not weights.sum() > 0.0:
        return single
    return max(single, float((weights @ slopes / weights.sum()).min()))
