"""Designs given by a formula, and the near-closed form with one scalar root."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from cgcopt.design import budget_weights, partition_of_work
from cgcopt.errors import SolverError
from cgcopt.evaluation.binomials import log_binomials
from cgcopt.evaluation.order_statistics import (
    order_statistic_inverse_means,
    order_statistic_means,
)
from cgcopt.objective import CompletionProbability
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
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
from cgcopt.solvers.settings import NoSettings
from cgcopt.system import System
from cgcopt.workers.base import IndependentTimes

__all__ = [
    "ClosedFormDeadline",
    "ClosedFormFrequency",
    "ClosedFormTime",
    "EqualRisk",
    "equal_level_risk_work",
    "equal_risk_work",
    "mean_time_work",
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


def mean_time_work(system: System) -> FloatArray:
    """Cumulative work inversely proportional to the mean order statistics, shape ``(N,)``, unscaled."""
    return np.asarray(1.0 / order_statistic_means(system.worker_times, system.workers)[::-1])


class ClosedFormTime(Solver):
    """``w_n = m / E[T_(N-n)]``: optimal if every order statistic were equal to its mean."""

    name = "closed-form-time"
    summary = "cumulative work inversely proportional to the mean order statistics"
    role = Role.CLOSED_FORM
    solves = RUNTIME_RELAXED
    tolerance = math.inf
    settings = NoSettings

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Evaluate the formula (arXiv 2206.02450, section V)."""
        return _proportional(problem.system, mean_time_work(problem.system), "E[T_(N)]")


class ClosedFormFrequency(Solver):
    """``w_n = m E[1/T_(N-n)]``: optimal if every speed were equal to its mean."""

    name = "closed-form-frequency"
    summary = "cumulative work proportional to the mean speeds of the order statistics"
    role = Role.CLOSED_FORM
    solves = RUNTIME_RELAXED
    tolerance = math.inf
    settings = NoSettings

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
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
    settings = NoSettings

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
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
    settings = NoSettings

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Find ``eps`` from the budget."""
        assert isinstance(problem.objective, CompletionProbability)
        work = equal_risk_work(problem.system, problem.objective.deadline)
        return _proportional(problem.system, work, "t / u")


def equal_risk_work(system: System, deadline: float) -> FloatArray:
    """Cumulative work, shape ``(N,)``, at which every level fails with the same union bound.

    With ``q_n = P(T > t/(u w_n))`` the union bound of level ``n`` is ``C(N, n+1) q_n^(n+1)``. Setting
    all of them to ``eps`` gives ``w_n(eps) = t / (u F^{-1}(1 - q_n))``, and the budget
    ``sum_n v_n w_n = L`` determines ``eps``. Work that decreases from one level to the next is raised
    to the level before, at no cost in probability. Where the budget asks for union bounds above 1,
    which say nothing, the exact risks ``P(T_(N-n) > t/(u w_n))`` are made equal instead.
    """
    log_choose = log_binomials(system.workers)[1:]
    stragglers = np.arange(1.0, system.workers + 1)

    def late(log_eps: float) -> FloatArray:
        survival: FloatArray = np.exp((log_eps - log_choose) / stragglers)
        return survival

    if _excess(system, deadline, late(0.0)) < 0:
        return equal_level_risk_work(system, deadline)
    return _work_at_root(system, deadline, late, -1e6, 0.0)


def equal_level_risk_work(system: System, deadline: float) -> FloatArray:
    """Cumulative work, shape ``(N,)``, with ``P(T_(N-n) > t/(u w_n))`` equal on all levels.

    ``T_(N-n)`` is late when at least ``n+1`` workers are, so the risk of level ``n`` is the
    regularised incomplete beta function ``I_q(n+1, N-n)``.
    """
    from scipy.special import betainccinv, betaincinv

    n = np.arange(1.0, system.workers + 1)

    def late(logit: float) -> FloatArray:
        # Both tails of the risk are reached to full accuracy.
        odds = np.exp(-abs(logit))
        share = odds / (1 + odds)
        inverse = betaincinv if logit < 0 else betainccinv
        return np.asarray(inverse(n, system.workers - n + 1, share), dtype=np.float64)

    return _work_at_root(system, deadline, late, -300.0, 300.0)


def _work_at_root(
    system: System,
    deadline: float,
    late: Callable[[float], FloatArray],
    low: float,
    high: float,
) -> FloatArray:
    """Work of the smallest parameter of ``late`` that spends the whole budget, by bisection.

    A step distribution makes the budget jump; the side that spends at least all of it is returned,
    to be scaled down.
    """
    if _excess(system, deadline, late(low)) >= 0:
        return _work(system, deadline, late(low))
    for _ in range(200):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        spent = _excess(system, deadline, late(middle)) >= 0
        low, high = (low, middle) if spent else (middle, high)
    return _work(system, deadline, late(high))


def _excess(system: System, deadline: float, late: FloatArray) -> float:
    """Budget that the work at survival probabilities ``late`` spends, relative to ``L``, less 1."""
    budget = float(budget_weights(system.workers) @ _work(system, deadline, late))
    return budget / system.coordinates - 1


def _work(system: System, deadline: float, late: FloatArray) -> FloatArray:
    """``t / (u F^{-1}(1 - q_n))``, made nondecreasing, and no larger than any design needs."""
    times = system.worker_times
    assert isinstance(times, IndependentTimes)
    with np.errstate(divide="ignore"):
        work = deadline / (system.unit * times.isf(np.minimum(late, 1.0)))
    work = np.minimum(work, 2.0 * system.coordinates * system.workers)
    risen: FloatArray = np.maximum.accumulate(work)
    return risen


def _proportional(system: System, profile: FloatArray, what: str) -> Outcome:
    if not np.all(np.isfinite(profile)) or profile[-1] <= 0 or profile[0] < 0:
        raise SolverError(f"the formula needs a finite positive {what}")
    partition = partition_with_work_proportional_to(profile, system.coordinates)
    return Outcome(TerminationCondition.CONVERGED, partition=partition)
