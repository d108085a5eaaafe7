"""Schedules: designs in which workers may differ in the order of their cells and in their work.

Block ``n`` of a partition ``x`` is cut into ``C`` equal cells of its coordinates. Worker ``i`` computes
them cyclically, from cell ``floor(i C / N)`` on, and does ``y_{i,n}`` of work on the block (in the unit
``u = M b / N``, like the cumulative work of a design; equal work is ``(n+1) x_n`` for every worker).
``C = 1`` is the order of :class:`cgcopt.Design`: a block is one cell.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cgcopt._validate import real_array, whole_number
from cgcopt._writing import write_text
from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import Design, Partitioned, largest_remainder
from cgcopt.errors import InvalidInputError

__all__ = ["Schedule", "cyclic_places", "equal_work", "fractions_of_shares", "poured"]

#: What the work on a block may miss of its sum and of its limits, relative to ``N L``.
_TOLERANCE = 1e-9


def equal_work(partition: ArrayLike) -> FloatArray:
    """Work ``y_{i,n} = (n+1) x_n`` that is the same for every worker, shape ``(N, N)``.

    Examples
    --------
    >>> equal_work([2.0, 1.0])
    array([[2., 2.],
           [2., 2.]])
    """
    x = np.asarray(partition, dtype=np.float64)
    block = x * np.arange(1, x.size + 1)
    return np.tile(block, (x.size, 1))


def cyclic_places(workers: int, cells: int) -> IntArray:
    """Place ``p_{i,c}`` of every cell in the order of every worker, ``1, ..., C``, shape ``(N, C)``.

    Worker ``i`` starts at cell ``floor(i C / N)`` and goes around.

    Examples
    --------
    >>> cyclic_places(3, 3)
    array([[1, 2, 3],
           [3, 1, 2],
           [2, 3, 1]])
    """
    first = np.arange(workers)[:, np.newaxis] * cells // workers
    places: IntArray = (np.arange(cells)[np.newaxis, :] - first) % cells + 1
    return places


def fractions_of_shares(shares: ArrayLike, most: float = 1.0) -> FloatArray:
    """Fractions ``a_{i,n}`` of the data that follow from one share ``rho_i`` a worker.

    ``a_{i,n} = min(most, c_n rho_i)`` with ``c_n`` such that ``sum_i a_{i,n} = n + 1``: what passes
    the cap is poured over the others in proportion to their shares. Workers without a share take
    part, in equal parts, once all others are full.

    Parameters
    ----------
    shares : array_like, shape (N,)
        Nonnegative, with a positive sum (which is scaled to 1).
    most : float
        The cap. Levels with more than ``N most`` copies cannot keep it: there it is ``(n+1)/N``.

    Returns
    -------
    ndarray, shape (N, N)
        Row ``i`` is worker ``i``, column ``n`` is level ``n``.

    Examples
    --------
    >>> fractions_of_shares([0.5, 0.25, 0.25])
    array([[0.5 , 1.  , 1.  ],
           [0.25, 0.5 , 1.  ],
           [0.25, 0.5 , 1.  ]])
    """
    rho = np.asarray(shares, dtype=np.float64)
    count = rho.size
    columns = [poured(rho, n + 1.0, max(most, (n + 1.0) / count)) for n in range(count)]
    return np.stack(columns, axis=1)


def poured(rho: FloatArray, total: float, cap: float) -> FloatArray:
    """Split ``total`` in proportion to ``rho``, shape ``(N,)``, nobody more than ``cap``.

    Examples
    --------
    >>> poured(np.array([3.0, 1.0, 0.0]), 2.0, 1.0).tolist()
    [1.0, 1.0, 0.0]
    """
    full = np.zeros(rho.size, dtype=bool)
    while True:
        left, inside = total - cap * full.sum(), rho[~full].sum()
        if inside > 0:
            part = rho * (left / inside)
        else:
            part = np.full(rho.size, left / max((~full).sum(), 1))
        over = ~full & (part >= cap)
        if inside <= 0 or not over.any():
            return np.where(full, cap, np.minimum(part, cap))
        full |= over


@dataclass(frozen=True, eq=False)
class Schedule(Partitioned):
    """A partition, the cell order of its blocks and the work of every worker.

    Parameters
    ----------
    partition : array_like
        ``x``, shape ``(N,)``, nonnegative, finite, with a positive sum.
    work : array_like, optional
        ``y_{i,n}``, shape ``(N, N)``: what worker ``i`` (row) does for block ``n`` (column), in the unit
        ``u = M b / N``; ``0 <= y_{i,n} <= N x_n`` and ``sum_i y_{i,n} = N (n+1) x_n``. Or shares
        ``rho_i`` of shape ``(N,)``, see :func:`fractions_of_shares`. By default equal work,
        ``(n+1) x_n``. Kept with shape ``(N, N)``.
    rotated : bool
        Whether workers start at different cells. With ``False`` a block is one cell.
    cells : int, optional
        ``C``, cells of a block; by default ``N``. With ``1`` the order is that of a
        :class:`cgcopt.Design`.

    Raises
    ------
    InvalidInputError
        If the partition or the work is refused, or an order that is the same for all has several cells.

    Examples
    --------
    >>> schedule = Schedule([40, 10, 0, 50])
    >>> schedule.cells, schedule.rotated, schedule.has_equal_work
    (4, True, True)
    >>> schedule.places[1].tolist()
    [4, 1, 2, 3]
    >>> Schedule.from_dict(schedule.to_dict()) == schedule
    True
    """

    partition: FloatArray
    work: FloatArray = None  # type: ignore[assignment]
    rotated: bool = True
    cells: int = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        x = Design(self.partition).partition
        rotated, cells = _checked_order(self.rotated, self.cells, x.size)
        y = _checked_work(self.work, x)
        y.flags.writeable = False
        object.__setattr__(self, "partition", x)
        object.__setattr__(self, "work", y)
        object.__setattr__(self, "rotated", rotated)
        object.__setattr__(self, "cells", cells)

    @classmethod
    def from_fractions(
        cls,
        partition: ArrayLike,
        fractions: ArrayLike,
        *,
        rotated: bool = True,
        cells: int | None = None,
    ) -> Schedule:
        """Build the schedule in which worker ``i`` computes block ``n`` on a share of the data.

        Parameters
        ----------
        partition : array_like, shape (N,)
        fractions : array_like, shape (N, N)
            ``a_{i,n}`` between 0 and 1, ``sum_i a_{i,n} = n + 1`` on used levels; ``y = N a x``.

        Examples
        --------
        >>> Schedule.from_fractions([4, 0], [[0.25, 1.0], [0.75, 1.0]]).work.tolist()
        [[2.0, 0.0], [6.0, 0.0]]
        """
        x = Design(real_array("partition", partition, "a list of numbers")).partition
        a = real_array("fractions", fractions, "numbers")
        if a.shape != (x.size, x.size):
            raise InvalidInputError("fractions", f"shape {a.shape}", f"shape {(x.size, x.size)}")
        return cls(x, x.size * a * x, rotated, cells)  # type: ignore[arg-type]

    @classmethod
    def of(cls, given: Design | Schedule, cells: int = 1) -> Schedule:
        """Return a schedule as it is, and of a design the schedule with equal work.

        Parameters
        ----------
        given : Design or Schedule
        cells : int
            Cells of a block of a design; with one, the order is the same for all workers.

        Examples
        --------
        >>> Schedule.of(Design([4, 0])) == Schedule([4, 0], rotated=False)
        True
        """
        return given if isinstance(given, Schedule) else cls(given.partition, cells=cells)

    @property
    def design(self) -> Design:
        """The partition alone: the same blocks in one order with equal work."""
        return Design(self.partition)

    @property
    def has_equal_work(self) -> bool:
        """Whether every worker does the same."""
        return np.array_equal(self.work, equal_work(self.partition))

    @property
    def fractions(self) -> FloatArray:
        """Fractions ``a_{i,n} = y_{i,n} / (N x_n)`` of the data, shape ``(N, N)``.

        On an empty block, where nothing is computed, ``(n+1)/N``.
        """
        x, n = self.partition, self.workers
        equal = np.tile(np.arange(1, n + 1) / n, (n, 1))
        if self.has_equal_work:
            return equal
        a = np.divide(self.work, n * x, out=equal, where=x > 0)
        return np.asarray(np.clip(a, 0.0, 1.0))

    @property
    def cumulative_work(self) -> FloatArray:
        """What worker ``i`` has done after block ``n``, ``W_{i,n}``, shape ``(N, N)``."""
        return np.cumsum(self.work, axis=1)

    @property
    def places(self) -> IntArray:
        """Place of cell ``c`` in the order of worker ``i``, ``1, ..., C``, shape ``(N, C)``."""
        return cyclic_places(self.workers, self.cells)

    def check(self, workers: int, coordinates: int, *, tolerance: float = 1e-9) -> Schedule:
        """Return the schedule itself if it has ``workers`` levels and ``coordinates`` coordinates.

        Raises
        ------
        InvalidInputError
            If the length is wrong or the sum is off by more than ``tolerance`` relatively.
        """
        self.design.check(workers, coordinates, tolerance=tolerance)
        return self

    def with_partition(self, partition: ArrayLike) -> Schedule:
        """The same order and the same fractions of the data, with other sizes of the blocks."""
        if self.has_equal_work:
            return Schedule(
                np.asarray(partition, dtype=np.float64), rotated=self.rotated, cells=self.cells
            )
        return Schedule.from_fractions(
            partition, self.fractions, rotated=self.rotated, cells=self.cells
        )

    def rounded(self, coordinates: int) -> Schedule:
        """The same order and fractions with whole numbers of coordinates, ``coordinates`` in all.

        Examples
        --------
        >>> Schedule([1.6, 0.0, 2.4]).rounded(4).partition.tolist()
        [2.0, 0.0, 2.0]
        """
        return self.with_partition(largest_remainder(self.partition, coordinates))

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers; the work only where it differs between workers."""
        table: dict[str, Any] = {
            "partition": self.partition.tolist(),
            "rotated": self.rotated,
            "cells": self.cells,
        }
        if not self.has_equal_work:
            table["work"] = self.work.tolist()
        return table

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> Schedule:
        """Build the schedule that :meth:`to_dict` wrote.

        Raises
        ------
        InvalidInputError
            If the partition is missing or there is an unknown key.
        """
        known = ("partition", "work", "rotated", "cells")
        unknown = next((key for key in table if key not in known), None)
        if unknown is not None:
            raise InvalidInputError("schedule", unknown, f"one of: {', '.join(known)}")
        if "partition" not in table:
            raise InvalidInputError("schedule", sorted(table), "a table with a partition")
        return cls(**table)

    def save(self, path: str | Path) -> None:
        """Write :meth:`to_dict` as JSON; a solution that holds the schedule is saved with its problem.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        write_text(Path(path), json.dumps(self.to_dict(), indent=1) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> Schedule:
        """Read a schedule that :meth:`save` wrote.

        Raises
        ------
        InvalidInputError
            If the file cannot be read, or holds something else.
        """
        try:
            table = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise InvalidInputError("schedule", str(path), f"a JSON file ({error})") from error
        if not isinstance(table, dict):
            raise InvalidInputError("schedule", str(path), "a JSON file with a table")
        return cls.from_dict(table)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Schedule):
            return NotImplemented
        return (
            self.cells == other.cells
            and np.array_equal(self.partition, other.partition)
            and np.array_equal(self.work, other.work)
        )

    def __hash__(self) -> int:
        return hash((self.partition.tobytes(), self.work.tobytes(), self.cells))


def _checked_order(rotated: Any, cells: Any, workers: int) -> tuple[bool, int]:
    if not isinstance(rotated, bool | np.bool_):
        raise InvalidInputError("rotated", rotated, "True or False")
    if cells is None:
        cells = workers if rotated else 1
    count = whole_number("cells", cells, least=1)
    if not rotated and count > 1:
        raise InvalidInputError("cells", cells, "1 where the order is the same for all workers")
    return bool(rotated) and count > 1, count


def _checked_work(work: Any, x: FloatArray) -> FloatArray:
    """The work of every worker on every block, or one line that says what is wrong with it."""
    count = x.size
    if work is None:
        return equal_work(x)
    y = np.array(real_array("work", work, "numbers"))
    if y.shape not in ((count,), (count, count)):
        allowed = f"shape {(count, count)} (work) or {(count,)} (shares)"
        raise InvalidInputError("work", f"shape {y.shape}", allowed)
    if not np.all(np.isfinite(y)) or np.any(y < 0):
        bad = y[~(np.isfinite(y) & (y >= 0))][0].item()
        raise InvalidInputError("work", bad, "finite numbers of at least 0")
    if y.ndim == 1:
        if y.sum() <= 0:
            raise InvalidInputError("work", y.tolist(), "shares with a positive sum")
        if np.all(y == y[0]):
            return equal_work(x)
        return np.asarray(count * fractions_of_shares(y) * x)
    slack = _TOLERANCE * count * x.sum()
    over = np.argwhere(y > count * x + slack)
    if over.size:
        i, n = over[0].tolist()
        raise InvalidInputError(
            f"work[{i}, {n}]", y[i, n].item(), f"at most N x_n = {count * x[n]:g}"
        )
    due = count * np.arange(1, count + 1) * x
    off = np.flatnonzero(np.abs(y.sum(axis=0) - due) > count * slack)
    if off.size:
        n = int(off[0])
        allowed = f"N (n+1) x_n = {due[n]:g}"
        raise InvalidInputError(f"sum of work[:, {n}]", float(y[:, n].sum()), allowed)
    return y
