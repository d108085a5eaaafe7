"""A convex function above the runtimes of all schedules that touches them at one.

The ``(N-n)``-th smallest finishing time of a cell is at most the latest one of any ``N - n`` workers,
with equality for those that are first. With the first workers of the present schedule held fixed the
runtime of a round is bounded by a maximum of functions that are linear in the work, and for every
worker only the last cell that waits for it counts: ``K N`` rows in all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import BoolArray, FloatArray, IntArray
from cgcopt.evaluation.schedules.rounds import Finish, in_pieces, one_layout
from cgcopt.schedule import Schedule
from cgcopt.solvers.schedules.sample import Sample

__all__ = ["Majorant", "majorant_at"]


@dataclass(frozen=True, eq=False)
class Majorant:
    """Rows ``theta_k >= t (W_{i,b-1} (1 - s) + W_{i,b} s) + delay``, one entry each a row.

    Attributes
    ----------
    levels : ndarray, shape (B,)
        The used levels; ``b`` counts them.
    cells : int
        Cells of a block.
    round, worker, block : ndarray, shape (R,)
        ``k``, ``i`` and ``b``.
    share : ndarray, shape (R,)
        ``s``, how much of the block the worker has done with its last cell.
    time : ndarray, shape (R,)
        ``t``, time for a unit of work.
    """

    levels: IntArray
    cells: int
    round: IntArray
    worker: IntArray
    block: IntArray
    share: FloatArray
    time: FloatArray

    def values(self, sample: Sample, schedule: Schedule) -> FloatArray:
        """What the rows say at another schedule with the same used levels, shape ``(R,)``."""
        done = schedule.cumulative_work[:, self.levels]
        x = schedule.partition[self.levels]
        before = np.pad(done, ((0, 0), (1, 0)))[self.worker, self.block]
        work = before + (done[self.worker, self.block] - before) * self.share
        sent = (np.cumsum(x) - x)[self.block] + x[self.block] * self.share
        delay = (
            sample.costs.startup
            + sample.costs.per_coordinate * sent
            + sample.costs.per_message * self.messages
        )
        return np.asarray(self.time * work + delay)

    @property
    def messages(self) -> FloatArray:
        """Messages that the worker has sent by then, shape ``(R,)``."""
        return np.asarray((self.block + self.share) * self.cells)

    def part(self, rows: BoolArray) -> Majorant:
        """Some of the rows."""
        return Majorant(
            self.levels,
            self.cells,
            self.round[rows],
            self.worker[rows],
            self.block[rows],
            self.share[rows],
            self.time[rows],
        )


def majorant_at(sample: Sample, schedule: Schedule, floors: FloatArray | None = None) -> Majorant:
    """The majorant that touches the runtimes at a schedule.

    With ``floors``, shape ``(K,)``, cells that are done before them are left out: the rest touches the
    runtimes too, and costs much less to find, but need not bound them elsewhere.
    """
    finish = sample.finish(schedule)
    last, place = last_cells(finish, sample.times, sample.threads, floors)
    rounds, workers = np.nonzero(last >= 0)
    return Majorant(
        finish.levels,
        schedule.cells,
        rounds,
        workers,
        last[rounds, workers],
        place[rounds, workers] / schedule.cells,
        sample.times[rounds, workers],
    )


def last_cells(
    finish: Finish,
    times: FloatArray,
    threads: int | None = None,
    floors: FloatArray | None = None,
) -> tuple[IntArray, IntArray]:
    """Used level, -1 for none, and place of the last cell that waits for a worker, ``(K, N)`` each."""
    from cgcopt.evaluation.schedules.round_kernel import fill_last_cells

    last = np.empty(times.shape, dtype=np.int64)
    place = np.empty(times.shape, dtype=np.int64)
    times = one_layout(times)
    least = one_layout(np.full(len(times), -np.inf) if floors is None else floors)

    def piece(rows: slice) -> None:
        fill_last_cells(
            times[rows],
            finish.factors,
            finish.delays,
            *finish.most,
            finish.levels,
            finish.places,
            least[rows],
            last[rows],
            place[rows],
            *np.empty((2, times.shape[1])),
        )

    in_pieces(piece, len(times), 10 * finish.size, threads)
    return last, place
