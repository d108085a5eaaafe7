"""Rounds with few copies of the data: the order statistics of the slowest workers are all that counts.

With ``copies = r`` the levels are ``0, ..., r-1``, and level ``n`` waits for ``T_(N-n)``: the problem is
that of ``r`` workers whose times are the ``r`` largest of every round, with the same unit of work.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cgcopt.limits import Limits
from cgcopt.problem import Problem
from cgcopt.solvers.base import Outcome
from cgcopt.workers.empirical import Scenarios

__all__ = ["only_slowest", "widened"]


def only_slowest(problem: Problem) -> Problem | None:
    """The problem of the ``r`` slowest workers; ``None`` where it is not the same one.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(3, 6, cg.Scenarios([[1.0, 3.0, 2.0]]), samples=3)
    >>> limits = cg.Limits(copies=2)
    >>> small = only_slowest(cg.Problem(system, cg.ExpectedRuntime(), limits=limits))
    >>> small.system.worker_times.times.tolist(), small.system.unit
    ([[2.0, 3.0]], 1.0)
    """
    system, limits = problem.system, problem.limits
    times = system.worker_times
    if not isinstance(times, Scenarios) or system.costs or not limits.convex(system.workers):
        return None
    levels = limits.allowed_levels(system.workers)
    count = levels.size
    if not limits or levels[-1] != count - 1:
        return None
    slowest = Scenarios(times.sorted_times[:, system.workers - count :])
    cycles = system.cycles * count / system.workers
    small = replace(system, workers=count, worker_times=slowest, cycles=cycles)
    return replace(problem, system=small, limits=Limits())


def widened(outcome: Outcome, workers: int) -> Outcome:
    """The outcome with the levels that are not allowed put back, empty."""
    if outcome.partition is None:
        return outcome
    partition = np.zeros(workers)
    partition[: outcome.partition.size] = outcome.partition
    return replace(outcome, partition=partition)
