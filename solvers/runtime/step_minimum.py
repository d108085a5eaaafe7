"""Minimise the expected runtime of a step distribution, to a proven gap.

A stage brackets the best design so far and minimises a minorant on the panels of the bracket; stages
have finer and finer panels. What a minorant misses falls with the square of their number. The
subgradients of one stage stay valid in the next.

Where many runtimes are possible, the minorant is a smooth one and Newton's method finds its minimum.
The steps of the distribution are spread over a share of the way to the neighbouring values, so that
sparse values, such as the largest of a trace, do not make the minorant rough. The share falls from
stage to stage, and the minimisers of two stages show where it leads: a stage starts on the line
through the last two, and the design at its end is the one at which the line arrives without a spread.
Where the first stage fails (distributions with narrow modes far apart do that), drawn rounds give a
better start.

Where few runtimes are possible, or the stages fail from there too, drawn rounds give a start and a
Hessian, and quasi-Newton steps with those of a level bundle method do the rest.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import work_of_partition
from cgcopt.options import Options
from cgcopt.problem import Problem
from cgcopt.solvers.convex.incumbent import Clock, Incumbent
from cgcopt.solvers.convex.quasi_newton import quasi_newton
from cgcopt.solvers.convex.semismooth_newton import semismooth_newton
from cgcopt.solvers.formulas import mean_time_work, partition_with_work_proportional_to
from cgcopt.solvers.runtime.sampled_model import drawn_optimum, refined, sampled_model
from cgcopt.solvers.runtime.step_oracle import StepRuntimeOracle, many_runtimes
from cgcopt.solvers.runtime.step_tuning import FirstStages, NewtonStage, StepTuning
from cgcopt.system import System
from cgcopt.workers.empirical import Empirical

__all__ = ["minimised_steps", "warm_up"]

_DEFAULT = StepTuning()


def minimised_steps(
    problem: Problem,
    options: Options,
    incumbent: Incumbent,
    clock: Clock,
    tuning: StepTuning = _DEFAULT,
) -> list[FloatArray]:
    """Minimise over partitions with sum 1; return all subgradients, valid cuts in the partition.

    Parameters
    ----------
    problem : Problem
        Its worker times are discrete.
    options : Options
        ``gap``, ``seed`` and ``threads`` count.
    incumbent : Incumbent
        Receives designs and bounds.
    clock : Clock
        When to stop.
    tuning : StepTuning
    """
    smooth = many_runtimes(problem.system)
    oracle = StepRuntimeOracle(problem.system, options.threads, smooth=smooth)
    start = np.ones(problem.system.workers)
    descent = _Descent(oracle, options, clock, incumbent, start, tuning)
    if not (smooth and descent.newton_stages()):
        model = sampled_model(problem, options, clock)
        descent.quasi_newton_stages(model.partition, model.hessian)
    descent.finish()
    return oracle.subgradients


@cache
def warm_up() -> None:
    """Load or compile what a step distribution needs, on a tiny example."""
    oracle = StepRuntimeOracle(System(2, 2, Empirical([1.0, 2.0, 4.0]), samples=2))
    oracle.refine(np.array([0.5, 0.5]), 0.1)
    oracle(np.array([0.4, 0.6]))
    oracle.curvature(0.0)


@dataclass(eq=False)
class _Descent:
    """Where the minimisation has got to."""

    oracle: StepRuntimeOracle
    options: Options
    clock: Clock
    incumbent: Incumbent
    partition: FloatArray
    tuning: StepTuning = _DEFAULT
    hessian: deque[FloatArray] = field(default_factory=lambda: deque(maxlen=1))
    """The last one, in the partition and relative to the value; none before the first stage."""
    width: float = field(init=False)
    """Width of the bracket made last."""
    passed: list[tuple[float, FloatArray]] = field(default_factory=list)
    """Spread of every stage of Newton's method and the work at its end."""

    def __post_init__(self) -> None:
        self.width = self.tuning.first.newton[0][0]

    @property
    def over(self) -> bool:
        """Whether the gap is closed or the time is over."""
        return self.incumbent.closed or self.clock.expired

    def refine(self, width: float, spread: float = 0.0) -> None:
        """Bracket the design and go on with the panels of the bracket."""
        self.width = width
        here = self.oracle.refine(self.partition, width, spread)
        self.incumbent.offer(self.partition, here.value, here.bound)

    def newton_stages(self) -> bool:
        """Go through the first stages by Newton's method; return whether it succeeded."""
        system, options, clock = self.oracle.system, self.options, self.clock
        first = self.tuning.first
        self.partition = _start(system, options, clock, first)
        closed = self.newton_stage(first.stage(0, first.trial_evaluations))
        if not closed:
            # With few levels the same start again, but now with a curvature to fall back on.
            self.partition = drawn_optimum(system, options, clock, rounds=first.rounds)
            self.passed.clear()
            closed = self.newton_stage(first.stage(0, first.evaluations))
        for index in range(1, len(first.newton)):
            stage = first.stage(index, first.evaluations)
            if stage.width > first.worth * options.gap:
                closed = self.newton_stage(stage)
        return closed

    def newton_stage(self, stage: NewtonStage) -> bool:
        """Minimise a smooth minorant; return whether that succeeded or it is time to stop."""
        if self.over:
            return True
        self.partition = self.extrapolated(stage.spread)
        self.refine(stage.width, stage.spread)
        closed = self.over or self.newton(stage)
        self.remember(stage.spread)
        return closed or self.over

    def remember(self, spread: float) -> None:
        """Keep the end of a stage, in place of an earlier one of the same spread."""
        if self.passed and self.passed[-1][0] == spread:
            self.passed.pop()
        self.passed.append((spread, work_of_partition(self.partition)))

    def extrapolated(self, spread: float) -> FloatArray:
        """Partition at a spread on the line through the ends of the last two stages."""
        if len(self.passed) < 2:
            return self.partition
        (before, there), (last, here) = self.passed[-2:]
        used = (there > 0.0) & (here > 0.0)
        ratio = np.divide(here, there, out=np.ones_like(here), where=used)
        work = here * ratio ** ((last - spread) / (before - last))
        return partition_with_work_proportional_to(np.maximum.accumulate(work), 1)

    def quasi_newton_stages(self, start: FloatArray, hessian: FloatArray) -> None:
        """Go through the first stages by quasi-Newton steps."""
        self.partition = start
        self.hessian.append(hessian)
        self.passed.clear()
        for width in self.tuning.first.rough:
            if width > self.options.gap and not self.over:
                self.refine(width)
                self.quasi_newton(self.tuning.first.rough_enough * width)

    def finish(self) -> None:
        """Close the gap."""
        gap, last = self.options.gap, self.tuning.last
        width = last.first_width(gap, self.partition.size, smooth=self.oracle.smooth)
        spread = last.spread
        for _ in range(last.attempts):
            design = self.partition
            if not self.over:
                design = self.last_stage(width, spread)
            self.close(design)
            if self.over:
                return
            # What a minorant misses is about half the width of its bracket.
            rest = 1.0 - 2.0 * (self.incumbent.gap - last.aim * gap) / width
            if rest > last.cut:
                width *= rest
            else:
                width, spread = last.cut * width, last.cut * spread

    def close(self, design: FloatArray) -> None:
        """Bracket a design as closely as it takes to close the gap, where that can do."""
        gap, last = self.options.gap, self.tuning.last
        width = last.closing * gap
        while not self.incumbent.closed:
            # Without time left, the panels that are there must do.
            here = self.oracle.bracket(design, self.width if self.clock.expired else width)
            self.incumbent.offer(design, here.value, here.bound)
            # The expected runtime is about in the middle of the bracket.
            width -= 2.0 * (self.incumbent.gap - last.aim * gap)
            if self.over or width < last.closest * gap:
                return

    def last_stage(self, width: float, spread: float) -> FloatArray:
        """Minimise a close minorant; return the design to bracket."""
        last, enough = self.tuning.last, self.tuning.last.enough * self.options.gap
        stage = NewtonStage(width, spread, enough, last.evaluations, last.pairs)
        before = tuple(self.hessian)
        if not self.oracle.smooth:
            self.refine(width)
        elif self.newton_stage(stage):
            return self.extrapolated(0.0)
        if not self.over:
            # The last curvature is that of a small neighbourhood, too local for these steps.
            self.hessian.extend(before)
            self.quasi_newton(enough)
            if self.passed:
                self.passed[-1] = (spread, work_of_partition(self.partition))
        return self.partition

    def newton(self, stage: NewtonStage) -> bool:
        """Minimise the minorant until the gap to the bound is enough; return whether it is."""
        reached, scale = self.told(stage.enough), self.incumbent.value
        self.partition, curvature = semismooth_newton(
            self.oracle,
            self.oracle.curvature,
            self.partition,
            self.hessian[-1] * scale if self.hessian else None,
            reached,
            self.clock,
            steps=stage.evaluations,
            pairs=stage.pairs,
        )
        self.hessian.append(curvature / scale)
        self.incumbent.bound = max(self.incumbent.bound, reached.bound)
        return reached.closed

    def told(self, enough: float) -> Incumbent:
        """What a stage reaches on its minorant, told in the same unit."""
        return Incumbent(enough, self.options, unit=self.incumbent.unit)

    def quasi_newton(self, enough: float) -> None:
        """Minimise the minorant by quasi-Newton steps until the gap is enough."""
        reached = self.told(enough)
        found = quasi_newton(
            self.oracle,
            self.partition,
            self.hessian[-1],
            reached,
            self.clock,
            steps=self.tuning.last.rough_evaluations,
            cuts=self.oracle.subgradients,
            kinks=True,
        )
        self.partition = reached.best
        self.hessian.append(found.hessian)
        self.incumbent.bound = max(self.incumbent.bound, reached.bound)


def _start(system: System, options: Options, clock: Clock, first: FirstStages) -> FloatArray:
    """A partition with sum 1 not far from the optimum."""
    if system.workers <= first.few_levels:
        return drawn_optimum(system, options, clock, rounds=first.rounds)
    coarse = replace(system, workers=-(-system.workers // first.coarsening))
    oracle = StepRuntimeOracle(coarse, options.threads)
    start = _start(coarse, options, clock, first)
    descent = _Descent(oracle, options, clock, Incumbent(0.0, unit=system.coordinates), start)
    stage = first.stage(0, first.evaluations)
    descent.refine(stage.width, stage.spread)
    descent.newton(stage)
    profile = work_of_partition(descent.partition) / mean_time_work(coarse)
    work = refined(profile, system.workers) * mean_time_work(system)
    return partition_with_work_proportional_to(np.maximum.accumulate(work), 1)
