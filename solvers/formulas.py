"""Closed forms as pure functions: what methods start from and closed-form solvers report.

They take a system and return work or partitions; nothing here knows solvers, options or outcomes.
Evaluation stands below this floor and needs none of them: its bounds use the means and quantiles of the
order statistics themselves (:mod:`cgcopt.evaluation.order_statistics`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import budget_weights, partition_of_work
from cgcopt.evaluation.binomials import log_binomials
from cgcopt.evaluation.dispatch import times_as
from cgcopt.evaluation.order_statistics import order_statistic_means
from cgcopt.evaluation.roots import narrowed
from cgcopt.process.time_left import look
from cgcopt.system import System
from cgcopt.workers.base import IndependentTimes

__all__ = [
    "equal_level_risk_work",
    "equal_risk_work",
    "mean_time_work",
    "partition_with_work_proportional_to",
]

#: Logarithm of the smallest common risk that is looked for.
_LEAST_LOG_RISK = -1e6
#: Largest log-odds of a common risk.
_LARGEST_ODDS = 300.0


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
    return _work_at_root(system, deadline, late, _LEAST_LOG_RISK, 0.0)


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

    return _work_at_root(system, deadline, late, -_LARGEST_ODDS, _LARGEST_ODDS)


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

    def spent(parameter: float) -> bool:
        look()
        return _excess(system, deadline, late(parameter)) >= 0

    return _work(system, deadline, late(narrowed(spent, low, high)[1]))


def _excess(system: System, deadline: float, late: FloatArray) -> float:
    """Budget that the work at survival probabilities ``late`` spends, relative to ``L``, less 1."""
    budget = float(budget_weights(system.workers) @ _work(system, deadline, late))
    return budget / system.coordinates - 1


def _work(system: System, deadline: float, late: FloatArray) -> FloatArray:
    """``t / (u F^{-1}(1 - q_n))``, made nondecreasing, and no larger than any design needs."""
    times = times_as(IndependentTimes, system, "needs workers that are alike, not")
    with np.errstate(divide="ignore"):
        work = deadline / (system.unit * times.isf(np.minimum(late, 1.0)))
    work = np.minimum(work, 2.0 * system.coordinates * system.workers)
    risen: FloatArray = np.maximum.accumulate(work)
    return risen
