"""Certified designs in whole numbers: rounding where that is enough, else branch and bound."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from cgcopt.design import Design
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.limits import ALL_LIMITS
from cgcopt.objective import (
    CompletionProbability,
    ConditionalValueAtRisk,
    ExpectedRuntime,
    Quantile,
)
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.settings import NoSettings
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import ALL_TIMES, Outcome, Role, Solver, Times, tasks, unproven
from cgcopt.solvers.convex.incumbent import Clock
from cgcopt.solvers.deadline.chance_optimum import (
    limited_optimum_of_chance,
    proven_chance,
    steps_optimum,
)
from cgcopt.solvers.deadline.rounds_optimum import optimum_of_probability
from cgcopt.solvers.global_probability import GlobalProbability
from cgcopt.solvers.limited.local_search import limited_search
from cgcopt.solvers.limited.optimum import SharedCuts, limited_optimum
from cgcopt.solvers.optimal_probability import OptimalProbability
from cgcopt.solvers.optimal_quantile import OptimalQuantile, proven_quantile
from cgcopt.solvers.optimal_runtime import OptimalRuntime
from cgcopt.solvers.risk.optimal_tail_mean import OptimalTailMean
from cgcopt.solvers.rounding.whole import round_design
from cgcopt.solvers.rounding.within_limits import round_within

__all__ = [
    "OptimalInteger",
    "OptimalIntegerProbability",
    "OptimalIntegerQuantile",
    "OptimalIntegerTailMean",
]


@dataclass(frozen=True)
class IntegerTuning:
    """When a proof in whole numbers is tried. No measurement of these numbers is on record."""

    patience: float = 60.0
    """Seconds for the proof where no time limit is set."""
    finest: int = 10**6
    """With more coordinates whole numbers are those of the rounded design."""


_TUNING = IntegerTuning()


class OptimalInteger(Solver):
    """Minimise the expected runtime over whole numbers of coordinates, to a proven gap.

    The relaxed optimum bounds every design in whole numbers; with many coordinates its rounding
    closes the gap. Else the branch and bound of problems within limits
    (:mod:`cgcopt.solvers.limited.optimum`) goes on from the rounded design: a block of whole numbers is
    one whose ends lie on the boundaries 1, 2, ..., L. Without a time limit this takes at most a minute.
    """

    name = "optimal-integer"
    summary = "whole numbers of coordinates to a proven gap: rounding, branch and bound"
    role = Role.EXACT
    solves = tasks(ExpectedRuntime, forms=(Form.BLOCK,))
    times = ALL_TIMES | {Times.STARTED}
    tolerance = 1e-6
    settings = NoSettings
    limits = ALL_LIMITS
    costs = True
    relaxed: ClassVar[type[Solver]] = OptimalRuntime

    def prepare(self, problem: Problem, form: Form) -> None:
        """Import HiGHS and what the relaxed optimum needs."""
        import highspy  # noqa: F401

        self.relaxed().prepare(problem, Form.RELAXED)

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Round the relaxed optimum, then prove or improve."""
        half = replace(options, gap=options.gap / 2.0)  # the other half is left to the rounding
        if not problem.system.worker_times.one_order:
            return _on_its_levels(problem, limited_search(problem, half))
        clock = Clock.started(options.time_limit)
        started = problem.system.worker_times.kind is Times.STARTED
        if problem.limits or problem.system.costs or started:
            shared = SharedCuts.of(problem, options)
            found = limited_optimum(problem, half, shared=shared)
            rounded = _on_its_levels(problem, found)
            return _proven(problem, found, rounded, options, clock, shared)
        found = self.relaxed().solve(problem, Form.RELAXED, half)
        if found.partition is None:
            return found
        design = round_design(problem, Design(found.partition))
        rounded = replace(found, partition=design.partition)
        return _proven(problem, found, rounded, options, clock)


class OptimalIntegerTailMean(OptimalInteger):
    """``optimal-integer`` for the conditional value at risk."""

    solves = tasks(ConditionalValueAtRisk, forms=(Form.BLOCK,))
    times = ALL_TIMES
    costs = False
    relaxed = OptimalTailMean


