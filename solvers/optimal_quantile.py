"""The design with the smallest deadline that is kept with a given probability."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import budget_weights, work_of_partition
from cgcopt.evaluation.dispatch import Table, times_as
from cgcopt.evaluation.evaluate import evaluate_work
from cgcopt.evaluation.groups.alike import of_one_kind
from cgcopt.evaluation.result import Certificate
from cgcopt.evaluation.rounds.quantile import rank_of
from cgcopt.evaluation.rounds.runtimes import sorted_rounds
from cgcopt.limits import ALL_LIMITS
from cgcopt.objective import CompletionProbability, Quantile
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process.clock import Clock
from cgcopt.process.incumbents import keep_design, keeping_designs
from cgcopt.settings import NoSettings
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import ALL_TIMES, Outcome, Role, Solver, tasks
from cgcopt.solvers.deadline.shortest import shortest_deadline
from cgcopt.solvers.formulas import partition_with_work_proportional_to
from cgcopt.solvers.limited.local_search import limited_search
from cgcopt.solvers.optimal_probability import METHODS as PROBABILITY_METHODS
from cgcopt.solvers.probability.given_up_rounds import GivenUpSettings, give_up_rounds
from cgcopt.solvers.schemes import SingleLevel
from cgcopt.workers.base import IndependentTimes, Times

__all__ = ["METHODS", "AlternationSettings", "OptimalQuantile", "proven_quantile"]


@dataclass(frozen=True)
class AlternationSettings:
    """Tuning numbers of the alternation, chosen without a recorded measurement."""

    resolution: float = 1e-10
    """Relative change of the deadline at which the search has converged."""
    rounds: int = 50
    """Deadlines that are tried at most."""
    bracket: float = 1e-4
    """Relative width at which the bisection on finitely many times ends."""
    first: float = 0.4
    """Share of a time limit for a first design, where a proof follows."""
    least_time: float = 1e-3
    """Seconds that the search for one deadline gets at least."""


_SETTINGS = AlternationSettings()


class OptimalQuantile(Solver):
    """Alternate between the best design for a deadline and the exact quantile of that design.

    The design that maximises ``P[tau <= t]`` reaches the wanted probability no later than ``t``, so
    the deadlines fall from round to round, and faster than linearly: at the fixed point the best
    probability at ``t`` is the wanted one. On a step distribution ``P`` jumps and the fixed point may
    come early; bisection between it and the shortest conceivable round goes on from there.

    *Rounds*: a small mixed-integer program chooses the rounds that may be late
    (:mod:`cgcopt.solvers.probability.given_up_rounds`), solved by HiGHS to a proven gap.

    On step distributions, and within limits, shorter deadlines are refuted afterwards, one after the
    other (:mod:`cgcopt.solvers.deadline.shortest`).
    """

    name = "optimal"
    summary = "smallest deadline kept with the wanted probability"
    role = Role.ITERATIVE
    solves = tasks(Quantile, forms=(Form.RELAXED,))
    times = ALL_TIMES | {Times.GROUPS, Times.STARTED}
    # On step distributions the inner search promises no optimum.
    tolerance = math.inf
    settings = NoSettings
    limits = ALL_LIMITS
    costs = True

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Start at the quantile of the best single level; on rounds choose the late ones."""
        problem = of_one_kind(problem)
        kind, limits = problem.system.worker_times.kind, problem.limits
        if problem.system.costs or kind in (Times.GROUPS, Times.STARTED):
            return limited_search(problem, options)
        if not limits and kind is not Times.DISCRETE:
            return METHODS[kind](problem, options)
        return proven_quantile(problem, form, options)


def proven_quantile(problem: Problem, form: Form, options: Options) -> Outcome:
    """A first design from a part of the time, then decisions about shorter deadlines.

    Parameters
    ----------
    problem : Problem
        With any limits, without costs.
    form : Form
        Relaxed or block.
    options : Options
    """
    clock = Clock.started(options.time_limit)
    limit = options.time_limit
    given = options if limit is None else replace(options, time_limit=_SETTINGS.first * limit)
    kind = problem.system.worker_times.kind
    if not problem.limits:
        first = METHODS[kind](problem, given)
    elif kind is Times.CONTINUOUS:
        first = limited_search(problem, given)
    else:
        first = Outcome(TerminationCondition.CONVERGED)
    left = None if limit is None else max(clock.left, _SETTINGS.least_time)
    return shortest_deadline(problem, form, replace(options, time_limit=left), first)


def _alternation(problem: Problem, options: Options) -> Outcome:
    """Alternate from the quantile of the best single level on."""
    search = _Search(problem, options)
    termination = search.alternate()
    return search.outcome(termination)


