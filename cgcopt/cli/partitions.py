"""Designs as users write them: numbers on the command line, CSV, JSON, plain numbers in a file."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cgcopt.design import Design
from cgcopt.errors import InvalidInputError
from cgcopt.workers.reading.cells import number_of
from cgcopt.workers.reading.files import read_text

__all__ = ["numbers_of", "partition_of"]

#: Characters of numbers typed in place of a file name.
LONGEST_INLINE = 10**6
_LEVEL_NAMES = ("n", "level", "redundancy")
#: Names of the column of coordinates.
_SIZE_NAMES = ("coordinates", "x", "size")
_NOT_FINITE = ("nan", "inf", "+inf", "-inf")  # numbers to Python; refused as a partition
_ALLOWED = "a file, or numbers x0,x1,... (one for each level)"
_KINDS = "a file of numbers: CSV, JSON, or apart by spaces or commas"


def partition_of(text: str, workers: int | None = None) -> Design:
    """Read a design from ``"x0,x1,..."`` or from a file.

    A file holds numbers apart by commas, spaces or lines; or CSV with a header, of which the
    column ``coordinates`` (or the only one beside the levels) counts, at the levels of the column
    ``n`` where there is one, and others are named on standard error; or JSON, a list or what
    ``cgcopt solve --json`` prints.

    Parameters
    ----------
    text : str
        The numbers, or the name of a file.
    workers : int, optional
        ``N``; levels that a CSV file with a column ``n`` leaves out then hold nothing.

    Raises
    ------
    InvalidInputError
        If it is neither, a field is empty, a level appears twice, or the numbers are not a
        partition.

    Examples
    --------
    >>> partition_of("3, 0, 1").partition.tolist()
    [3.0, 0.0, 1.0]
    """
    inline = _plain(text) if len(text) < LONGEST_INLINE else None
    if inline is not None:
        return Design(inline)  # type: ignore[arg-type]  # converted there
    if not text:
        raise InvalidInputError("partition", text, _ALLOWED)
    content = read_text("partition", Path(text), _ALLOWED)
    return Design(_numbers(text, content, workers))


def numbers_of(field: str, text: str) -> list[float]:
    """Read numbers typed as ``a,b,...`` or from a file.

    Raises
    ------
    InvalidInputError
        If there is neither.
    """
    allowed = "numbers a,b,... or a file of them"
    numbers = _plain(text) if len(text) < LONGEST_INLINE else None
    if numbers is None:
        numbers = _plain(read_text(field, Path(text), allowed))
    if numbers is None:
        raise InvalidInputError(field, text, allowed)
    return numbers


def _numbers(name: str, content: str, workers: int | None) -> Any:
    if content.lstrip().startswith(("{", "[")):
        return _json(name, content)
    plain = _plain(content)
    if plain is not None:
        return plain
    lines = [line for line in content.splitlines() if line.strip() and not line.startswith("#")]
    separator = next((mark for mark in (",", ";", "\t") if lines and mark in lines[0]), ",")
    try:
        rows = list(csv.reader(lines, delimiter=separator))
    except csv.Error as error:
        raise InvalidInputError("partition", name, f"{_KINDS} ({error})") from None
    if len(rows) < 2 or len({len(row) for row in rows}) != 1:
        raise InvalidInputError("partition", name, _KINDS)
    return _table(name, [cell.strip().lower() for cell in rows[0]], rows[1:], workers)


def _table(
    name: str, header: Sequence[str], rows: Sequence[Sequence[str]], workers: int | None
) -> list[float]:
    if len(set(header)) < len(header):
        repeated = Counter(header).most_common(1)[0][0]
        raise InvalidInputError("partition", repeated, f"different in every column of {name}")
    levels = [i for i, title in enumerate(header) if title in _LEVEL_NAMES]
    if len(levels) > 1:
        allowed = f"one column of levels in {name}"
        raise InvalidInputError("partition", ", ".join(header), allowed)
    column = _size_column(name, header, levels)
    left = [f"'{title}'" for i, title in enumerate(header) if i not in (column, *levels)]
    if left:
        more = f" and {len(left) - 5} more" if len(left) > 5 else ""
        out = f"left out: {', '.join(left[:5])}{more} (other columns)"
        print(f"{name}: coordinates of '{header[column]}'; {out}", file=sys.stderr)
    sizes = [_number(name, header[column], row[column]) for row in rows]
    if not levels:
        return sizes
    at = [_level(name, header[levels[0]], row[levels[0]], workers) for row in rows]
    level, times = Counter(at).most_common(1)[0]
    if times > 1:
        allowed = f"another level in every row of {name}"
        raise InvalidInputError("partition", level, allowed)
    partition = [0.0] * (workers or max(at) + 1)
    for level, size in zip(at, sizes, strict=True):
        partition[level] = size
    return partition


def _size_column(name: str, header: Sequence[str], levels: Sequence[int]) -> int:
    """The column of the coordinates: by its name, or the only one that is no level."""
    named = [header.index(title) for title in _SIZE_NAMES if title in header]
    rest = [i for i in range(len(header)) if i not in levels]
    if len(named) > 1 or (not named and len(rest) != 1):
        allowed = f"one column {' or '.join(_SIZE_NAMES)} in {name}, or one beside the levels"
        raise InvalidInputError("partition", ", ".join(header), allowed)
    return named[0] if named else rest[0]


def _level(name: str, title: str, cell: str, workers: int | None) -> int:
    value = number_of(cell)
    most = 10**6 if workers is None else workers - 1
    if value is None or not value.is_integer() or not 0 <= value <= most:
        allowed = f"a level from 0 to {most} in the column {title} of {name}"
        raise InvalidInputError("partition", cell.strip(), allowed)
    return int(value)


def _number(name: str, title: str, cell: str) -> float:
    value = number_of(cell)
    if value is None:
        allowed = f"a finite number in every field of the column {title} of {name}"
        raise InvalidInputError("partition", cell.strip(), allowed)
    return value


def _json(name: str, content: str) -> Any:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise InvalidInputError("partition", name, _KINDS) from None
    if isinstance(value, dict):
        value = value.get("partition")
    if not isinstance(value, list) or not value:
        raise InvalidInputError("partition", name, f"{_KINDS} (JSON without a partition)")
    return value


def _plain(text: str) -> list[float] | None:
    """Numbers apart by commas, semicolons, blanks or lines; ``None`` if that is not what it is."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    # A separator at the end of a line, as in "1,\n2", separates like the line itself.
    joined = "\n".join(line.removesuffix(",").removesuffix(";") for line in lines)
    words = re.split(r"\s*[,;]\s*|\s+", joined)
    numbers = [float(w) if w.lower() in _NOT_FINITE else number_of(w) for w in words]
    if any(number is None for number in numbers):
        return None
    return [number for number in numbers if number is not None] or None
