"""Columns and rows that hold no times, but sums and means of the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError
from cgcopt.workers.reading.grid import Grid

__all__ = ["is_figure", "refuse_footer"]

#: Rows of figures that a footer may have, such as sum, mean and deviation.
FOOTERS = 3
#: Columns that tell a footer.
COLUMNS = 8
#: Share of a column's deviation within which a figure agrees.
NEAR = 5e-3
_ROWS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "sums": lambda block: block.sum(axis=0),
    "means": lambda block: block.mean(axis=0),
    "deviations": lambda block: block.std(axis=0),
    "deviations (n - 1)": lambda block: block.std(axis=0, ddof=1),
}


def is_figure(values: FloatArray, block: FloatArray) -> bool:
    """Whether a column is a figure over others: a mean, an extreme, a sum, a deviation.

    Examples
    --------
    >>> is_figure(np.array([4.0, 6.0]), np.array([[1.0, 3.0], [4.0, 2.0]]))
    True
    """
    figures = (np.mean, np.max, np.min, np.sum, np.median, np.std)
    return any(np.allclose(values, f(block, axis=1), rtol=1e-2) for f in figures)


def refuse_footer(grid: Grid, columns: Sequence[int]) -> None:
    """Refuse a last row that holds sums, means or deviations of the rows above.

    Extremes and medians are not looked for: times that are measured coarsely repeat them.

    Raises
    ------
    InvalidInputError
        With the line of that row.
    """
    few = list(columns[:COLUMNS])
    if len(few) < 2 or grid.rows < FOOTERS + 3:
        return
    values = grid.values[:, few]
    for count in range(1, FOOTERS + 1):
        block = values[:-count]
        near = NEAR * block.std(axis=0)
        for name, figure in _ROWS.items():
            if np.all(np.abs(values[-1] - figure(block)) < near):
                row = grid.rows - 1
                allowed = (
                    f"a round, but these are the {name} of the rows above (a footer? take it out)"
                )
                raise InvalidInputError(grid.place(row, few[0]), grid.cell(row, few[0]), allowed)
