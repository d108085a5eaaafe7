"""Certified designs in whole numbers: rounding where that is enough, else outer approximation."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cgcopt.design import Design
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.evaluation.result import Certificate
from cgcopt.limits import ALL_LIMITS
from cgcopt.objective import CompletionProbability, ExpectedRuntime, Quantile
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.settings import NoSettings
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import ALL_TIMES, Outcome, Role, Solver, Times, tasks, unproven
from cgcopt.solvers.convex.incumbent import Clock, Incumbent
from cgcopt.solvers.cutting_plane import prepare_rounds
from cgcopt.solvers.deadline.chance_optimum import (
    limited_optimum_of_chance,
    proven_chance,
    steps_optimum,
)
from cgcopt.solvers.deadline.rounds_optimum import optimum_of_probability
from cgcopt.solvers.global_probability import GlobalProbability
from cgcopt.solvers.limited.local_search import limited_search
from cgcopt.solvers.limited.optimum import SharedCuts, limited_optimum
from cgcopt.solvers.limited.rounding import round_within
from cgcopt.solvers.optimal_probability import OptimalProbability
from cgcopt.solvers.optimal_quantile import OptimalQuantile, proven_quantile
from cgcopt.solvers.rounding import round_design
from cgcopt.solvers.whole.proof import RELAXATIONS, WholeProof
from cgcopt.workers.start import one_order

__all__ = ["OptimalInteger", "OptimalIntegerProbability", "OptimalIntegerQuantile"]


@dataclass(frozen=True)
class IntegerTuning:
    """When a proof in whole numbers is tried. No measurement of these numbers is on record."""

    patience: float = 60.0
    """Seconds for the proof where no time limit is set."""
    finest: int = 10**6
    """With more coordinates, whole numbers within limits are those of the rounded design."""
    most_coordinates: int = 10**8
    """With more coordinates whole numbers are too fine for the tolerances of the master problem."""


_TUNING = IntegerTuning()


class OptimalInteger(Solver):
    """Minimise the expected runtime over whole numbers of coordinates, to a proven gap.

    The relaxed optimum bounds every design in whole numbers; with many coordinates its rounding
    closes the gap. With few, every evaluated design ``x^j`` adds the cut ``f(x) >= g^j . x`` to a
    mixed-integer master problem, whose optimum is the next design to evaluate and whose bound rises
    until it meets the best design (outer approximation: Duran and Grossmann, Mathematical
    Programming 36, 1986). Without a time limit this takes at most a minute.
    """

    name = "optimal-integer"
    summary = "whole numbers of coordinates to a proven gap: rounding, outer approximation (HiGHS)"
    role = Role.EXACT
    solves = tasks(ExpectedRuntime, forms=(Form.BLOCK,))
    times = ALL_TIMES | {Times.STARTED}
    tolerance = 1e-6
    settings = NoSettings
    limits = ALL_LIMITS
    costs = True

    def prepare(self, problem: Problem, form: Form) -> None:
        """Import HiGHS and what the relaxed optimum needs."""
        import highspy  # noqa: F401

        prepare_rounds(problem)

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Round the relaxed optimum, then prove or improve."""
        started = problem.system.worker_times.kind is Times.STARTED
        if problem.limits or problem.system.costs or started:
            return _within_limits(problem, options)
        clock = Clock.started(options.time_limit)
        # Half of the gap is left to the rounding.
        half = replace(options, gap=options.gap / 2.0)
        relaxed = RELAXATIONS[problem.system.worker_times.kind](problem, half)
        if options.time_limit is None:
            clock = Clock.started(_TUNING.patience)
        incumbent = Incumbent(options.gap, options)
        incumbent.bound = relaxed.bound
        run = WholeProof(problem, options, clock, incumbent, relaxed.subgradients)
        run.value(round_design(problem, Design(relaxed.partition)).partition)
        certificate = relaxed.certificate
        if not incumbent.closed and problem.system.coordinates <= _TUNING.most_coordinates:
            run.approximate()
            if incumbent.bound > relaxed.bound:
                certificate = Certificate.OUTER_APPROXIMATION
        termination, message = TerminationCondition.CONVERGED, ""
        if not incumbent.closed:
            termination, message = unproven(clock, options, _TUNING.patience)
        return Outcome(
            termination,
            message=message,
            partition=incumbent.partition,
            bound=incumbent.bound,
            certificate=certificate,
            details={
                "iterations": run.masters,
                "evaluations": len(incumbent.history),
                "relaxed_bound": relaxed.bound,
                "history": list(incumbent.history),
            },
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


def _within_limits(problem: Problem, options: Options) -> Outcome:
    """The relaxed optimum within the limits, rounded on its levels; then a search in whole numbers."""
    if not one_order(problem.system.worker_times):
        found = limited_search(problem, replace(options, gap=options.gap / 2.0))
        return _on_its_levels(problem, found)
    clock = Clock.started(options.time_limit or _TUNING.patience)
    shared = SharedCuts.of(problem, options)
    found = limited_optimum(problem, replace(options, gap=options.gap / 2.0), shared=shared)
    rounded = _on_its_levels(problem, found)
    if rounded.partition is None or problem.limits.boundaries is not None:
        return rounded
    value = evaluate(problem, Design(rounded.partition)).value
    fine = problem.system.coordinates > _TUNING.finest
    if found.bound >= value * (1.0 - options.gap) or fine or clock.left <= 0.0:
        return rounded
    rest = replace(options, time_limit=clock.left)
    whole = limited_optimum(problem, rest, rounded.partition, shared, whole=True)
    if whole.partition is None:
        return rounded
    partition = np.round(whole.partition)
    return replace(whole, partition=partition, bound=max(whole.bound, found.bound))


def _on_its_levels(problem: Problem, found: Outcome) -> Outcome:
    """The design of a relaxed outcome in whole numbers on the levels that it uses."""
    if found.partition is None:
        return found
    repaired = problem.limits.repaired(found.partition)
    return replace(found, partition=round_within(problem, Design(repaired)).partition)
