"""Tables of what depends on a kind of worker times or on an objective.

A new kind, or a new objective, joins a table by one registration; no function asks what it was
given. :mod:`cgcopt.evaluation.table` is the table of evaluation; methods and formulations have
tables of their own, in the modules that use them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from cgcopt.errors import UnsupportedProblemError
from cgcopt.system import System
from cgcopt.workers.base import WorkerTimes

__all__ = ["Table", "model_as", "times_as"]

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T", bound=WorkerTimes)


class Table(Generic[K, V]):
    """Entries by key; a missing one is refused, or served by the entry for all others.

    Parameters
    ----------
    what : str
        What an entry is, as it is said where one is missing: ``"no formulation"``.
    entries : mapping
        Known from the start.
    others : optional
        The entry of every other key.

    Examples
    --------
    >>> from cgcopt.workers.base import Times
    >>> starts = Table("no start", {Times.SCENARIOS: "greedy"})
    >>> starts.register(Times.DISCRETE, "smoothed")
    >>> starts[Times.DISCRETE]
    'smoothed'
    >>> starts[Times.GROUPS]
    Traceback (most recent call last):
        ...
    cgcopt.errors.UnsupportedProblemError: no start for groups
    """

    def __init__(self, what: str, entries: Mapping[K, V], *, others: V | None = None) -> None:
        self._what, self._entries, self._others = what, dict(entries), others

    def register(self, key: K, entry: V) -> None:
        """Add an entry, or replace it."""
        self._entries[key] = entry

    def __contains__(self, key: K) -> bool:
        """Whether the key has an entry of its own."""
        return key in self._entries

    def __getitem__(self, key: K) -> V:
        """Return the entry of a key.

        Raises
        ------
        UnsupportedProblemError
            If there is none.
        """
        found = self._entries.get(key, self._others)
        if found is None:
            name = getattr(key, "kind", key)
            raise UnsupportedProblemError(f"{self._what} for {name}")
        return found


def times_as(wanted: type[T], system: System, need: str) -> T:
    """Return the worker times of a system as the model that a function is written for.

    Parameters
    ----------
    wanted : type
        A class of worker times.
    system : System
        Whose worker times are meant.
    need : str
        What is said of other models, before their names: ``"needs a step distribution, not"``.

    Raises
    ------
    UnsupportedProblemError
        If they are another model.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 6, cg.Exponential(rate=1.0))
    >>> times_as(cg.Scenarios, system, "needs scenarios, not")
    Traceback (most recent call last):
        ...
    cgcopt.errors.UnsupportedProblemError: needs scenarios, not exponential(rate=1)
    """
    return model_as(wanted, system.worker_times, need)


def model_as(wanted: type[T], times: WorkerTimes, need: str) -> T:
    """Return a model of times as the class that a function is written for.

    Parameters
    ----------
    wanted : type
        A class of worker times.
    times : WorkerTimes
        The model, which may be a part of another one, such as a start.
    need : str
        What is said of other models, before their names.

    Raises
    ------
    UnsupportedProblemError
        If it is of another class.

    Examples
    --------
    >>> import cgcopt as cg
    >>> model_as(cg.Exponential, cg.Exponential(rate=2.0), "needs exponential times, not").rate
    2.0
    """
    if not isinstance(times, wanted):
        raise UnsupportedProblemError(f"{need} {times.label}")
    return times
