"""A bound for every scheme there is: each coordinate is computed on each piece of the data once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from cgcopt.evaluation.dispatch import Table, times_as
from cgcopt.evaluation.order_statistics import order_statistic_inverse_means
from cgcopt.evaluation.result import Certificate
from cgcopt.evaluation.rounds.quantile import rank_of
from cgcopt.evaluation.rounds.tail_mean import mean_of_worst
from cgcopt.evaluation.schedules.baselines import speed_of_light
from cgcopt.objective import (
    CompletionProbability,
    ConditionalValueAtRisk,
    ExpectedRuntime,
    Objective,
    Quantile,
    Sense,
)
from cgcopt.problem import Problem
from cgcopt.workers.base import Times
from cgcopt.workers.groups import Groups
from cgcopt.workers.scenarios import Scenarios

__all__ = ["light_bound"]


def light_bound(problem: Problem) -> tuple[float, Certificate]:
    """What no scheme beats: the objective of rounds that end at the speed of light.

    Exact on rounds. For workers that are alike, or in groups, the expected runtime is at least
    ``u N L / E[sum_i 1/T_i]``, by Jensen's inequality; nothing is said of the other
    objectives there, nor of models that can only be sampled.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 6, cg.Scenarios([[1.0, 3.0]]), samples=2)
    >>> light_bound(cg.Problem(system, cg.ExpectedRuntime()))
    (9.0, <Certificate.SPEED_OF_LIGHT: 'speed-of-light'>)
    """
    objective = problem.objective
    value = _BOUNDS[type(objective), problem.system.worker_times.kind](problem)
    if value is not None:
        return value, Certificate.SPEED_OF_LIGHT
    if objective.sense is Sense.MAXIMIZE:
        return 1.0, Certificate.TRIVIAL
    return -math.inf, Certificate.NONE


def _on_rounds(problem: Problem) -> float:
    times = times_as(Scenarios, problem.system, "needs scenarios, not").times
    ends = speed_of_light(problem.system, times)
    return float(_WORTH[type(problem.objective)](ends, *problem.objective.parameters))


def _mean_of_workers(problem: Problem) -> float | None:
    system = problem.system
    speed = float(order_statistic_inverse_means(system.worker_times, 1)[0])
    if math.isfinite(speed) and speed > 0:
        return system.unit * system.coordinates / speed + system.costs.startup
    return None


def _mean_of_groups(problem: Problem) -> float | None:
    """``u N L / sum_i E[1/T_i]``: the harmonic mean is concave in the speeds."""
    system = problem.system
    times = times_as(Groups, system, "needs workers in groups, not")
    speeds = [
        count * float(order_statistic_inverse_means(model, 1)[0]) for count, model in times.groups
    ]
    if not all(math.isfinite(speed) and speed > 0 for speed in speeds):
        return None
    work = system.unit * system.workers * system.coordinates
    return work / sum(speeds) + system.costs.startup


def _nothing(problem: Problem) -> None:
    return None


_WORTH: dict[type[Objective], Callable[..., Any]] = {
    ExpectedRuntime: lambda ends: ends.mean(),
    CompletionProbability: lambda ends, deadline: (ends <= deadline).mean(),
    Quantile: lambda ends, q: np.sort(ends)[rank_of(q, ends.size) - 1],
    ConditionalValueAtRisk: mean_of_worst,
}

#: What bounds an objective for a kind of worker times; ``None`` where nothing is known.
_BOUNDS: Table[tuple[type[Objective], Times], Callable[[Problem], float | None]] = Table(
    "no bound",
    {
        **{(objective, Times.SCENARIOS): _on_rounds for objective in _WORTH},
        (ExpectedRuntime, Times.CONTINUOUS): _mean_of_workers,
        (ExpectedRuntime, Times.DISCRETE): _mean_of_workers,
        (ExpectedRuntime, Times.DISTRIBUTION): _mean_of_workers,
        (ExpectedRuntime, Times.GROUPS): _mean_of_groups,
    },
    others=_nothing,
)
