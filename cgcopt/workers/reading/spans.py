"""Durations in one unit: from start to end, in the unit that a row or a column names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError
from cgcopt.workers.reading.grid import Grid
from cgcopt.workers.reading.names import unit_in
from cgcopt.workers.reading.options import UNITS, ReadOptions
from cgcopt.workers.reading.roles import LongRoles

__all__ = ["Durations", "in_one_unit", "seconds_by_row"]

#: Counts since 1970 above these are milliseconds, microseconds, nanoseconds; a second is far below.
EPOCHS = {"ns": 1e17, "us": 1e14, "ms": 1e11}


@dataclass(frozen=True, eq=False)
class Durations:
    """Durations of the rows of a long form.

    Attributes
    ----------
    grid : Grid
        With the durations in the column of times.
    unit : str or None
        Their unit, if the file names one.
    said : str
        What was taken for the times.
    columns : tuple of int
        The columns that they come from.
    """

    grid: Grid
    unit: str | None
    said: str
    columns: tuple[int, ...]


def seconds_by_row(grid: Grid, roles: LongRoles, options: ReadOptions) -> Durations:
    """Turn the column of times into durations in one unit.

    Raises
    ------
    InvalidInputError
        If a point in time or a unit is not understood.
    """
    name = grid.header[roles.time]
    unit, said = unit_in(name), f"'{name}'"
    columns: tuple[int, ...] = (roles.time,)
    if roles.start is not None:
        start, dates = _moments(grid, roles.start)
        end, _ = _moments(grid, roles.time)
        said += f" less '{grid.header[roles.start]}'"
        since = next((u for u, low in EPOCHS.items() if np.nanmin(start) > low), None)
        if since is not None and unit is None and options.unit is None:
            start, end, unit = start / UNITS[since], end / UNITS[since], "s"
            said += f" ({since} since 1970)"
        grid, unit = _with_times(grid, roles.time, end - start), "s" if dates else unit
        columns += (roles.start,)
    units = _units(grid) if options.unit is None else None
    if units is not None:
        column, factors = units
        grid, unit = _with_times(grid, roles.time, grid.values[:, roles.time] / factors), "s"
        said += f" in the units of '{grid.header[column]}'"
        columns += (column,)
    return Durations(grid, unit, said, columns)


def in_one_unit(
    grid: Grid, columns: Sequence[int], times: FloatArray, options: ReadOptions
) -> tuple[FloatArray, str | None, str]:
    """Turn columns of different units into seconds; return the unit and a note.

    Raises
    ------
    InvalidInputError
        If some columns name a unit and others do not.
    """
    units = [unit_in(grid.header[column]) for column in columns]
    named = sorted({unit for unit in units if unit}, key=list(UNITS).index)
    if options.unit is not None or not named or named == ["s"]:
        return times, None if None in units else "s", ""
    if None in units:
        name = grid.header[columns[units.index(None)]]
        allowed = f"a column that names its unit, as others do ({', '.join(named)}); or type --unit"
        raise InvalidInputError(f"{grid.file}: unit of column {name}", "", allowed)
    if len(named) == 1:
        return times, named[0], ""
    factors = np.array([UNITS[unit] for unit in units if unit])
    with np.errstate(over="ignore"):
        seconds = times / factors
    if (np.isinf(seconds) & np.isfinite(times)).any():
        raise InvalidInputError(f"{grid.file}: units", ", ".join(named), "those of finite seconds")
    return (
        seconds,
        "s",
        f"columns in {', '.join(named)} were turned into seconds, each by its name",
    )


def _with_times(grid: Grid, column: int, times: FloatArray) -> Grid:
    values = grid.values.copy()
    values[:, column] = times
    return replace(grid, values=values, texts={c: t for c, t in grid.texts.items() if c != column})


def _moments(grid: Grid, column: int) -> tuple[FloatArray, bool]:
    """Points in time as numbers (dates: in seconds), and whether they are dates."""
    moments, texts = grid.values[:, column].copy(), grid.texts.get(column, {})
    for row, text in texts.items():
        try:
            moment = datetime.fromisoformat(text.strip())
            moments[row] = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except ValueError:
            allowed = "a number or a date such as 2026-03-01T12:00:00.5"
            raise InvalidInputError(grid.place(row, column), text.strip(), allowed) from None
    return moments, bool(texts)


def _units(grid: Grid) -> tuple[int, FloatArray] | None:
    """A column that names the unit of every row, and its parts of a second."""
    names = [name.strip().lower() for name in grid.header]
    column = next((names.index(name) for name in ("unit", "units") if name in names), None)
    if column is None:
        return None
    factors = np.empty(grid.rows)
    known: dict[str, float] = {}
    for row, text in enumerate(grid.labels(column)):
        if text not in known:
            unit = unit_in(f"in {text}")
            if unit is None:
                allowed = f"one of {', '.join(UNITS)} (or --unit for all)"
                raise InvalidInputError(grid.place(row, column), text, allowed)
            known[text] = UNITS[unit]
        factors[row] = known[text]
    return column, factors
