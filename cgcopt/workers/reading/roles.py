"""Which column is what, from the names in the header and from what the user tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from cgcopt._validate import did_you_mean
from cgcopt.errors import InvalidInputError
from cgcopt.workers.reading.names import (
    is_clock,
    is_end,
    is_index,
    is_round,
    is_start,
    is_time,
    is_worker,
)
from cgcopt.workers.reading.options import ReadOptions

__all__ = ["ANONYMOUS", "LongRoles", "WideRoles", "find_roles"]

#: Given in place of a column of workers where workers have no names, only an order in the round.
ANONYMOUS = "none"


@dataclass(frozen=True)
class WideRoles:
    """In wide form names speak of the column of the rounds alone, if there is one.

    Attributes
    ----------
    round : int or None
        Number of the column.
    """

    round: int | None

    @property
    def kept(self) -> tuple[int, ...]:
        """Columns that hold names, whose texts matter."""
        return ()


@dataclass(frozen=True)
class LongRoles:
    """The columns of a table in which a row is one time of one worker.

    Attributes
    ----------
    round, time : int
        Numbers of columns.
    worker : int or None
        ``None`` where workers have no names, only an order in the round.
    start : int, optional
        The column of the starts, where ``time`` holds the ends of the work.
    """

    round: int
    time: int
    worker: int | None
    start: int | None = None

    @property
    def kept(self) -> tuple[int, ...]:
        """Columns that hold names, whose texts matter."""
        return (self.round,) if self.worker is None else (self.round, self.worker)


def find_roles(file: Path, header: Sequence[str], options: ReadOptions) -> WideRoles | LongRoles:
    """Say which columns are what.

    Long form is what is told by ``time`` or ``worker``, or has one column named as workers are and
    one named as times are.

    Raises
    ------
    InvalidInputError
        If a column that is told is not there, or a part of the long form cannot be found.
    """
    told = {
        name: _position(file, header, name, value)
        for name in ("time", "worker", "round")
        if (value := getattr(options, name)) is not None
    }
    anonymous = options.worker == ANONYMOUS and ANONYMOUS not in header
    spans = options.time is None and _has_spans(header)
    if not (spans or options.time or options.worker or _looks_long(header, options)):
        return WideRoles(told.get("round", _first(header, is_round)))
    used = {c for c in told.values() if c is not None}
    time, start = told.get("time"), None
    if spans:
        time, start = _only(header, is_end, used), _only(header, is_start, used)
        used |= {start} if start is not None else set()
    elif time is None:
        time = _only(header, is_time, used, is_clock)
    used |= {time} if time is not None else set()
    found = told.get("round")
    if found is None:
        found = _only(header, is_round, used)
        found = _only(header, is_index, used) if found is None else found
    used |= {found} if found is not None else set()
    worker = None if anonymous else told.get("worker")
    if worker is None and not anonymous:
        worker = _only(header, is_worker, used)
        rest = [c for c in range(len(header)) if c not in used]
        rest = rest if len(rest) == 1 else [c for c in rest if not _counts(header[c])]
        worker = rest[0] if worker is None and len(rest) == 1 else worker
    if time is None or found is None or (worker is None and not anonymous):
        ask(file, header)
    return LongRoles(found, time, worker, start)


def ask(file: Path, header: Sequence[str], why: str = "") -> NoReturn:
    """Refuse a file in long form that cannot be understood, and say what to type.

    Raises
    ------
    InvalidInputError
        Always.
    """
    names = [name or '""' for name in header]
    used: set[int] = set()
    roles = []
    for role, test in (("worker", is_worker), ("time", is_time), ("round", _counts)):
        fitting = [c for c, name in enumerate(header) if c not in used and test(name)]
        used |= set(fitting[:1] if len(fitting) == 1 else ())
        several = " or ".join(header[c] for c in fitting[:3])
        roles.append(f"--{role} {several or 'COLUMN'}")
    found = " ".join(roles)
    because = f"{why}: " if why else ""
    raise InvalidInputError(
        f"{file}: columns",
        ", ".join(names),
        f"{because}told apart; for long form (one time a row) type {found}, "
        "for wide form (one column a worker) --columns W0,W1,...",
    )


def _has_spans(header: Sequence[str]) -> bool:
    """Whether there are points in time for start and end, and no durations."""
    single = all(_only(header, test, set()) is not None for test in (is_start, is_end, is_worker))
    return single and not any(map(is_time, header))


def _looks_long(header: Sequence[str], options: ReadOptions) -> bool:
    if options.columns is not None and set(options.columns) <= set(header):
        return False
    times = [name for name in header if is_time(name)]
    workers = [name for name in header if is_worker(name)]
    labelled = any(is_round(name) or is_index(name) for name in header)
    return bool(times) and (bool(workers) or (labelled and len(header) == 3))


def _position(file: Path, header: Sequence[str], role: str, name: str) -> int | None:
    if name in header:
        return list(header).index(name)
    if role == "worker" and name == ANONYMOUS:
        return None
    allowed = f"a column of {file}: {did_you_mean(name, header)}"
    raise InvalidInputError(f"worker_times.{role}", name, allowed)


def _first(header: Sequence[str], test: Callable[[str], bool]) -> int | None:
    return next((c for c, name in enumerate(header) if test(name)), None)


def _only(
    header: Sequence[str],
    test: Callable[[str], bool],
    used: set[int],
    unless: Callable[[str], bool] | None = None,
) -> int | None:
    """The one column whose name passes; among several the one whose name fits no other role."""
    found = [c for c, name in enumerate(header) if c not in used and test(name)]
    if len(found) > 1 and unless is not None:
        found = [c for c in found if not unless(header[c])]
    return found[0] if len(found) == 1 else None


def _counts(name: str) -> bool:
    return is_index(name) or is_clock(name) or is_round(name)
