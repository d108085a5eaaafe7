"""The runtime of a schedule in every round, exact.

    tau = u max_{n used, c} { (N-n)-th smallest over i of T_i (W_{i,n-1} + y_{i,n} p_{i,c} / C) }

with the work ``y``, the work ``W`` done before a block and the places ``p`` of a
:class:`~cgcopt.schedule.Schedule`. One cell and equal work give the runtime of the partition as a
:class:`~cgcopt.design.Design`, to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.costs import Costs
from cgcopt.errors import InvalidInputError
from cgcopt.process.cores import cores
from cgcopt.process.time_left import looking
from cgcopt.schedule import Schedule

__all__ = [
    "Finish",
    "finish_of",
    "runtimes_from",
    "runtimes_of",
    "saved_by_rotation",
    "slowest_cells",
]

#: Products of a pass from which a second thread pays.
_WORTH_A_THREAD = 4_000_000
#: Products of a slice at most, some hundredths of a second.
_PRODUCTS_AT_A_TIME = 40_000_000


@dataclass(frozen=True, eq=False)
class Finish:
    """When worker ``i`` has finished cells: at ``T_i * factors[b, c, i] + delays[b, c, i]``.

    Attributes
    ----------
    levels : ndarray, shape (B,)
        The used levels.
    factors : ndarray, shape (B, C, N)
        Seconds per second of worker time, ``u`` included.
    delays : ndarray, shape (B, C, N)
        Seconds for starting and sending.
    places : ndarray, shape (N, C)
        Place of every cell in the order of every worker.
    """

    levels: IntArray
    factors: FloatArray
    delays: FloatArray
    places: IntArray

    @property
    def size(self) -> int:
        """Products that one round takes."""
        return int(self.factors.size)

    @cached_property
    def most(self) -> tuple[FloatArray, FloatArray]:
        """The largest factors and delays over the cells of every block, shape ``(B, N)`` each."""
        return self.factors.max(axis=1), self.delays.max(axis=1)


def finish_of(schedule: Schedule, unit: float, costs: Costs | None = None) -> Finish:
    """Return when the cells of the used levels are finished; ``unit`` is ``u``, seconds per work.

    Workers compute and send in turn, one message a cell.

    Examples
    --------
    >>> finish_of(Schedule([2.0, 1.0]), 1.0).factors[:, 0].tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    levels = np.flatnonzero(schedule.partition > 0)
    places = schedule.places
    done = schedule.cumulative_work
    work = schedule.work[:, levels].T[:, np.newaxis, :]
    before = (np.pad(done, ((0, 0), (1, 0)))[:, levels].T)[:, np.newaxis, :]
    after = done[:, levels].T[:, np.newaxis, :]
    share = places.T[np.newaxis, :, :] / schedule.cells
    # The last place takes the cumulative work as it is, so that one cell gives that of a design.
    factors = np.where(share == 1.0, after, before + work * share)
    delays = np.zeros_like(factors)
    if costs:
        x = schedule.partition[levels][:, np.newaxis, np.newaxis]
        sent = np.cumsum(x, axis=0) - x + x * share
        cells = np.arange(levels.size)[:, np.newaxis, np.newaxis] * schedule.cells + places.T
        delays += costs.startup + costs.per_coordinate * sent + costs.per_message * cells
    factors, delays = np.ascontiguousarray(unit * factors), np.ascontiguousarray(delays)
    return Finish(levels, factors, delays, one_layout(places))


def one_layout(array: Any) -> Any:
    """Return an array as the kernels take it: row after row, read-only.

    Kernels are compiled for each layout that they meet; that takes seconds in a new process.
    """
    view = np.ascontiguousarray(array).view()
    view.setflags(write=False)
    return view


