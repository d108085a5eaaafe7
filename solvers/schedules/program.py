"""The linear program that minimises a majorant over partitions and work.

Columns are the sizes of the blocks, the cumulative work of the workers and bounds on the runtimes:
every row of the majorant has three entries (a few more where sending costs time).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from cgcopt.arrays import LEAST_DIVISOR, FloatArray, IntArray
from cgcopt.errors import SolverError
from cgcopt.formulations.highs_model import HighsModel, run_interior_point
from cgcopt.schedule import Schedule, fractions_of_shares
from cgcopt.solvers.schedules.aims import Columns
from cgcopt.solvers.schedules.freedom import Freedom
from cgcopt.solvers.schedules.majorant import Majorant
from cgcopt.solvers.schedules.sample import Sample

__all__ = ["Minimum", "Shares", "Work", "minimised_majorant"]


@dataclass(frozen=True)
class ProgramTuning:
    """Numbers of the linear program and of the repair of its point; no measurement is on record."""

    least_seconds: float = 0.05
    """Time limit of HiGHS at least, however little is left."""
    repairs: int = 60
    """Passes over a work that misses its sums by the tolerance of HiGHS, at most."""
    enough: float = 1e-15
    """What is missing of a sum, relatively, that ends the passes."""
    missed: float = 1e-10
    """What is missing of a sum, relatively, after which the point is refused."""


_TUNING = ProgramTuning()


@dataclass(frozen=True, eq=False)
class Minimum:
    """The end of a linear program.

    Attributes
    ----------
    schedule : Schedule
        Its point, moved onto the constraints.
    value : float
        Its objective: no schedule with these used levels has a smaller majorant.
    """

    schedule: Schedule
    value: float


@dataclass(frozen=True, eq=False)
class Shares:
    """Shares of the workers around which the work is linear, and how far they may move.

    Attributes
    ----------
    rho : ndarray, shape (N,)
    partition : ndarray, shape (N,)
    reach : float
        Largest relative change of a share.
    """

    rho: FloatArray
    partition: FloatArray
    reach: float


#: Who may do how much.
Work = Literal[Freedom.EQUAL, Freedom.FULL] | Shares


def minimised_majorant(
    sample: Sample,
    majorant: Majorant,
    columns: Columns,
    freedom: Work,
    *,
    most: float = 1.0,
    least: float = 1e-9,
    time_limit: float = np.inf,
) -> Minimum | None:
    """Minimise the aim over the rows of a majorant.

    Parameters
    ----------
    sample : Sample
    majorant : Majorant
        Or some of its rows.
    columns : Columns
        From the aim.
    freedom : Freedom or Shares
        Who may do how much; shares stand for ``Freedom.SHARES``, around them.
    most : float
        Largest fraction of the data that a worker may hold for a block.
    least : float
        Smallest block: a used level stays used, which keeps its rows true.
    time_limit : float
        Seconds.

    Returns
    -------
    Minimum or None
        ``None`` where the solver ends without a point.
    """
    model = HighsModel()
    place = _Place.on(model, sample, majorant, freedom, most, least)
    _runtime_rows(model, sample, majorant, columns, place)
    highs = model.build()
    highs.setOptionValue("run_crossover", "off")
    if np.isfinite(time_limit):
        highs.setOptionValue("time_limit", max(time_limit, _TUNING.least_seconds))
    run_interior_point(highs)
    point = np.asarray(highs.getSolution().col_value)
    if point.size == 0 or not _usable(highs):
        return None
    schedule = place.schedule(point, sample.workers, majorant, freedom, most)
    return Minimum(schedule, float(highs.getInfo().objective_function_value))


def _usable(highs: Any) -> bool:
    import highspy

    return bool(highs.getModelStatus() == highspy.HighsModelStatus.kOptimal)


@dataclass(frozen=True, eq=False)
class _Place:
    """Where the variables stand.

    Attributes
    ----------
    work : ndarray, shape (N, B)
        Column of the cumulative work of worker ``i`` after used level ``b``.
    sizes : ndarray, shape (B,)
        Columns of the partition.
    rho : ndarray, shape (N,), optional
        Columns of the shares.
    """

    work: IntArray
    sizes: IntArray
    rho: IntArray | None

    @classmethod
    def on(
        cls,
        model: HighsModel,
        sample: Sample,
        majorant: Majorant,
        freedom: Work,
        most: float,
        least: float,
    ) -> _Place:
        """Add the columns of the work, and the rows that tie it to the partition."""
        count, levels = sample.workers, majorant.levels
        blocks = levels.size
        sizes = model.columns("x", (blocks,), lower=least)
        model.rows("all", (), [(1.0, sizes)], lower=1.0, upper=1.0)
        work = model.columns("w", (1 if freedom is Freedom.EQUAL else count, blocks))
        before = np.roll(work, 1, axis=1)
        inner = np.where(np.arange(blocks) > 0, -1.0, 0.0)
        done = [(1.0, work), (inner, before)]
        rho = None
        if freedom is Freedom.EQUAL:
            model.rows("work", work.shape, [*done, (-(levels + 1.0), sizes)], lower=0.0, upper=0.0)
            work = np.repeat(work, count, axis=0)
        elif freedom is Freedom.FULL:
            model.rows("part", work.shape, done, lower=0.0)
            cap = -most * count
            model.rows("cap", work.shape, [*done, (cap, sizes)], upper=0.0)
            due = -(levels + 1.0) * count
            each = [(1.0, work.T), (inner[:, np.newaxis], before.T), (due, sizes)]
            model.rows("copies", (blocks,), each, lower=0.0, upper=0.0)
        else:
            rho = _share_rows(model, sample, levels, done, sizes, freedom, most)
        return cls(work, sizes, rho)

    def schedule(
        self,
        point: FloatArray,
        count: int,
        majorant: Majorant,
        freedom: Work,
        most: float,
    ) -> Schedule:
        """The schedule of a point, moved onto the constraints."""
        x = np.zeros(count)
        x[majorant.levels] = np.maximum(point[self.sizes], 0.0)
        x /= x.sum()
        if freedom is Freedom.EQUAL:
            return Schedule(x, cells=majorant.cells)
        if self.rho is not None:
            fractions = fractions_of_shares(np.maximum(point[self.rho], 0.0), most)
            return Schedule.from_fractions(x, fractions, cells=majorant.cells)
        y = np.zeros((count, count))
        y[:, majorant.levels] = np.diff(point[self.work], axis=1, prepend=0.0)
        return Schedule(x, repaired(x, y, most), cells=majorant.cells)


def _runtime_rows(
    model: HighsModel, sample: Sample, majorant: Majorant, columns: Columns, place: _Place
) -> None:
    """Add the bounds on the runtimes, and the rows of the majorant that they keep."""
    theta = model.columns("theta", columns.cost.shape, lower=columns.lower, cost=columns.cost)
    column = np.full(len(sample.times), -1)
    column[columns.rounds] = columns.column
    rows = majorant.part(column[majorant.round] >= 0)
    size = rows.round.shape
    i, b, t, s = rows.worker, rows.block, rows.time, rows.share
    terms: list[tuple[Any, IntArray]] = [
        (1.0, theta[column[rows.round]]),
        (-t * s, place.work[i, b]),
        (np.where(b > 0, -t * (1.0 - s), 0.0), place.work[i, np.maximum(b - 1, 0)]),
    ]
    if sample.costs.per_coordinate:
        blocks = np.arange(rows.levels.size)
        part = np.where(blocks < b[:, np.newaxis], 1.0, 0.0)
        part[np.arange(b.size), b] = s
        wide = np.broadcast_to(place.sizes, part.shape)
        terms.append((-sample.costs.per_coordinate * part, wide))
    fixed = sample.costs.startup + sample.costs.per_message * rows.messages
    model.rows("round", size, terms, lower=fixed)


def _share_rows(
    model: HighsModel,
    sample: Sample,
    levels: IntArray,
    done: list[tuple[Any, IntArray]],
    sizes: IntArray,
    shares: Shares,
    most: float,
) -> IntArray:
    """Tie the work to sizes and shares, linearly around the present ones.

    ``y_{i,n} = N x_n a_{i,n}(rho)`` with ``a = m rho_i / S`` for workers below their caps, where ``m``
    is the number of copies less the capped ones and ``S`` the sum of their shares.
    """
    count = sample.workers
    rho = shares.rho / shares.rho.sum()
    fractions = fractions_of_shares(rho, most)[:, levels]
    low, high = rho * (1.0 - shares.reach), rho * (1.0 + shares.reach)
    columns = model.columns("rho", (count,), lower=low, upper=high)
    model.rows("shares", (), [(1.0, columns)], lower=1.0, upper=1.0)
    cap = np.maximum(most, (levels + 1.0) / count)
    free = fractions < cap
    open_share = np.where(free, rho[:, np.newaxis], 0.0).sum(axis=0)
    left = levels + 1.0 - cap * (~free).sum(axis=0)
    x = shares.partition[levels]
    scale = np.divide(count * x * left, open_share, out=np.zeros_like(x), where=open_share > 0)
    # d y_i = scale (d rho_i - rho_i / S sum_free d rho)
    change = np.zeros((count, levels.size, count))
    for b in range(levels.size):
        inside = free[:, b]
        part = np.eye(count) - np.outer(rho, inside) / max(open_share[b], LEAST_DIVISOR)
        change[:, b, :] = scale[b] * part * inside[:, np.newaxis] * inside
    constant = change @ rho
    wide = np.broadcast_to(columns, change.shape)
    terms = [*done, (-count * fractions, np.broadcast_to(sizes, fractions.shape)), (-change, wide)]
    model.rows("work", fractions.shape, terms, lower=-constant, upper=-constant)
    return columns


def repaired(x: FloatArray, work: FloatArray, most: float = 1.0) -> FloatArray:
    """Move a work that misses its sums or limits by a tolerance onto them.

    Parameters
    ----------
    x : ndarray, shape (N,)
        Partition.
    work : ndarray, shape (N, N)
    most : float
        Largest fraction of the data a worker may hold.

    Examples
    --------
    >>> repaired(np.array([1.0, 0.0]), np.array([[1.2, 0.0], [0.6, 0.0]])).round(6).tolist()
    [[1.333333, 0.0], [0.666667, 0.0]]
    """
    count = x.size
    due = count * np.arange(1, count + 1) * x
    cap = count * x * most
    y = np.clip(work, 0.0, cap)
    for n in np.flatnonzero(x):
        for _ in range(_TUNING.repairs):
            total = y[:, n].sum()
            if abs(total - due[n]) <= _TUNING.enough * due[n]:
                break
            room = cap[n] - y[:, n]
            if total > due[n] or (total > 0.0 and (y[:, n] * (due[n] / total)).max() <= cap[n]):
                y[:, n] *= due[n] / total
            else:
                y[:, n] += room * min((due[n] - total) / room.sum(), 1.0) if room.sum() > 0 else 0.0
        if abs(y[:, n].sum() - due[n]) > _TUNING.missed * due[n]:
            raise SolverError("the work of a schedule cannot be moved onto its sums")
    return y
