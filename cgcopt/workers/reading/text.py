"""Separated text (CSV and its relatives) as a grid, row by row, in no more memory than the numbers.

The csv module reads the rows: it keeps the number of every line, and does not fill up a row that
is too short, so that messages name line and column.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, TextIO, cast

import numpy as np
from numpy.typing import NDArray

from cgcopt.errors import InvalidInputError, MissingExtraError
from cgcopt.workers.reading.cells import number_of
from cgcopt.workers.reading.files import open_regular, reason_of
from cgcopt.workers.reading.grid import Chunks, Grid, checked_header
from cgcopt.workers.reading.marks import (
    decimal_of,
    excel_separator,
    plain_rows,
    rows_of,
    separator_of,
)
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
    b"\x28\xb5": ("zstd", lambda stream: _zstd(stream)),
    b"\x1f\x8b": ("gzip", lambda stream: cast(BinaryIO, gzip.GzipFile(fileobj=stream))),
    b"BZ": ("bzip2", lambda stream: cast(BinaryIO, bz2.BZ2File(stream))),
    b"\xfd7": ("xz", lambda stream: cast(BinaryIO, lzma.LZMAFile(stream))),  # noqa: SIM115 - closed by its reader
}
_ALLOWED = "a readable file of times"
_ALLOWED_ROWS = "a file with a header and rows of times (it is empty)"
#: What other files begin with.
_OTHERS = {
    b"PK\x03\x04": "a zip archive or an Excel workbook: unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an Excel workbook: save the sheet as CSV",
    b"PAR1": "Parquet: end its name with .parquet",
    b"ARRO": "an Arrow file: write it as Parquet or CSV",
}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


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
            start = raw.read(4)
            if start in _OTHERS:
                raise InvalidInputError("trace", file, f"{_ALLOWED} (it is {_OTHERS[start]})")
            packed, unpack = _PACKED.get(start[:2], ("", None))
            raw.seek(0)
            stream = raw if unpack is None else unpack(raw)
            encoding = "utf-16" if start[:2] in _UTF16 else "utf-8-sig"
            with io.TextIOWrapper(stream, encoding=encoding, newline="") as text:
                yield text, packed
        except (OSError, EOFError, UnicodeDecodeError, zlib.error, lzma.LZMAError) as error:
            damaged = bool(packed) and not isinstance(error, UnicodeError)
            reason = f"damaged {packed} data" if damaged else reason_of(error)
            reason += ": save it as UTF-8" if isinstance(error, UnicodeError) else ""
            raise InvalidInputError("trace", file, f"{_ALLOWED} ({reason})") from None


def _zstd(stream: BinaryIO) -> BinaryIO:
    try:
        import pyarrow
    except ImportError:
        raise MissingExtraError("pyarrow, which unpacks zstd,", "parquet") from None
    return cast(BinaryIO, pyarrow.CompressedInputStream(pyarrow.PythonFile(stream), "zstd"))


def read_separated(file: Path, options: ReadOptions, keep: Keep) -> Grid:
    """Read separated text.

    Parameters
    ----------
    file : Path
        The file; gzip, bzip2, xz and zstd are unpacked.
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
        raise InvalidInputError("trace", file, _ALLOWED_ROWS)
    told = excel_separator(sample)
    if told:  # as Excel writes it into the first line
        sample, comments = sample[1:], [*comments, sample[0].strip()]
    rows = [line for line in sample if not line.startswith("#")]
    separator = options.separator or told or separator_of(file, len(comments) + 1, rows)
    first = [row for _, row in rows_of(file, separator, len(comments), rows, strict=False)]
    if not first:
        raise InvalidInputError("trace", file, _ALLOWED_ROWS)
    if comments and _is_header(comments[-1], first[0], separator):  # as numpy.savetxt writes it
        sample = [f"{comments.pop()}\n", *sample]
    else:
        del first[0]
    decimal = options.decimal or decimal_of(file, separator, first)
    lines = chain(sample, lines)
    reader = _Rows(file, separator, len(comments), lines)
    line, names = next(reader)
    header = checked_header(f"{file}:{line}: header", names)
    chunks = Chunks(len(header), keep(header), decimal)
    where = _fill(chunks, reader, line, lines)
    if not chunks.rows:
        raise InvalidInputError("trace", file, "a file with rows of times below the header")
    facts = [f"separated by {SEPARATORS[separator]}"] if len(header) > 1 else []
    facts += ["decimal comma"] if decimal == "," else []
    facts += [f"packed by {packed}"] if packed else []
    facts += [f"comment lines between the rows: {len(reader.comments)}"] if reader.comments else []
    said = ", ".join(["text", *facts])
    values = chunks.values()
    texts, kept = chunks.texts, chunks.kept
    comments += reader.comments
    return Grid(file, header, values, texts, kept, where, tuple(comments), said, decimal)


def _is_header(comment: str, row: Sequence[str], separator: str) -> bool:
    """Whether a comment names the columns above a first row that holds numbers alone."""
    _, names = next(rows_of(Path(), separator, 0, [comment], strict=False), (0, [""]))
    numbers = all(number_of(cell.replace(",", ".")) is not None for cell in row)
    named = all(number_of(name) is None for name in names)
    return len(names) == len(row) > 1 and numbers and named


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
        self.rows = rows_of(file, separator, before, lines)
        self.file, self.separator, self.fields = file, separator, 0
        self.comments: list[str] = []  # between the rows

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        return self

    def __next__(self) -> tuple[int, list[str]]:
        line, row = next(self.rows)
        if not self.fields:  # the header; a separator may stand behind its last name
            if len(row) > 2 and not row[-1].strip():
                row.pop()
            self.fields = len(row)
        while len(row) != self.fields:
            if len(row) == self.fields + 1 and not row[-1].strip():
                row.pop()
                break
            if row[0].startswith("#"):
                self.comments.append(self.separator.join(row)[1:].strip())
                line, row = next(self.rows)
                continue
            said = SEPARATORS[self.separator]
            allowed = (
                f"{self.fields}, as in the header (separator: {said}; --separator tells another"
            )
            allowed += ", --decimal , a decimal comma)" if self.separator != "," else ")"
            raise InvalidInputError(f"{self.file}:{line}: number of fields", len(row), allowed)
        return line, row

    def go_on(self, line: int, lines: Iterator[str]) -> None:
        """Read the rows below a line from these lines."""
        self.rows = rows_of(self.file, self.separator, line, lines)


def _fill(chunks: Chunks, rows: _Rows, line: int, lines: Iterator[str]) -> NDArray[np.int32]:
    """Read all rows below a line, a chunk at a time; return the line of each."""
    size = max(1, CHUNK // chunks.columns)
    numbers = array("i")
    while block := list(islice(lines, size)):
        plain = plain_rows(block, rows.separator, chunks.columns)
        if not plain:
            break
        chunks.add(plain)
        numbers.extend(range(line + 1, line + 1 + len(block)))
        line += len(block)
    rows.go_on(line, chain(block, lines))
    while some := list(islice(rows, size)):
        numbers.extend(number for number, _ in some)
        chunks.add([row for _, row in some])
    return np.frombuffer(numbers, dtype=np.int32) if numbers else np.empty(0, dtype=np.int32)
