"""Designs given by a formula, and the near-closed form with one scalar root."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.errors import SolverError
from cgcopt.evaluation.order_statistics import (
    order_statistic_inverse_means,
)
from cgcopt.limits import ALL_LIMITS
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.settings import NoSettings
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import (
    INDEPENDENT,
    PROBABILITY_RELAXED,
    RUNTIME_RELAXED,
    Outcome,
    Role,
    Solver,
    Times,
)
from cgcopt.solvers.formulas import (
    equal_risk_work,
    mean_time_work,
    partition_with_work_proportional_to,
)
from cgcopt.solvers.limited.restricted import restricted
from cgcopt.system import MAX_WORKERS

__all__ = [
    "ClosedFormDeadline",
    "ClosedFormFrequency",
    "ClosedFormTime",
    "EqualRisk",
]


class _ClosedForm(Solver):
    """What formulas have in common: they take any limits, at once, and promise no accuracy."""

    role = Role.CLOSED_FORM
    most_workers = MAX_WORKERS
    tolerance = math.inf
    settings = NoSettings
    limits = ALL_LIMITS


class ClosedFormTime(_ClosedForm):
    """``w_n = m / E[T_(N-n)]``: optimal if every order statistic were equal to its mean."""

    name = "closed-form-time"
    summary = "cumulative work inversely proportional to the mean order statistics"
    solves = RUNTIME_RELAXED

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Evaluate the formula (arXiv 2206.02450, section V)."""
        return _proportional(problem, mean_time_work(problem.system), "E[T_(N)]")


class ClosedFormFrequency(_ClosedForm):
    """``w_n = m E[1/T_(N-n)]``: optimal if every speed were equal to its mean."""

    name = "closed-form-frequency"
    summary = "cumulative work proportional to the mean speeds of the order statistics"
    solves = RUNTIME_RELAXED

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Evaluate the formula (arXiv 2206.02450, section V)."""
        system = problem.system
        speeds = order_statistic_inverse_means(system.worker_times, system.workers)
        return _proportional(problem, speeds[::-1], "E[1/T_(1)]")


class ClosedFormDeadline(_ClosedForm):
    """``x_n = m/(n+1)``, ``m = L/H_N``: optimal for exponential tails as the deadline grows."""

    name = "closed-form-deadline"
    summary = "equal work in every block, for large deadlines"
    solves = PROBABILITY_RELAXED

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Evaluate the formula (arXiv 2206.02450, section VI)."""
        system = problem.system
        profile = np.arange(1.0, system.workers + 1)
        return _proportional(problem, profile, "m")


class EqualRisk(_ClosedForm):
    """Equal union bounds ``C(N, n+1) q_n^(n+1) = eps`` on the failure of every level."""

    name = "equal-risk"
    summary = "equal union bound of failure on every level (one scalar root)"
    solves = PROBABILITY_RELAXED
    times: ClassVar[frozenset[Times]] = INDEPENDENT

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Find ``eps`` from the budget."""
        work = equal_risk_work(problem.system, *problem.objective.parameters)
        return _proportional(problem, work, "t / u")


def _proportional(problem: Problem, profile: FloatArray, what: str) -> Outcome:
    if not np.all(np.isfinite(profile)) or profile[-1] <= 0 or profile[0] < 0:
        raise SolverError(f"the formula needs a finite positive {what}")
    if problem.limits:
        partition, message = restricted(problem, profile)
        return Outcome(TerminationCondition.CONVERGED, partition=partition, message=message)
    partition = partition_with_work_proportional_to(profile, problem.system.coordinates)
    return Outcome(TerminationCondition.CONVERGED, partition=partition)
