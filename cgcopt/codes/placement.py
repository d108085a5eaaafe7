"""Placements: which worker holds which pieces of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cgcopt._validate import whole_number
from cgcopt.arrays import BoolArray, IntArray
from cgcopt.errors import InvalidInputError

__all__ = ["Placement", "arc_placement"]


@dataclass(frozen=True, eq=False)
class Placement:
    """Who holds which piece of the data; every piece is held by the same number of workers.

    Parameters
    ----------
    holds : array_like of bool, shape (workers, pieces)
        Whether worker ``i`` holds piece ``j``.

    Raises
    ------
    InvalidInputError
        If there is no piece, or the pieces are not held by equally many workers, at least one.

    Examples
    --------
    >>> placement = Placement.cyclic(4, 2)
    >>> placement.holds.astype(int)
    array([[1, 1, 0, 0],
           [0, 1, 1, 0],
           [0, 0, 1, 1],
           [1, 0, 0, 1]])
    >>> placement.copies, placement.pieces_of(3).tolist(), placement.holders(0).tolist()
    (2, [0, 3], [0, 3])
    """

    holds: BoolArray

    def __post_init__(self) -> None:
        holds = np.array(self.holds, dtype=np.bool_)
        if holds.ndim != 2 or 0 in holds.shape:
            raise InvalidInputError("placement", holds.shape, "a table of workers x pieces")
        counts = holds.sum(axis=0)
        odd = np.flatnonzero((counts != counts[0]) | (counts == 0))
        if odd.size:
            j = int(odd[0])
            allowed = f"{max(int(counts[0]), 1)}, equal for all pieces and at least 1"
            raise InvalidInputError(f"placement: holders of piece {j}", int(counts[j]), allowed)
        holds.flags.writeable = False
        object.__setattr__(self, "holds", holds)

    @classmethod
    def cyclic(cls, workers: int, copies: int) -> Placement:
        """Worker ``i`` holds the pieces ``i, i + 1, ..., i + copies - 1`` of ``workers`` (mod N)."""
        n, r = _counts(workers, copies)
        place = (np.arange(n)[np.newaxis, :] - np.arange(n)[:, np.newaxis]) % n
        return cls(place < r)

    @classmethod
    def repetition(cls, workers: int, copies: int) -> Placement:
        """Classes of ``copies`` workers; those of a class hold the same ``copies`` pieces.

        Fractional repetition (Tandon et al., ICML 2017) where ``copies`` divides ``workers``. Where
        it does not, the last class is larger, and cyclic within itself, so that every worker still
        holds ``copies`` of ``workers`` pieces; with less than two classes that is
        :meth:`cyclic`.

        Examples
        --------
        >>> [Placement.repetition(7, 2).pieces_of(i).tolist() for i in range(7)]
        [[0, 1], [0, 1], [2, 3], [2, 3], [4, 5], [5, 6], [4, 6]]
        """
        n, r = _counts(workers, copies)
        holds = np.zeros((n, n), dtype=np.bool_)
        first = 0
        while n - first >= 2 * r:
            holds[first : first + r, first : first + r] = True
            first += r
        holds[first:, first:] = cls.cyclic(n - first, r).holds
        return cls(holds)

    @classmethod
    def of_pieces(cls, pieces: Sequence[Sequence[int]]) -> Placement:
        """Build the placement in which worker ``i`` holds the pieces ``pieces[i]``.

        Examples
        --------
        >>> Placement.of_pieces([[0], [1], [0, 1]]).copies
        2
        """
        numbers = [[whole_number("placement", j, least=0) for j in held] for held in pieces]
        count = 1 + max((j for held in numbers for j in held), default=-1)
        holds = np.zeros((len(numbers), count), dtype=np.bool_)
        for i, held in enumerate(numbers):
            holds[i, held] = True
        return cls(holds)

    @property
    def workers(self) -> int:
        """``N``."""
        return int(self.holds.shape[0])

    @property
    def pieces(self) -> int:
        """How many pieces there are."""
        return int(self.holds.shape[1])

    @property
    def copies(self) -> int:
        """How many workers hold a piece, ``s + 1``."""
        return int(self.holds[:, 0].sum())

    def pieces_of(self, worker: int) -> IntArray:
        """The pieces that a worker holds, increasing."""
        return np.flatnonzero(self.holds[worker]).astype(np.int64)

    def holders(self, piece: int) -> IntArray:
        """The workers that hold a piece, increasing."""
        return np.flatnonzero(self.holds[:, piece]).astype(np.int64)

    @property
    def classes(self) -> tuple[IntArray, ...]:
        """The workers in classes: two workers are in one class if pieces connect them.

        Workers without a piece are in no class.
        """
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import connected_components

        _, label = connected_components(csr_array(self.holds.astype(np.int8) @ self.holds.T))
        label = np.where(self.holds.any(axis=1), label, -1)
        return tuple(np.flatnonzero(label == c) for c in np.unique(label[label >= 0]))

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Placement) and np.array_equal(self.holds, other.holds)

    def __hash__(self) -> int:
        return hash((self.holds.shape, self.holds.tobytes()))


def arc_placement(fractions: ArrayLike, units: int) -> tuple[Placement, IntArray]:
    """Lay arcs end to end around a circle of data: worker ``i`` holds the units under its arc.

    The arcs start at unit 0 and go around ``s + 1`` times. No arc is longer than the circle, so that
    every unit is held by ``s + 1`` different workers.

    Parameters
    ----------
    fractions : array_like, shape (workers,)
        Length of every arc as a share of the data, in ``[0, 1]``; their sum is a whole number.
    units : int
        Units of data on the circle (samples); the ends of arcs are rounded to units.

    Returns
    -------
    placement : Placement
        Who holds which piece; a piece lies between neighbouring ends of arcs.
    cuts : ndarray of int, shape (pieces + 1,)
        Piece ``j`` is the units ``cuts[j], ..., cuts[j+1] - 1``.

    Examples
    --------
    >>> placement, cuts = arc_placement([1.0, 0.75, 0.25], units=8)
    >>> cuts.tolist(), [placement.pieces_of(i).tolist() for i in range(3)]
    ([0, 6, 8], [[0, 1], [0], [1]])
    """
    count = whole_number("units of data", units, least=1)
    a = np.asarray(fractions, dtype=np.float64)
    total = np.round(a.sum())
    if a.ndim != 1 or not np.all((a >= 0) & (a <= 1)) or total < 1:
        raise InvalidInputError("fractions", a.tolist(), "a share from 0 to 1 for every worker")
    if abs(a.sum() - total) > 1e-6 * a.size:
        raise InvalidInputError("sum of the fractions", float(a.sum()), "a whole number")
    # floor(t + 1/2): ends that are a whole turn apart are rounded alike.
    ends = np.floor(np.concatenate([[0.0], np.cumsum(a)]) * count + 0.5).astype(np.int64)
    ends[-1] = int(total) * count
    ends = np.minimum.accumulate(ends[::-1])[::-1]
    cuts = np.unique(np.concatenate([ends % count, [0, count]]))
    middle = cuts[:-1]
    start, length = ends[:-1], np.minimum(np.diff(ends), count)
    holds = (middle[np.newaxis, :] - start[:, np.newaxis]) % count < length[:, np.newaxis]
    return Placement(holds), cuts


def _counts(workers: int, copies: int) -> tuple[int, int]:
    n = whole_number("workers", workers, least=1)
    r = whole_number("copies", copies, least=1)
    if r > n:
        raise InvalidInputError("copies", r, f"at most {n}, the workers")
    return n, r
