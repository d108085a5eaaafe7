"""Columns that name the rounds, count them or give the time: their cells must all be of one kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

import numpy as np

from cgcopt.errors import InvalidInputError
from cgcopt.workers.reading.cells import Kind, kind_of, number_of, stem_of
from cgcopt.workers.reading.grid import Grid
from cgcopt.workers.reading.names import is_index, is_round

__all__ = ["check_labels", "counters", "first_repeated", "is_rising", "kind_of_column", "order_of"]


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


def counters(grid: Grid, alike: Sequence[bool]) -> frozenset[int]:
    """Columns that count together, such as epoch and step, or an epoch of many rounds.

    Beside columns that are named alike only: else a table in long form would be taken for one.
    """
    if sum(alike) < 3:
        return frozenset()
    named = [
        c
        for c, name in enumerate(grid.header)
        if (is_index(name) or is_round(name)) and np.isfinite(grid.values[:, c]).all()
    ]
    if len(named) == 1 and grid.header[named[0]].strip().lower() in ("epoch", "epochs"):
        return frozenset(named if is_rising(grid, named[0], strictly=False) else [])
    rows = [tuple(row) for row in grid.values[:, named].tolist()] if len(named) > 1 else []
    rising = all(later > earlier for earlier, later in pairwise(rows))
    return frozenset(named if rows and rising else [])


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


def order_of(labels: Sequence[str]) -> list[int] | None:
    """Return the labels' numbers in their order, if they have one: numbers, r1 and r2, ISO dates.

    Examples
    --------
    >>> order_of(["r10", "r9"]), order_of(["2026-03-01", "2026-02-01"]), order_of(["a", "b"])
    ([1, 0], [1, 0], None)
    """
    for key in (number_of, _counted, _moment):
        keys = [key(label) for label in labels]
        if None not in keys and (key is not _counted or len(set(map(stem_of, labels))) == 1):
            try:
                return sorted(range(len(keys)), key=lambda i: (keys[i], i))
            except TypeError:  # dates with and without their time zone
                return None
    return None


def _counted(label: str) -> int | None:
    digits = label[len(label.rstrip("0123456789")) :]
    return int(digits) if stem_of(label) else None


def _moment(label: str) -> datetime | None:
    for form in (None, "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S"):
        try:
            return datetime.strptime(label, form) if form else datetime.fromisoformat(label)
        except ValueError:
            continue
    return None


def is_rising(grid: Grid, column: int, *, strictly: bool) -> bool:
    """Whether the numbers of a column never fall."""
    steps = np.diff(grid.values[:, column])
    return bool(np.all(steps > 0.0 if strictly else steps >= 0.0))


def _refuse_first(grid: Grid, column: int, rows: Iterable[int], kind: Kind) -> None:
    for row in rows:
        allowed = f"{kind.value}, as a label of a round is"
        if row in (0, grid.rows - 1):
            what = "a footer" if row else "a second line of the header"
            allowed += f" ({what}? take the line out of the file)"
        raise InvalidInputError(grid.place(int(row), column), grid.cell(int(row), column), allowed)
