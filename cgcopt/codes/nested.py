"""Who holds which data where work is unequal: lower blocks use what the highest one has stored.

The fractions ``a_{i,n}`` of a schedule say how much of the data worker ``i`` needs for block ``n``. If
they do not fall from a used level to the next one, one storage of ``a_{i,m}`` for the highest level ``m``
serves all levels: the matrix of what a worker has for the first time at each level (and of what it never
has) has row sums 1 and whole column sums, so that it is a mixture of whole assignments (Birkhoff, "Tres
observaciones sobre el algebra lineal", 1946), each of which gives the holders of one piece of the data at
all levels, nested.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.codes.placement import Placement, arc_placement

__all__ = ["nested_placements", "storage_of", "whole_assignments"]


@dataclass(frozen=True)
class _Tuning:
    """Numbers of the mixture; no measurement of them is recorded."""

    used: float = 1e-9
    """Shares below count as none: rounding."""
    units: int = 1000
    """Units of data for each worker where storage is worked out without samples."""


_TUNING = _Tuning()


def nested_placements(
    fractions: FloatArray, levels: Sequence[int], units: int
) -> dict[int, tuple[Placement, IntArray]]:
    """Placement and ends of pieces for every used level.

    Levels whose fractions fit into those of the next higher level share its storage; for others arcs are
    laid end to end (:func:`~cgcopt.codes.placement.arc_placement`), and more may have to be stored.

    Parameters
    ----------
    fractions : ndarray, shape (N, N)
        ``a_{i,n}``; the sum over workers is ``n + 1``.
    levels : sequence of int
        Used levels.
    units : int
        Units of data (samples); ends of pieces are rounded to units.

    Examples
    --------
    >>> a = np.array([[0.5, 1.0], [0.5, 0.5], [0.0, 0.5]])
    >>> found = nested_placements(a, [0, 1], 8)
    >>> (found[0][0].holds.sum(axis=0) == 1).all(), (found[1][0].holds.sum(axis=0) == 2).all()
    (np.True_, np.True_)
    """
    a = np.clip(fractions, 0.0, 1.0)
    chain = _chain(a, levels)
    found = {level: arc_placement(a[:, level], units) for level in set(levels) - set(chain)}
    if len(chain) == 1:
        return {**found, chain[0]: arc_placement(a[:, chain[0]], units)}
    first = np.diff(a[:, chain], axis=1, prepend=0.0)
    matrix = np.column_stack([first, 1.0 - a[:, chain[-1]]])
    shares, columns = whole_assignments(
        matrix, np.diff([0, *(n + 1 for n in chain), len(a)]).tolist()
    )
    order = np.lexsort(columns.T[::-1])
    ends = np.floor(np.concatenate([[0.0], np.cumsum(shares[order])]) * units + 0.5)
    ends = np.minimum(ends, units).astype(np.int64)
    ends[-1] = units
    kept = np.diff(ends) > 0
    cuts = np.append(ends[:-1][kept], units)
    for place, level in enumerate(chain):
        holds = place >= columns[order][kept].T
        changed = np.concatenate([[True], np.any(holds[:, 1:] != holds[:, :-1], axis=0)])
        found[level] = Placement(holds[:, changed]), np.append(cuts[:-1][changed], units)
    return found


def storage_of(fractions: FloatArray, levels: Sequence[int]) -> FloatArray:
    """Share of the data that every worker stores for these levels, shape ``(N,)``.

    Examples
    --------
    >>> storage_of(np.array([[0.5, 1.0], [0.5, 0.5], [0.0, 0.5]]), [0, 1]).tolist()
    [1.0, 0.5, 0.5]
    """
    a = np.clip(fractions, 0.0, 1.0)
    chain = _chain(a, levels)
    if len(chain) == len(levels):
        return np.asarray(a[:, chain[-1]])
    units = _TUNING.units * len(a)
    held = np.zeros((len(a), units), dtype=np.bool_)
    for placement, cuts in nested_placements(fractions, levels, units).values():
        held |= np.repeat(placement.holds, np.diff(cuts), axis=1)
    return np.asarray(held.mean(axis=1))


def _chain(a: FloatArray, levels: Sequence[int]) -> list[int]:
    """The highest used level, and below it those whose fractions fit into the next one of the chain."""
    above = np.sort(np.asarray(levels))[::-1].tolist()
    chain = above[:1]
    for level in above[1:]:
        if np.all(a[:, level] <= a[:, chain[0]] + _TUNING.used):
            chain.insert(0, level)
    return [int(level) for level in chain]


def whole_assignments(matrix: FloatArray, sums: Sequence[int]) -> tuple[FloatArray, IntArray]:
    """Write a matrix with row sums 1 and whole column sums as a mixture of whole assignments.

    Parameters
    ----------
    matrix : ndarray, shape (N, K)
        Nonnegative.
    sums : sequence of int, length K
        The sums of its columns.

    Returns
    -------
    shares : ndarray, shape (P,)
        With sum 1.
    columns : ndarray, shape (P, N)
        The column of every row in each assignment; column ``k`` is taken ``sums[k]`` times.

    Examples
    --------
    >>> shares, columns = whole_assignments(np.array([[0.25, 0.75], [0.75, 0.25]]), [1, 1])
    >>> sorted(zip(shares.tolist(), columns.tolist()))
    [(0.25, [0, 1]), (0.75, [1, 0])]
    """
    from scipy.optimize import linear_sum_assignment

    left = np.where(matrix < _TUNING.used, 0.0, matrix)
    column = np.repeat(np.arange(len(sums)), sums)
    shares, columns = [], []
    total = 1.0
    while total > _TUNING.used:
        # Entries that nobody can do without come first: their row has nothing else left.
        worth = np.where(left > _TUNING.used, 1.0 + np.sqrt(left), -float(len(left)))[:, column]
        rows, chosen = linear_sum_assignment(worth, maximize=True)
        taken = column[chosen]
        share = float(left[rows, taken].min())
        if share <= _TUNING.used:
            break  # what is left is rounding
        left[rows, taken] -= share
        shares.append(share)
        columns.append(taken)
        total -= share
    return np.array(shares) / sum(shares), np.array(columns)
