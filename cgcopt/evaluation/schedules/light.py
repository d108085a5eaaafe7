"""A bound for every scheme there is: each coordinate is computed on each piece of the data once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from cgcopt.evaluation.order_statistics import order_statistic_inverse_means
from cgcopt.evaluation.result import Certificate
from cgcopt.evaluation.rounds.quantile import rank_of
from cgcopt.evaluation.schedules.baselines import speed_of_light
from cgcopt.objective import CompletionProbability, ExpectedRuntime, Objective, Quantile, Sense
from cgcopt.problem import Problem
from cgcopt.workers.base import IndependentTimes
from cgcopt.workers.empirical import Scenarios

__all__ = ["light_bound"]


def light_bound(problem: Problem) -> tuple[float, Certificate]:
    """What no scheme beats: the objective of rounds that end at the speed of light.

    Exact on rounds. For workers that are alike the expected runtime is at least
    ``u N L / E[sum_i 1/T_i] = u L / E[1/T]``, by Jensen's inequality; nothing is said of the other
    objectives there, nor of models that can only be sampled.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 6, cg.Scenarios([[1.0, 3.0]]), samples=2)
    >>> light_bound(cg.Problem(system, cg.ExpectedRuntime()))
    (9.0, <Certificate.SPEED_OF_LIGHT: 'speed-of-light'>)
    """
    system, objective = problem.system, problem.objective
    times = system.worker_times
    if isinstance(times, Scenarios) and type(objective) in _WORTH:
        ends = speed_of_light(system, times.times)
        value = _WORTH[type(objective)](ends, *objective.parameters)
        return float(value), Certificate.SPEED_OF_LIGHT
    if isinstance(times, IndependentTimes) and isinstance(objective, ExpectedRuntime):
        speed = float(order_statistic_inverse_means(times, 1)[0])
        if math.isfinite(speed) and speed > 0:
            seconds = system.unit * system.coordinates / speed + system.costs.startup
            return seconds, Certificate.SPEED_OF_LIGHT
    if objective.sense is Sense.MAXIMIZE:
        return 1.0, Certificate.TRIVIAL
    return -math.inf, Certificate.NONE


_WORTH: dict[type[Objective], Callable[..., Any]] = {
    ExpectedRuntime: lambda ends: ends.mean(),
    CompletionProbability: lambda ends, deadline: (ends <= deadline).mean(),
    Quantile: lambda ends, q: np.sort(ends)[rank_of(q, ends.size) - 1],
}
