"""Which rounds can be late: those that no better design meets, and those that none need give up.

A design meets round ``k`` if its work keeps to the thresholds ``b_{k,n}`` at every level.  With a set of
met rounds the work may rise to their smallest threshold at every level, and some design meets them all
if that holds ``L`` coordinates, ``sum_n v_n min_k b_{k,n} >= L``.  Of all but ``r`` rounds the level with
threshold number ``r + 1`` bounds the work: a round that does not hold ``L`` below these ceilings is late
in every such design, and one that is no hindrance below them need not be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import BoolArray, FloatArray

__all__ = ["Prospects", "prospects"]

#: Relative difference below ``L`` that still counts as ``L``.
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Prospects:
    """What is left to decide where at most ``r`` rounds may be late.

    Attributes
    ----------
    forced : ndarray of bool, shape (K,)
        Rounds that are late in every such design.
    allowed : int
        How many others may be late.
    ceilings : ndarray, shape (m,)
        Most work of every level of such a design.
    """

    forced: BoolArray
    allowed: int
    ceilings: FloatArray


def prospects(
    thresholds: FloatArray, weights: FloatArray, coordinates: float, late: int
) -> Prospects | None:
    """Return what at most ``late`` late rounds leave to decide; ``None`` where no design has so few.

    Parameters
    ----------
    thresholds : ndarray, shape (K, m)
        Most work of every level in every round, nondecreasing along the levels.
    weights : ndarray, shape (m,)
        ``v`` of the levels.
    coordinates : float
        ``L``.
    late : int
        Rounds that may be late.

    Examples
    --------
    >>> found = prospects(np.array([[1.0, 9.0], [6.0, 6.0], [5.0, 8.0]]), np.array([0.5, 0.5]), 5, 1)
    >>> found.forced.tolist(), found.allowed, found.ceilings.tolist()
    ([True, False, False], 0, [5.0, 6.0])
    """
    forced = np.zeros(len(thresholds), dtype=bool)
    enough = coordinates * (1.0 - _ROUNDING)
    while True:
        allowed = late - int(np.count_nonzero(forced))
        rest = thresholds[~forced]
        if allowed < 0 or (not len(rest) and late < len(forced)):
            return None
        if allowed >= len(rest):
            return Prospects(forced, allowed, thresholds.max(axis=0))
        ceilings = np.partition(rest, allowed, axis=0)[allowed]
        if float(ceilings @ weights) < enough:
            return None
        hopeless = ~forced & (np.minimum(thresholds, ceilings) @ weights < enough)
        if not hopeless.any():
            return Prospects(forced, allowed, ceilings)
        forced |= hopeless
