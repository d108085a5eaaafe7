"""Designs on the way: what a run has found when it is left in the middle."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from cgcopt.arrays import FloatArray

__all__ = ["keep_design", "keeping_designs"]

#: Designs that are remembered.
_KEPT = 50

_designs: ContextVar[deque[FloatArray] | None] = ContextVar("designs", default=None)


def keep_design(partition: FloatArray) -> None:
    """Remember a design that is the best so far, where somebody wants to know."""
    designs = _designs.get()
    if designs is not None:
        designs.append(partition)


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
    try:
        yield designs
    finally:
        _designs.reset(token)
