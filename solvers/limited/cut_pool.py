"""The linear program over all cuts, for a box of level sets: its value bounds every design in the box."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.solvers.limited.oracle import Cut

__all__ = ["CutPool", "LevelBox", "PoolPoint", "matrix_game"]


@dataclass(frozen=True)
class PoolTuning:
    """Numbers of the linear program over cuts; no measurement of them is on record."""

    accuracy: float = 3e-11
    """What is taken off a bound, relatively: rounding, and the quadrature behind the cuts."""
    active: float = 1e-9
    """Weight from which a cut counts as one of those that prove a bound."""
    near: int = 8
    """Cuts with the best bounds of their own, which go into the first program."""
    violation: float = 1e-7
    """How much a cut has to be violated, relatively, to join."""
    joining: int = 12
    """Violated cuts that join at a time."""
    programs: int = 12
    """Programs at most."""


_TUNING = PoolTuning()


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
        """Whether one set is left."""
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


@dataclass(frozen=True, eq=False)
class PoolPoint:
    """Solution of the linear program of a box.

    Attributes
    ----------
    bound : float
        On every design in the box, seconds.
    shares : ndarray, shape (m,)
        Of the allowed levels, where the linear program attains it.
    active : ndarray of int
        The cuts that prove it.
    """

    bound: float
    shares: FloatArray
    active: IntArray


@dataclass(eq=False)
class CutPool:
    """The cuts of allowed levels, and the linear program over some of them.

    Parameters
    ----------
    levels : ndarray of int, shape (m,)
        Allowed levels.
    startup : float
        Seconds before a worker begins.
    least : float
        Share that a used level carries at least.
    """

    levels: IntArray
    startup: float
    least: float
    count: int = 0
    programs: int = 0
    blocks: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    messages: FloatArray = field(default_factory=lambda: np.empty((0, 0)))

    def add(self, cut: Cut) -> int:
        """Keep a cut and return its number."""
        if self.count == len(self.blocks):
            room = np.zeros((max(2 * self.count, 64), self.levels.size))
            self.blocks = np.vstack((self.blocks.reshape(-1, self.levels.size), room))
            self.messages = np.vstack((self.messages.reshape(-1, self.levels.size), room))
        self.blocks[self.count] = cut.blocks[self.levels]
        self.messages[self.count] = cut.messages[self.levels]
        self.count += 1
        return self.count - 1

    def entries(self, box: LevelBox, cuts: IntArray | slice) -> FloatArray:
        """Cuts as linear functions on the simplex over the levels of a box.

        The box fixes the start-up, and bounds the messages and what every block carries at least.
        """
        blocks, messages = self.blocks[cuts], self.messages[cuts]
        entries = (1.0 - self.least * len(box.low)) * blocks[:, box.union] + self.startup
        for low, high in zip(box.low, box.high, strict=True):
            entries += messages[:, high, np.newaxis]
            if self.least:
                entries += self.least * blocks[:, low : high + 1].min(axis=1, keepdims=True)
        return entries

    def solve(self, box: LevelBox, cuts: IntArray, cutoff: float) -> PoolPoint:
        """Minimise the largest cut over a box.

        Parameters
        ----------
        box : LevelBox
        cuts : ndarray of int
            Some that are likely to matter; others join where they are violated.
        cutoff : float
            A bound that is enough, seconds.
        """
        entries = self.entries(box, slice(0, self.count))
        singly = entries.min(axis=1)
        chosen = np.union1d(cuts, np.argsort(-singly)[: _TUNING.near])
        best, shares = float(singly.max()), np.zeros(self.levels.size)
        best *= 1.0 - _TUNING.accuracy
        active, point = chosen[:0], np.eye(entries.shape[1])[0]
        for _ in range(_TUNING.programs):
            if best >= cutoff:
                break
            weights, point = matrix_game(entries[chosen])
            self.programs += 1
            bound = float((weights @ entries[chosen]).min()) * (1.0 - _TUNING.accuracy)
            active = chosen[weights > _TUNING.active]
            best = max(best, bound)
            heights = entries @ point
            missing = np.flatnonzero(heights > bound * (1.0 + _TUNING.violation))
            missing = np.setdiff1d(missing, chosen)
            if missing.size == 0:
                break
            worst = missing[np.argsort(-heights[missing])[: _TUNING.joining]]
            chosen = np.union1d(active, worst)
        shares[box.union] = point
        return PoolPoint(best, shares, active)


def matrix_game(entries: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weights of the rows and of the columns at ``min_y max_j (entries y)_j`` over the simplex.

    Examples
    --------
    >>> rows, columns = matrix_game(np.array([[1.0, 3.0], [3.0, 1.0]]))
    >>> rows.round(9).tolist(), columns.round(9).tolist()
    ([0.5, 0.5], [0.5, 0.5])
    """
    count, size = entries.shape
    if count == 1:
        return np.ones(1), np.eye(size)[int(entries.argmin())]
    import highspy

    shift = float(entries.min())
    scale = float(entries.max()) - shift or 1.0
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = size + 1, count + 1
    lp.col_cost_ = np.append(np.zeros(size), 1.0)
    lp.col_lower_ = np.append(np.zeros(size), -np.inf)
    lp.col_upper_ = np.full(size + 1, np.inf)
    lp.row_lower_ = np.append(np.zeros(count), 1.0)
    lp.row_upper_ = np.append(np.full(count, np.inf), 1.0)
    table = np.ones((count + 1, size + 1))
    table[:count, :size] = (shift - entries) / scale
    table[count, size] = 0.0
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.arange(count + 2) * (size + 1)
    lp.a_matrix_.index_ = np.tile(np.arange(size + 1), count + 1)
    lp.a_matrix_.value_ = table.ravel()
    highs = _solver()
    highs.passModel(lp)
    highs.run()
    solution = highs.getSolution()
    weights = np.maximum(np.array(solution.row_dual[:count]), 0.0)
    if not weights.sum() > 0.0:
        weights = np.eye(count)[int(entries.min(axis=1).argmax())]
    return weights / weights.sum(), np.maximum(np.array(solution.col_value[:size]), 0.0)


@cache
def _solver() -> Any:
    import highspy

    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("presolve", "off")
    highs.setOptionValue("primal_feasibility_tolerance", 1e-9)
    highs.setOptionValue("dual_feasibility_tolerance", 1e-9)
    return highs
