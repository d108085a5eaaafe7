"""How long workers are made to take, and what the model of a round says about a plan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cgcopt.arrays import FloatArray
from cgcopt.codes.plan import Plan

__all__ = ["Pace", "RoundModel"]


@dataclass(frozen=True)
class Pace:
    """Seconds that a worker takes in one round, at least.

    Work is counted in coordinates times the share of the data; all zero: as fast as it can.

    Attributes
    ----------
    per_work : float
        Seconds for one coordinate on all data.
    startup, per_coordinate, per_message : float
        As :class:`~cgcopt.costs.Costs`, in seconds of this run.
    busy : bool
        Whether a worker computes rather than sleeps until its time has come.
    """

    per_work: float = 0.0
    startup: float = 0.0
    per_coordinate: float = 0.0
    per_message: float = 0.0
    busy: bool = False

    def due(self, work: float, coordinates: float, messages: float) -> float:
        """Seconds after which a worker has computed and sent this much."""
        return (
            self.startup
            + self.per_work * work
            + self.per_coordinate * coordinates
            + self.per_message * messages
        )


class RoundModel:
    """When the cells of a plan are recovered, given the pace of every worker.

    A cell of level ``n`` is recovered when all but ``n`` of the workers that have a part in it have
    sent their vector; the round ends with the last cell, like that of a schedule.

    Parameters
    ----------
    plan : Plan

    Examples
    --------
    >>> from cgcopt.codes import make_plan
    >>> RoundModel(make_plan([2, 2])).seconds([[1.0, 3.0]]).tolist()
    [3.0]
    """

    def __init__(self, plan: Plan) -> None:
        offsets = np.cumsum([0, *(block.cells for block in plan.blocks)])
        self.first = offsets[:-1]
        shape = (plan.workers, int(offsets[-1]))
        self.work, self.sent, self.messages = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self.part = np.zeros(shape, dtype=np.bool_)
        self.level = np.repeat([b.level for b in plan.blocks], [b.cells for b in plan.blocks])
        for i in range(plan.workers):
            done = coordinates = messages = 0.0
            for step in plan.steps(i):
                done += step.work / plan.samples
                coordinates += step.stop - step.start
                messages += 1
                cell = offsets[step.block] + step.cell
                self.work[i, cell], self.sent[i, cell] = done, coordinates
                self.messages[i, cell], self.part[i, cell] = messages, True

    def arrivals(self, per_work: ArrayLike, costs: Pace | None = None) -> FloatArray:
        """When each worker's vector of each cell arrives, shape ``(rounds, N, cells)``.

        Parameters
        ----------
        per_work : array_like, shape (rounds, N)
            Seconds for one coordinate on all data.
        costs : Pace, optional
            Its start-up and its costs of coordinates and messages.
        """
        pace = costs or Pace()
        slowness = np.asarray(per_work, dtype=np.float64)
        send = pace.startup + pace.per_coordinate * self.sent + pace.per_message * self.messages
        return np.asarray(slowness[:, :, np.newaxis] * self.work + np.where(self.part, send, 0.0))

    def recovered(self, per_work: ArrayLike, costs: Pace | None = None) -> FloatArray:
        """When each cell is recovered, shape ``(rounds, cells)``, block by block."""
        slowness = np.asarray(per_work, dtype=np.float64)
        found = np.empty((slowness.shape[0], self.level.size))
        for rows in np.array_split(np.arange(slowness.shape[0]), max(1, slowness.shape[0] // 256)):
            times = self.arrivals(slowness[rows], costs)
            for cell, level in enumerate(self.level.tolist()):
                own = np.sort(times[:, self.part[:, cell], cell], axis=1)
                found[rows, cell] = own[:, own.shape[1] - 1 - level]
        return found

    def ends(self, per_work: ArrayLike, costs: Pace | None = None) -> FloatArray:
        """When the last cell of each block is recovered, shape ``(rounds, blocks)``."""
        return np.maximum.reduceat(self.recovered(per_work, costs), self.first, axis=1)

    def seconds(self, per_work: ArrayLike, costs: Pace | None = None) -> FloatArray:
        """Length of every round, shape ``(rounds,)``."""
        return np.asarray(self.recovered(per_work, costs).max(axis=1))
