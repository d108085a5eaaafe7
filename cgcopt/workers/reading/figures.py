"""Columns and rows that hold nothing new: sums and means of the others, and rounds once more."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError
from cgcopt.workers.reading.grid import Grid

__all__ = ["is_figure", "refuse_footer", "repeated_rounds"]

#: Rows of figures that a footer may have, such as sum, mean and deviation.
FOOTERS = 3
#: Columns that tell a footer.
COLUMNS = 8
#: Share of a column's deviation within which a figure agrees.
NEAR = 5e-3
#: Relative difference up to which a column agrees with a figure over the others: they are rounded.
CLOSE = 1e-2
#: Share of the rounds that must repeat others to be told.
REPEATED = 0.25
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
    return any(np.allclose(values, f(block, axis=1), rtol=CLOSE) for f in figures)


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
    with np.errstate(all="ignore"):  # sums of times near 1e308 overflow
        name = _figures_of_last(values)
    if name:
        row = grid.rows - 1
        allowed = f"a round, but these are the {name} of the rows above (a footer? take it out)"
        raise InvalidInputError(grid.place(row, few[0]), grid.cell(row, few[0]), allowed)


def _figures_of_last(values: FloatArray) -> str:
    """What the last row is of the rows above; empty if it is a round."""
    for count in range(1, FOOTERS + 1):
        block = values[:-count]
        near = NEAR * block.std(axis=0)
        for name, figure in _ROWS.items():
            if np.all(np.abs(values[-1] - figure(block)) < near):
                return name
    return ""


def repeated_rounds(times: FloatArray) -> str:
    """Say that many rounds are there twice; empty if not, or if times are measured too coarsely.

    Examples
    --------
    >>> times = np.array([[1.25, 2.5], [1.75, 2.25]])
    >>> repeated_rounds(np.concatenate([times, times]))
    '2 of 4 rounds repeat others to the last digit (a file twice?)'
    """
    rounds, workers = times.shape
    if workers < 2:
        return ""
    weights = np.random.default_rng(0).uniform(1.0, 2.0, workers)
    keys = (np.log(np.where(np.isfinite(times), times, 1.0)) * weights).sum(axis=1)
    again = rounds - np.unique(keys).size
    if again < max(2, REPEATED * rounds) or np.unique(times).size < REPEATED * times.size:
        return ""
    return f"{again} of {rounds} rounds repeat others to the last digit (a file twice?)"
