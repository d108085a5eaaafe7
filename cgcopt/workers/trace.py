"""Measured worker times: seconds per round and worker, read from a file, cut, chosen, written.

What is written is CSV: lines that start with ``#`` first (how the times were measured), then a
header, then a row a round::

    # 8 processes, logistic regression, 4096 x 64 samples each
    round,w0,w1,w2
    0,0.0121,0.0119,0.0133
    1,0.0120,0.0125,0.0198

What can be read is told in :mod:`cgcopt.workers.reading`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cgcopt._writing import replacing
from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError
from cgcopt.workers.empirical import Empirical
from cgcopt.workers.reading.files import reason_of
from cgcopt.workers.reading.options import ReadOptions
from cgcopt.workers.scenarios import Scenarios
from cgcopt.workers.validation import frozen_times

if TYPE_CHECKING:
    from cgcopt.workers.reading.read import Reading

__all__ = ["Trace"]


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """Seconds per round and worker, as measured.

    Two traces are equal when their times and columns are.

    Parameters
    ----------
    times : array_like, shape (R, W)
        Seconds that worker ``w`` took in round ``r``, > 0; infinite if it never answered.
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
    reading : Reading, optional
        What was taken for what in the file; set by :meth:`read`.

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
    reading: Reading | None = None

    def __post_init__(self) -> None:
        times = frozen_times("trace.times", self.times, 2, infinite=True)
        columns = tuple(self.columns) or tuple(f"w{i}" for i in range(times.shape[1]))
        if len(columns) != times.shape[1] or len(set(columns)) != len(columns):
            raise InvalidInputError("trace.columns", columns, f"{times.shape[1]} different names")
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "comments", tuple(self.comments))
        if self.path is not None:
            object.__setattr__(self, "path", Path(self.path))

    @classmethod
    def read(cls, path: str | Path, options: ReadOptions | None = None, **told: Any) -> Trace:
        """Read a trace from a file: separated text, JSON records or Parquet.

        Wide form (a row a round, a column a worker) and long form (a row one time: round, worker,
        seconds), separator, decimal mark, packing and columns are recognised; columns that count
        or tell the clock are left out.  What was taken for what stands in :attr:`reading`.

        Parameters
        ----------
        path : path-like
            The file.
        options : ReadOptions, optional
            How to read it, where that is not to be recognised.
        **told
            The same, as keywords of :class:`~cgcopt.workers.reading.ReadOptions`:
            ``Trace.read("log.jsonl", unit="ms", missing="drop-round")``.

        Raises
        ------
        InvalidInputError
            If the file cannot be read or is not understood; the message names file, line and
            column, what was expected, and what to type.
        """
        from cgcopt.workers.reading.read import read_table

        file = Path(path)
        chosen = ReadOptions(**told) if options is None else replace(options, **told)
        found = read_table(file, chosen)
        return cls(found.times, found.columns, file, found.comments, reading=found.reading)

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
            with (
                replacing(Path(path)) as unfinished,
                unfinished.open("w", encoding="utf-8", newline="") as stream,
            ):
                stream.writelines(
                    f"# {line}".rstrip() + "\n" for text in lines for line in text.split("\n")
                )
                writer = csv.writer(stream, lineterminator="\n")
                writer.writerow(["round", *self.columns])
                writer.writerows([r, *row] for r, row in enumerate(self.times.tolist()))
        except OSError as error:
            allowed = f"a writable file ({reason_of(error)})"
            raise InvalidInputError("trace", Path(path), allowed) from error

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
        return Empirical(self.times.ravel(), source=self._table(), notes=self.notes)

    def rounds(self) -> Scenarios:
        """The rounds, each kept whole."""
        return Scenarios(self.times, source=self._table(), notes=self.notes)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was taken for what when the file was read, in one line; empty without a file."""
        name = "trace" if self.path is None else self.path.name
        return () if self.reading is None else (f"{name}: {self.reading.text}",)

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
        if self.reading is not None:
            table |= self.reading.options.to_dict()
        if self.span is not None:
            table["rounds"] = list(self.span)
        if self.part:
            table["columns"] = list(self.columns)
        return table


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
