"""What the rounding of a design may spend: its tuning numbers, and estimates by kind of problem."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cgcopt.evaluation.steps.coarsening import coarsened
from cgcopt.evaluation.steps.runtime import affordable_panels
from cgcopt.objective import (
    CompletionProbability,
    ConditionalValueAtRisk,
    ExpectedRuntime,
    Objective,
    Quantile,
)
from cgcopt.problem import Problem
from cgcopt.workers.base import DiscreteTimes, Times, WorkerTimes
from cgcopt.workers.scenarios import Scenarios

__all__ = ["COARSER", "CONVEX", "ROUNDING", "RoundingSettings", "affordable"]


@dataclass(frozen=True)
class RoundingSettings:
    """Tuning numbers of the rounding of designs, chosen without a recorded measurement."""

    resolution: float = 1e-11
    """Relative improvement below which evaluations cannot tell two designs apart."""
    good_enough: float = 1e-7
    """Relative loss against the relaxed design at which exchanges are no longer worth their time."""
    patience: int = 15
    """Failed trials in a row after which the search ends where no cuts can end it."""
    paired: int = 40
    """Single exchanges that are combined to pairs."""
    offsets: tuple[float, ...] = (0.5, 0.3, 0.7, 0.1, 0.9)
    """Offsets at which running totals are rounded."""
    offsets_of_many: int = 3
    """How many of the offsets are tried where coordinates are many."""
    few: int = 8
    """Coordinates per level up to which the relaxed design says little about the whole one."""
    coarse: int = 200
    """Values of a step distribution on which the search for a first design runs."""
    seconds: float = 3.0
    """Seconds that all evaluations may take, by the estimates below."""
    least_evaluations: int = 10
    """Evaluations that are allowed whatever they take."""
    most_evaluations: int = 2000
    """Evaluations that are allowed at most."""
    most_cuts: int = 250
    """Evaluations where each leaves a cut, which then costs time at every step."""
    overhead: float = 1e-4
    """Estimated seconds of an evaluation besides what follows."""
    seconds_of_time: float = 2e-9
    """Estimated seconds for one time of one worker in a set of rounds."""
    seconds_of_panels: float = 8.0
    """Estimated seconds for as many completion probabilities as a runtime can afford panels."""
    seconds_of_simulation: float = 1e-2
    """Estimated seconds of a simulation, for each worker."""
    probabilities_of_runtime: int = 150
    """Completion probabilities that the runtime of times with a density takes, about."""
    probabilities_of_quantile: int = 20
    """Completion probabilities that a quantile takes, about."""


ROUNDING = RoundingSettings()


def affordable(problem: Problem) -> int:
    """Evaluations that take a few seconds."""
    times, workers = problem.system.worker_times, problem.system.workers
    objective = type(problem.objective)
    seconds = _SECONDS.get((objective, times.kind)) or _OTHERWISE.get(times.kind, _simulation)
    most = ROUNDING.most_cuts if objective in CONVEX else ROUNDING.most_evaluations
    affordable = ROUNDING.seconds / seconds(times, workers)
    return int(min(max(affordable, ROUNDING.least_evaluations), most))


def _simulation(times: WorkerTimes, workers: int) -> float:
    return ROUNDING.seconds_of_simulation * workers


def _of_rounds(times: Scenarios, workers: int) -> float:
    return ROUNDING.overhead + ROUNDING.seconds_of_time * times.rounds * workers


def _probabilities(count: int, workers: int) -> float:
    panels = affordable_panels(workers)
    return ROUNDING.overhead + ROUNDING.seconds_of_panels * count / panels


def _one_probability(times: WorkerTimes, workers: int) -> float:
    return _probabilities(1, workers)


def _quantile(times: WorkerTimes, workers: int) -> float:
    return _probabilities(ROUNDING.probabilities_of_quantile, workers)


def _integral(times: WorkerTimes, workers: int) -> float:
    return _probabilities(ROUNDING.probabilities_of_runtime, workers)


def _sum_over_steps(times: DiscreteTimes, workers: int) -> float:
    steps = min(times.values.size * workers, affordable_panels(workers) // 2)
    return _probabilities(steps, workers)


def _fewer_values(times: DiscreteTimes) -> WorkerTimes | None:
    """A step distribution with fewer values; None where there are few."""
    if times.values.size <= 2 * ROUNDING.coarse:
        return None
    return coarsened(times, ROUNDING.coarse, "down")


#: Objectives that are convex in the design and homogeneous: every evaluation leaves a cut.
CONVEX = frozenset({ExpectedRuntime, ConditionalValueAtRisk})

#: Coarser worker times on which a first design is found, where that is worth it.
COARSER: dict[tuple[type[Objective], Times], Callable[..., WorkerTimes | None]] = {
    (ExpectedRuntime, Times.DISCRETE): _fewer_values,
}

#: Estimated seconds of one evaluation, by objective and kind of worker times.
_SECONDS: dict[tuple[type[Objective], Times], Callable[..., float]] = {
    (CompletionProbability, Times.CONTINUOUS): _one_probability,
    (CompletionProbability, Times.DISCRETE): _one_probability,
    (CompletionProbability, Times.DISTRIBUTION): _one_probability,
    (Quantile, Times.CONTINUOUS): _quantile,
    (Quantile, Times.DISCRETE): _quantile,
    (Quantile, Times.DISTRIBUTION): _quantile,
}

#: The same for every other objective; kinds that are not listed are simulated.
_OTHERWISE: dict[Times, Callable[..., float]] = {
    Times.CONTINUOUS: _integral,
    Times.DISCRETE: _sum_over_steps,
    Times.DISTRIBUTION: _integral,
    Times.SCENARIOS: _of_rounds,
}
