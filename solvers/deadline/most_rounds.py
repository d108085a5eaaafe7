"""The most rounds that one design meets, with a proof; anytime."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cgcopt.arrays import BoolArray, FloatArray
from cgcopt.design import work_of_partition
from cgcopt.evaluation.rounds.runtimes import round_runtimes
from cgcopt.formulations.probability_partition import ProbabilityPartition
from cgcopt.limits import Limits
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process.clock import Clock
from cgcopt.solvers.deadline.branch_and_cut import branch_and_cut
from cgcopt.solvers.deadline.design_part import DESIGN, DesignPart
from cgcopt.solvers.deadline.late_rounds import prospects
from cgcopt.solvers.deadline.rounds_program import RoundsProgram

__all__ = ["MostRounds"]


#: Difference of value and bound at which no whole number of rounds lies between.
_LESS_THAN_ONE = 0.999


@dataclass(eq=False)
class MostRounds:
    """Search for a design that meets more rounds than the best one known.

    Attributes
    ----------
    problem : Problem
        Completion probability on rounds, with any limits.
    form : Form
    options : Options
        ``threads`` and ``seed`` count.
    clock : Clock
    partition : ndarray, optional
        The best design known, shape ``(N,)``.
    met : int
        Rounds that it meets; -1 without a design.
    bound : int
        Rounds that a design meets at most.
    nodes : int
        Nodes of the branch and bound.
    """

    problem: Problem
    form: Form
    options: Options
    clock: Clock
    partition: FloatArray | None = None
    met: int = -1
    nodes: int = 0
    bound: int = field(init=False)

    def __post_init__(self) -> None:
        (self.deadline,) = self.problem.objective.parameters
        self.part = DesignPart(self.problem, self.form)
        plain = Problem(self.problem.system, self.problem.objective, limits=Limits())
        thresholds = ProbabilityPartition(plain, self.form).thresholds
        self.thresholds: FloatArray = thresholds[:, self.part.levels]
        self.bound = len(thresholds)

    def offer(self, partition: FloatArray) -> bool:
        """Take note of a design; return whether it is the best one."""
        if self.problem.limits.violation(partition):
            return False
        met = int(np.count_nonzero(self._in_time(partition)))
        if met <= self.met:
            return False
        self.partition, self.met = partition, met
        return True

    def offer_near(self, partition: FloatArray) -> bool:
        """Offer the designs of the form that meet the rounds which a partition meets."""
        met = self._in_time(partition)
        better = self.form is Form.RELAXED and self.offer(partition)
        if met.any():
            within = self.part.within(self._room(met), partition)
            better = (within is not None and self.offer(within)) or better
        return better

    def finish(self) -> None:
        """Prove, and start anew from better designs while they are not proven yet."""
        met = -2
        while met < self.met < self.bound and not self.clock.expired:
            met = self.met
            self.prove()

    def decide(self, wanted: int) -> bool:
        """Look for a design that meets so many rounds; whether it is proven that there is none."""
        rounds = len(self.thresholds)
        late = rounds - wanted
        left = prospects(self.thresholds, self.part.weights, self.part.coordinates, late)
        if left is None:
            return True
        program = RoundsProgram.of(self.part, self.thresholds, left)
        if self.clock.expired:
            return False
        # Any design that is found will do.
        any_gap = float(rounds + 1)
        ended = branch_and_cut(program.model, self.options, self.clock, gap=0.0, absolute=any_gap)
        self.nodes += ended.nodes
        if ended.values is not None:
            self._take(*program.point(ended.values))
        return ended.proven and ended.values is None

    def prove(self) -> bool:
        """Look for a better design until there is none or time is up; whether that is proven."""
        if self.met >= self.bound:
            return True
        late = self.bound_late - 1
        left = prospects(self.thresholds, self.part.weights, self.part.coordinates, late)
        if left is None:
            self.bound = min(self.bound, max(self.met, 0))
            return True
        self.bound = min(self.bound, len(self.thresholds) - int(np.count_nonzero(left.forced)))
        program = RoundsProgram.of(self.part, self.thresholds, left)
        if self.clock.expired:
            return False
        ended = branch_and_cut(
            program.model, self.options, self.clock, gap=0.0, absolute=_LESS_THAN_ONE
        )
        self.nodes += ended.nodes
        if ended.proven and ended.values is None:
            self.bound = min(self.bound, max(self.met, 0))
            return True
        self.bound = min(
            self.bound, max(len(self.thresholds) - program.fewest(ended.bound), self.met)
        )
        if ended.values is not None:
            self._take(*program.point(ended.values))
        return self.met >= self.bound

    @property
    def bound_late(self) -> int:
        """Late rounds of the best design known."""
        return len(self.thresholds) - max(self.met, 0)

    def _take(self, late: BoolArray, partition: FloatArray) -> None:
        """The design that meets the rounds of a point with most to spare, and the point's own."""
        within = self.part.within(self._room(~late), partition)
        for design in (within, partition):
            if (
                design is not None
                and abs(design.sum() / self.part.coordinates - 1.0) < DESIGN.missed
            ):
                self.offer(design)

    def _room(self, met: BoolArray) -> FloatArray:
        """Most work of every level with which all these rounds are met."""
        most = (self.part.levels + 1.0) * self.part.coordinates
        return np.asarray(np.minimum(self.thresholds[met].min(axis=0, initial=np.inf), most))

    def _in_time(self, partition: FloatArray) -> BoolArray:
        work = work_of_partition(partition)
        return np.asarray(round_runtimes(self.problem.system, work) <= self.deadline)
