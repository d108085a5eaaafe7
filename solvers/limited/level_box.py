"""Boxes of level sets and of places where blocks end: what a node of the search stands for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray, IntArray

__all__ = ["LevelBox", "Region"]

#: Distance from a boundary, in shares, that counts as none.
_ON = 1e-9


@dataclass(frozen=True)
class LevelBox:
    """Level sets ``s_1 < ... < s_k`` with ``low_j <= s_j <= high_j``, as indices of allowed levels."""

    low: tuple[int, ...]
    high: tuple[int, ...]

    @classmethod
    def whole(cls, count: int, blocks: int) -> LevelBox:
        """All sets of ``blocks`` out of ``count`` levels."""
        first = tuple(range(blocks))
        return cls(first, tuple(count - blocks + j for j in first))

    @property
    def single(self) -> bool:
        """Whether the box holds one level set alone."""
        return self.low == self.high

    @property
    def union(self) -> IntArray:
        """Indices of all levels that some set in the box uses."""
        member = np.zeros(self.high[-1] + 1, dtype=bool)
        for low, high in zip(self.low, self.high, strict=True):
            member[low : high + 1] = True
        return np.flatnonzero(member)

    def split(self, block: int, at: int) -> list[LevelBox]:
        """The boxes with ``s_block <= at`` and with ``s_block > at``."""
        low, high = list(self.low), list(self.high)
        below, above = list(high), list(low)
        for j in range(block, -1, -1):
            below[j] = min(below[j], at - (block - j))
        for j in range(block, len(low)):
            above[j] = max(above[j], at + 1 + (j - block))
        return [LevelBox(self.low, tuple(below)), LevelBox(tuple(above), self.high)]

    def divided(self, shares: FloatArray, spread: float) -> list[LevelBox]:
        """Divide the block whose level is least certain, at the mean of the shares in its range.

        Parameters
        ----------
        shares : ndarray
            Of all allowed levels.
        spread : float
            Share that counts as spread evenly over the levels of a block.

        Examples
        --------
        >>> LevelBox((0, 1), (1, 2)).divided(np.array([0.2, 0.2, 0.6]), 0.0)
        [LevelBox(low=(0, 1), high=(0, 1)), LevelBox(low=(0, 2), high=(1, 2))]
        """
        best, block, at = -1.0, 0, 0
        for j, (low, high) in enumerate(zip(self.low, self.high, strict=True)):
            if low == high:
                continue
            level = np.arange(low, high + 1)
            mass = shares[low : high + 1] + spread / level.size
            mean = float(mass @ level / mass.sum())
            width = float(mass @ np.abs(level - mean))
            if width > best:
                best, block, at = width, j, min(max(int(mean), low), high - 1)
        return self.split(block, at)

    def likeliest(self, shares: FloatArray) -> tuple[int, ...]:
        """The set that takes the level with the largest share for every block in turn."""
        chosen: list[int] = []
        for low, high in zip(self.low, self.high, strict=True):
            first = max(low, chosen[-1] + 1) if chosen else low
            chosen.append(first + int(np.argmax(shares[first : high + 1])))
        return tuple(chosen)


@dataclass(frozen=True, eq=False)
class Region:
    """A box of level sets, and between which boundaries the blocks end.

    Attributes
    ----------
    box : LevelBox
    low, high : ndarray of int, shape (m,)
        Of all allowed levels: the cumulative share up to a level lies between the boundaries with
        these numbers. Empty where blocks may end anywhere.
    """

    box: LevelBox
    low: IntArray
    high: IntArray

    @classmethod
    def of(cls, box: LevelBox, levels: int, ends: FloatArray | None) -> Region:
        """The region of a box of level sets whose blocks may end anywhere."""
        if ends is None:
            return cls(box, np.empty(0, np.int64), np.empty(0, np.int64))
        low, high = np.zeros(levels, np.int64), np.full(levels, ends.size - 1)
        low[-1] = ends.size - 1
        return cls(box, low, high)

    @property
    def ended(self) -> bool:
        """Whether all blocks end at one boundary each."""
        return bool(np.all(self.low == self.high))

    def ending(self, level: int, at: int) -> list[Region]:
        """The regions in which the cumulative share up to a level is at most and above a boundary."""
        high, low = self.high.copy(), self.low.copy()
        high[: level + 1] = np.minimum(high[: level + 1], at)
        low[level:] = np.maximum(low[level:], at + 1)
        return [Region(self.box, self.low, high), Region(self.box, low, self.high)]

    def divisions(self, counts: FloatArray, ends: FloatArray, most: int) -> list[list[Region]]:
        """Ways to divide the region, at the levels that end farthest from a boundary first.

        Parameters
        ----------
        counts : ndarray, shape (m,)
            Cumulative shares of all allowed levels.
        ends : ndarray
            Boundaries from 0 to 1.
        most : int
            Ways at most; one where all blocks end at boundaries.
        """
        place = np.clip(np.searchsorted(ends, counts - _ON), 1, ends.size - 1)
        off = np.minimum(counts - ends[place - 1], ends[place] - counts)
        off[self.low >= self.high] = -1.0
        order = np.argsort(-off, kind="stable")[:most]
        cuts = [(int(n), int(place[n]) - 1) for n in order if off[n] > _ON]
        if not cuts:
            widest = int((self.high - self.low).argmax())
            cuts = [(widest, int(np.abs(ends - counts[widest]).argmin()))]
        return [self.ending(n, int(np.clip(at, self.low[n], self.high[n] - 1))) for n, at in cuts]
