"""Wide form: a row a round, a column a worker; and the columns that are no workers.

A column is known by its name (``iteration``, ``timestamp``, ``mean``) or by its behaviour: it rises
in constant steps, or in every row, as counters and clocks do.  Columns named alike (``w0``, ``w1``,
...) are workers by their names; one of them that counts is asked about, not left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cgcopt._validate import did_you_mean
from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError
from cgcopt.workers.reading.cells import Kind, stem_of
from cgcopt.workers.reading.grid import Grid
from cgcopt.workers.reading.labels import (
    check_labels,
    first_repeated,
    is_rising,
    kind_of_column,
)
from cgcopt.workers.reading.names import (
    is_clock,
    is_index,
    is_round,
    is_summary,
    is_time,
    is_worker,
    unit_in,
)
from cgcopt.workers.reading.options import ReadOptions
from cgcopt.workers.reading.roles import WideRoles, ask

__all__ = ["Cells", "read_wide"]

#: Digits in groups of three, and another mark behind them: 1.234,5 or 1,234.5 or 1.234.567.
_GROUPED = re.compile(r"[+-]?\d{1,3}([.,' ]\d{3})+[.,]\d+", re.ASCII)


@dataclass(frozen=True)
class Behaviour:
    """From how many rounds on a column is judged by its cells."""

    constant: int = 4  # constant steps: two steps alike may be chance, three hardly
    rising: int = 10  # rising in every row: chance 1/10! for independent times
    rising_alike: int = 20  # for a column that is named as the others are
    named_alike: int = 3  # columns w0, w1, ..., beside which another name is asked about
    whole: int = 8  # whole numbers beside decimals
    epoch: float = 1e9  # seconds since 1970 are above it
    epoch_ratio: float = 1e4  # and so much above the other columns


BEHAVIOUR = Behaviour()


@dataclass(frozen=True, eq=False)
class Cells:
    """Times that were found: numbers, NaN where there are none, and where each stands.

    Attributes
    ----------
    times : ndarray, shape (R, W)
        As they are in the file, in its unit.
    columns : tuple of str
        Names of the workers.
    unit : str or None
        The unit that the names of the columns end with.
    place : callable
        Names the place of entry ``(r, w)`` in the file.
    notes : tuple of str
        What was taken for what.
    left_out : tuple of str
        Columns that are in the file and not in the times.
    long : bool
        Whether the file was in long form.
    """

    times: FloatArray
    columns: tuple[str, ...]
    unit: str | None
    place: Callable[[int, int], str]
    notes: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    long: bool = False


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
        _check_texts(grid, column)
    order = np.arange(grid.rows)
    times = grid.values[:, columns] if len(columns) < len(grid.header) else grid.values
    notes = [f"wide form: {grid.rows} rows as rounds, {len(columns)} columns as workers"]
    notes += finder.notes
    rounds = finder.round
    if rounds is not None and not is_rising(grid, rounds, strictly=True):
        order = np.argsort(grid.values[:, rounds], kind="stable")
        times = times[order]
        notes.append(f"the rows were put in the order of '{grid.header[rounds]}'")
    units = {unit_in(grid.header[column]) for column in columns}
    names = tuple(grid.header[column] for column in columns)
    return Cells(
        times,
        names,
        units.pop() if len(units) == 1 else None,
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
        self.notes: list[str] = []
        self.left_out: list[str] = []
        stems = Counter(map(_pattern, grid.header))
        self.alike = [bool(s) and stems[s] > 1 for s in map(_pattern, grid.header)]

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
            self._ask(len(header) - 1, "a column of times: none is left")
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
        if self.named is None:
            return
        kind = check_labels(self.grid, self.named)
        self._refuse_repeated(self.named)
        self.round = self.named if kind is Kind.NUMBER else None

    def _refuse_repeated(self, column: int) -> None:
        grid = self.grid
        numeric = kind_of_column(grid, column) is Kind.NUMBER
        found = first_repeated(grid.values[:, column].tolist() if numeric else grid.labels(column))
        if found is not None:
            allowed = (
                f"another in every row (row {found[0] + 1} has it too): long form? "
                "type --round COLUMN --worker COLUMN --time COLUMN"
            )
            raise InvalidInputError(
                grid.place(found[1], column), grid.cell(found[1], column), allowed
            )

    def _is_label(self, column: int) -> bool:
        """Whether a column is an index or a clock by its name, or holds dates."""
        name, grid = self.grid.header[column], self.grid
        if is_worker(name):
            ask(grid.file, grid.header, "long form?")
        kind = kind_of_column(grid, column)
        if kind is Kind.DATE:
            check_labels(grid, column)
            self._leave([name], "points in time")
            return True
        named_index = is_index(name) or is_round(name)
        if not named_index and not is_clock(name):
            return False
        kind = check_labels(grid, column)
        if kind is Kind.NUMBER and not is_rising(grid, column, strictly=False):
            if is_time(name) and len(grid.header) - len(self.left_out) == 1:
                return False
            self._ask(column, "rising from row to row, as its name says, or a column of times")
        if kind is Kind.NUMBER and named_index and self.round is None and self.named is None:
            self._refuse_repeated_index(column)
        self._leave([name or "(no name)"], "an index" if named_index else "points in time")
        return True

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
        whole = self._whole(columns)
        decimals = len(whole) < len(columns)  # some worker has decimals
        suspects = {
            c: why for c in self._monotone(columns) if (why := self._suspicion(c, decimals))
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
        alike = len(columns) - len(odd)
        if odd and alike >= BEHAVIOUR.named_alike and alike > len(odd):
            self._ask(odd[0], "a column of times: it is not named as the others are")

    def _monotone(self, columns: list[int]) -> list[int]:
        """Columns that never fall; most are told by their first rows."""
        first = self.grid.values[:64, columns]
        if len(first) < 2:
            return []
        steps = np.diff(first, axis=0)
        rising = np.all(steps >= 0.0, axis=0) | np.all(steps == steps[:1], axis=0)
        return [c for c, up in zip(columns, rising, strict=True) if up]

    def _suspicion(self, column: int, decimals: bool) -> str:
        """Why a column that never falls is no column of times; empty if it may be one."""
        values = self.grid.values[:, column]
        steps, rows = np.diff(values), values.size
        constant = np.all(np.abs(steps - steps[0]) <= 1e-9 * abs(steps[0])) and steps[0] != 0.0
        if constant and rows >= BEHAVIOUR.constant:
            counts = abs(steps[0]) == 1.0 and values[0] in (0.0, 1.0) and decimals
            if not self.alike[column] or counts:
                return "rises in constant steps" if steps[0] > 0 else "falls in constant steps"
        needed = BEHAVIOUR.rising_alike if self.alike[column] else BEHAVIOUR.rising
        if rows >= needed and np.all(steps > 0.0):
            return "rises in every row"
        clock = np.all(values >= BEHAVIOUR.epoch) and values[-1] < 1.1 * values[0]
        if clock and not self.alike[column]:
            lowest = float(np.nanmin(self.grid.values[:64, :]))
            if values[0] > BEHAVIOUR.epoch_ratio * lowest:
                return "counts seconds since 1970"
        return ""

    def _whole(self, columns: list[int]) -> list[int]:
        """Columns of whole numbers."""
        first = self.grid.values[:1000, columns]
        whole = np.all(first == np.floor(first), axis=0)
        return [c for c, is_whole in zip(columns, whole.tolist(), strict=True) if is_whole]

    def _is_summary(self, column: int, columns: list[int]) -> bool:
        """Whether a column is a figure over the others, by its name and by its cells."""
        name = self.grid.header[column]
        if not is_summary(name):
            return False
        others = [c for c in columns if not is_summary(self.grid.header[c])]
        if not others:
            return False
        values, block = self.grid.values[:, column], self.grid.values[:, others]
        figures = (np.mean, np.max, np.min, np.sum, np.median, np.std)
        near = any(np.allclose(values, f(block, axis=1), rtol=1e-2) for f in figures)
        if not near and self.grid.rows > 1:
            self._ask(column, "a column of times: its name is that of a figure over all workers")
        self._leave([name], "a figure over the other columns")
        return True


def _pattern(name: str) -> str:
    """What names of one series have in common: the stem before the number, or that all are numbers."""
    return "0" if name.isdigit() else stem_of(name)


def _check_texts(grid: Grid, column: int) -> None:
    texts = grid.texts.get(column)
    if not texts:
        return
    row = min(texts)
    raise InvalidInputError(grid.place(row, column), texts[row].strip(), expected(texts[row]))


def expected(cell: str) -> str:
    """Say what a cell of times must be, and what to type if it is meant as one."""
    allowed = "a finite number of seconds > 0"
    if _GROUPED.fullmatch(cell.strip()):
        return f"{allowed}, without marks between thousands: take them out of the file"
    if "," in cell:
        return f"{allowed} (--decimal , reads a decimal comma)"
    if "inf" in cell.lower():
        return f"{allowed} (a worker that never answered: leave the cell empty, --missing failed)"
    return allowed
