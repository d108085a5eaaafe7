"""What a schedule, or a scheme that is known by its runtimes alone, is worth."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.errors import UnsupportedProblemError
from cgcopt.evaluation.dispatch import times_as
from cgcopt.evaluation.own_unit import OwnUnit, in_own_unit
from cgcopt.evaluation.result import Evaluation, Method, Probability
from cgcopt.evaluation.rounds.quantile import rank_of
from cgcopt.evaluation.rounds.tail_mean import mean_of_worst
from cgcopt.evaluation.schedules.ends import Assignment, ends_in_pieces
from cgcopt.evaluation.schedules.two_level import (
    is_two_level,
    two_level_probability,
    two_level_quantile,
    two_level_runtime,
)
from cgcopt.evaluation.simulation import ROUNDS, simulate
from cgcopt.objective import (
    CompletionProbability,
    ConditionalValueAtRisk,
    ExpectedRuntime,
    Objective,
    Quantile,
)
from cgcopt.problem import Problem
from cgcopt.process.time_left import look
from cgcopt.schedule import Schedule
from cgcopt.workers.base import Times
from cgcopt.workers.scenarios import Scenarios

__all__ = ["evaluate_schedule"]


#: Kinds of worker times of which two levels have an exact value.
ALIKE = frozenset({Times.CONTINUOUS, Times.DISCRETE, Times.DISTRIBUTION})


@dataclass(frozen=True)
class _Worth:
    """How one objective is worked out: on rounds, and for two levels where that can be exact."""

    given: Callable[..., Evaluation]
    two_level: Callable[..., Evaluation] | None = None


@in_own_unit(OwnUnit.evaluation)
def evaluate_schedule(
    problem: Problem, schedule: Assignment, *, rounds: int = ROUNDS, seed: int = 0
) -> Evaluation:
    """Return what a schedule or a scheme is worth under a problem's objective.

    Exact on rounds, and for two-level schedules of workers that are alike (levels 0 and ``N - 1``,
    ``N`` cells, equal work, no costs of sending); from drawn rounds, with a standard error, otherwise.

    Parameters
    ----------
    problem : Problem
    schedule : Schedule, Design, Cyclic or Dynamic
    rounds, seed : int
        Of the drawn rounds.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 3, cg.Scenarios([[1.0, 3.0], [2.0, 2.0]]), samples=2)
    >>> evaluate_schedule(cg.Problem(system, cg.ExpectedRuntime()), cg.Schedule([2.0, 1.0])).value
    6.0
    """
    system, objective = problem.system, problem.objective
    worth = _worth_of(objective)
    kind = system.worker_times.kind
    if kind is Times.SCENARIOS:
        times = times_as(Scenarios, system, "needs scenarios, not").times
        ends = []
        for piece in ends_in_pieces(schedule, system, times):
            ends.append(piece)
            look()
        return worth.given(np.concatenate(ends), *objective.parameters)
    alike = kind in ALIKE and not system.costs
    if worth.two_level and alike and isinstance(schedule, Schedule) and is_two_level(schedule):
        return worth.two_level(system, schedule, *objective.parameters)
    return simulate(problem, schedule, rounds=rounds, seed=seed)


def _worth_of(objective: Objective) -> _Worth:
    found = _WORTH.get(type(objective))
    if found is None:
        raise UnsupportedProblemError(f"no evaluation of schedules under '{objective.kind}'")
    return found


def _mean(ends: FloatArray) -> Evaluation:
    return Evaluation.exact(float(ends.mean()), Method.SCENARIOS)


def _share(ends: FloatArray, deadline: float) -> Evaluation:
    met = int(np.count_nonzero(ends <= deadline))
    return Probability.of(
        met / ends.size,
        Method.SCENARIOS,
        complement=(ends.size - met) / ends.size,
        log_value=math.log(met / ends.size) if met else -math.inf,
    )


def _quantile(ends: FloatArray, probability: float) -> Evaluation:
    rank = rank_of(probability, ends.size)
    return Evaluation.exact(float(np.partition(ends, rank - 1)[rank - 1]), Method.SCENARIOS)


def _tail_mean(ends: FloatArray, probability: float) -> Evaluation:
    return Evaluation.exact(mean_of_worst(ends, probability), Method.SCENARIOS)


_WORTH: dict[type[Objective], _Worth] = {
    ExpectedRuntime: _Worth(_mean, two_level_runtime),
    CompletionProbability: _Worth(_share, two_level_probability),
    Quantile: _Worth(_quantile, two_level_quantile),
    ConditionalValueAtRisk: _Worth(_tail_mean),
}
