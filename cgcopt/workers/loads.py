"""Measured times at several loads: what starting costs, and what work costs.

A worker with load ``l`` (``l`` times the work of a worker without redundancy) takes ``A + B l``
seconds. Times at one load alone cannot tell ``A`` from ``B``.  The file is a trace with a column
more::

    round,load,w0,w1
    0,1,0.0121,0.0119
    0,2,0.0240,0.0239
    1,1,0.0120,0.0125
    1,2,0.0238,0.0251
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cgcopt._validate import finite_number
from cgcopt._writing import replacing
from cgcopt.errors import InvalidInputError
from cgcopt.workers.reading import ReadOptions, read_loads
from cgcopt.workers.reading.files import reason_of
from cgcopt.workers.trace import Trace

__all__ = ["LoadTrace"]


@dataclass(frozen=True, eq=False, repr=False)
class LoadTrace:
    """Seconds per round and worker at several loads.

    Parameters
    ----------
    loads : sequence of float
        At least two, >= 0, increasing.
    traces : sequence of Trace
        The rounds at each load, with the same workers.
    path : path-like, optional
        The file that they come from.
    comments : sequence of str, optional
        Comment lines of the file.

    Raises
    ------
    InvalidInputError
        If loads and traces do not fit.

    Examples
    --------
    >>> LoadTrace((1, 2), (Trace([[1.0, 1.1]]), Trace([[1.9, 2.0]])))
    LoadTrace(loads 1, 2; 1, 1 rounds x 2 workers)
    """

    loads: tuple[float, ...]
    traces: tuple[Trace, ...]
    path: Path | None = None
    comments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        loads = tuple(finite_number("loads", load, least=0) for load in self.loads)
        if len(loads) < 2 or np.any(np.diff(loads) <= 0):
            raise InvalidInputError("loads", list(loads), "at least two, increasing")
        columns = {trace.columns for trace in self.traces}
        if len(self.traces) != len(loads) or len(columns) != 1:
            found = f"{len(self.traces)} traces, {len(columns)} sets of workers"
            raise InvalidInputError("traces", found, f"{len(loads)} with the same workers")
        object.__setattr__(self, "loads", loads)
        object.__setattr__(self, "traces", tuple(self.traces))

    @classmethod
    def read(cls, path: str | Path, options: ReadOptions | None = None, **told: Any) -> LoadTrace:
        """Read a file in wide form with a column ``load``; options as in :meth:`Trace.read`.

        Raises
        ------
        InvalidInputError
            If the file cannot be read, or has no such column.
        """
        file = Path(path)
        parts = read_loads(file, options or ReadOptions(**told))
        traces = [
            Trace(part.times, part.columns, file, part.comments, reading=part.reading)
            for part in parts.values()
        ]
        return cls(tuple(parts), tuple(traces), file, traces[0].comments)

    def write(self, path: str | Path) -> None:
        """Write it as a CSV file; reading it again gives the same numbers.

        Raises
        ------
        InvalidInputError
            If the file cannot be written.
        """
        try:
            with (
                replacing(Path(path)) as unfinished,
                unfinished.open("w", encoding="utf-8", newline="") as stream,
            ):
                stream.writelines(f"# {line}\n" for line in self.comments)
                writer = csv.writer(stream, lineterminator="\n")
                writer.writerow(["round", "load", *self.traces[0].columns])
                writer.writerows(self._rows())
        except OSError as error:
            allowed = f"a writable file ({reason_of(error)})"
            raise InvalidInputError("trace", Path(path), allowed) from error

    def _rows(self) -> Iterator[list[float]]:
        for r in range(max(trace.round_count for trace in self.traces)):
            for load, trace in zip(self.loads, self.traces, strict=True):
                if r < trace.round_count:
                    yield [r, load, *trace.times[r].tolist()]

    @property
    def by_load(self) -> dict[float, Trace]:
        """The trace at each load."""
        return dict(zip(self.loads, self.traces, strict=True))

    @property
    def workers(self) -> int:
        """How many workers there are."""
        return self.traces[0].workers

    def split(self, fraction: float = 0.5) -> tuple[LoadTrace, LoadTrace]:
        """Cut every load into its first and its remaining rounds."""
        parts = [trace.split(fraction) for trace in self.traces]
        first, second = (tuple(pair[k] for pair in parts) for k in (0, 1))
        return LoadTrace(self.loads, first, self.path), LoadTrace(self.loads, second, self.path)

    def __repr__(self) -> str:
        loads = ", ".join(f"{load:g}" for load in self.loads)
        rounds = ", ".join(str(trace.round_count) for trace in self.traces)
        return f"LoadTrace(loads {loads}; {rounds} rounds x {self.workers} workers)"
