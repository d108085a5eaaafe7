"""Records as a grid: lines of JSON, a JSON list, and Parquet files."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.errors import InvalidInputError, MissingExtraError
from cgcopt.workers.reading.cells import is_missing, number_of
from cgcopt.workers.reading.coded import Coded
from cgcopt.workers.reading.files import open_regular
from cgcopt.workers.reading.grid import Grid, checked_header
from cgcopt.workers.reading.names import unit_in
from cgcopt.workers.reading.options import UNITS
from cgcopt.workers.reading.text import Keep, open_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_json", "read_parquet"]

_Cells = Sequence[Any] | NDArray[Any]


def read_json(file: Path, keep: Keep) -> Grid:
    """Read one JSON object a line, or a list of them; gzip, bzip2, xz and zstd are unpacked.

    Raises
    ------
    InvalidInputError
        If the file cannot be read, or a record is not an object of numbers and texts.
    """
    columns: dict[str, list[Any]] = {}
    lines: list[int] = []
    with open_text(file) as (text, packed):
        for line, record in _records(file, text):
            for name in record:
                if name not in columns:
                    columns[name] = [None] * len(lines)
            for name, cells in columns.items():
                cells.append(record.get(name))
            lines.append(line)
    if not columns:
        raise InvalidInputError("trace", file, "a file with JSON records (it is empty)")
    source = "JSON records" + (f", packed by {packed}" if packed else "")
    return _grid(file, list(columns), list(columns.values()), np.array(lines), keep, source)


def read_parquet(file: Path, keep: Keep) -> Grid:
    """Read a Parquet file (extra ``parquet``).

    Raises
    ------
    MissingExtraError
        If pyarrow is not installed.
    InvalidInputError
        If the file cannot be read, or a column holds neither numbers nor texts nor times.
    """
    open_regular("trace", file, "a readable Parquet file").close()
    import pandas as pd

    try:
        import pyarrow as arrow
    except ImportError:
        raise MissingExtraError("pyarrow, which reads Parquet files,", "parquet") from None
    try:
        frame = pd.read_parquet(file, engine="pyarrow")
    except (arrow.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        allowed = f"a readable Parquet file ({reason})"
        raise InvalidInputError("trace", file, allowed) from None
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index()
    if frame.empty:
        raise InvalidInputError("trace", file, "a file with rows of times (it is empty)")
    names = [str(name) for name in frame.columns]
    cells = [_cells(file, name, frame.iloc[:, i]) for i, name in enumerate(names)]
    return _grid(file, names, cells, np.empty(0, dtype=np.int64), keep, "Parquet")


def _records(file: Path, text: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    first = ""
    number = 0
    for number, first in enumerate(text, 1):  # noqa: B007 - both are used below
        if first.strip():
            break
    if first.lstrip().startswith("["):
        for count, record in enumerate(_parsed(file, number, first + text.read(), list), 1):
            yield count, _checked(file, count, record)
        return
    for line, content in enumerate(chain([first], text), number):
        if content.strip():
            yield line, _checked(file, line, _parsed(file, line, content, dict))


def _parsed(file: Path, line: int, content: str, kind: type) -> Any:
    allowed = 'a JSON object such as {"round": 0, "worker": "w0", "seconds": 1.5}'
    shown = content.strip()
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise InvalidInputError(f"{file}:{line}", shown, allowed) from None
    if not isinstance(value, kind):
        raise InvalidInputError(f"{file}:{line}", shown, allowed)
    return value


def _checked(file: Path, line: int, record: Any) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise InvalidInputError(f"{file}:{line}", record, "a JSON object")
    for name, value in record.items():
        if isinstance(value, bool | list | dict):
            allowed = "a number, a text or null (one record a row: pandas' orient='records')"
            raise InvalidInputError(f"{file}:{line}: {name}", value, allowed)
    return record


def _cells(file: Path, name: str, column: pd.Series[Any]) -> _Cells:
    kind = column.dtype.kind
    if kind == "m":
        seconds = column.dt.total_seconds().to_numpy(dtype=np.float64, na_value=math.nan)
        return np.asarray(seconds * UNITS[unit_in(name) or "s"])
    if kind in "iuf":
        return column.to_numpy(dtype=np.float64, na_value=math.nan)
    if kind in "OM" and not (kind == "O" and _is_odd(column)):
        return [
            None if missing else str(cell)
            for cell, missing in zip(column, column.isna(), strict=True)
        ]
    allowed = "numbers, durations, texts or dates"
    raise InvalidInputError(f"{file}: {name}", str(column.dtype), allowed)


def _is_odd(column: pd.Series[Any]) -> bool:
    """Whether there are objects that are neither texts nor numbers."""
    present = column[column.notna()]
    return any(
        not isinstance(cell, str | int | float) or isinstance(cell, bool) for cell in present
    )


def _grid(
    file: Path,
    names: Sequence[str],
    columns: Sequence[_Cells],
    lines: IntArray,
    keep: Keep,
    source: str,
) -> Grid:
    header = checked_header(f"{file}: names", names)
    kept = set(keep(header))
    values = np.empty((len(columns[0]), len(header)))
    texts: dict[int, dict[int, str]] = {}
    labels: dict[int, Coded] = {}
    for column, cells in enumerate(columns):
        values[:, column], found = _numbers(cells)
        if column in kept:
            labels[column] = Coded(map(_label, cells))
        elif found:
            texts[column] = found
    return Grid(file, header, values, texts, labels, lines, (), source)


def _numbers(cells: _Cells) -> tuple[FloatArray, dict[int, str]]:
    if isinstance(cells, np.ndarray) and np.isfinite(cells).all():
        return cells, {}
    numbers = np.full(len(cells), np.nan)
    texts: dict[int, str] = {}
    for row, cell in enumerate(cells):
        number = cell if isinstance(cell, int | float) else number_of(cell or "")
        try:
            finite = number is not None and math.isfinite(number)
        except OverflowError:
            finite = False
        if finite:
            numbers[row] = number
        elif not is_missing(_label(cell)):
            texts[row] = _label(cell)
    return numbers, texts


def _label(cell: Any) -> str:
    """The text of a cell as a name: the number 7 is the name ``7``, however it is stored."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    return str(cell).strip()
