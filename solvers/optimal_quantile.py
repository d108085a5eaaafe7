"""The design with the smallest deadline that is kept with a given probability."""

from __future__ import annotations

import math
import time
from dataclasses import replace

from cgcopt.design import work_of_partition
from cgcopt.evaluation.quantile import runtime_quantile
from cgcopt.objective import CompletionProbability, Quantile
from cgcopt.options import Options
from cgcopt.problem import Level, Problem
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import Outcome, Role, Solver, Times, tasks
from cgcopt.solvers.optimal_probability import OptimalProbability
from cgcopt.solvers.schemes import SingleLevel

__all__ = ["OptimalQuantile"]

#: Relative change of the deadline at which the search has converged.
RESOLUTION = 1e-10
MAX_ROUNDS = 50


class OptimalQuantile(Solver):
    """Alternate between the best design for a deadline and the exact quantile of that design.

    The design that maximises ``P[tau <= t]`` reaches the wanted probability no later than ``t``, so
    the deadlines fall from round to round, and faster than linearly: at the fixed point the best
    probability at ``t`` is the wanted one.
    """

    name = "optimal"
    summary = "smallest deadline kept with the wanted probability"
    role = Role.ITERATIVE
    solves = tasks(Quantile, levels=(Level.RELAXED,))
    times = OptimalProbability.times
    tolerance = 1e-6

    def solve(self, problem: Problem, level: Level, options: Options) -> Outcome:
        """Start at the quantile of the best single level."""
        assert isinstance(problem.objective, Quantile)
        system, probability = problem.system, problem.objective.probability
        limit = math.inf if options.time_limit is None else options.time_limit
        ends = time.perf_counter() + limit
        start = SingleLevel().solve(problem, level, options)
        assert start.partition is not None
        best = start.partition
        deadline = runtime_quantile(system, work_of_partition(best), probability).value
        termination, residual = TerminationCondition.ITERATION_LIMIT, None
        for rounds in range(1, MAX_ROUNDS + 1):
            remaining = ends - time.perf_counter()
            if remaining <= 0:
                termination = TerminationCondition.TIME_LIMIT
                break
            given = options if math.isinf(limit) else replace(options, time_limit=remaining)
            inner = replace(problem, objective=CompletionProbability(deadline))
            outcome = OptimalProbability().solve(inner, level, given)
            assert outcome.partition is not None
            reached = runtime_quantile(
                system, work_of_partition(outcome.partition), probability
            ).value
            gain = 1 - reached / deadline
            if gain > 0:
                best, deadline, residual = outcome.partition, reached, outcome.residual
            if gain <= RESOLUTION:
                termination = TerminationCondition.CONVERGED
                break
        return Outcome(termination, partition=best, residual=residual, details={"rounds": rounds})
