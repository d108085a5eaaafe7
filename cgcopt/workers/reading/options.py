"""How a file of measured times is to be read: what a user tells beside its path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from cgcopt.errors import InvalidInputError

__all__ = ["MISSING_POLICIES", "SEPARATORS", "UNITS", "ReadOptions"]

#: Parts of a second that a unit counts in.
UNITS: dict[str, float] = {
    "s": 1.0,
    "ms": 1e3,
    "us": 1e6,
    "ns": 1e9,
    "min": 1 / 60,
    "h": 1 / 3600,
}
MISSING_POLICIES = ("drop-round", "drop-worker", "failed")
#: What separates the fields of a line, by character; blanks stand for one or more of them.
SEPARATORS: dict[str, str] = {",": "comma", ";": "semicolon", "\t": "tab", " ": "blanks"}
_WORDS = {word: character for character, word in SEPARATORS.items()} | {"\\t": "\t", "blank": " "}


@dataclass(frozen=True)
class ReadOptions:
    """How to read a file of measured times; what is left ``None`` is recognised.

    Parameters
    ----------
    columns : tuple of str, optional
        The columns that are workers (wide form), or the workers to keep (long form).
    unit : str, optional
        ``"s"``, ``"ms"``, ``"us"``, ``"ns"``, ``"min"`` or ``"h"``: what the file counts in.
    time, worker, round : str, optional
        Long form: the columns of the times, of the workers and of the rounds.  ``worker="none"``
        puts the times of a round side by side in the order of the file, for workers that have no
        lasting names.  In wide form ``round`` names the column of the rounds.
    separator : str, optional
        ``,`` ``;`` tab or blank, or the words ``comma``, ``semicolon``, ``tab``, ``blanks``.
    decimal : str, optional
        ``.`` or ``,``.
    missing : str, optional
        What becomes of times that are not there: ``"drop-round"``, ``"drop-worker"``, or
        ``"failed"`` (the worker never answered: an infinite time).  By default they are refused.

    Raises
    ------
    InvalidInputError
        If a value is not one of those.

    Examples
    --------
    >>> ReadOptions(unit="ms", separator="semicolon").to_dict()
    {'unit': 'ms', 'separator': ';'}
    >>> ReadOptions(unit="hours")
    Traceback (most recent call last):
        ...
    cgcopt.errors.InvalidInputError: worker_times.unit = 'hours': must be one of s, ms, us, ns, min, h
    """

    columns: tuple[str, ...] | None = None
    unit: str | None = None
    time: str | None = None
    worker: str | None = None
    round: str | None = None
    separator: str | None = None
    decimal: str | None = None
    missing: str | None = None

    def __post_init__(self) -> None:
        separator = self.separator
        if isinstance(separator, str):
            object.__setattr__(self, "separator", _WORDS.get(separator.lower(), separator))
        _one_of("unit", self.unit, tuple(UNITS))
        _one_of("separator", self.separator, tuple(SEPARATORS), ", ; tab blanks")
        _one_of("decimal", self.decimal, (".", ","), ". or ,")
        _one_of("missing", self.missing, MISSING_POLICIES)
        for name in ("time", "worker", "round"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or not value.strip()):
                raise InvalidInputError(f"worker_times.{name}", value, "the name of a column")
        if self.columns is not None:
            object.__setattr__(self, "columns", _names(self.columns))

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> ReadOptions:
        """Take what a ``[worker_times]`` table says about reading; other keys are left alone."""
        return cls(**{key: table[key] for key in cls.names() if key in table})

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The names of the options, as keys of an instance file."""
        return tuple(item.name for item in fields(cls))

    def to_dict(self) -> dict[str, Any]:
        """Return the options that are given, as keys of a ``[worker_times]`` table."""
        given = {key: getattr(self, key) for key in self.names()}
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in given.items()
            if value is not None
        }


def _one_of(name: str, value: Any, known: tuple[str, ...], said: str = "") -> None:
    if value is not None and (not isinstance(value, str) or value not in known):
        allowed = f"one of {said or ', '.join(known)}"
        raise InvalidInputError(f"worker_times.{name}", value, allowed)


def _names(columns: Any) -> tuple[str, ...]:
    allowed = "a list of different column names"
    if not isinstance(columns, list | tuple) or not all(isinstance(name, str) for name in columns):
        raise InvalidInputError("worker_times.columns", columns, allowed)
    names = tuple(columns)
    if not names or len(set(names)) < len(names):
        raise InvalidInputError("worker_times.columns", list(names), allowed)
    return names
