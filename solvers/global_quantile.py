"""The smallest deadline that is kept with a given probability, with a proof."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from cgcopt.design import work_of_partition
from cgcopt.evaluation.certificates import quantile_bound
from cgcopt.evaluation.density.quantile import runtime_quantile
from cgcopt.evaluation.result import Certificate
from cgcopt.objective import Quantile
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import Outcome, Role, Solver, Times, tasks
from cgcopt.solvers.convex.incumbent import Clock
from cgcopt.solvers.global_probability import STARTS, GlobalProbability
from cgcopt.solvers.optimal_quantile import OptimalQuantile
from cgcopt.solvers.proof.search import PROOF, Search, SearchSettings

__all__ = ["GlobalQuantile", "RefutationSettings"]


@dataclass(frozen=True)
class RefutationSettings:
    """Tuning numbers of the refutations, chosen without a recorded measurement."""

    stages: tuple[float, ...] = (1e-2, 1e-3, 1e-4, 1e-5)
    """Gaps that are proven on the way to the one that is wanted."""
    least_gap: float = 1e-9
    """Smallest gap that is proven, however small the wanted one is."""
    within: float = 0.999
    """Share of a gap that is refuted, so that rounding does not leave the gap open."""
    refuted: float = 1e-11
    """How far below the wanted probability ``q`` all designs have to stay, in ``log P / (1 - q)``."""


_SETTINGS = RefutationSettings()


class GlobalQuantile(Solver):
    """Refute shorter deadlines by branch and bound until the gap is proven, anytime.

    The design of ``optimal`` keeps a deadline ``t`` with the wanted probability ``q``. That no design
    keeps ``(1 - gap) t`` with ``q`` is a statement on completion probabilities, and the bounds behind
    ``global`` for those prove it; larger gaps come first, so that a bound is there early. A design met
    on the way that does keep the shorter deadline is taken over.
    """

    name = "global"
    summary = "smallest deadline kept with the wanted probability, by branch and bound"
    role = Role.EXACT
    solves = tasks(Quantile, forms=(Form.RELAXED,))
    times = frozenset({Times.CONTINUOUS})
    tolerance = 1e-6
    settings = SearchSettings

    def prepare(self, problem: Problem, form: Form) -> None:
        """Import what the search needs."""
        GlobalProbability().prepare(problem, form)

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Prove one gap after the other."""
        (probability,) = problem.objective.parameters
        clock = Clock.started(options.time_limit)
        given = replace(options, progress=None, starts=options.starts or STARTS)
        first = OptimalQuantile().solve(problem, form, given)
        run = _Refutations(problem, probability, options, clock, first)
        stages = [gap for gap in _SETTINGS.stages if gap > options.gap]
        termination = TerminationCondition.OPTIMAL
        for done, gap in enumerate([*stages, max(options.gap, _SETTINGS.least_gap)]):
            options.report(done / (len(stages) + 1), f"gap {gap:.0e}")
            termination = run.prove(gap)
            if termination is not TerminationCondition.OPTIMAL:
                break
        return run.outcome(termination)


@dataclass
class _Refutations:
    problem: Problem
    probability: float
    options: Options
    clock: Clock
    best: Outcome
    nodes: int = 0
    improvements: int = 0

    def __post_init__(self) -> None:
        self.deadline = self._reached()
        # Every level alone has to be in time: what the root box says, without a search.
        self.bound = quantile_bound(self.problem.system, self.probability)

    def prove(self, gap: float) -> TerminationCondition:
        """Refute the deadline shorter by ``gap``, or improve and try again."""
        if math.log(self.probability) < PROOF.smallest:
            return TerminationCondition.CONVERGED
        while True:
            shorter = self.deadline * (1.0 - _SETTINGS.within * gap)
            if self.bound >= shorter:
                return TerminationCondition.OPTIMAL
            search = _Refutation(
                self.problem.system,
                shorter,
                replace(self.options, gap=gap, progress=None),
                self.clock,
                self.best.partition,
                math.log(self.probability),
                1.0 - self.probability,
            )
            termination = search.run()
            self.nodes += search.nodes
            if not search.improvements:
                if termination is TerminationCondition.OPTIMAL:
                    self.bound = shorter
                return termination
            self.improvements += 1
            self.best = replace(self.best, partition=search.partition, residual=search.residual)
            self.deadline = self._reached()

    def outcome(self, termination: TerminationCondition) -> Outcome:
        """The best design and the longest deadline that was refuted."""
        details = {"nodes": self.nodes, "improvements": self.improvements}
        return replace(
            self.best,
            termination=termination,
            bound=self.bound,
            certificate=Certificate.BRANCH_AND_BOUND,
            details={**self.best.details, **details},
        )

    def _reached(self) -> float:
        work = work_of_partition(self.best.found)
        return float(runtime_quantile(self.problem.system, work, self.probability).value)


@dataclass(eq=False)
class _Refutation(Search):
    """A search that is over when all designs are worse than the value, or one is better."""

    @property
    def log_bound(self) -> float:
        """Upper bound on ``log P`` of every design that could reach the value."""
        first = -self.open[0][0] if self.open else -math.inf
        return max(first, self.settled)

    @property
    def target(self) -> float:
        """Just below the value."""
        return self.log_value - _SETTINGS.refuted * self.complement

    @property
    def floor(self) -> float:
        """Designs outside the root box do not reach the value."""
        return -math.inf

    @property
    def allowance(self) -> float:
        """Scale of the differences in ``log P`` that matter."""
        return self.options.gap * self.complement

    @property
    def finished(self) -> bool:
        """Whether a better design is found, or none is left to be found."""
        return self.improvements > 0 or super().finished
