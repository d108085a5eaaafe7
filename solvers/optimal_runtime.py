"""The certified optimum of the expected runtime, for every kind of worker times."""

from __future__ import annotations

import math

import numpy as np

from cgcopt.errors import InfiniteMeanError
from cgcopt.evaluation.result import Certificate
from cgcopt.options import Options
from cgcopt.problem import Level, Problem
from cgcopt.solution import TerminationCondition
from cgcopt.solvers._incumbent import Clock, Incumbent
from cgcopt.solvers._quasi_newton import quasi_newton
from cgcopt.solvers._runtime_oracle import RuntimeOracle
from cgcopt.solvers._sampled_model import sampled_model
from cgcopt.solvers.base import ALL_TIMES, RUNTIME_RELAXED, Outcome, Role, Solver, Times, times_of
from cgcopt.solvers.cutting_plane import optimum_of_rounds, prepare_rounds
from cgcopt.workers.base import IndependentTimes

__all__ = ["OptimalRuntime"]

_STEPS = 200


class OptimalRuntime(Solver):
    """Minimise the exact expected runtime until the gap is proven.

    *Times with a density*: quasi-Newton steps over the whole simplex on the exact value and
    gradient; a few thousand drawn rounds give the start and the first Hessian. The expected runtime
    ``f`` is convex and homogeneous, so its gradient ``g`` at any design proves
    ``f >= L min_n g_n``.

    *Rounds*: the method of ``cutting-plane``, exact.
    """

    name = "optimal"
    summary = "exact expected runtime minimised to a proven gap"
    role = Role.EXACT
    solves = RUNTIME_RELAXED
    times = ALL_TIMES
    tolerance = 1e-6

    def prepare(self, problem: Problem, level: Level) -> None:
        """Import and compile what the kind of worker times needs."""
        if times_of(problem.system.worker_times) is Times.SCENARIOS:
            prepare_rounds(problem)

    def solve(self, problem: Problem, level: Level, options: Options) -> Outcome:
        """Minimise over partitions with sum 1, and scale."""
        if times_of(problem.system.worker_times) is Times.SCENARIOS:
            return optimum_of_rounds(problem, options)
        _require_finite_mean(problem)
        clock = Clock.started(options.time_limit)
        incumbent = Incumbent(options.gap, options)
        oracle = RuntimeOracle(problem.system, options.threads)
        start, hessian = np.ones(1), np.ones((1, 1))
        if problem.system.workers > 1:
            model = sampled_model(problem, options, clock)
            start, hessian = model.partition, model.hessian
        evaluations = quasi_newton(oracle, start, hessian, incumbent, clock, steps=_STEPS)
        coordinates = problem.system.coordinates
        assert incumbent.partition is not None
        return Outcome(
            _termination(incumbent, clock),
            partition=incumbent.partition * coordinates,
            bound=incumbent.bound * coordinates,
            certificate=Certificate.SUBGRADIENT,
            details={
                "iterations": evaluations,
                "evaluations": evaluations,
                "history": [(v * coordinates, b * coordinates) for v, b in incumbent.history],
            },
        )


def _termination(incumbent: Incumbent, clock: Clock) -> TerminationCondition:
    if incumbent.closed:
        return TerminationCondition.CONVERGED
    return (
        TerminationCondition.TIME_LIMIT if clock.expired else TerminationCondition.ITERATION_LIMIT
    )


def _require_finite_mean(problem: Problem) -> None:
    times = problem.system.worker_times
    if isinstance(times, IndependentTimes) and not math.isfinite(times.mean()):
        raise InfiniteMeanError(
            f"the expected runtime is infinite: the mean of {times.label} is, "
            f"and with it that of the slowest worker"
        )
