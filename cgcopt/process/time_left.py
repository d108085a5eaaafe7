"""How long what is under way may still take: long computations look at it between their pieces.

A solver has a clock of its own and looks at it once an iteration. What one iteration calls may take
minutes, and so may the judging of a design; such work asks here, and is left with
:class:`OutOfTimeError` when the time is over or the user asked to stop.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from cgcopt.process.stopping import since_request

__all__ = ["OutOfTimeError", "look", "looking", "over", "seconds_left", "time_until"]


class OutOfTimeError(Exception):
    """What was under way has to end before it has a result."""


@dataclass(frozen=True)
class _Time:
    end: float = math.inf
    """When the time is over, as :func:`time.perf_counter` tells."""
    grace: float = math.inf
    """Seconds after a request to stop at which it is over too."""

    @property
    def over(self) -> bool:
        return time.perf_counter() > self.end or since_request() > self.grace


_ENDLESS = _Time()
_time: ContextVar[_Time] = ContextVar("time left", default=_ENDLESS)


@contextmanager
def time_until(end: float, *, grace: float = math.inf) -> Iterator[None]:
    """Let what runs in the block end at a moment, or at one that was set around it and is sooner.

    Parameters
    ----------
    end : float
        The moment, as :func:`time.perf_counter` tells; infinite for none.
    grace : float
        Seconds after a request to stop (:mod:`cgcopt.process.stopping`) that it may go on.

    Examples
    --------
    >>> with time_until(math.inf):
    ...     look()
    >>> with time_until(0.0):
    ...     look()
    Traceback (most recent call last):
        ...
    cgcopt.process.time_left.OutOfTimeError
    """
    token = _time.set(_Time(min(end, _time.get().end), grace))
    try:
        yield
    finally:
        _time.reset(token)


def over() -> bool:
    """Whether the time is over."""
    return _time.get().over


def seconds_left() -> float:
    """Seconds until the time is over, at least 0; infinite where no end is set."""
    return max(_time.get().end - time.perf_counter(), 0.0)


def look() -> None:
    """Go on while there is time.

    Raises
    ------
    OutOfTimeError
        When it is over.
    """
    if over():
        raise OutOfTimeError


def looking(ahead: float = 0.0) -> Callable[[], None]:
    """Return :func:`look` for other threads, which do not know the time of this one.

    Parameters
    ----------
    ahead : float
        Seconds that what follows takes before the next look: there have to be so many.
    """
    here = _time.get()

    def look_here() -> None:
        if here.over or here.end - time.perf_counter() < ahead:
            raise OutOfTimeError

    return look_here
