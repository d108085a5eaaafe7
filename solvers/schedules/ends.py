"""Blocks that end at given places, such as the ends of tensors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.schedule import Schedule
from cgcopt.solvers.schedules.aims import Aim
from cgcopt.solvers.schedules.sample import Sample

__all__ = ["onto_ends"]


@dataclass(frozen=True)
class EndsTuning:
    """Numbers of the moves of ends; no measurement of them is on record."""

    passes: int = 50
    """Passes over all ends at most."""
    strides: tuple[int, ...] = (1, 2, 4, 8, 16)
    """How many boundaries an end is moved at a time."""
    enough: float = 1e-9
    """Relative shortfall of the least share that still counts as enough."""


_TUNING = EndsTuning()


def onto_ends(
    schedule: Schedule, sample: Sample, aim: Aim, ends: FloatArray, least: float = 0.0
) -> tuple[Schedule, float]:
    """Move the ends of blocks to the nearest places, then one by one as long as that helps.

    Parameters
    ----------
    schedule : Schedule
        Of one coordinate in all.
    sample : Sample
    aim : Aim
    ends : ndarray
        Shares of the coordinates, from 0 to 1, at which blocks may end.
    least : float
        Smallest share of the coordinates on a used level.

    Returns
    -------
    tuple of Schedule and float
        The schedule and its worth; no single end can be moved to gain more.

    Examples
    --------
    >>> from cgcopt.solvers.schedules.aims import MeanAim
    >>> ends = np.array([0.0, 0.4, 1.0])
    >>> sample = Sample(np.array([[1.0, 3.0], [2.0, 2.0]]))
    >>> onto_ends(Schedule([0.5, 0.5]), sample, MeanAim(), ends)[0].partition.tolist()
    [0.4, 0.6]
    """
    used = np.flatnonzero(schedule.partition)
    sums = np.cumsum(schedule.partition[used])[:-1]
    at = np.abs(np.subtract.outer(sums, ends)).argmin(axis=1)

    def worth(places: IntArray) -> tuple[float, Schedule | None]:
        x = np.zeros(schedule.workers)
        x[used] = _sizes(places, ends)
        kept = x[x > 0]
        if x.min() < 0 or (kept.size and kept.min() < least * (1.0 - _TUNING.enough)):
            return np.inf, None
        moved = schedule.with_partition(x)
        return aim.value(sample.runtimes(moved)), moved

    best, found = worth(at)
    for _ in range(_TUNING.passes):
        before = best
        for places in _moves(at, ends.size):
            value, moved = worth(places)
            if moved is not None and value < best:
                best, found, at = value, moved, places
        if best >= before:
            break
    if found is None:
        # Every place near is refused: all on the lowest level, which ends where all ends.
        x = np.zeros(schedule.workers)
        x[used[0]] = 1.0
        found = schedule.with_partition(x)
        best = aim.value(sample.runtimes(found))
    return found, best


def _sizes(places: IntArray, ends: FloatArray) -> FloatArray:
    return np.diff(np.concatenate(([0.0], ends[places], [1.0])))


def _moves(at: IntArray, count: int) -> Iterator[IntArray]:
    """Every inner end, moved by some strides."""
    for place in range(at.size):
        for stride in _TUNING.strides:
            for moved in (int(at[place]) - stride, int(at[place]) + stride):
                if 0 <= moved < count:
                    yield np.concatenate((at[:place], [moved], at[place + 1 :]))
