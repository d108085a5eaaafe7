"""When rounds end under whatever their workers do: one function for designs, schedules and schemes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial, singledispatch

import numpy as np
from numpy.typing import ArrayLike

from cgcopt.arrays import FloatArray
from cgcopt.design import Design
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.lines import lines_of_work
from cgcopt.evaluation.schedules.baselines import Cyclic, Dynamic
from cgcopt.evaluation.schedules.overlapped import Overlapped, overlapped_ends
from cgcopt.evaluation.schedules.rounds import finish_of, runtimes_from, runtimes_of
from cgcopt.schedule import Schedule
from cgcopt.system import System

__all__ = ["Assignment", "ends_in_pieces", "ends_of_rounds"]

#: What can say which worker does what in a round.
Assignment = Design | Schedule | Cyclic | Dynamic | Overlapped


@dataclass(frozen=True)
class _Pieces:
    """Rounds that are worked out at a time."""

    first: int = 16
    """Rounds of the first piece."""
    growth: int = 4
    """Factor from one piece to the next, while pieces are quick."""
    quick: float = 0.05
    """Seconds up to which a piece is quick."""


def ends_in_pieces(what: object, system: System, times: FloatArray) -> Iterator[FloatArray]:
    """Yield what :func:`ends_of_rounds` returns, in pieces of some tenths of a second at most.

    Parameters
    ----------
    what : Schedule, Design, Cyclic, Dynamic, or ndarray of shape (N,)
        What the workers do.
    system : System
        Its worker times are not looked at.
    times : ndarray, shape (K, N)
        Seconds per cycle.
    """
    ends = _ends_of(what, system)
    tuning, start = _Pieces(), 0
    size = tuning.first
    while start < len(times):
        began = time.perf_counter()
        yield ends(times[start : start + size])
        start += size
        if time.perf_counter() - began < tuning.quick:
            size *= tuning.growth


@singledispatch
def _ends_of(what: object, system: System) -> Callable[[FloatArray], FloatArray]:
    """What gives the ends of some rounds; what all rounds share is worked out once."""
    return partial(ends_of_rounds, what, system)


@_ends_of.register
def _(what: Schedule, system: System) -> Callable[[FloatArray], FloatArray]:
    what.check(system.workers, system.coordinates)
    return partial(runtimes_from, finish_of(what, system.unit, system.costs))


@singledispatch
def ends_of_rounds(what: object, system: System, times: ArrayLike) -> FloatArray:
    """Seconds of every round, shape ``(K,)``.

    Parameters
    ----------
    what : Schedule, Design, Cyclic, Dynamic, or ndarray of shape (N,)
        What the workers do; an array is the cumulative work ``w`` of a design.
    system : System
        Its worker times are not looked at.
    times : array_like, shape (K, N)
        Seconds per cycle.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 3, cg.Exponential(rate=1.0), samples=2)
    >>> times = [[1.0, 3.0], [2.0, 2.0]]
    >>> ends_of_rounds(cg.Schedule([2.0, 1.0]), system, times).tolist()
    [6.0, 6.0]
    >>> ends_of_rounds(cg.Design([2.0, 1.0]), system, times).tolist()
    [6.0, 8.0]
    """
    raise InvalidInputError("schedule", what, "a Schedule, a Design, Cyclic(...) or Dynamic(...)")


@ends_of_rounds.register
def _(what: Schedule, system: System, times: ArrayLike) -> FloatArray:
    what.check(system.workers, system.coordinates)
    return runtimes_of(what, times, system.unit, system.costs)


@ends_of_rounds.register
def _(what: Design, system: System, times: ArrayLike) -> FloatArray:
    return ends_of_rounds(what.work, system, times)


@ends_of_rounds.register
def _(what: np.ndarray, system: System, times: ArrayLike) -> FloatArray:
    lines = lines_of_work(system, what)
    ends = np.sort(times, axis=1) * lines.factor[::-1] + lines.delay[::-1]
    return np.asarray(ends.max(axis=1))


@ends_of_rounds.register
def _(what: Overlapped, system: System, times: ArrayLike) -> FloatArray:
    return overlapped_ends(what.design, system, times)


@ends_of_rounds.register(Cyclic)
@ends_of_rounds.register(Dynamic)
def _(what: Cyclic | Dynamic, system: System, times: ArrayLike) -> FloatArray:
    return what.runtimes(system, np.asarray(times))
