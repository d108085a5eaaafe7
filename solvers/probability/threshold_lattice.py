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
from cgcopt.system import System
from cgcopt.workers.base import DiscreteTimes

__all__ = ["LatticeSettings", "best_of_all", "climb", "count_of_all"]


@dataclass(frozen=True)
class LatticeSettings:
    """Tuning numbers of the search over thresholds, set by hand without a recorded measurement."""

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


def count_of_all(system: System) -> int:
    """Number of nonincreasing index vectors, feasible or not."""
    return math.comb(_values(system).size + system.workers - 1, system.workers)


def best_of_all(
    system: System, deadline: float, scores: Callable[[FloatArray], FloatArray]
) -> FloatArray | None:
    """Shares of the best design by enumeration; ``None`` where no vector spends the budget."""
    best, best_score = None, -math.inf
    for indices in _batches(_values(system).size, system.workers):
        feasible = indices[_capacity(system, deadline, indices) >= 1]
        if len(feasible):
            shares = _shares(system, deadline, feasible)
            values = scores(shares)
            top = int(np.argmax(values))
            if values[top] > best_score:
                best, best_score = shares[top], float(values[top])
    return best


def climb(
    system: System,
    deadline: float,
    start: FloatArray,
    scores: Callable[[FloatArray], FloatArray],
    rng: np.random.Generator,
    *,
    stop: Callable[[], bool],
) -> tuple[FloatArray, float]:
    """Improve shares: one level gives up probability, another takes all that this affords.

    Returns the shares and their score.
    """
    indices = _indices(system, deadline, start)
    if indices.min() < 0:
        return start, float(scores(start[np.newaxis])[0])
    best = float(scores(_shares(system, deadline, indices[np.newaxis]))[0])
    idle = 0
    while idle < _SETTINGS.patience and not stop():
        moved = _moves(system, deadline, indices, rng)
        values = scores(_shares(system, deadline, moved)) if len(moved) else np.array([-math.inf])
        top = int(np.argmax(values))
        if values[top] > best + _SETTINGS.resolution * abs(best):
            indices, best, idle = moved[top], float(values[top]), 0
        else:
            idle += 1
    return _shares(system, deadline, indices[np.newaxis])[0], best


def _moves(
    system: System, deadline: float, indices: IntArray, rng: np.random.Generator
) -> IntArray:
    """Feasible neighbours, shape ``(B, N)``: lower one level (and those after), raise another."""
    workers, size = indices.size, _values(system).size
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
        affordable = _capacity(system, deadline, _raised(moved, taker, middle)) >= 1
        low, high = np.where(affordable, middle, low), np.where(affordable, high, middle)
    moved = _raised(moved, taker, low)
    changed = np.any(moved != indices, axis=1) & (_capacity(system, deadline, moved) >= 1)
    return np.unique(moved[changed], axis=0)


def _raised(indices: IntArray, level: IntArray, height: IntArray) -> IntArray:
    """Raise ``level`` to ``height``, and the levels before it with it."""
    before = np.arange(indices.shape[1]) <= level[:, np.newaxis]
    return np.where(before, np.maximum(indices, height[:, np.newaxis]), indices)


def _values(system: System) -> FloatArray:
    times = system.worker_times
    assert isinstance(times, DiscreteTimes)
    return times.values


def _work(system: System, deadline: float, indices: IntArray) -> FloatArray:
    """Work at the thresholds, relative to ``L``."""
    largest: FloatArray = deadline / (system.unit * system.coordinates * _values(system))
    return largest[indices]


def _capacity(system: System, deadline: float, indices: IntArray) -> FloatArray:
    """Share of the budget that the thresholds spend; 1 up to rounding is enough."""
    spent: FloatArray = _work(system, deadline, indices) @ budget_weights(system.workers)
    return spent * (1 + _SETTINGS.rounding)


def _shares(system: System, deadline: float, indices: IntArray) -> FloatArray:
    x = np.maximum(partition_of_work(_work(system, deadline, indices)), 0.0)
    shares: FloatArray = x / x.sum(axis=-1, keepdims=True)
    return shares


def _indices(system: System, deadline: float, x: FloatArray) -> IntArray:
    """Largest possible time below every threshold; -1 where there is none."""
    values = _values(system)
    work = work_of_partition(x) * system.coordinates * system.unit
    with np.errstate(divide="ignore"):
        threshold = np.where(work > 0, deadline / work, np.inf) * (1 + _SETTINGS.rounding)
    return np.searchsorted(values, threshold, side="right").astype(np.int64) - 1


def _batches(size: int, workers: int) -> Iterator[IntArray]:
    vectors = combinations_with_replacement(range(size - 1, -1, -1), workers)
    while batch := list(islice(vectors, _SETTINGS.batch)):
        yield np.array(batch, dtype=np.int64)
