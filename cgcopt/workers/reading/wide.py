"""Wide form: a row a round, a column a worker; and the columns that are no workers.

A column is known by its name (``iteration``, ``timestamp``, ``mean``) or by its behaviour: it rises
in constant steps, or in every row, as counters and clocks do.  Columns named alike (``w0``, ``w1``,
...) are workers by their names; one of them that counts is asked about, not left out.
"""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from cgcopt._validate import did_you_mean
from cgcopt.errors import InvalidInputError
from cgcopt.workers.reading.behaviour import (
    BEHAVIOUR,
    never_falling,
    suspicion,
    whole_numbers,
)
from cgcopt.workers.reading.cells import Kind, expected
from cgcopt.workers.reading.figures import is_figure, refuse_footer
from cgcopt.workers.reading.found import Cells
from cgcopt.workers.reading.grid import Grid
from cgcopt.workers.reading.labels import (
    check_labels,
    counters,
    first_repeated,
    is_rising,
    kind_of_column,
    order_of,
)
from cgcopt.workers.reading.names import (
    is_clock,
    is_index,
    is_round,
    is_summary,
    is_time,
    is_worker,
    without_unit,
)
from cgcopt.workers.reading.options import ReadOptions
from cgcopt.workers.reading.roles import WideRoles, ask
from cgcopt.workers.reading.spans import in_one_unit

__all__ = ["read_wide"]

_DIGITS = re.compile(r"\d+", re.ASCII)


def read_wide(grid: Grid, roles: WideRoles, options: ReadOptions) -> Cells:
    """Take the workers' columns out of a grid.

    Raises
    ------
    InvalidInputError
        If a column or a cell cannot be what it would have to be; the message says what to type.
    """
    finder = _Finder(grid, roles, options)
    columns = finder.workers()
    for column in columns:
        _check_texts(grid, column, columns)
    order = np.arange(grid.rows)
    refuse_footer(grid, columns)
    times = grid.values[:, columns] if len(columns) < len(grid.header) else grid.values
    times, unit, mixed = in_one_unit(grid, columns, times, options)
    notes = [f"wide form: {grid.rows} rows as rounds, {len(columns)} columns as workers"]
    notes += finder.notes
    notes += [mixed] if mixed else []
    if finder.order is not None and finder.order != sorted(finder.order):
        order = np.array(finder.order)
        times = times[order]
        notes.append(f"the rows were put in the order of '{finder.ordered_by}'")
    names = tuple(grid.header[column] for column in columns)
    return Cells(
        times,
        names,
        unit,
        lambda r, w: grid.place(int(order[r]), columns[w]),
        tuple(notes),
        tuple(finder.left_out),
    )


