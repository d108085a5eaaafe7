"""Schedules to start a descent from: few levels, all of them a little, the known ones made smaller."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import IntArray
from cgcopt.schedule import Schedule
from cgcopt.solvers.schedules.space import Space

__all__ = ["StartSettings", "second_level", "seeded", "simple_starts", "thinned"]


@dataclass(frozen=True)
class StartSettings:
    """Numbers of the starts.

    Attributes
    ----------
    first_shares : tuple of float
        Shares of the lowest level that are tried, with the rest on the highest one.
    second : float
        Share of the second level in the start that has one, as a part of the lowest one's.
    seed : float
        Share of the other levels, so that they may grow.
    most_levels : int
        Used levels of a start at most: every one adds its rows to all rounds, and the best schedules use
        three to five (at 100 workers, 16 levels lose nothing beside all, in a fortieth of the time).
    """

    first_shares: tuple[float, ...] = (0.05, 0.1, 0.15, 0.25, 0.4, 0.6, 0.8, 0.9, 0.97)
    second: float = 0.2
    seed: float = 1e-6
    most_levels: int = 16


def simple_starts(
    space: Space, settings: StartSettings, workers: int
) -> Iterator[tuple[str, Schedule]]:
    """Schedules on the lowest and the highest level alone, or with a second one."""
    low, high = int(space.levels[0]), int(space.levels[-1])
    for share in settings.first_shares if high > low else (1.0,):
        x = np.zeros(workers)
        x[low] = share
        x[high] += 1.0 - share
        yield f"two levels, {share:g}", Schedule(x, cells=space.cells)


def second_level(schedule: Schedule, space: Space, settings: StartSettings) -> Schedule:
    """A schedule with a part of the lowest level on the second one."""
    x = schedule.partition.copy()
    if space.levels.size > 2 and space.blocks > 2:
        low, second = space.levels[:2]
        part = settings.second * x[low]
        x[low] -= part
        x[second] += part
    return schedule.with_partition(x / x.sum())


def seeded(schedule: Schedule, space: Space, settings: StartSettings) -> Schedule:
    """Put a little on other levels of a schedule, so that they may grow.

    A used level asks for its results, however small its block: fewer levels may do better.
    """
    x = second_level(schedule, space, settings).partition.copy()
    if space.blocks >= space.levels.size:
        tried = _spread(space.levels, settings.most_levels)
        x[tried] = np.maximum(x[tried], max(settings.seed, space.least))
    return schedule.with_partition(x / x.sum())


def _spread(levels: IntArray, most: int) -> IntArray:
    """So many of the levels at most: the lowest half of them, the highest quarter, the rest between."""
    count = levels.size
    if count <= most:
        return levels
    low, high = most // 2, count - most // 4
    between = np.geomspace(low, high - 1, most - most // 2 - most // 4).astype(int)
    at = np.unique(np.concatenate([np.arange(low), between, np.arange(high, count)]))
    return np.asarray(levels[at])


def thinned(schedule: Schedule, most: int) -> Schedule:
    """The schedule without its smallest blocks, so that it has so many at most."""
    x = schedule.partition
    if np.count_nonzero(x) <= most:
        return schedule
    kept = np.where(x >= np.sort(x)[-most], x, 0.0)
    return schedule.with_partition(kept / kept.sum())
