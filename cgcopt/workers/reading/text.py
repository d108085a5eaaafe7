"""Separated text (CSV and its relatives) as a grid, row by row, in no more memory than the numbers.

The csv module reads the rows: it keeps the number of every line, and does not fill up a row that
is too short, so that messages name line and column.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import zlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO, TextIO, cast

import numpy as np

from cgcopt.arrays import IntArray
from cgcopt.errors import InvalidInputError
from cgcopt.workers.reading.cells import number_of
from cgcopt.workers.reading.files import open_regular, reason_of
from cgcopt.workers.reading.grid import Chunks, Grid, checked_header
from cgcopt.workers.reading.options import SEPARATORS, ReadOptions

__all__ = ["Keep", "open_text", "read_separated"]

#: Says from the header which columns hold names, whose texts are to be kept.
Keep = Callable[[Sequence[str]], Sequence[int]]

#: Cells that are turned into numbers at a time.
CHUNK = 200_000
#: Rows that separator and decimal mark are recognised from.
SAMPLE = 50
#: Characters of them that are enough.
SAMPLE_LENGTH = 2**20
#: Characters of the longest line; a worker takes about ten of them.
LONGEST_LINE = 64 * 2**20

_PACKED: dict[bytes, tuple[str, Callable[[BinaryIO], BinaryIO]]] = {
    b"\x1f\x8b": ("gzip", lambda stream: cast(BinaryIO, gzip.GzipFile(fileobj=stream))),
    b"BZ": ("bzip2", lambda stream: cast(BinaryIO, bz2.BZ2File(stream))),
    b"\xfd7": ("xz", lambda stream: cast(BinaryIO, lzma.LZMAFile(stream))),  # noqa: SIM115 - closed by its reader
}
_ALLOWED = "a readable file of times"


@contextmanager
def open_text(file: Path) -> Iterator[tuple[TextIO, str]]:
    """Open a text file, unpacked if it is packed; and say how it was packed.

    Raises
    ------
    InvalidInputError
        If it cannot be opened; and for whatever goes wrong while it is read.
    """
    with open_regular("trace", file, _ALLOWED) as raw:
        packed = ""
        try:
            packed, unpack = _PACKED.get(raw.read(2), ("", None))
            raw.seek(0)
            stream = raw if unpack is None else unpack(raw)
            with io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
                yield text, packed
        except (OSError, EOFError, UnicodeDecodeError, zlib.error, lzma.LZMAError) as error:
            damaged = bool(packed) and not isinstance(error, UnicodeError)
            reason = f"damaged {packed} data" if damaged else reason_of(error)
            raise InvalidInputError("trace", file, f"{_ALLOWED} ({reason})") from None


def read_separated(file: Path, options: ReadOptions, keep: Keep) -> Grid:
    """Read separated text.

    Parameters
    ----------
    file : Path
        The file; gzip, bzip2 and xz are unpacked.
    options : ReadOptions
        Separator and decimal mark, where they are told.
    keep : callable
        Which columns hold names.

    Raises
    ------
    InvalidInputError
        If the file cannot be read, or its rows do not have the fields of the header.
    """
    with open_text(file) as (text, packed):
        return _read(file, _lines_of(file, text), packed, options, keep)


def _lines_of(file: Path, text: TextIO) -> Iterator[str]:
    """The lines of a text, none of them endless."""
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            where = f"{file}:{number}: length of the line"
            raise InvalidInputError(where, len(line), f"below {LONGEST_LINE} characters")
        yield line


def _read(file: Path, lines: Iterator[str], packed: str, options: ReadOptions, keep: Keep) -> Grid:
    comments, sample = _head(lines)
    if not sample:
        allowed = "a file with a header and rows of times (it is empty)"
        raise InvalidInputError("trace", file, allowed)
    told = _excel_separator(sample)
    if told:  # as Excel writes it into the first line
        sample, comments = sample[1:], [*comments, sample[0].strip()]
    separator = options.separator or told or _separator(file, len(comments) + 1, sample)
    first = [row for _, row in _rows_of(file, separator, len(comments), sample)][1:]
    decimal = options.decimal or _decimal(first)
    reader = _Rows(file, separator, len(comments), chain(sample, lines))
    line, names = next(reader)
    header = checked_header(f"{file}:{line}: header", names)
    chunks = Chunks(len(header), keep(header), decimal)
    where = _fill(chunks, reader)
    if not chunks.rows:
        raise InvalidInputError("trace", file, "a file with rows of times below the header")
    facts = [f"separated by {SEPARATORS[separator]}"] if len(header) > 1 else []
    facts += ["decimal comma"] if decimal == "," else []
    facts += [f"packed by {packed}"] if packed else []
    said = ", ".join(["text", *facts])
    values = chunks.values()
    texts, kept = chunks.texts, chunks.kept
    return Grid(file, header, values, texts, kept, where, tuple(comments), said, decimal)


def _head(lines: Iterator[str]) -> tuple[list[str], list[str]]:
    """The comments at the top, and the first lines below."""
    comments: list[str] = []
    sample: list[str] = []
    rows = length = 0
    for line in lines:
        if not sample and line.startswith("#"):
            comments.append(line[1:].strip())
            continue
        sample.append(line)
        rows += bool(line.strip())
        length += len(line)
        if rows >= SAMPLE or (rows > 1 and length > SAMPLE_LENGTH):
            break
    return comments, sample if rows else []


class _Rows:
    """The rows of a text with their line numbers, every one with as many fields as the first."""

    def __init__(self, file: Path, separator: str, before: int, lines: Iterator[str]) -> None:
        self.rows = _rows_of(file, separator, before, lines)
        self.file, self.separator, self.fields = file, separator, 0

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        return self

    def __next__(self) -> tuple[int, list[str]]:
        line, row = next(self.rows)
        self.fields = self.fields or len(row)
        if len(row) != self.fields:
            said = SEPARATORS[self.separator]
            allowed = (
                f"{self.fields}, as in the header (separator: {said}; --separator tells another"
            )
            allowed += ", --decimal , a decimal comma)" if self.separator != "," else ")"
            raise InvalidInputError(f"{self.file}:{line}: number of fields", len(row), allowed)
        return line, row


def _rows_of(
    file: Path, separator: str, before: int, lines: Sequence[str] | Iterator[str]
) -> Iterator[tuple[int, list[str]]]:
    if separator == " ":
        lines = (" ".join(line.split()) for line in lines)
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    try:
        for row in reader:
            if len(row) > 1 or (row and row[0].strip()):
                yield before + reader.line_num, row
    except csv.Error as error:
        where = f"{file}:{before + reader.line_num}"
        if "field limit" in str(error):
            size = f"more than {csv.field_size_limit()} characters"
            raise InvalidInputError(f"{where}: size of a field", size, "less") from None
        raise InvalidInputError(where, str(error), "a line of separated fields") from None


def _fill(chunks: Chunks, rows: _Rows) -> IntArray:
    """Read all rows, a chunk at a time; return the line of each."""
    size = max(1, CHUNK // chunks.columns)
    numbers = array("q")
    pending: list[list[str]] = []
    for line, row in rows:
        numbers.append(line)
        pending.append(row)
        if len(pending) == size:
            chunks.add(pending)
            pending = []
    if pending:
        chunks.add(pending)
    return np.frombuffer(numbers, dtype=np.int64) if numbers else np.empty(0, dtype=np.int64)


def _separator(file: Path, line: int, sample: Sequence[str]) -> str:
    """The separator that cuts the header and the lines below it into as many fields."""
    counts = {mark: _fields(mark, sample) for mark in SEPARATORS}
    several = [mark for mark, found in counts.items() if found and found[0] > 1]
    even = [mark for mark in several if len(set(counts[mark])) == 1]
    strong = [mark for mark in even if mark != " "]
    if len(strong) > 1:
        said = " or ".join(SEPARATORS[mark] for mark in strong)
        where = f"{file}:{line}: separator"
        raise InvalidInputError(where, said, "told by --separator: several would do")
    return next(iter([*strong, *even, *several]), ",")


def _excel_separator(sample: Sequence[str]) -> str:
    """The separator of a first line ``sep=;``; empty if there is no such line."""
    first = sample[0].rstrip("\r\n").strip('"')
    return first[4:] if first[:4].lower() == "sep=" and first[4:] in SEPARATORS else ""


def _fields(mark: str, sample: Sequence[str]) -> list[int]:
    try:
        return [len(row) for _, row in _rows_of(Path(), mark, 0, sample)]
    except InvalidInputError:
        return []


def _decimal(rows: Sequence[Sequence[str]]) -> str:
    """The decimal comma, if cells are numbers with it that are none without."""
    cells = list(chain.from_iterable(row[:1000] for row in rows))
    with_comma = sum(number_of(cell) is None and number_of(cell, ",") is not None for cell in cells)
    with_point = sum("." in cell and number_of(cell) is not None for cell in cells)
    return "," if with_comma > with_point else "."
