"""How slow each worker is in each round: drawn, replayed, or that of the machine itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.codes.plan import Plan
from cgcopt.costs import Costs
from cgcopt.errors import InvalidInputError
from cgcopt.seeds import generator
from cgcopt.system import System
from cgcopt.training.pace import Pace, RoundModel

__all__ = ["Delays", "drawn_delays", "no_delays", "replayed_delays"]

#: Rounds behind a predicted distribution.
PREDICTED_ROUNDS = 10_000


@dataclass(frozen=True, eq=False)
class Delays:
    """Paces of all workers, round by round.

    Attributes
    ----------
    per_work : ndarray, shape (R, N)
        Seconds for one coordinate on all data; round ``r`` of a run takes row ``r mod R``.
    costs : Pace
        Start-up and sending in seconds of this run, and whether workers compute or sleep.
    predicted : ndarray, shape (K, N)
        Rounds behind the predicted distribution.
    scale : float
        Seconds of this run for a second of the system.
    label : str
    """

    per_work: FloatArray
    costs: Pace
    predicted: FloatArray
    scale: float
    label: str

    @property
    def injected(self) -> bool:
        """Whether workers are slowed down at all."""
        return bool(np.any(self.per_work > 0))

    def paces(self, round_number: int) -> list[Pace]:
        """The pace of every worker in a round."""
        row = self.per_work[round_number % len(self.per_work)]
        costs = self.costs
        return [replace(costs, per_work=float(t)) for t in row]


def no_delays(workers: int) -> Delays:
    """No delays: workers are as fast as the machine is."""
    zero = np.zeros((1, workers))
    return Delays(zero, Pace(), zero, 0.0, "none")


def drawn_delays(
    system: System, plan: Plan, rounds: int, *, seconds: float, seed: int, busy: bool = False
) -> Delays:
    """Draw worker times from a system, scaled so that a round of the plan takes ``seconds``.

    Parameters
    ----------
    system : System
        Its worker times and costs; its coordinates and samples are scaled to those of the plan.
    plan : Plan
    rounds : int
        Rounds to draw.
    seconds : float
        Predicted mean of a round.
    seed : int
    busy : bool
        Whether workers compute rather than sleep.
    """
    rng = generator(seed, "delays", "predicted")
    most = system.worker_times.sample(PREDICTED_ROUNDS, system.workers, rng)
    own = system.worker_times.sample(rounds, system.workers, generator(seed, "delays", "rounds"))
    delays = _scaled(own, most, system, plan, seconds, system.worker_times.label)
    return replace(delays, costs=replace(delays.costs, busy=busy))


def replayed_delays(
    times: FloatArray,
    system: System | None,
    plan: Plan,
    *,
    seconds: float,
    busy: bool = False,
) -> Delays:
    """Replay recorded rounds in their order, scaled so that a round of the plan takes ``seconds``.

    Parameters
    ----------
    times : array_like, shape (R, N)
        Seconds of every worker for equal work; round ``r`` of a run takes row ``r mod R``.
    system : System, optional
        Whose costs workers have, and what the recorded work was.
    plan : Plan
    seconds : float
        Mean of the rounds by the model.
    busy : bool
        Whether workers compute rather than sleep.
    """
    if times.shape[1] != plan.workers:
        raise InvalidInputError(
            "columns of the trace", times.shape[1], f"{plan.workers}, the workers"
        )
    label = f"{len(times)} recorded rounds"
    if system is None:
        mean = float(RoundModel(plan).seconds(times).mean())
        return Delays(
            times * seconds / mean, Pace(busy=busy), times * seconds / mean, seconds / mean, label
        )
    delays = _scaled(times, times, system, plan, seconds, label)
    return replace(delays, costs=replace(delays.costs, busy=busy))


def _scaled(
    own: FloatArray, most: FloatArray, system: System, plan: Plan, seconds: float, label: str
) -> Delays:
    # One coordinate of the plan stands for this many of the system.
    coordinates = system.coordinates / plan.coordinates
    work = system.samples * system.cycles * coordinates
    costs = _pace(system.costs, coordinates, 1.0)
    mean = float(RoundModel(plan).seconds(most * work, costs).mean())
    scale = seconds / mean
    return Delays(
        own * work * scale,
        _pace(system.costs, coordinates, scale),
        most * work * scale,
        scale,
        label,
    )


def _pace(costs: Costs, coordinates: float, scale: float) -> Pace:
    return Pace(
        0.0,
        costs.startup * scale,
        costs.per_coordinate * coordinates * scale,
        costs.per_message * scale,
    )
