"""The protocol of a round, simulated: all messages of all workers, costs and overlapped sending."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cgcopt._validate import whole_number
from cgcopt.arrays import FloatArray
from cgcopt.design import Design
from cgcopt.errors import InvalidInputError
from cgcopt.schedule import Schedule
from cgcopt.seeds import generator
from cgcopt.system import System

__all__ = ["SimulatedRounds", "protocol_seconds", "simulate_protocol"]


@dataclass(frozen=True, eq=False)
class SimulatedRounds:
    """Drawn rounds of the protocol.

    Attributes
    ----------
    seconds : ndarray, shape (rounds,)
    """

    seconds: FloatArray

    @property
    def mean(self) -> float:
        """Mean seconds of a round."""
        return float(self.seconds.mean())

    @property
    def standard_error(self) -> float:
        """Standard error of the mean; infinite for a single round."""
        count = self.seconds.size
        return float(self.seconds.std(ddof=1) / np.sqrt(count)) if count > 1 else np.inf


def simulate_protocol(
    system: System,
    what: Design | Schedule,
    *,
    rounds: int = 1000,
    seed: int = 0,
    overlapped: bool = False,
) -> SimulatedRounds:
    """Draw worker times and play rounds of the protocol, message by message.

    Unlike :func:`~cgcopt.evaluation.simulation.simulate` it knows no formula for the end of a round: it
    works out when each worker's message of each cell arrives, and counts arrivals.

    Parameters
    ----------
    system : System
        Its worker times and costs.
    what : Design or Schedule
    rounds : int
    seed : int
        Equal seeds give equal rounds.
    overlapped : bool
        Whether workers go on computing while they send. Messages of a worker are sent one after
        another either way.

    Examples
    --------
    >>> import cgcopt as cg
    >>> costs = cg.Costs(per_message=2.0)
    >>> system = cg.System(3, 30, cg.Exponential(rate=1.0), samples=3, costs=costs)
    >>> schedule = cg.Schedule([10, 10, 10])
    >>> in_turn = simulate_protocol(system, schedule, rounds=100)
    >>> bool(simulate_protocol(system, schedule, rounds=100, overlapped=True).mean < in_turn.mean)
    True
    """
    count = whole_number("rounds", rounds, least=1)
    rng = generator(seed, "protocol", system.worker_times.label, system.workers)
    seconds = np.empty(count)
    for k in range(count):
        times = system.worker_times.sample(1, system.workers, rng)
        seconds[k : k + 1] = protocol_seconds(system, what, times, overlapped=overlapped)
    return SimulatedRounds(seconds)


def protocol_seconds(
    system: System, what: Design | Schedule, times: ArrayLike, *, overlapped: bool = False
) -> FloatArray:
    """Play the rounds with these worker times, shape ``(rounds, N)``; seconds of each."""
    schedule = Schedule.of(what)
    schedule.check(system.workers, system.coordinates)
    t = np.asarray(times, dtype=np.float64)
    if t.ndim != 2 or t.shape[1] != system.workers:
        raise InvalidInputError("times", f"shape {t.shape}", f"(rounds, {system.workers})")
    return np.array([_round(system, schedule, row, overlapped) for row in t])


def _round(system: System, schedule: Schedule, times: FloatArray, overlapped: bool) -> float:
    """One round: workers in parallel, step by step; then the master, cell by cell."""
    costs, cells = system.costs, schedule.cells
    order = np.argsort(schedule.places, axis=1)
    everyone = np.arange(system.workers)
    done = np.zeros(system.workers)
    computed = np.full(system.workers, costs.startup)
    free = computed.copy()  # when a worker has sent all that it has computed so far
    end = 0.0
    for level in np.flatnonzero(schedule.partition > 0).tolist():
        share = schedule.work[:, level] / cells
        sending = costs.per_coordinate * schedule.partition[level] / cells + costs.per_message
        arrivals = np.empty((cells, system.workers))
        for step in range(cells):
            if overlapped:
                computed = costs.startup + system.unit * times * (done + (step + 1) * share)
                free = np.maximum(free, computed) + sending
            else:
                free = free + system.unit * times * share + sending
            arrivals[order[:, step], everyone] = free
        done = done + schedule.work[:, level]
        needed = system.workers - level
        recovered = np.partition(arrivals, needed - 1, axis=1)[:, needed - 1]
        end = max(end, float(recovered.max()))
    return end