def runtimes_of(
    schedule: Schedule,
    times: ArrayLike,
    unit: float = 1.0,
    costs: Costs | None = None,
    *,
    threads: int | None = None,
) -> FloatArray:
    """Runtime of every round under a schedule, shape ``(K,)``, seconds.

    Parameters
    ----------
    schedule : Schedule
    times : array_like, shape (K, N)
        Seconds per cycle of every worker in every round.
    unit : float
        ``u = M b / N``, cycles of one coordinate on one subset of the data.
    costs : Costs, optional
        Seconds for starting and sending; a worker sends one message a cell, when it has finished it.
    threads : int, optional
        Threads to share the rounds; by default as many as there are cores, where there is enough to do.

    Raises
    ------
    InvalidInputError
        If the times are not of ``N`` workers.

    Examples
    --------
    >>> times = [[1.0, 3.0], [2.0, 2.0]]
    >>> runtimes_of(Schedule([2.0, 1.0]), times).tolist()
    [6.0, 6.0]
    >>> runtimes_of(Schedule([2.0, 1.0], cells=1), times).tolist()
    [6.0, 8.0]
    """
    return runtimes_from(finish_of(schedule, unit, costs), times, threads)


def runtimes_from(finish: Finish, times: ArrayLike, threads: int | None = None) -> FloatArray:
    """:func:`runtimes_of` where it is known when cells are finished."""
    return slowest_cells(finish, _times(times, finish.places.shape[0]), threads)[0]


def slowest_cells(
    finish: Finish, times: FloatArray, threads: int | None = None
) -> tuple[FloatArray, IntArray]:
    """Runtimes, shape ``(K,)``, and the (used level, cell, worker) that end the rounds, ``(K, 3)``."""
    from cgcopt.evaluation.schedules.round_kernel import fill_runtimes

    times = one_layout(times)
    runtimes = np.empty(len(times))
    where = np.zeros((len(times), 3), dtype=np.int64)

    def piece(rows: slice) -> None:
        fill_runtimes(
            times[rows],
            finish.factors,
            finish.delays,
            *finish.most,
            finish.levels,
            runtimes[rows],
            where[rows],
            np.empty(times.shape[1]),
        )

    in_pieces(piece, len(times), finish.size, threads)
    return runtimes, where


def saved_by_rotation(schedule: Schedule, times: ArrayLike, unit: float = 1.0) -> FloatArray:
    """Seconds that the order of the schedule saves in every round over one order for all, ``(K,)``.

    They are never negative, whatever the partition, the work and the cells: who has finished a block
    has finished all of its cells, so that every cell has its ``N - n`` results by the time at which
    the block has them in the common order. (With a cost per message that need not be so: there are
    more messages.)

    Examples
    --------
    >>> saved_by_rotation(Schedule([2.0, 1.0]), [[1.0, 3.0], [2.0, 2.0]]).tolist()
    [0.0, 2.0]
    """
    common = Schedule(schedule.partition, schedule.work, rotated=False)
    return runtimes_of(common, times, unit) - runtimes_of(schedule, times, unit)


def in_pieces(
    piece: Callable[[slice], None], rows: int, products: int, threads: int | None = None
) -> None:
    """Call ``piece`` on slices of the rows, on several threads where there is enough to do.

    Between slices it is seen whether there is time left.
    """
    count = threads or cores()
    count = max(min(count, rows, rows * products // _WORTH_A_THREAD), 1)
    slices = max(count, min(rows, rows * products // _PRODUCTS_AT_A_TIME))
    edges = np.linspace(0, rows, slices + 1).astype(int)
    look = looking()

    def in_time(part: slice) -> None:
        look()
        piece(part)

    parts = [slice(a, b) for a, b in pairwise(edges)]
    if count == 1:
        for part in parts:
            in_time(part)
        return
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(in_time, parts))


def _times(times: ArrayLike, workers: int) -> FloatArray:
    array = np.ascontiguousarray(times, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != workers:
        raise InvalidInputError("times", f"shape {array.shape}", f"rounds of {workers} workers")
    return array
