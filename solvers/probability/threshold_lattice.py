"""The completion probability of a step distribution as a search over thresholds.

Only the possible times ``T_1 < ... < T_J`` matter as thresholds: raising the work of level ``n`` to
``w_n = t / (u T_j)`` for the largest ``T_j`` it allows costs no probability. So a design is a
nonincreasing vector of indices ``j_n`` whose work spends at least the budget.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement, islice

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import budget_weights, partition_of_work, work_of_partition
from cgcopt.evaluation.steps.products import discrete_times
from cgcopt.system import System

__all__ = ["Lattice", "LatticeSettings"]


@dataclass(frozen=True)
class LatticeSettings:
    """Tuning numbers of the search over thresholds, chosen without a recorded measurement."""

    moves: int = 2000
    """Moves scored in one pass; a random choice where there are more."""
    patience: int = 3
    """Passes without an improvement before the climb ends: each draws other moves where many are."""
    resolution: float = 1e-13
    """Relative gain of a score that is rounding."""
    rounding: float = 1e-14
    """Relative error allowed where thresholds meet a possible time, or the budget, just so."""
    doublings: int = 12
    """Steps down of a level that gives: powers of two, so many."""
    batch: int = 5000
    """Index vectors enumerated and scored at a time."""


_SETTINGS = LatticeSettings()


@dataclass(frozen=True, eq=False)
class Lattice:
    """The designs of one problem as index vectors.

    Attributes
    ----------
    system : System
        Whose worker times are a step distribution.
    deadline : float
        ``t``, seconds.
    values : ndarray, shape (J,)
        The possible times ``T_j``.
    largest : ndarray, shape (J,)
        ``t / (u L T_j)``: work that is in time at that threshold, relative to ``L``.
    """

    system: System
    deadline: float
    values: FloatArray
    largest: FloatArray

    @classmethod
    def of(cls, system: System, deadline: float) -> Lattice:
        """The lattice of a system for a deadline."""
        values = discrete_times(system).values
        largest = deadline / (system.unit * system.coordinates * values)
        return cls(system, deadline, values, largest)

    @property
    def count_of_all(self) -> int:
        """Number of nonincreasing index vectors, feasible or not."""
        workers = self.system.workers
        return math.comb(self.values.size + workers - 1, workers)

    def best_of_all(self, scores: Callable[[FloatArray], FloatArray]) -> FloatArray | None:
        """Shares of the best design by enumeration; ``None`` where no vector spends the budget."""
        best, best_score = None, -math.inf
        for indices in _batches(self.values.size, self.system.workers):
            feasible = indices[self.capacity(indices) >= 1]
            if len(feasible):
                shares = self.shares(feasible)
                values = scores(shares)
                top = int(np.argmax(values))
                if values[top] > best_score:
                    best, best_score = shares[top], float(values[top])
        return best

    def climb(
        self,
        start: FloatArray,
        scores: Callable[[FloatArray], FloatArray],
        rng: np.random.Generator,
        *,
        stop: Callable[[], bool],
    ) -> tuple[FloatArray, float]:
        """Improve shares: one level gives up probability, another takes all that this affords.

        Returns the shares and their score.
        """
        indices = self.indices(start)
        if indices.min() < 0:
            return start, float(scores(start[np.newaxis])[0])
        best = float(scores(self.shares(indices[np.newaxis]))[0])
        idle = 0
        while idle < _SETTINGS.patience and not stop():
            moved = self._moves(indices, rng)
            values = scores(self.shares(moved)) if len(moved) else np.array([-math.inf])
            top = int(np.argmax(values))
            if values[top] > best + _SETTINGS.resolution * abs(best):
                indices, best, idle = moved[top], float(values[top]), 0
            else:
                idle += 1
        return self.shares(indices[np.newaxis])[0], best

    def _moves(self, indices: IntArray, rng: np.random.Generator) -> IntArray:
        """Feasible neighbours, shape ``(B, N)``: lower one level (and those after), raise another."""
        workers, size = indices.size, self.values.size
        steps = np.unique(np.minimum(2 ** np.arange(_SETTINGS.doublings), size - 1))
        grid = np.array(
            [(m, k, n) for m in range(workers) for k in (0, *steps) for n in range(workers)]
        )
        if len(grid) > _SETTINGS.moves:
            grid = grid[rng.choice(len(grid), _SETTINGS.moves, replace=False)]
        levels = np.arange(workers)
        giver, step, taker = grid.T
        lowered = np.maximum(indices[giver] - step, 0)
        after = levels >= giver[:, np.newaxis]
        moved = np.where(after, np.minimum(indices, lowered[:, np.newaxis]), indices)
        # Bisection for the highest index that the taker can afford.
        low = moved[np.arange(len(moved)), taker]
        high = np.full(len(moved), size)
        while np.any(high - low > 1):
            middle = (low + high) // 2
            affordable = self.capacity(_raised(moved, taker, middle)) >= 1
            low, high = np.where(affordable, middle, low), np.where(affordable, high, middle)
        moved = _raised(moved, taker, low)
        changed = np.any(moved != indices, axis=1) & (self.capacity(moved) >= 1)
        return np.unique(moved[changed], axis=0)

    def capacity(self, indices: IntArray) -> FloatArray:
        """Share of the budget that the thresholds spend; 1 up to rounding is enough."""
        spent: FloatArray = self.largest[indices] @ budget_weights(self.system.workers)
        return spent * (1 + _SETTINGS.rounding)

    def shares(self, indices: IntArray) -> FloatArray:
        """Shares of the levels whose work is the largest that the thresholds allow."""
        x = np.maximum(partition_of_work(self.largest[indices]), 0.0)
        shares: FloatArray = x / x.sum(axis=-1, keepdims=True)
        return shares

    def indices(self, x: FloatArray) -> IntArray:
        """Largest possible time below every threshold; -1 where there is none."""
        work = work_of_partition(x) * self.system.coordinates * self.system.unit
        with np.errstate(divide="ignore"):
            threshold = np.where(work > 0, self.deadline / work, np.inf) * (1 + _SETTINGS.rounding)
        return np.searchsorted(self.values, threshold, side="right").astype(np.int64) - 1


def _raised(indices: IntArray, level: IntArray, height: IntArray) -> IntArray:
    """Raise ``level`` to ``height``, and the levels before it with it."""
    before = np.arange(indices.shape[1]) <= level[:, np.newaxis]
    return np.where(before, np.maximum(indices, height[:, np.newaxis]), indices)


def _batches(size: int, workers: int) -> Iterator[IntArray]:
    vectors = combinations_with_replacement(range(size - 1, -1, -1), workers)
    while batch := list(islice(vectors, _SETTINGS.batch)):
        yield np.array(batch, dtype=np.int64)
