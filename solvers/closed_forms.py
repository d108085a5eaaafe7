"""Designs given by a formula, and the near-closed form with one scalar root."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from cgcopt.design import budget_weights, partition_of_work
from cgcopt.errors import SolverError
from cgcopt.evaluation.order_statistics import (
    order_statistic_inverse_means,
    order_statistic_means,
)
from cgcopt.objective import CompletionProbability
from cgcopt.options import Options
from cgcopt.problem import Level, Problem
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
from cgcopt.system import System
from cgcopt.workers.base import IndependentTimes

__all__ = [
    "ClosedFormDeadline",
    "ClosedFormFrequency",
    "ClosedFormTime",
    "EqualRisk",
    "equal_risk_work",
    "partition_with_work_proportional_to",
]

FloatArray = NDArray[np.float64]


def partition_with_work_proportional_to(profile: FloatArray, coordinates: int) -> FloatArray:
    """Return the partition of ``coordinates`` whose cumulative work is proportional to ``profile``.

    Parameters
    ----------
    profile : ndarray
        Nonnegative, nondecreasing, shape ``(N,)``.
    coordinates : int
        ``L``.

    Examples
    --------
    >>> partition_with_work_proportional_to(np.array([1.0, 1.0, 4.0]), 6)
    array([3., 0., 3.])
    """
    x = np.maximum(partition_of_work(profile / profile[-1]), 0.0)
    partition: FloatArray = x * (coordinates / x.sum())
    return partition


class ClosedFormTime(Solver):
    """``w_n = m / E[T_(N-n)]``: optimal if every order statistic were equal to its mean."""

    name = "closed-form-time"
    summary = "cumulative work inversely proportional to the mean order statistics"
    role = Role.CLOSED_FORM
    solves = RUNTIME_RELAXED
    tolerance = math.inf

    def solve(self, problem: Problem, level: Level, options: Options) -> Outcome:
        """Evaluate the formula (arXiv 2206.02450, section V)."""
        system = problem.system
        means = order_statistic_means(system.worker_times, system.workers)
        return _proportional(system, 1 / means[::-1], "E[T_(N)]")


class ClosedFormFrequency(Solver):
    """``w_n = m E[1/T_(N-n)]``: optimal if every speed were equal to its mean."""

    name = "closed-form-frequency"
    summary = "cumulative work proportional to the mean speeds of the order statistics"
    role = Role.CLOSED_FORM
    solves = RUNTIME_RELAXED
    tolerance = math.inf

    def solve(self, problem: Problem, level: Level, options: Options) -> Outcome:
        """Evaluate the formula (arXiv 2206.02450, section V)."""
        system = problem.system
        speeds = order_statistic_inverse_means(system.worker_times, system.workers)
        return _proportional(system, speeds[::-1], "E[1/T_(1)]")


class ClosedFormDeadline(Solver):
    """``x_n = m/(n+1)``, ``m = L/H_N``: optimal for exponential tails as the deadline grows."""

    name = "closed-form-deadline"
    summary = "equal work in every block, for large deadlines"
    role = Role.CLOSED_FORM
    solves = PROBABILITY_RELAXED
    tolerance = math.inf

    def solve(self, problem: Problem, level: Level, options: Options) -> Outcome:
        """Evaluate the formula (arXiv 2206.02450, section VI)."""
        system = problem.system
        profile = np.arange(1.0, system.workers + 1)
        return _proportional(system, profile, "m")


class EqualRisk(Solver):
    """Equal union bounds ``C(N, n+1) q_n^(n+1) = eps`` on the failure of every level."""

    name = "equal-risk"
    summary = "equal union bound of failure on every level (one scalar root)"
    role = Role.CLOSED_FORM
    solves = PROBABILITY_RELAXED
    times: ClassVar[frozenset[Times]] = INDEPENDENT
    tolerance = math.inf

    def solve(self, problem: Problem, level: Level, options: Options) -> Outcome:
        """Find ``eps`` from the budget."""
        assert isinstance(problem.objective, CompletionProbability)
        work = equal_risk_work(problem.system, problem.objective.deadline)
        return _proportional(problem.system, work, "t / u")


def equal_risk_work(system: System, deadline: float) -> FloatArray:
    """Cumulative work, shape ``(N,)``, at which every level fails with the same union bound.

    With ``q_n = P(T > t/(u w_n))`` the union bound of level ``n`` is ``C(N, n+1) q_n^(n+1)``. Setting
    all of them to ``eps`` gives ``w_n(eps) = t / (u F^{-1}(1 - q_n))``, and the budget
    ``sum_n v_n w_n = L`` determines ``eps``. Work that decreases from one level to the next is raised
    to the level before, at no cost in probability.
    """
    times = system.worker_times
    assert isinstance(times, IndependentTimes)
    n = np.arange(1.0, system.workers + 1)
    log_choose = _log_binomials(system.workers)
    v = budget_weights(system.workers)

    def work(log_eps: float) -> FloatArray:
        q = np.exp(np.minimum((log_eps - log_choose) / n, 0.0))
        slowest = times.isf(q)
        with np.errstate(divide="ignore"):
            w = deadline / (system.unit * slowest)
        w = np.minimum(w, 2 * system.coordinates * system.workers)  # F^{-1} = 0 at the support's end
        risen: FloatArray = np.maximum.accumulate(w)
        return risen

    def excess(log_eps: float) -> float:
        return float(v @ work(log_eps)) / system.coordinates - 1

    # The budget grows with eps; beyond log C(N, n+1) <= N ln 2 every level is at its limit.
    low, high = -1.0, system.workers * math.log(2.0) + 1.0
    while excess(low) > 0 and low > -1e6:
        low *= 4
    if excess(low) > 0 or excess(high) < 0:
        return work(low if excess(low) > 0 else high)
    for _ in range(200):  # bisection: a step distribution makes the budget jump
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        low, high = (low, middle) if excess(middle) >= 0 else (middle, high)
    return work(high)


def _log_binomials(workers: int) -> FloatArray:
    """``log C(N, n+1)`` for ``n = 0..N-1``."""
    k = np.arange(1.0, workers + 1)
    return np.cumsum(np.log((workers - k + 1) / k))


def _proportional(system: System, profile: FloatArray, what: str) -> Outcome:
    if not np.all(np.isfinite(profile)) or profile[-1] <= 0 or profile[0] < 0:
        raise SolverError(f"the formula needs a finite positive {what}")
    partition = partition_with_work_proportional_to(profile, system.coordinates)
    return Outcome(TerminationCondition.CONVERGED, partition=partition)
