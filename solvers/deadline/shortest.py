"""The smallest deadline that is kept with a probability, in whole numbers and within limits; anytime.

That some design keeps a deadline with the probability is a statement on completion probabilities:
:mod:`cgcopt.solvers.deadline.rounds_program` and :mod:`cgcopt.solvers.deadline.best_chance` find such a
design or prove that there is none. Deadlines between the best one known and the largest one refuted are
decided in turn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from cgcopt.arrays import FloatArray
from cgcopt.design import Design
from cgcopt.evaluation.certificates import quantile_bound
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.evaluation.result import Certificate
from cgcopt.evaluation.rounds.quantile import rank_of
from cgcopt.objective import CompletionProbability
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process.clock import Clock
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import Outcome, Times, unproven
from cgcopt.solvers.deadline.best_chance import BestChance
from cgcopt.solvers.deadline.most_rounds import MostRounds
from cgcopt.solvers.rounding.within_limits import first_partitions

__all__ = ["ShortestSettings", "shortest_deadline"]


@dataclass(frozen=True)
class ShortestSettings:
    """Numbers of the decisions; no measurement of them is on record."""

    patience: float = 10.0
    """Seconds where no time limit is set."""
    turn: float = 0.3
    """Share of the time left that one decision gets at most."""
    within: float = 0.9
    """Share of the wanted gap that the last decision is to refute."""
    near: float = 4.0
    """Multiple of the wanted gap from which the last decision is tried."""
    decisions: int = 80
    """Deadlines that are tried at most."""


_SETTINGS = ShortestSettings()


def shortest_deadline(problem: Problem, form: Form, options: Options, first: Outcome) -> Outcome:
    """Improve on a first design for a quantile and refute shorter deadlines.

    Parameters
    ----------
    problem : Problem
        Quantile of the runtime, with any limits, without costs.
    form : Form
        The coordinate form has the optimum of the block form.
    options : Options
        ``gap``, ``threads`` and ``seed`` count; ``time_limit`` is that of this search.
    first : Outcome
        With a partition that may miss the limits and the whole numbers, and a bound if it has one.
    """
    clock = Clock.started(options.time_limit or _SETTINGS.patience)
    run = _Decisions(problem, form, options, clock)
    run.start(first)
    run.decide_all()
    closed = run.value * (1.0 - options.gap) <= run.bound
    termination, message = TerminationCondition.OPTIMAL, ""
    if not closed:
        termination, message = unproven(clock, options, _SETTINGS.patience)
    return Outcome(
        termination,
        partition=run.partition,
        bound=run.bound,
        certificate=Certificate.BRANCH_AND_BOUND,
        residual=first.residual if run.partition is first.partition else None,
        message=message,
        details={**first.details, "decisions": run.decisions},
    )


@dataclass(eq=False)
class _Decisions:
    problem: Problem
    form: Form
    options: Options
    clock: Clock
    partition: FloatArray | None = None
    value: float = math.inf
    bound: float = 0.0
    decisions: int = 0
    hard: float = field(default=math.inf)

    def start(self, first: Outcome) -> None:
        """Single levels, the first design, and the bound that the levels give alone."""
        limits = self.problem.limits
        (self.probability,) = self.problem.objective.parameters
        system = self.problem.system
        levels = limits.allowed_levels(system.workers)
        self.bound = quantile_bound(system, self.probability, levels if limits else None)
        if first.bound > self.bound:
            self.bound = first.bound
        for x in first_partitions(self.problem, self.form, first.partition):
            self.offer(x)

    def offer(self, partition: FloatArray) -> None:
        """Take note of a design."""
        if self.problem.limits.violation(partition):
            return
        found = evaluate(self.problem, Design(partition))
        if found.value < self.value:
            self.partition, self.value = partition, float(found.value)
            self.hard = min(self.hard, self.value)

    def decide_all(self) -> None:
        """Decide deadlines until the gap is closed."""
        for _ in range(_SETTINGS.decisions):
            gap = 1.0 - self.bound / self.value
            if gap <= self.options.gap or self.clock.expired:
                return
            middle = 0.5 * (self.bound + self.hard)
            if gap <= _SETTINGS.near * self.options.gap and self.hard == self.value:
                middle = self.value * (1.0 - _SETTINGS.within * self.options.gap)
            if not self.bound < middle < self.hard:
                return
            self.options.report(None, f"quantile {self.value:.9g} s, gap {gap:.1e}")
            self.decide(middle)

    def decide(self, deadline: float) -> None:
        """A design that keeps a deadline, or the proof that there is none; or neither in its time."""
        self.decisions += 1
        problem = replace(self.problem, objective=CompletionProbability(deadline))
        turn = Clock.started(self.clock.left * _SETTINGS.turn)
        rounds = self.problem.system.worker_times.kind is Times.SCENARIOS
        method = self._of_rounds if rounds else self._of_chance
        refuted, partition = method(problem, turn)
        if refuted:
            self.bound = max(self.bound, deadline)
            return
        before = self.value
        if partition is not None:
            self.offer(partition)
        if not self.value < before:
            self.hard = min(self.hard, deadline)

    def _of_rounds(self, problem: Problem, turn: Clock) -> tuple[bool, FloatArray | None]:
        run = MostRounds(problem, self.form, self.options, turn)
        wanted = rank_of(self.probability, len(run.thresholds))
        refuted = run.decide(wanted)
        return refuted, run.partition

    def _of_chance(self, problem: Problem, turn: Clock) -> tuple[bool, FloatArray | None]:
        wanted = -math.log(self.probability)
        run = BestChance(problem, self.form, self.options, turn, wanted=wanted)
        if self.partition is not None:
            run.offer(self.partition)
        run.prove()
        return run.least > wanted, run.partition
