"""What the text in one cell is: a number, nothing, a date, a label with a number, other text."""

from __future__ import annotations

import math
import re
from enum import Enum

__all__ = ["Kind", "expected", "is_missing", "kind_of", "number_of", "stem_of"]

_MISSING = frozenset(
    {"", "nan", "na", "n/a", "#n/a", "null", "none", "nil", "-", "--", "?", "missing"}
    | {"inf", "+inf", "infinity", "timeout", "timed out", "failed", "dnf"}  # never answered
)
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_COMMA_NUMBER = re.compile(r"\s*[+-]?(\d+,?\d*|,\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_DATE = re.compile(r"\d{1,4}[-/:]\d{1,2}([-/.:T ]|$)|\d{1,4}\.\d{1,2}\.\d{1,4}", re.ASCII)
_MONTH = re.compile(
    r"(?=.*\d)([a-z]+,? +)?(\d+[ -])?(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[ ,-]+\d",
    re.IGNORECASE | re.ASCII,
)

#: Digits in groups of three, and another mark behind them: 1.234,5 or 1,234.5 or 1 234.
_GROUPED = re.compile(r"[+-]?\d{1,3}([.,' \u00a0\u202f\u2019]\d{3})+([.,]\d+)?", re.ASCII)


class Kind(Enum):
    """What a cell holds."""

    MISSING = "nothing"
    NUMBER = "a number"
    DATE = "a date or a time of day"
    LABEL = "a label with a number"
    TEXT = "text"


def is_missing(cell: str) -> bool:
    """Whether a cell says that a value is missing.

    Examples
    --------
    >>> [is_missing(cell) for cell in (" ", "NaN", "n/a", "0")]
    [True, True, True, False]
    """
    return cell.strip().lower() in _MISSING


def number_of(cell: str, decimal: str = ".") -> float | None:
    """Return the number that a cell holds, or ``None``; no underscores, ``inf`` or other digits.

    Examples
    --------
    >>> number_of(" 2.5e-3 "), number_of("3,25", ","), number_of("1_10.5"), number_of("inf")
    (0.0025, 3.25, None, None)
    """
    pattern = _COMMA_NUMBER if decimal == "," else _NUMBER
    if pattern.fullmatch(cell) is None:
        return None
    number = float(cell.replace(",", ".") if decimal == "," else cell)
    return number if math.isfinite(number) else None


def kind_of(cell: str, decimal: str = ".") -> Kind:
    """Say what a cell holds.

    Examples
    --------
    >>> [kind_of(cell).value for cell in ("3", "2026-11-25 10:00", "r7", "mean")]
    ['a number', 'a date or a time of day', 'a label with a number', 'text']
    """
    if is_missing(cell):
        return Kind.MISSING
    if number_of(cell, decimal) is not None:
        return Kind.NUMBER
    if _DATE.match(cell.strip()) or _MONTH.match(cell.strip()):
        return Kind.DATE
    return Kind.LABEL if stem_of(cell) else Kind.TEXT


def stem_of(name: str) -> str:
    """Return what is before the number of a label; empty where there is no number behind.

    Examples
    --------
    >>> stem_of("worker 12"), stem_of("gpu-0"), stem_of("mean"), stem_of("12")
    ('worker', 'gpu', '', '')
    """
    text = name.strip()
    bare = text.rstrip("0123456789")
    if bare == text or not any(character.isalpha() for character in bare):
        return ""
    return bare.rstrip(" _#:-").lower()


def expected(cell: str) -> str:
    """Say what a cell of times must be, and what to type if it is meant as one."""
    allowed = "a finite number of seconds > 0"
    if _GROUPED.fullmatch(cell.strip()):
        return f"{allowed}, without marks between thousands: take them out of the file"
    if "," in cell:
        return f"{allowed} (--decimal , reads a decimal comma)"
    number = cell.strip().rstrip("abcdefghijklmnopqrstuvwxyzµ").rstrip()
    if number != cell.strip() and number_of(number) is not None:
        return f"{allowed}, without a unit behind it: take the unit out, and tell it by --unit"
    if cell == "inf" or not cell.strip().startswith(tuple("0123456789+-.,")):
        return f"{allowed} (a worker that never answered: leave the cell empty, --missing failed)"
    return allowed
