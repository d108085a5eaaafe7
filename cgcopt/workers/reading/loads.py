"""Times at several loads: a table in wide form with a column that says how much work it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cgcopt.errors import InvalidInputError
from cgcopt.workers.reading.grid import Grid
from cgcopt.workers.reading.names import is_index, is_round

__all__ = ["LOAD", "SeveralLoadsError", "load_column", "parts_by_load", "workers_beside"]

#: Name of the column.
LOAD = "load"


class SeveralLoadsError(InvalidInputError):
    """A file holds times at several loads where times of equal work are asked for."""


def load_column(header: Sequence[str]) -> int | None:
    """The column of the loads, if there is one."""
    found = [c for c, name in enumerate(header) if name.strip().lower() == LOAD]
    return found[0] if len(found) == 1 else None


def workers_beside(header: Sequence[str]) -> list[str]:
    """The columns that are neither load nor round."""
    rest = [name for name in header if name.strip().lower() != LOAD]
    return [name for name in rest if not is_round(name) and not is_index(name)]


def parts_by_load(grid: Grid, column: int) -> dict[float, Grid]:
    """The rows of each load, in increasing order of the loads.

    Raises
    ------
    InvalidInputError
        If a load is not a number of at least 0, or there are less than two different ones.
    """
    loads = grid.values[:, column]
    bad = np.flatnonzero(~(np.isfinite(loads) & (loads >= 0)))
    if bad.size:
        row = int(bad[0])
        raise InvalidInputError(
            grid.place(row, column), grid.cell(row, column), "a number of at least 0"
        )
    different = np.unique(loads)
    if different.size < 2:
        allowed = "at least two different ones, to tell start-up from work"
        raise InvalidInputError(f"{grid.file}: loads", different.tolist(), allowed)
    return {float(load): _rows(grid, np.flatnonzero(loads == load)) for load in different}


def _rows(grid: Grid, rows: np.ndarray) -> Grid:
    new = {int(row): k for k, row in enumerate(rows)}
    return replace(
        grid,
        values=grid.values[rows],
        texts={
            c: {new[row]: text for row, text in texts.items() if row in new}
            for c, texts in grid.texts.items()
        },
        kept={c: texts.taken(rows) for c, texts in grid.kept.items()},
        lines=grid.lines[rows] if grid.lines.size else grid.lines,
    )
