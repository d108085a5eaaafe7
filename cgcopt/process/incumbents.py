"""Designs on the way: what a run has found when it is left in the middle."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from cgcopt.arrays import FloatArray

__all__ = ["Watch", "keep_design", "keep_gap", "keeping_designs", "watching"]

#: Designs that are remembered.
_KEPT = 50

_designs: ContextVar[deque[FloatArray] | None] = ContextVar("designs", default=None)


@dataclass
class Watch:
    """What a run told on its way, with the seconds since it began.

    Attributes
    ----------
    designs : list of (float, ndarray)
        Seconds, and a partition.
    gaps : list of (float, float)
        Seconds, and the relative gap of a run that is not inside of another one.
    """

    designs: list[tuple[float, FloatArray]] = field(default_factory=list)
    gaps: list[tuple[float, float]] = field(default_factory=list)
    began: float = math.nan
    depth: int = 0

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return time.perf_counter() - self.began

    def enter(self) -> None:
        """Note that a run begins, maybe inside of another one."""
        if math.isnan(self.began):
            self.began = time.perf_counter()
        self.depth += 1


_watch: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextmanager
def watching() -> Iterator[Watch]:
    """Yield what the run of the block tells on its way.

    Examples
    --------
    >>> with watching() as watch, keeping_designs():
    ...     keep_design([2.0, 1.0])
    ...     keep_gap(0.5)
    >>> [design for _, design in watch.designs], [gap for _, gap in watch.gaps]
    ([[2.0, 1.0]], [0.5])
    """
    watch = Watch()
    token = _watch.set(watch)
    try:
        yield watch
    finally:
        _watch.reset(token)


def keep_design(partition: FloatArray) -> None:
    """Remember a design that is the best so far, where somebody wants to know."""
    designs = _designs.get()
    if designs is not None:
        designs.append(partition)
    watch = _watch.get()
    if watch is not None:
        watch.designs.append((watch.seconds, partition))


def keep_gap(gap: float) -> None:
    """Tell the gap reached so far, where somebody wants to know."""
    watch = _watch.get()
    if watch is not None and watch.depth == 1:
        watch.gaps.append((watch.seconds, gap))


@contextmanager
def keeping_designs() -> Iterator[deque[FloatArray]]:
    """Yield the designs that the block remembers, the last ones at the end.

    Runs inside of other runs have their own.

    Examples
    --------
    >>> with keeping_designs() as designs:
    ...     keep_design([2.0, 1.0])
    >>> list(designs)
    [[2.0, 1.0]]
    """
    designs: deque[FloatArray] = deque(maxlen=_KEPT)
    token = _designs.set(designs)
    watch = _watch.get()
    if watch is not None:
        watch.enter()
    try:
        yield designs
    finally:
        _designs.reset(token)
        if watch is not None:
            watch.depth -= 1
