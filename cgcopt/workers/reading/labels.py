"""Columns that name the rounds, count them or give the time: their cells must all be of one kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from cgcopt.errors import InvalidInputError
from cgcopt.workers.reading.cells import Kind, kind_of, stem_of
from cgcopt.workers.reading.grid import Grid

__all__ = ["check_labels", "first_repeated", "is_rising", "kind_of_column"]


def kind_of_column(grid: Grid, column: int) -> Kind:
    """What most cells of a column are."""
    present = int(np.count_nonzero(np.isfinite(grid.values[:, column])))
    texts = grid.kept.get(column) or grid.texts.get(column, {}).values()
    if present * 2 > grid.rows or not texts:
        return Kind.NUMBER
    return Counter(kind_of(text, grid.decimal) for text in texts).most_common(1)[0][0]


def check_labels(grid: Grid, column: int) -> Kind:
    """Refuse a column of labels in which one cell is something else, such as a footer.

    Returns
    -------
    Kind
        Numbers, dates, or labels with a number behind one stem.

    Raises
    ------
    InvalidInputError
        If the cells are not of one kind; the first odd one is named.
    """
    kind = kind_of_column(grid, column)
    if kind is Kind.NUMBER:
        _refuse_first(grid, column, np.flatnonzero(~np.isfinite(grid.values[:, column])), kind)
        return kind
    cells = grid.labels(column)
    stems = Counter(stem_of(cell) for cell in cells) if kind is Kind.LABEL else Counter()
    stem = stems.most_common(1)[0][0] if stems else ""
    odd = (
        row
        for row, cell in enumerate(cells)
        if kind_of(cell, grid.decimal) is not kind or (stem and stem_of(cell) != stem)
    )
    _refuse_first(grid, column, odd, kind)
    if kind not in (Kind.DATE, Kind.LABEL):
        _refuse_first(grid, column, [0], Kind.NUMBER)
    return kind


def first_repeated(cells: Iterable[object]) -> tuple[int, int] | None:
    """Return the first two rows with the same cell.

    Examples
    --------
    >>> first_repeated("abca"), first_repeated("abc")
    ((0, 3), None)
    """
    seen: dict[object, int] = {}
    for row, cell in enumerate(cells):
        if cell in seen:
            return seen[cell], row
        seen[cell] = row
    return None


def is_rising(grid: Grid, column: int, *, strictly: bool) -> bool:
    """Whether the numbers of a column never fall."""
    steps = np.diff(grid.values[:, column])
    return bool(np.all(steps > 0.0 if strictly else steps >= 0.0))


def _refuse_first(grid: Grid, column: int, rows: Iterable[int], kind: Kind) -> None:
    for row in rows:
        allowed = f"{kind.value}, as a label of a round is"
        allowed += " (a footer? take the line out of the file)" if row == grid.rows - 1 else ""
        raise InvalidInputError(grid.place(int(row), column), grid.cell(int(row), column), allowed)
