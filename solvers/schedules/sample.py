"""Rounds in units that suit a linear program: one coordinate in all, runtimes about 1."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.costs import Costs
from cgcopt.evaluation.schedules.rounds import Finish, finish_of, slowest_cells
from cgcopt.schedule import Schedule

__all__ = ["Sample", "sample_of"]


@dataclass(frozen=True, eq=False)
class Sample:
    """Rounds of schedules with one coordinate in all.

    Attributes
    ----------
    times : ndarray, shape (K, N)
        Units of time for a unit of work.
    costs : Costs
        In the same units.
    seconds : float
        Seconds of a unit of time.
    threads : int, optional
        Threads for the evaluation.
    """

    times: FloatArray
    costs: Costs = field(default_factory=Costs)
    seconds: float = 1.0
    threads: int | None = None

    @property
    def workers(self) -> int:
        """``N``."""
        return int(self.times.shape[1])

    def finish(self, schedule: Schedule) -> Finish:
        """When the cells of a schedule are finished."""
        return finish_of(schedule, 1.0, self.costs)

    def runtimes(self, schedule: Schedule) -> FloatArray:
        """Units of time that every round takes, shape ``(K,)``."""
        return slowest_cells(self.finish(schedule), self.times, self.threads)[0]

    def part(self, rounds: slice | IntArray) -> Sample:
        """Some of the rounds."""
        return replace(self, times=np.ascontiguousarray(self.times[rounds]))


def sample_of(
    times: FloatArray,
    unit: float,
    coordinates: float,
    costs: Costs | None = None,
    threads: int | None = None,
) -> Sample:
    """Scale measured rounds, ``times`` in seconds per cycle, such that an uncoded round takes 1.

    Examples
    --------
    >>> sample = sample_of(np.array([[2.0, 4.0], [6.0, 3.0]]), unit=0.5, coordinates=10)
    >>> sample.seconds, sample.runtimes(Schedule([1.0, 0.0])).tolist()
    (25.0, [0.8, 1.2])
    """
    seconds = float(times.max(axis=1).mean()) * unit * coordinates
    given = costs or Costs()
    return Sample(
        np.ascontiguousarray(times * (unit * coordinates / seconds)),
        Costs(
            given.startup / seconds,
            given.per_coordinate * coordinates / seconds,
            given.per_message / seconds,
        ),
        seconds,
        threads,
    )
