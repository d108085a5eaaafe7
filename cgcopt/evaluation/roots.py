"""The first deadline that is kept, by bisection."""

from __future__ import annotations

from collections.abc import Callable

from cgcopt.errors import SolverError

__all__ = ["bracket_of_kept", "first_kept"]

#: Factors of 4 that a search may reach out, and the relative width at which it ends.
_FARTHEST, _WIDTH = 600, 4e-16


def bracket_of_kept(kept: Callable[[float], bool], guess: float) -> tuple[float, float]:
    """Two deadlines, a factor of 4 apart at most, the later of which is kept.

    Examples
    --------
    >>> bracket_of_kept(lambda t: t >= 3.0, 1.0)
    (1.0, 4.0)
    """
    high = guess
    for _ in range(_FARTHEST):
        if kept(high):
            break
        high *= 4.0
    else:
        raise SolverError("no deadline is long enough")
    low = high / 4.0
    for _ in range(_FARTHEST):
        if not kept(low):
            break
        low, high = low / 4.0, low
    return low, high


def first_kept(kept: Callable[[float], bool], guess: float) -> float:
    """The smallest deadline that is kept, to the last digits, from a positive guess.

    Examples
    --------
    >>> first_kept(lambda t: t >= 3.0, 1.0)
    3.0
    """
    low, high = bracket_of_kept(kept, guess)
    while high - low > _WIDTH * high:
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        low, high = (low, middle) if kept(middle) else (middle, high)
    return high
