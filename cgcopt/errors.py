"""Errors of cgcopt: one base class, so that one ``except`` catches them all."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

__all__ = [
    "CgcoptError",
    "DecodingError",
    "InfiniteMeanError",
    "InvalidInputError",
    "MissingExtraError",
    "MissingSolverError",
    "OutputError",
    "RunInterrupted",
    "SolverError",
    "TrainingError",
    "UnsupportedProblemError",
    "WorkersLostError",
]

#: Characters of a value in a message.
_LONGEST_TEXT = 80
#: Characters of the name of a field in a message.
_LONGEST_FIELD = 400
#: Bits of a whole number that is written out.
_LONGEST_NUMBER = 256


class CgcoptError(Exception):
    """Base class of every error that cgcopt raises on purpose."""


class InvalidInputError(CgcoptError, ValueError):
    """A value that a user gave was refused.

    Parameters
    ----------
    field : str
        The name of the refused field, as the user wrote it (``"system.workers"``).
    value : object
        The refused value.
    allowed : str
        What would have been accepted, in words.

    Examples
    --------
    >>> raise InvalidInputError("system.workers", 0, "a whole number of at least 1")
    Traceback (most recent call last):
        ...
    cgcopt.errors.InvalidInputError: system.workers = 0: must be a whole number of at least 1
    """

    def __init__(self, field: str, value: Any, allowed: str) -> None:
        shown = field if len(field) <= _LONGEST_FIELD else f"{field[: _LONGEST_FIELD - 3]}..."
        super().__init__(f"{shown} = {_abridged(value)}: must be {allowed}")
        self.field = field
        self.value = value
        self.allowed = allowed

    def __reduce__(self) -> tuple[type[InvalidInputError], tuple[str, Any, str]]:
        """Let the error cross processes."""
        return type(self), (self.field, self.value, self.allowed)


class DecodingError(CgcoptError, ArithmeticError):
    """A gradient cannot be recovered from what the workers sent, or not accurately enough."""


class InfiniteMeanError(CgcoptError, ArithmeticError):
    """The expected runtime is infinite, because the mean of the slowest worker's time is."""


class TrainingError(CgcoptError, RuntimeError):
    """A coded training run cannot go on; the message says what is missing."""


class UnsupportedProblemError(CgcoptError):
    """A solver or formulation was given a problem outside its declared capabilities."""


class MissingExtraError(CgcoptError, ImportError):
    """Something optional is not installed; the message names the extra that brings it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} is not installed; install it with: pip install 'cgcopt[{extra}]'")
        self.extra = extra


class MissingSolverError(MissingExtraError):
    """An optional solver is not installed; the message names the extra that brings it."""

    def __init__(self, solver: str, extra: str) -> None:
        super().__init__(f"solver '{solver}'", extra)
        self.solver = solver


class OutputError(CgcoptError, OSError):
    """A result could not be written or shown; what was computed is not wrong."""


class WorkersLostError(CgcoptError, RuntimeError):
    """Nobody is left to make the runs of a comparison; those made before are kept."""


class RunInterrupted(KeyboardInterrupt):
    """The user stopped a run (Ctrl-C); nothing that it had found is lost.

    Attributes
    ----------
    solution : Solution or None
        With the best design by then, or with status ``none``; ``None`` where no run had begun.
    result : Comparison, Advice, Verification or None
        The runs that had ended by then, where there were several.

    Examples
    --------
    >>> try:
    ...     raise RunInterrupted("what was found")
    ... except KeyboardInterrupt as stop:
    ...     stop.solution
    'what was found'
    """

    def __init__(self, solution: Any, result: Any = None) -> None:
        where = "solution" if result is None else "result"
        super().__init__(f"the run was stopped; the exception's '{where}' has what was found")
        self.solution = solution
        self.result = result


class SolverError(CgcoptError, RuntimeError):
    """An outside solver or a numerical method failed; the cause is chained."""


def _abridged(value: Any) -> str:
    if isinstance(value, PurePath):
        return repr(str(value))  # whole, so that it can be found
    if isinstance(value, int) and value.bit_length() > _LONGEST_NUMBER:
        return f"a whole number of {value.bit_length()} bits"  # Python refuses to write it out
    if isinstance(value, str):
        value = value[: 2 * _LONGEST_TEXT]
    try:
        text = " ".join(repr(value).split())
    except (ValueError, RecursionError):  # a number or a nesting inside that cannot be written out
        text = f"a {type(value).__name__}"
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 3]}..."
