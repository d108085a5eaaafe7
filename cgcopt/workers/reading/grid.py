"""The cells of a file before their meaning is known: names, numbers, texts, lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError
from cgcopt.workers.reading.cells import is_missing, number_of
from cgcopt.workers.reading.coded import Coded

__all__ = ["Chunks", "Grid", "checked_header"]


#: Characters of the longest name of a column.
LONGEST_NAME = 200


@dataclass(frozen=True, eq=False)
class Grid:
    """The cells of a file.

    Attributes
    ----------
    file : Path
        The file, for messages.
    header : tuple of str
        Names of the ``C`` columns.
    values : ndarray, shape (R, C)
        The cells that are numbers; NaN for all others. Of no meaning in the columns of ``kept``.
    texts : dict
        ``texts[c][r]`` for cells that are neither a number nor missing.
    kept : dict
        ``kept[c]``, the texts of all cells of the columns that hold names.
    lines : ndarray, shape (R,)
        Line of each row; empty where a format has no lines.
    comments : tuple of str
        The comment lines at the top.
    source : str
        The format, in words.
    decimal : str
        The decimal mark.
    """

    file: Path
    header: tuple[str, ...]
    values: FloatArray
    texts: dict[int, dict[int, str]]
    kept: dict[int, Coded]
    lines: NDArray[np.signedinteger[Any]]
    comments: tuple[str, ...] = ()
    source: str = "CSV"
    decimal: str = "."

    @property
    def rows(self) -> int:
        """How many rows there are, ``R``."""
        return int(self.values.shape[0])

    def place(self, row: int, column: int) -> str:
        """Name a cell: the file, its line, its column."""
        where = f"{self.file}:{self.lines[row]}" if self.lines.size else f"{self.file}: row {row}"
        return f"{where}: {self.header[column]}"

    def cell(self, row: int, column: int) -> str:
        """The text of a cell, as far as it matters for a message."""
        if column in self.kept:
            return self.kept[column][row]
        if row in self.texts.get(column, {}):
            return self.texts[column][row]
        value = float(self.values[row, column])
        if np.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)

    def labels(self, column: int) -> Sequence[str]:
        """The texts of all cells of a column."""
        if column in self.kept:
            return self.kept[column]
        return [self.cell(row, column) for row in range(self.rows)]


class Chunks:
    """Rows of cells that come in pieces, turned into numbers column by column.

    Parameters
    ----------
    columns : int
        How many cells a row has.
    kept : collection of int
        Columns whose texts are wanted.
    decimal : str
        The decimal mark.
    """

    def __init__(self, columns: int, kept: Sequence[int], decimal: str = ".") -> None:
        self.columns = columns
        self.decimal = decimal
        self.kept = {column: Coded() for column in kept}
        self.texts: dict[int, dict[int, str]] = {}
        self.rows = 0
        self._parts: list[FloatArray] = []
        self._known: dict[str, str] = {}

    def add(self, rows: Sequence[Sequence[str]]) -> None:
        """Add rows."""
        plain = None if self.kept else self._quick([cell for row in rows for cell in row])
        if plain is not None:
            self._parts.append(plain.reshape(len(rows), self.columns))
            self.rows += len(rows)
            return
        values = np.empty((len(rows), self.columns - len(self.kept)))
        place = 0
        for column, cells in enumerate(zip(*rows, strict=True)):
            if column in self.kept:
                self.kept[column].extend(map(_name, cells))
                continue
            quick = self._quick(cells)
            values[:, place] = self._slow(column, cells) if quick is None else quick
            place += 1
        self._parts.append(values)
        self.rows += len(rows)

    def values(self) -> FloatArray:
        """Return all numbers, shape ``(R, C)``; the pieces are given back as they are copied.

        Columns of names are zeros that are never written, and column by column these take no memory.
        """
        shape = (self.rows, self.columns)
        values = np.zeros(shape, order="F") if self.kept else np.empty(shape)
        numbers = [c for c in range(self.columns) if c not in self.kept] if self.kept else ...
        stop = self.rows
        while self._parts:
            part = self._parts.pop()
            values[stop - len(part) : stop, numbers] = part
            stop -= len(part)
        return values

    def _quick(self, cells: Sequence[str]) -> FloatArray | None:
        """The numbers, by ``float``; no cell may be written in a way that only ``float`` accepts."""
        text = "".join(cells)
        if "_" in text or not text.isascii():
            return None
        if self.decimal == ",":
            if "." in text:
                return None
            cells = [cell.replace(",", ".") for cell in cells]
        try:
            numbers = np.fromiter(map(float, cells), np.float64, len(cells))
        except ValueError:
            return None
        return numbers if np.isfinite(numbers).all() else None

    def _slow(self, column: int, cells: Sequence[str]) -> list[float]:
        """The numbers one by one; what else is there is kept as text."""
        values = []
        for row, cell in enumerate(cells, self.rows):
            number = number_of(cell, self.decimal)
            values.append(np.nan if number is None else number)
            if number is None and not is_missing(cell):
                text = self._known.setdefault(cell, cell)
                self.texts.setdefault(column, {})[row] = text
        return values


def checked_header(where: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the columns, stripped; refuse what cannot be a header.

    An empty name is allowed in the first field, as pandas and R write it above their index; a whole
    number is, where another column has a name that is not one.

    Raises
    ------
    InvalidInputError
        If a name is a number, empty, repeated, or not a name at all.
    """
    header = tuple(name.strip() for name in names)
    first, *others = header
    _check_numbers(where, header)
    if not all(others) or (not first and not others):
        allowed = "a column name in every field (a header in two lines? make it one)"
        raise InvalidInputError(where, "", allowed)
    odd = next((n for n in header if len(n) > LONGEST_NAME or not (n.isprintable() or not n)), None)
    if odd is not None:
        allowed = f"column names of at most {LONGEST_NAME} printable characters"
        raise InvalidInputError(where, odd, allowed)
    if len(set(header)) < len(header):
        repeated = Counter(header).most_common(1)[0][0]
        raise InvalidInputError(where, repeated, "different in every column")
    return header


def _name(cell: str) -> str:
    """A cell as a name: 7.0, as pandas writes it beside missing cells, is the name 7."""
    name = cell.strip()
    return name[:-2] if name.endswith(".0") and name[:-2].isdigit() else name


def _check_numbers(where: str, header: Sequence[str]) -> None:
    numbers = [name for name in header if _is_number(name)]
    if not numbers:
        return
    if len(header) > 1 and list(header) == [str(c) for c in range(len(header))]:
        return  # as pandas names columns without names; no time is 0
    named = len(numbers) < len(header)
    if not named or not all(name.isascii() and name.isdigit() for name in numbers):
        allowed = "a column name (is the header line missing? write one such as w0,w1,...)"
        raise InvalidInputError(where, numbers[0], allowed)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return bool(text.strip())
