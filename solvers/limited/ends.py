"""Shares moved so that blocks end at boundaries."""

from __future__ import annotations

import numpy as np

from cgcopt.arrays import FloatArray

__all__ = ["snapped"]

#: A share below the least one by this much still counts as enough.
_ENOUGH = 1e-9


def snapped(counts: FloatArray, ends: FloatArray, least: float = 0.0) -> FloatArray | None:
    """Move cumulative shares to the nearest boundaries that leave every block its least share.

    Parameters
    ----------
    counts : ndarray, shape (k,)
        Cumulative shares, nondecreasing to 1.
    ends : ndarray, shape (P + 1,)
        Boundaries from 0 to 1.
    least : float
        Share of a block at least.

    Returns
    -------
    ndarray or None
        ``None`` where the boundaries leave no room.

    Examples
    --------
    >>> snapped(np.array([0.28, 0.5, 1.0]), np.array([0.0, 0.3, 0.45, 1.0])).tolist()
    [0.3, 0.45, 1.0]
    """
    place = np.clip(np.searchsorted(ends, counts), 1, ends.size - 1)
    nearer = counts - ends[place - 1] < ends[place] - counts
    rounded = ends[place - nearer]
    rounded[-1] = 1.0
    if least == 0.0:
        return rounded
    before = 0.0
    for j in range(rounded.size - 1):
        if rounded[j] - before < least - _ENOUGH:
            k = int(np.searchsorted(ends, before + least - _ENOUGH))
            if k >= ends.size:
                return None
            rounded[j] = ends[k]
        before = float(rounded[j])
    return rounded if 1.0 - before >= least - _ENOUGH else None
