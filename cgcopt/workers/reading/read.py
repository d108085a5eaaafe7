"""From a file to times: the format, the columns, the missing times, the unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError
from cgcopt.workers.reading.figures import repeated_rounds
from cgcopt.workers.reading.formats import Format, format_of
from cgcopt.workers.reading.found import Cells
from cgcopt.workers.reading.grid import Grid
from cgcopt.workers.reading.loads import (
    LOAD,
    SeveralLoadsError,
    load_column,
    parts_by_load,
    workers_beside,
)
from cgcopt.workers.reading.long import read_long
from cgcopt.workers.reading.missing import fill
from cgcopt.workers.reading.options import UNITS, ReadOptions
from cgcopt.workers.reading.records import read_json, read_parquet
from cgcopt.workers.reading.roles import LongRoles, WideRoles, find_roles
from cgcopt.workers.reading.text import read_separated
from cgcopt.workers.reading.wide import read_wide

__all__ = ["Read", "Reading", "read_loads", "read_table"]


@dataclass(frozen=True)
class Reading:
    """What was taken for what when a file was read.

    Attributes
    ----------
    options : ReadOptions
        What the user told.
    source : str
        The format of the file.
    unit : str
        What its numbers count in.
    notes : tuple of str
        Sentences for reports.
    left_out : tuple of str
        Columns of the file that are not in the times.
    """

    options: ReadOptions
    source: str = ""
    unit: str = "s"
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """How the file was read, in one line."""
        return "; ".join([self.source, *self.notes])

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "source": self.source,
            "unit": self.unit,
            "notes": list(self.notes),
            "left_out": list(self.left_out),
            "options": self.options.to_dict(),
        }


@dataclass(frozen=True, eq=False)
class Read:
    """Times in seconds, as they came out of a file.

    Attributes
    ----------
    times : ndarray, shape (R, W)
        Seconds, > 0; ``inf`` for a worker that never answered.
    columns : tuple of str
        Names of the workers.
    comments : tuple of str
        Comment lines of the file.
    reading : Reading
        What was taken for what.
    """

    times: FloatArray
    columns: tuple[str, ...]
    comments: tuple[str, ...]
    reading: Reading


def read_table(file: Path, options: ReadOptions) -> Read:
    """Read a file of measured times.

    Parameters
    ----------
    file : Path
        Separated text, JSON records (``.jsonl``, ``.ndjson``, ``.json``) or Parquet.
    options : ReadOptions
        What is told; all else is recognised.

    Raises
    ------
    InvalidInputError
        If it cannot be read or is not understood: one line that names line and column, what was
        expected, and what to type.
    """
    roles: list[WideRoles | LongRoles] = []

    def keep(header: Sequence[str]) -> Sequence[int]:
        roles.append(find_roles(file, header, options))
        several = load_column(header) is not None and isinstance(roles[0], WideRoles)
        if several and options.columns is None:
            allowed = "times of equal work (`cgcopt fit` takes times at several loads)"
            raise SeveralLoadsError(f"{file}: columns", ", ".join(header), allowed)
        return roles[0].kept

    return _read(_grid(file, options, keep), roles[0], options)


def read_loads(file: Path, options: ReadOptions) -> dict[float, Read]:
    """Read a file in wide form with a column ``load``: the times of each load, increasing.

    Raises
    ------
    InvalidInputError
        If there is no such column, or the file is refused as :func:`read_table` would.
    """
    told: list[tuple[int, WideRoles | LongRoles, ReadOptions]] = []

    def keep(header: Sequence[str]) -> Sequence[int]:
        column = load_column(header)
        if column is None:
            raise InvalidInputError(f"{file}: columns", ", ".join(header), f"one of them {LOAD}")
        columns = options.columns or tuple(workers_beside(header))
        chosen = replace(options, columns=columns)
        roles = find_roles(file, header, chosen)
        told.append((column, roles, chosen))
        return roles.kept

    grid = _grid(file, options, keep)
    column, roles, chosen = told[0]
    parts = parts_by_load(grid, column)
    return {load: _read(part, roles, chosen) for load, part in parts.items()}


def _read(grid: Grid, roles: WideRoles | LongRoles, options: ReadOptions) -> Read:
    file = grid.file
    if isinstance(roles, LongRoles):
        cells = read_long(grid, roles, options)
    else:
        cells = read_wide(grid, roles, options)
    times, columns, missing = fill(cells, options.missing)
    seconds, unit, counted = _in_seconds(file, times, cells, options.unit)
    found = [note for note in (missing, repeated_rounds(times)) if note]
    notes = (*cells.notes, *found, counted)
    reading = Reading(options, grid.source, unit, notes, cells.left_out)
    return Read(seconds, columns, grid.comments, reading)


def _grid(file: Path, options: ReadOptions, keep: Any) -> Grid:
    match format_of(file):
        case Format.PARQUET:
            return read_parquet(file, keep)
        case Format.JSON:
            return read_json(file, keep)
        case Format.SEPARATED:
            return read_separated(file, options, keep)


def _in_seconds(
    file: Path, times: FloatArray, cells: Cells, told: str | None
) -> tuple[FloatArray, str, str]:
    unit = told or cells.unit or "s"
    if unit == "s":
        return times, unit, "seconds"
    with np.errstate(over="ignore"):
        seconds = times / UNITS[unit]
    if not (seconds > 0.0).all() or (np.isinf(seconds) & np.isfinite(times)).any():
        allowed = f"one in which no time of {file} is 0 s or beyond all numbers"
        raise InvalidInputError("worker_times.unit", unit, allowed)
    why = "" if told else ", as the names of the columns say"
    return seconds, unit, f"{unit} turned into seconds{why}"
