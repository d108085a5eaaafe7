"""Where a yes/no test changes its answer, by bisection; the first deadline that is kept."""

from __future__ import annotations

from collections.abc import Callable

from cgcopt.errors import SolverError

__all__ = ["bracket_of_kept", "first_kept", "narrowed"]

#: Factor by which a bracket reaches further out.
_REACH = 4.0
#: Such factors at most: beyond them doubles end.
_FARTHEST = 600
#: Relative width at which a search to the last digits ends.
_WIDTH = 4e-16


def narrowed(
    met: Callable[[float], bool],
    low: float,
    high: float,
    *,
    width: float = 0.0,
    scale: float = 0.0,
) -> tuple[float, float]:
    """Halve an interval again and again; the test is met at its upper end, and not at its lower one.

    For tests that know no distance (a chance with jumps, a program that is feasible or not); a root of
    a continuous function takes a fifth of the evaluations with :func:`scipy.optimize.brentq`.

    Parameters
    ----------
    met : callable
        The test; neither end is asked.
    low, high : float
    width : float
        Relative width at which it ends; 0 for neighbouring numbers.
    scale : float
        What the width is relative to where ``high`` is smaller.

    Examples
    --------
    >>> narrowed(lambda t: t >= 3.0, 1.0, 4.0, width=0.1)
    (2.875, 3.0625)
    >>> narrowed(lambda t: t >= 3.0, 1.0, 4.0)[1]
    3.0
    """
    while high - low > width * max(scale, abs(high)):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        low, high = (low, middle) if met(middle) else (middle, high)
    return low, high


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
        high *= _REACH
    else:
        raise SolverError("no deadline is long enough")
    low = high / _REACH
    for _ in range(_FARTHEST):
        if not kept(low):
            break
        low, high = low / _REACH, low
    return low, high


def first_kept(kept: Callable[[float], bool], guess: float) -> float:
    """The smallest deadline that is kept, to the last digits, from a positive guess.

    Examples
    --------
    >>> first_kept(lambda t: t >= 3.0, 1.0)
    3.0
    """
    return narrowed(kept, *bracket_of_kept(kept, guess), width=_WIDTH)[1]