class _Finder:
    """Tells the workers from the other columns."""

    def __init__(self, grid: Grid, roles: WideRoles, options: ReadOptions) -> None:
        self.grid, self.options = grid, options
        self.named = roles.round
        self.round: int | None = None  # a column of numbers that gives the order
        self.order: list[int] | None = None  # of the rows
        self.ordered_by = ""
        self.notes: list[str] = []
        self.left_out: list[str] = []
        stems = Counter(map(_pattern, grid.header))
        self.alike = [bool(s) and stems[s] > 1 for s in map(_pattern, grid.header)]
        self.counters = counters(grid, self.alike)

    def workers(self) -> list[int]:
        """The columns that are workers."""
        with np.errstate(all="ignore"):  # differences of times near 1e308 overflow
            return self._workers()

    def _workers(self) -> list[int]:
        header = self.grid.header
        self._check_round()
        told = self.options.columns
        if told is not None:
            numbers = {name: c for c, name in enumerate(header)}
            for name in told:
                if name not in numbers:
                    allowed = f"columns of the file: {did_you_mean(name, header)}"
                    raise InvalidInputError("worker_times.columns", list(told), allowed)
            others = [n for n in header if n not in told and numbers[n] != self.named]
            self._leave(others, "not asked for")
            return [numbers[name] for name in told]
        columns = [c for c in range(len(header)) if c != self.named]
        columns = [c for c in columns if not self._is_label(c)]
        columns = self._by_behaviour(columns)
        columns = [c for c in columns if not self._is_summary(c, columns)]
        self._ask_about_odd_names(columns)
        if not columns:
            self._ask(
                len(header) - 1,
                "a column of times: none is left (from points in time subtract the start)",
            )
        return columns

    def _leave(self, names: list[str], why: str) -> None:
        if names:
            self.left_out += names
            shown = ", ".join(f"'{name}'" for name in names[:5])
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            self.notes.append(f"left out: {shown}{more} ({why})")

    def _ask(self, column: int, allowed: str) -> None:
        advice = "; name the workers by --columns W0,W1,... (or columns in [worker_times])"
        raise InvalidInputError(
            f"{self.grid.file}: column {self.grid.header[column] or '1'}",
            ", ".join(self.grid.cell(row, column) for row in range(min(3, self.grid.rows)))
            + ", ...",
            allowed + advice,
        )

    def _check_round(self) -> None:
        if self.named is None or self.named in self.counters:
            return
        kind = check_labels(self.grid, self.named)
        self._refuse_repeated(self.named)
        self.round = self.named if kind is Kind.NUMBER else None
        self._order_by(self.named)

    def _order_by(self, column: int) -> None:
        if self.order is None:
            self.order = order_of(self.grid.labels(column))
            self.ordered_by = self.grid.header[column]
            if self.order is None:
                self.notes.append(f"rows in the order of the file, not of '{self.ordered_by}'")

    def _refuse_repeated(self, column: int) -> None:
        grid = self.grid
        numeric = kind_of_column(grid, column) is Kind.NUMBER
        if numeric and is_rising(grid, column, strictly=True):
            return
        found = first_repeated(grid.values[:, column].tolist() if numeric else grid.labels(column))
        if found is not None:
            allowed = (
                f"another in every row (row {found[0] + 1} has it too): long form? "
                "type --round COLUMN --worker COLUMN --time COLUMN; if columns are workers, "
                "--columns W0,W1,..."
            )
            raise InvalidInputError(
                grid.place(found[1], column), grid.cell(found[1], column), allowed
            )

    def _is_label(self, column: int) -> bool:
        """Whether a column is an index or a clock by its name, or holds dates."""
        name, grid = self.grid.header[column], self.grid
        kind = kind_of_column(grid, column)
        if is_worker(name) and self._is_long(column, kind):
            ask(grid.file, grid.header, "long form?")
        if kind is Kind.DATE:
            check_labels(grid, column)
            self._order_by(column)
            self._leave([name], "points in time")
            return True
        if self._is_text(column):
            return True
        named_index = is_index(name) or is_round(name)
        if not named_index and not is_clock(name):
            return False
        kind = check_labels(grid, column)
        if column in self.counters:
            self._leave([name], "an index")
            return True
        falling = bool(np.all(np.diff(grid.values[:, column]) < 0.0))
        if kind is Kind.NUMBER and falling:  # the latest first
            self._order_by(column)
        elif kind is Kind.NUMBER and not is_rising(grid, column, strictly=False):
            if is_time(name) and len(grid.header) - len(self.left_out) == 1:
                return False
            self._ask(column, "rising from row to row, as its name says, or a column of times")
        if kind is Kind.NUMBER and named_index and self.round is None and self.named is None:
            self._refuse_repeated_index(column)
        self._leave([name or "(no name)"], "an index" if named_index else "points in time")
        return True

    def _is_text(self, column: int) -> bool:
        """Whether a column of two rows or more holds no number, as names of hosts do."""
        grid, name = self.grid, self.grid.header[column]
        told = is_index(name) or is_round(name) or is_clock(name) or self.alike[column]
        if told or grid.rows < 2 or np.isfinite(grid.values[:, column]).any():
            return False
        texts = grid.texts.get(column, {})
        if any("\n" in text or text.strip()[0].isdigit() for text in texts.values()):
            return False  # a quote that is not closed, or damaged times
        if texts or sum(self.alike) >= BEHAVIOUR.named_alike:
            self._leave([name], "texts" if texts else "empty")
            return True
        return False

    def _is_long(self, column: int, kind: Kind) -> bool:
        """Whether a column named as workers are makes a long form, beside columns named alike."""
        names = [name for name, alike in zip(self.grid.header, self.alike, strict=True) if alike]
        stem = _pattern(names[0]) if names else ""
        if is_round(stem) or is_index(stem):
            allowed = "a column of times: a row is a worker here, not a round (turn the table)"
            self._ask(column, allowed)
        return kind is Kind.NUMBER or len(names) < BEHAVIOUR.named_alike

    def _refuse_repeated_index(self, column: int) -> None:
        """An index may repeat (an epoch of many steps) if another one does not."""
        others = (c for c in range(len(self.grid.header)) if c != column)
        if not any(
            is_index(self.grid.header[c])
            and kind_of_column(self.grid, c) is Kind.NUMBER
            and is_rising(self.grid, c, strictly=True)
            for c in others
        ):
            self._refuse_repeated(column)

    def _by_behaviour(self, columns: list[int]) -> list[int]:
        """Leave out, or ask about, columns that count, rise, or hold ids."""
        grid = self.grid
        whole = whole_numbers(grid, columns)
        decimals = len(whole) < len(columns)  # some worker has decimals
        suspects = {
            c: why
            for c in never_falling(grid, columns)
            if (why := suspicion(grid, c, alike=self.alike[c], decimals=decimals))
        }
        if suspects and len(suspects) == len(columns) and grid.rows >= BEHAVIOUR.rising:
            self._ask(
                columns[0], "a column of times: every column rises from row to row, as clocks do"
            )
        if len(suspects) == len(columns):
            return columns
        for column, why in suspects.items():
            if self.alike[column]:
                self._ask(column, f"a column of times: it {why}, as an index or a clock does")
            self._leave([grid.header[column]], f"it {why}, as an index or a clock does")
        columns = [c for c in columns if c not in suspects]
        whole = [c for c in whole if c not in suspects]
        if grid.rows >= BEHAVIOUR.whole and len(whole) < len(columns):
            for column in whole:
                if not self.alike[column]:
                    self._ask(
                        column,
                        "a column of times: it holds whole numbers only, as ids do "
                        "(long form? --round COLUMN --worker COLUMN --time COLUMN)",
                    )
        return columns

    def _ask_about_odd_names(self, columns: list[int]) -> None:
        """Ask about a column that is not named as most are, such as a loss or a rate."""
        odd = [c for c in columns if not self.alike[c]]
        block = self.grid.values[:, [c for c in columns if self.alike[c]]]
        for column in odd if block.shape[1] >= BEHAVIOUR.named_alike else []:
            if is_figure(self.grid.values[:, column], block):
                self._leave([self.grid.header[column]], "a figure over the other columns")
                columns.remove(column)
        odd = [c for c in columns if not self.alike[c]]
        alike = len(columns) - len(odd)
        if odd and alike >= BEHAVIOUR.named_alike and alike > len(odd):
            self._ask(odd[0], "a column of times: it is not named as the others are")

    def _is_summary(self, column: int, columns: list[int]) -> bool:
        """Whether a column is a figure over the others, by its name and by its cells."""
        name = self.grid.header[column]
        if not is_summary(name):
            return False
        others = [c for c in columns if not is_summary(self.grid.header[c])]
        if not others:
            return False
        values, block = self.grid.values[:, column], self.grid.values[:, others]
        if not is_figure(values, block) and self.grid.rows > 1:
            self._ask(column, "a column of times: its name is that of a figure over all workers")
        self._leave([name], "a figure over the other columns")
        return True


def _pattern(name: str) -> str:
    """What names of one series have in common: all but their numbers, or that all are numbers."""
    if name.isdigit():
        return "0"
    pattern = _DIGITS.sub("#", without_unit(name))
    return pattern if "#" in pattern and any(map(str.isalpha, pattern)) else ""


def _check_texts(grid: Grid, column: int, columns: list[int]) -> None:
    texts = grid.texts.get(column)
    if not texts:
        return
    row = min(texts)
    allowed = expected(texts[row])
    if all(0 in grid.texts.get(c, {}) for c in columns) and not any(map(str.isdigit, texts[0])):
        allowed = "a time (a second line of the header? take it out; --unit tells the unit)"
    raise InvalidInputError(grid.place(row, column), texts[row].strip(), allowed)
