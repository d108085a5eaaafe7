"""Measured worker times in a CSV file.

The file has one row a round and one column a worker, in seconds.  Lines that start with ``#`` may
come first (how the times were measured); then a header with the names of the columns; the first
column may be called ``round``, and is then skipped::

    # 8 processes, logistic regression, 4096 x 64 samples each
    round,w0,w1,w2
    0,0.0121,0.0119,0.0133
    1,0.0120,0.0125,0.0198
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgcopt.errors import InvalidInputError
from cgcopt.workers.empirical import Empirical, Scenarios
from cgcopt.workers.validation import frozen_times

__all__ = ["Trace"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """Seconds per round and worker, as measured.

    Two traces are equal when their times and columns are.

    Parameters
    ----------
    times : array_like, shape (R, W)
        Seconds that worker ``w`` took in round ``r``, finite and > 0.
    columns : sequence of str, optional
        Names of the workers; ``w0, w1, ...`` by default.
    path : path-like, optional
        The file that the trace comes from.
    comments : sequence of str, optional
        The comment lines of the file, without the ``#``.
    span : (int, int), optional
        The rounds of the file that this trace is, ``first`` and one behind the last; set by
        :meth:`split`, ``None`` for all of them.
    part : bool, optional
        Whether columns of the file were left out; set by :meth:`select`.

    Raises
    ------
    InvalidInputError
        If a time is refused, or the names do not fit the columns.

    Examples
    --------
    >>> trace = Trace([[1.0, 2.0], [1.5, 9.0], [1.2, 2.1], [1.1, 2.2]])
    >>> trace
    Trace(4 rounds x 2 workers)
    >>> first, second = trace.split()
    >>> second.times.tolist()
    [[1.2, 2.1], [1.1, 2.2]]
    >>> trace.select(["w1"]).pooled().values.tolist()
    [2.0, 2.1, 2.2, 9.0]
    """

    times: FloatArray
    columns: tuple[str, ...] = ()
    path: Path | None = None
    comments: tuple[str, ...] = ()
    span: tuple[int, int] | None = None
    part: bool = False

    def __post_init__(self) -> None:
        times = frozen_times("trace.times", self.times, 2)
        columns = tuple(self.columns) or tuple(f"w{i}" for i in range(times.shape[1]))
        if len(columns) != times.shape[1] or len(set(columns)) != len(columns):
            raise InvalidInputError("trace.columns", columns, f"{times.shape[1]} different names")
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "comments", tuple(self.comments))
        if self.path is not None:
            object.__setattr__(self, "path", Path(self.path))

    @classmethod
    def read(cls, path: str | Path) -> Trace:
        """Read a trace from a CSV file.

        Raises
        ------
        InvalidInputError
            If the file cannot be read or is not a trace; the message names file, line and column.
        """
        file = Path(path)
        comments, header, rows = _read_csv(file)
        skip = 1 if header[0].strip().lower() == "round" else 0
        columns = tuple(name.strip() for name in header[skip:])
        times = np.array([_row(file, line, columns, row[skip:]) for line, row in rows])
        return cls(times, columns, file, tuple(comments))

    def write(self, path: str | Path, comments: Iterable[str] | None = None) -> None:
        """Write the trace as a CSV file; reading it again gives the same numbers.

        Parameters
        ----------
        path : path-like
            The file to write; an existing one is replaced.
        comments : iterable of str, optional
            Lines to put first, each behind a ``#``; by default the trace's own.

        Raises
        ------
        InvalidInputError
            If the file cannot be written.
        """
        lines = self.comments if comments is None else comments
        try:
            with Path(path).open("w", encoding="utf-8", newline="") as stream:
                stream.writelines(
                    f"# {line}".rstrip() + "\n" for text in lines for line in text.split("\n")
                )
                writer = csv.writer(stream, lineterminator="\n")
                writer.writerow(["round", *self.columns])
                writer.writerows([r, *row] for r, row in enumerate(self.times.tolist()))
        except OSError as error:
            allowed = f"a writable file ({_why(error)})"
            raise InvalidInputError("trace", str(path), allowed) from error

    def __repr__(self) -> str:
        name = "" if self.path is None else f"{self.path.name}, "
        return f"Trace({name}{self.round_count} rounds x {self.workers} workers)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Trace):
            return NotImplemented
        return self.columns == other.columns and np.array_equal(self.times, other.times)

    def __hash__(self) -> int:
        return hash((self.columns, self.times.tobytes()))

    @property
    def round_count(self) -> int:
        """How many rounds there are, ``R``."""
        return int(self.times.shape[0])

    @property
    def workers(self) -> int:
        """How many workers there are, ``W``."""
        return int(self.times.shape[1])

    def pooled(self) -> Empirical:
        """All entries as one step distribution of independent workers."""
        return Empirical(self.times.ravel(), source=self._table())

    def rounds(self) -> Scenarios:
        """The rounds, each kept whole."""
        return Scenarios(self.times, source=self._table())

    def split(self, fraction: float = 0.5) -> tuple[Trace, Trace]:
        """Cut into the first and the remaining rounds, at least one round each.

        Rounds are not shuffled: a slow worker tends to stay slow, and a shuffled split would show
        the second part to whoever fits the first.

        Parameters
        ----------
        fraction : float
            Share of the rounds that go into the first part, between 0 and 1.

        Raises
        ------
        InvalidInputError
            If there are fewer than two rounds, or the fraction is not between 0 and 1.
        """
        if not isinstance(fraction, int | float) or not 0.0 < fraction < 1.0:
            raise InvalidInputError("fraction", fraction, "a number between 0 and 1")
        if self.round_count < 2:
            raise InvalidInputError("rounds of the trace", self.round_count, "at least 2, to split")
        rounds = self.round_count
        cut = min(max(round(rounds * fraction), 1), rounds - 1)
        return self.between(0, cut), self.between(cut, rounds)

    def between(self, first: int, stop: int) -> Trace:
        """The rounds ``first, ..., stop - 1``.

        Raises
        ------
        InvalidInputError
            Unless ``0 <= first < stop <= R``.
        """
        if not _is_whole(first) or not _is_whole(stop) or not 0 <= first < stop <= self.round_count:
            allowed = f"two whole numbers, 0 <= first < stop <= {self.round_count}"
            raise InvalidInputError("worker_times.rounds", [first, stop], allowed)
        offset = 0 if self.span is None else self.span[0]
        span = (offset + int(first), offset + int(stop))
        return replace(self, times=self.times[first:stop], span=span)

    def select(self, workers: Sequence[int | str]) -> Trace:
        """The columns with these names or (0-based) numbers, in this order.

        Raises
        ------
        InvalidInputError
            If there is no such column, or none is asked for.
        """
        numbers = {name: i for i, name in enumerate(self.columns)}
        index = [numbers.get(w, -1) if isinstance(w, str) else w for w in workers]
        if not index or not all(_is_whole(i) and 0 <= i < self.workers for i in index):
            allowed = f"columns of the trace: {', '.join(self.columns)}"
            raise InvalidInputError("worker_times.columns", list(workers), allowed)
        columns = tuple(self.columns[i] for i in index)
        part = self.part or columns != self.columns
        return replace(self, times=self.times[:, index], columns=columns, part=part)

    def _table(self) -> Mapping[str, Any] | None:
        """The ``[worker_times]`` table that reads this trace again, without its mode."""
        if self.path is None:
            return None
        table: dict[str, Any] = {"family": "trace", "path": self.path.as_posix()}
        if self.span is not None:
            table["rounds"] = list(self.span)
        if self.part:
            table["columns"] = list(self.columns)
        return table


def _read_csv(file: Path) -> tuple[list[str], list[str], list[tuple[int, list[str]]]]:
    """Comment lines, header, and the rows with their line numbers."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        allowed = f"a readable CSV file ({_why(error)})"
        raise InvalidInputError("trace", str(file), allowed) from error
    start = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    comments = [line[1:].strip() for line in lines[:start]]
    reader = csv.reader(lines[start:])
    rows = [(start + reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    if not rows:
        allowed = "a CSV file with a header and rows of times (it is empty)"
        raise InvalidInputError("trace", str(file), allowed)
    (line, header), *rest = rows
    _check_header(file, line, header)
    if not rest:
        raise InvalidInputError("trace", str(file), "a CSV file with rows below the header")
    for line, row in rest:
        if len(row) != len(header):
            allowed = f"{len(header)}, as in the header"
            raise InvalidInputError(f"{file}:{line}: number of fields", len(row), allowed)
    return comments, header, rest


def _check_header(file: Path, line: int, header: list[str]) -> None:
    names = [name.strip() for name in header]
    where = f"{file}:{line}: header"
    numeric = next((name for name in names if _is_number(name)), None)
    if numeric is not None:
        raise InvalidInputError(where, numeric, "a column name (is the header line missing?)")
    if "" in names:
        raise InvalidInputError(where, "", "a column name in every field")
    repeated = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if repeated is not None:
        raise InvalidInputError(where, repeated, "different in every column")
    if len(names) == 1 and names[0].lower() == "round":
        raise InvalidInputError(where, names[0], "followed by at least one column of times")


def _row(file: Path, line: int, columns: Sequence[str], cells: Sequence[str]) -> list[float]:
    return [_seconds(file, line, column, cell) for column, cell in zip(columns, cells, strict=True)]


def _seconds(file: Path, line: int, column: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = -1.0
    if not 0.0 < value < float("inf"):
        allowed = "a finite number of seconds > 0"
        raise InvalidInputError(f"{file}:{line}: {column}", cell.strip(), allowed)
    return value


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return "not UTF-8 text"
