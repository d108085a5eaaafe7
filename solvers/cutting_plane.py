"""Certified optimum of a sample average: smoothed Newton steps, then cutting planes to the end."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.evaluation.result import Certificate
from cgcopt.evaluation.rounds.runtimes import sorted_rounds
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.settings import NoSettings
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import RUNTIME_RELAXED, SAMPLED, Outcome, Role, Solver
from cgcopt.solvers.convex.incumbent import Clock, Incumbent
from cgcopt.solvers.runtime.level_work import LevelWork
from cgcopt.solvers.runtime.sample_average import SampleAverage
from cgcopt.solvers.runtime.sampled_model import drawn_times
from cgcopt.workers.base import Times

__all__ = ["CuttingPlane", "minimised_rounds", "optimum_of_rounds", "prepare_rounds"]


def optimum_of_rounds(problem: Problem, options: Options) -> Outcome:
    """Minimise the expected runtime over finitely many rounds.

    Parameters
    ----------
    problem : Problem
        Its worker times are :class:`~cgcopt.workers.scenarios.Scenarios`; of its limits, those on levels
        count.
    options : Options
        ``gap``, ``time_limit`` and ``threads`` count.

    Returns
    -------
    Outcome
        With the bound of a convex combination of subgradients, one of every round.
    """
    system = problem.system
    run = minimised_rounds(problem, options)
    incumbent = run.incumbent
    termination = TerminationCondition.CONVERGED
    if not incumbent.closed:
        expired = run.clock.expired
        limits = TerminationCondition.TIME_LIMIT, TerminationCondition.ITERATION_LIMIT
        termination = limits[0] if expired else limits[1]
    return Outcome(
        termination,
        partition=_scaled(incumbent.partition, system.coordinates),
        bound=incumbent.bound * incumbent.unit,
        certificate=Certificate.CUTTING_PLANES,
        details={
            "iterations": run.passes,
            "evaluations": run.passes,
            "masters": run.masters,
            "pivots": run.pivots,
            "history": incumbent.history_in_seconds,
        },
    )


def minimised_rounds(problem: Problem, options: Options) -> SampleAverage:
    """Run the minimisation over partitions of the allowed levels, in the unit of the worker times."""
    system = problem.system
    levels = LevelWork(problem.limits.allowed_levels(system.workers))
    incumbent = _OnLevels(
        options.gap,
        options,
        unit=system.unit * system.coordinates,
        levels=levels,
        workers=system.workers,
    )
    clock = Clock.started(options.time_limit)
    times = levels.times(sorted_rounds(system))
    run = SampleAverage(times, incumbent, clock, options.threads, levels=levels)
    run.minimise()
    return run


@dataclass
class _OnLevels(Incumbent):
    """Passes partitions of some levels on as partitions of all."""

    levels: LevelWork = field(default_factory=lambda: LevelWork.of_all(1))
    workers: int = 1

    def offer(self, partition: FloatArray, value: float, bound: float = -np.inf) -> bool:
        """Take note of a design on the levels, and of a bound."""
        return super().offer(self.levels.spread_over(self.workers, partition), value, bound)


def prepare_rounds(problem: Problem) -> None:
    """Import and compile what given or drawn rounds need, and sort given ones."""
    from cgcopt.solvers.runtime.smoothed_maximum import TUNING, warm_up

    system = problem.system
    kind = system.worker_times.kind
    if kind is not Times.CONTINUOUS:
        import highspy  # noqa: F401
    rounds = kind is Times.SCENARIOS
    if (sorted_rounds(system).size if rounds else drawn_times(system)) >= TUNING.compiled_from:
        warm_up()


def _scaled(partition: FloatArray | None, coordinates: int) -> FloatArray | None:
    return None if partition is None else partition * coordinates


class CuttingPlane(Solver):
    """Sample average over rounds: Newton on its smoothing, then cutting planes, to 1e-9.

    The master problem is a linear program with one set of cuts for every round whose slowest level
    is in doubt; HiGHS solves it. Given a model instead of rounds it is given drawn rounds.
    """

    name = "cutting-plane"
    summary = "sample average over rounds: smoothed Newton steps, then cutting planes (HiGHS)"
    role = Role.EXACT
    solves = RUNTIME_RELAXED
    times = SAMPLED
    tolerance = 1e-9
    settings = NoSettings
    limits = frozenset({"copies", "levels"})

    def prepare(self, problem: Problem, form: Form) -> None:
        """Import HiGHS, and compile the pass over the rounds where there are many."""
        prepare_rounds(problem)

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Minimise the average runtime of the rounds."""
        return optimum_of_rounds(problem, options)