def _alternation_on_steps(problem: Problem, options: Options) -> Outcome:
    """Alternate as on densities, and bisect where the alternation ends."""
    search = _Search(problem, options)
    termination = search.alternate()
    search.bisect()
    return search.outcome(termination)


class _Search:
    """The best design so far and its quantile."""

    def __init__(self, problem: Problem, options: Options) -> None:
        self._problem, self._options = problem, options
        self._clock = Clock.started(options.time_limit)
        self.partition: FloatArray | None = None
        self.deadline = math.inf
        self.residual: float | None = None
        self.rounds = 0

    def alternate(self) -> TerminationCondition:
        """Solve for the deadline that the best design keeps, until it falls no more."""
        start = SingleLevel().solve(self._problem, Form.RELAXED, self._options)
        keep_design(start.found)
        self.keep(start)
        while self.rounds < _SETTINGS.rounds and not self.out_of_time():
            if self.try_deadline(self.deadline) <= _SETTINGS.resolution:
                return TerminationCondition.CONVERGED
        return TerminationCondition.ITERATION_LIMIT

    def outcome(self, termination: TerminationCondition) -> Outcome:
        """The best design; the time limit is why the search ended where time is up."""
        return Outcome(
            TerminationCondition.TIME_LIMIT if self.out_of_time() else termination,
            partition=self.partition,
            residual=self.residual,
            details={"rounds": self.rounds},
        )

    def out_of_time(self) -> bool:
        return self._clock.expired

    def keep(self, outcome: Outcome) -> float:
        """Take the outcome's design if it is better; return the relative gain."""
        work = work_of_partition(outcome.found)
        reached = evaluate_work(self._problem, work).value
        gain = 1.0 if math.isinf(self.deadline) else 1 - reached / self.deadline
        if gain > 0:
            self.partition, self.deadline = outcome.partition, reached
            keep_design(outcome.found)
            self.residual = outcome.residual
        return gain

    def try_deadline(self, deadline: float, starts: int | None = None) -> float:
        """Solve for one deadline; return the relative gain."""
        self.rounds += 1
        left = self._clock.left
        limit = None if math.isinf(left) else max(left, _SETTINGS.least_time)
        inner = replace(self._problem, objective=CompletionProbability(deadline))
        given = replace(self._options, time_limit=limit, starts=starts or self._options.starts)
        clock = Clock.started(limit)
        search = PROBABILITY_METHODS[self._problem.system.worker_times.kind]
        with keeping_designs():  # those of one deadline are none of the quantile
            found = search(inner, deadline, given, lambda: clock.expired)
        return self.keep(found)

    def bisect(self) -> None:
        """Look for designs with an earlier quantile that the alternation does not see."""
        system = self._problem.system
        times = times_as(IndependentTimes, system, "a bisection needs workers that are alike, not")
        low = system.unit * system.coordinates * times.support[0]
        while self.deadline > low * (1 + _SETTINGS.bracket) and not self.out_of_time():
            middle = math.sqrt(low * self.deadline)
            if self.try_deadline(middle, starts=1) <= 0:
                low = middle


def _quantile_of_rounds(problem: Problem, options: Options) -> Outcome:
    """Choose the late rounds; their number follows from the wanted share of rounds in time."""
    (probability,) = problem.objective.parameters
    system, clock = problem.system, Clock.started(options.time_limit)
    slowest_first = sorted_rounds(system)[:, ::-1]
    rounds = len(slowest_first)
    allowed = rounds - rank_of(probability, rounds)
    keep_design(partition_with_work_proportional_to(1.0 / slowest_first.max(axis=0), 1))
    found = give_up_rounds(slowest_first, allowed, options, clock, GivenUpSettings())
    worth = float(budget_weights(system.workers) @ found.work)
    proven = 1.0 - worth / found.bound <= options.gap
    return Outcome(
        TerminationCondition.OPTIMAL if proven else TerminationCondition.TIME_LIMIT,
        partition=partition_with_work_proportional_to(found.work, system.coordinates),
        bound=system.unit * system.coordinates / found.bound,
        certificate=Certificate.BRANCH_AND_BOUND,
        details={"late": int(np.count_nonzero(found.late)), "allowed": allowed},
    )


#: The method of each kind of worker times: ``(problem, options) -> Outcome``.
METHODS: Table[Times, Callable[[Problem, Options], Outcome]] = Table(
    "no search for the shortest deadline",
    {
        Times.CONTINUOUS: _alternation,
        Times.DISCRETE: _alternation_on_steps,
        Times.SCENARIOS: _quantile_of_rounds,
    },
)
