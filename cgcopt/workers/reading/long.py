"""Long form: a row is one time of one worker in one round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgcopt._validate import did_you_mean
from cgcopt.errors import InvalidInputError
from cgcopt.workers.reading.cells import expected, number_of
from cgcopt.workers.reading.coded import Coded
from cgcopt.workers.reading.found import Cells
from cgcopt.workers.reading.grid import Grid
from cgcopt.workers.reading.labels import order_of
from cgcopt.workers.reading.options import ReadOptions
from cgcopt.workers.reading.roles import ANONYMOUS, LongRoles
from cgcopt.workers.reading.spans import seconds_by_row

__all__ = ["read_long"]

#: Numbers of rows of a file, or of rounds or workers for each of them.
Rows = NDArray[np.signedinteger[Any]]
#: Entries of a table that a pivot may make; ids that are not those of workers make more.
LARGEST_TABLE = 10**8


def read_long(grid: Grid, roles: LongRoles, options: ReadOptions) -> Cells:
    """Put the times of a round into a row, the times of a worker into a column.

    Rounds and workers whose names have an order (numbers, ``r1`` and ``r2``, ISO dates) are put in
    it, others in the order in which they come first.

    Raises
    ------
    InvalidInputError
        If a worker has two times in a round, a name is missing or a cell is no time.
    """
    found = seconds_by_row(grid, roles, options)
    grid = found.grid
    _check_cells(grid, roles)
    rounds, row = _numbered(grid.kept[roles.round])
    if roles.worker is None:
        workers, column = _places(grid, roles.round, row)
        who = "workers without names, in the order of the file"
    else:
        workers, column = _numbered(grid.kept[roles.worker])
        who = f"{len(workers)} workers of '{grid.header[roles.worker]}'"
    kept: Rows = np.arange(grid.rows, dtype=np.int32)
    if options.columns is not None:
        workers, row, column, kept = _selected(options.columns, workers, row, column)
    if len(rounds) * len(workers) > LARGEST_TABLE:
        value = f"{len(rounds)} rounds x {len(workers)} workers"
        allowed = f"at most {LARGEST_TABLE} times in all (are those the workers? --worker COLUMN)"
        raise InvalidInputError(f"{grid.file}: table", value, allowed)
    place_of = row.astype(np.int64) * len(workers) + column
    del row, column
    times = np.full((len(rounds), len(workers)), np.nan)
    index = np.full(times.size, -1, dtype=np.int32)
    index[place_of] = kept
    _refuse_twice(grid, roles, index[place_of], kept)
    times.ravel()[place_of] = grid.values[kept, roles.time]
    index = index.reshape(times.shape)
    used = {roles.round, roles.worker, *found.columns}
    left = [name for c, name in enumerate(grid.header) if c not in used]
    names = [grid.header[roles.round], grid.header[roles.time]]
    notes = [
        f"long form: {len(rounds)} rounds of '{names[0]}', {who}, times of {found.said}, "
        f"put into a table of {len(rounds)} x {len(workers)}"
    ]
    if order_of(rounds) is None:
        notes.append("rounds in the order in which they come in the file")
    if left:
        notes.append(f"left out: {', '.join(repr(name) for name in left[:5])} (other columns)")

    def place(r: int, w: int) -> str:
        if index[r, w] >= 0:
            return grid.place(int(index[r, w]), roles.time)
        said = f"{grid.header[roles.round]} {rounds[r]}, worker {workers[w]}"
        return f"{grid.file}: long form, {said}"

    return Cells(times, tuple(workers), found.unit, place, tuple(notes), tuple(left), long=True)


def _check_cells(grid: Grid, roles: LongRoles) -> None:
    for column in roles.kept:
        cells = grid.kept[column]
        if "" in cells.names:
            empty = int(np.argmax(cells.codes == cells.names.index("")))
            allowed = "the name of a round or a worker (long form)"
            raise InvalidInputError(grid.place(empty, column), "", allowed)
    _check_rounds(grid, roles.round)
    texts = grid.texts.get(roles.time, {})
    if texts:
        row = min(texts)
        where = grid.place(row, roles.time)
        raise InvalidInputError(where, texts[row].strip(), expected(texts[row]))


def _check_rounds(grid: Grid, column: int) -> None:
    """Where rounds are numbers, all are: another one is a footer."""
    cells = grid.kept[column]
    named = np.array([number_of(name, grid.decimal) is not None for name in cells.names])
    numbers = named[cells.codes]
    if 2 * int(numbers.sum()) > grid.rows and not numbers.all():
        row = int(np.flatnonzero(~numbers)[0])
        allowed = "a number, as in the other rows (a footer? take the line out of the file)"
        raise InvalidInputError(grid.place(row, column), grid.cell(row, column), allowed)


def _numbered(cells: Coded) -> tuple[list[str], Rows]:
    """The different names in their order, and the number of each cell."""
    names = cells.names
    position = np.arange(len(names), dtype=np.int32)
    order = order_of(names)
    if order is not None:
        names = [names[i] for i in order]
        position[order] = np.arange(len(order))
    return names, position[cells.codes]


def _places(grid: Grid, column: int, row: Rows) -> tuple[list[str], Rows]:
    """The place of every cell among those of its round."""
    counts = np.bincount(row)
    if np.ptp(counts):
        least, most = int(counts.min()), int(counts.max())
        value = f"{least} to {most} times in a round"
        allowed = f"as many in every round of '{grid.header[column]}', for workers without names"
        raise InvalidInputError(f"{grid.file}: workers", value, allowed)
    order = np.argsort(row, kind="stable")
    place = np.empty(row.size, dtype=np.int64)
    place[order] = np.tile(np.arange(counts[0]), counts.size)
    return [f"w{i}" for i in range(int(counts[0]))], place


def _selected(
    told: Sequence[str], workers: list[str], row: Rows, column: Rows
) -> tuple[list[str], Rows, Rows, Rows]:
    """The rows of the workers that are asked for."""
    for name in told:
        if name not in workers:
            allowed = f"workers of the file: {did_you_mean(name, workers[:20])}"
            raise InvalidInputError("worker_times.columns", list(told), allowed)
    new = np.full(len(workers), -1, dtype=np.int64)
    new[[workers.index(name) for name in told]] = np.arange(len(told))
    kept = np.flatnonzero(new[column] >= 0)
    return list(told), row[kept], new[column[kept]], kept


def _refuse_twice(
    grid: Grid,
    roles: LongRoles,
    last: Rows,
    kept: Rows,
) -> None:
    """Refuse a second time of a worker in a round; ``last`` is the row that came last for each."""
    clash = np.flatnonzero(last != kept)
    if not clash.size:
        return
    at = int(kept[clash[0]])
    names = ", ".join(f"{grid.header[c]} {grid.cell(at, c)}" for c in roles.kept)
    other = int(last[clash[0]])
    line = f"line {grid.lines[other]}" if grid.lines.size else f"row {other}"
    allowed = f"the only one of {names}: {line} has one too"
    where = grid.place(at, roles.time)
    apart = [
        name
        for c, name in enumerate(grid.header)
        if c not in (roles.round, roles.worker, roles.time)
        and grid.cell(at, c) != grid.cell(other, c)
    ]
    hint = f" (they differ in '{apart[0]}': a file for each, or their sum)" if apart else ""
    hint += f" (--worker {ANONYMOUS}: workers without names)"
    raise InvalidInputError(where, grid.cell(at, roles.time), allowed + hint)