def _proven(
    problem: Problem,
    found: Outcome,
    rounded: Outcome,
    options: Options,
    clock: Clock,
    shared: SharedCuts | None = None,
) -> Outcome:
    """The rounded design, or what the search in whole numbers from it finds and proves."""
    partition = rounded.partition
    if partition is None:
        return rounded
    clock = clock if options.time_limit is not None else Clock.started(_TUNING.patience)
    rounded = replace(rounded, details={**found.details, "relaxed_bound": found.bound})
    value = evaluate(problem, Design(partition)).value
    if found.bound >= value * (1.0 - options.gap):
        return replace(rounded, termination=TerminationCondition.CONVERGED, message=found.message)
    fine = problem.system.coordinates > _TUNING.finest
    if problem.limits.boundaries is not None or fine or clock.left <= 0.0:
        if found.termination is not TerminationCondition.CONVERGED:
            return rounded
        termination, message = unproven(clock, options, _TUNING.patience)
        return replace(rounded, termination=termination, message=found.message or message)
    rest = replace(options, time_limit=clock.left)
    whole = limited_optimum(problem, rest, partition, shared, whole=True)
    if whole.partition is None:
        return rounded
    message = whole.message
    if whole.termination is TerminationCondition.TIME_LIMIT:
        message = unproven(clock, options, _TUNING.patience)[1]
    return replace(
        whole,
        partition=np.round(whole.partition),
        bound=max(whole.bound, found.bound),
        message=message,
        details={**whole.details, "relaxed_bound": found.bound},
    )


#: Share of a time limit for the bound of the relaxed form.
_PROVEN = 0.4


class OptimalIntegerProbability(Solver):
    """Maximise the completion probability over designs in whole numbers, to a proven gap.

    The methods of ``optimal``, and ``global`` for times with a density, with programs in whole numbers.
    By the equivalence of the two forms the optimum is that of the coordinate form too.
    """

    name = "optimal-integer"
    summary = "whole numbers of coordinates to a proven gap: mixed-integer programs (HiGHS)"
    role = Role.EXACT
    solves = tasks(CompletionProbability, forms=(Form.BLOCK, Form.COORDINATE))
    times = ALL_TIMES | {Times.STARTED}
    tolerance = 1e-6
    settings = NoSettings
    limits = ALL_LIMITS
    costs = True

    def prepare(self, problem: Problem, form: Form) -> None:
        """Import HiGHS."""
        import highspy  # noqa: F401

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Search within the time limit."""
        system = problem.system
        if system.costs or system.worker_times.kind not in ALL_TIMES:
            return _rounded(problem, OptimalProbability(), options)
        if system.worker_times.kind is Times.SCENARIOS:
            return optimum_of_probability(problem, Form.BLOCK, options)
        clock = Clock.started(options.time_limit)
        if system.worker_times.kind is Times.DISCRETE:
            return steps_optimum(problem, Form.BLOCK, options)
        if problem.limits:
            return limited_optimum_of_chance(problem, Form.BLOCK, options)
        limit = options.time_limit
        given = options if limit is None else replace(options, time_limit=_PROVEN * limit)
        relaxed = GlobalProbability().solve(problem, Form.RELAXED, given)
        return proven_chance(problem, Form.BLOCK, options, relaxed, clock)


class OptimalIntegerQuantile(OptimalIntegerProbability):
    """The smallest deadline that a design in whole numbers keeps, to a proven gap.

    Shorter deadlines than that of the rounded design of ``optimal`` are decided one after the other.
    """

    solves = tasks(Quantile, forms=(Form.BLOCK, Form.COORDINATE))

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Search within the time limit."""
        if problem.system.costs or problem.system.worker_times.kind not in ALL_TIMES:
            return _rounded(problem, OptimalQuantile(), options)
        return proven_quantile(problem, Form.BLOCK, options)


def _rounded(problem: Problem, solver: Solver, options: Options) -> Outcome:
    """The design of a solver of the relaxed form in whole numbers."""
    found = solver.solve(problem, Form.RELAXED, options)
    if found.partition is None:
        return found
    if problem.limits or problem.system.costs:
        design = round_within(problem, Design(problem.limits.repaired(found.partition)))
    else:
        design = round_design(problem, Design(found.partition))
    return replace(found, partition=design.partition)


def _on_its_levels(problem: Problem, found: Outcome) -> Outcome:
    """The design of a relaxed outcome in whole numbers on the levels that it uses."""
    if found.partition is None:
        return found
    repaired = problem.limits.repaired(found.partition)
    return replace(found, partition=round_within(problem, Design(repaired)).partition)
