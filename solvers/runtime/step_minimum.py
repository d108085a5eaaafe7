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

from dataclasses import dataclass, field, replace

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import work_of_partition
from cgcopt.options import Options
from cgcopt.problem import Problem
from cgcopt.solvers.convex.incumbent import Clock, Incumbent
from cgcopt.solvers.convex.quasi_newton import quasi_newton
from cgcopt.solvers.convex.semismooth_newton import semismooth_newton
from cgcopt.solvers.formulas import mean_time_work, partition_with_work_proportional_to
from cgcopt.solvers.runtime.oracle import StepRuntimeOracle, many_runtimes
from cgcopt.solvers.runtime.sampled_model import drawn_optimum, refined, sampled_model
from cgcopt.system import System
from cgcopt.workers.empirical import Empirical

__all__ = ["minimised_steps", "warm_up"]

#: Newton's method: widths of the brackets in the first stages and how far steps are spread there.
_STAGES = ((1e-3, 1.0), (1e-4, 0.2), (1e-5, 0.03))
#: Quasi-Newton method: widths of the brackets in the first stages.
_ROUGH_STAGES = (1.2e-4, 1.2e-5)
#: Gap between minorant and bound at which these stages end, as a share of their width.
_ENOUGH, _ROUGH_ENOUGH = 0.5, 1.5
#: Width of the bracket in the last stage as a share of the gap, of a smooth minorant and of others; how
#: far steps are spread there; and the most that a stage may miss. By what these fall from one attempt to
#: the next.
_LAST, _LAST_ROUGH, _LAST_SPREAD, _LAST_ENOUGH, _ATTEMPTS, _CUT = 1.35, 0.4, 0.006, 0.2, 8, 0.4
#: With more levels than this the bracket is narrower: of what is missed, the minorant has a larger part.
_MANY_LEVELS, _NARROWER = 200, 0.07
#: Width of the bracket that is to close the gap, at first and at the least, and what is aimed at, as
#: shares of the gap.
_CLOSING, _CLOSEST, _AIM = 0.5, 0.1, 0.95
#: Evaluations at most: by Newton's method in the very first stage, in the other ones and in the last, by
#: the other method.
_TRIAL_STEPS, _FIRST_STEPS, _LAST_STEPS, _ROUGH_STEPS = 16, 30, 30, 200
#: Steps of the last stage that correct its curvature; they are short.
_LAST_PAIRS = 2
#: Up to so many levels drawn rounds give the start, beyond it the optimum for fewer levels.
_FEW_LEVELS, _COARSENING, _ROUNDS = 70, 3, 4000


def minimised_steps(
    problem: Problem, options: Options, incumbent: Incumbent, clock: Clock
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
    """
    smooth = many_runtimes(problem.system)
    oracle = StepRuntimeOracle(problem.system, options.threads, smooth=smooth)
    descent = _Descent(oracle, options, clock, incumbent, np.ones(problem.system.workers))
    if not (smooth and descent.newton_stages()):
        model = sampled_model(problem, options, clock)
        descent.quasi_newton_stages(model.partition, model.hessian)
    descent.finish()
    return oracle.subgradients


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
    hessian: FloatArray | None = None
    """In the partition, relative to the value."""
    width: float = _STAGES[0][0]
    """Of the bracket made last."""
    passed: list[tuple[float, FloatArray]] = field(default_factory=list)
    """Spread of every stage of Newton's method and the work at its end."""

    @property
    def over(self) -> bool:
        """Whether to stop."""
        return self.incumbent.closed or self.clock.expired

    def refine(self, width: float, spread: float = 0.0) -> None:
        """Bracket the design and go on with the panels of the bracket."""
        self.width = width
        here = self.oracle.refine(self.partition, width, spread)
        self.incumbent.offer(self.partition, here.value, here.bound)

    def newton_stages(self) -> bool:
        """Go through the first stages by Newton's method; return whether it succeeded."""
        system, options, clock = self.oracle.system, self.options, self.clock
        width, spread = _STAGES[0]
        self.partition = _start(system, options, clock)
        closed = self.newton_stage(width, spread, _ENOUGH * width, _TRIAL_STEPS)
        if not closed:
            # With few levels the same start again, but now with a curvature to fall back on.
            self.partition = drawn_optimum(system, options, clock, rounds=_ROUNDS)
            self.passed.clear()
            closed = self.newton_stage(width, spread, _ENOUGH * width, _FIRST_STEPS)
        for width, spread in _STAGES[1:]:
            if width > 2.0 * self.options.gap:
                closed = self.newton_stage(width, spread, _ENOUGH * width, _FIRST_STEPS)
        return closed

    def newton_stage(
        self, width: float, spread: float, enough: float, steps: int, pairs: int = 1
    ) -> bool:
        """Minimise a smooth minorant; return whether that succeeded or it is time to stop."""
        if self.over:
            return True
        self.partition = self.extrapolated(spread)
        self.refine(width, spread)
        closed = self.over or self.newton(enough, steps, pairs)
        if self.passed and self.passed[-1][0] == spread:
            self.passed.pop()
        self.passed.append((spread, work_of_partition(self.partition)))
        return closed or self.over

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
        self.partition, self.hessian = start, hessian
        self.passed.clear()
        for width in _ROUGH_STAGES:
            if width > self.options.gap and not self.over:
                self.refine(width)
                self.quasi_newton(_ROUGH_ENOUGH * width)

    def finish(self) -> None:
        """Close the gap."""
        gap, enough = self.options.gap, _LAST_ENOUGH * self.options.gap
        width, spread = _LAST_ROUGH * gap, _LAST_SPREAD
        if self.oracle.smooth:
            levels = max(self.partition.size / _MANY_LEVELS, 1.0)
            width = _LAST * gap / levels**_NARROWER
        for _ in range(_ATTEMPTS):
            design = self.partition
            if not self.over:
                design = self.last_stage(width, spread, enough)
            self.close(design)
            if self.over:
                return
            # What a minorant misses is about half the width of its bracket.
            rest = 1.0 - 2.0 * (self.incumbent.gap - _AIM * gap) / width
            if rest > _CUT:
                width *= rest
            else:
                width, spread = _CUT * width, _CUT * spread

    def close(self, design: FloatArray) -> None:
        """Bracket a design as closely as it takes to close the gap, where that can do."""
        gap, width = self.options.gap, _CLOSING * self.options.gap
        while not self.incumbent.closed:
            # Without time left, the panels at hand must do.
            here = self.oracle.bracket(design, self.width if self.clock.expired else width)
            self.incumbent.offer(design, here.value, here.bound)
            # The expected runtime is about in the middle of the bracket.
            width -= 2.0 * (self.incumbent.gap - _AIM * gap)
            if self.over or width < _CLOSEST * gap:
                return

    def last_stage(self, width: float, spread: float, enough: float) -> FloatArray:
        """Minimise a close minorant; return the design to bracket."""
        before = self.hessian
        if not self.oracle.smooth:
            self.refine(width)
        elif self.newton_stage(width, spread, enough, _LAST_STEPS, _LAST_PAIRS):
            return self.extrapolated(0.0)
        if not self.over:
            # The last curvature is that of a small neighbourhood, too local for these steps.
            self.hessian = self.hessian if before is None else before
            self.quasi_newton(enough)
            if self.passed:
                self.passed[-1] = (spread, work_of_partition(self.partition))
        return self.partition

    def newton(self, enough: float, steps: int, pairs: int = 1) -> bool:
        """Minimise the minorant until the gap to the bound is ``enough``; return whether it is."""
        stage, scale = Incumbent(enough, self.options), self.incumbent.value
        self.partition, curvature = semismooth_newton(
            self.oracle,
            self.oracle.curvature,
            self.partition,
            None if self.hessian is None else self.hessian * scale,
            stage,
            self.clock,
            steps=steps,
            pairs=pairs,
        )
        self.hessian = curvature / scale
        self.incumbent.bound = max(self.incumbent.bound, stage.bound)
        return stage.closed

    def quasi_newton(self, enough: float) -> None:
        """The same by quasi-Newton steps."""
        assert self.hessian is not None
        stage = Incumbent(enough, self.options)
        found = quasi_newton(
            self.oracle,
            self.partition,
            self.hessian,
            stage,
            self.clock,
            steps=_ROUGH_STEPS,
            cuts=self.oracle.subgradients,
            kinks=True,
        )
        assert stage.partition is not None
        self.partition, self.hessian = stage.partition, found.hessian
        self.incumbent.bound = max(self.incumbent.bound, stage.bound)


def _start(system: System, options: Options, clock: Clock) -> FloatArray:
    """A partition with sum 1 not far from the optimum."""
    if system.workers <= _FEW_LEVELS:
        return drawn_optimum(system, options, clock, rounds=_ROUNDS)
    coarse = replace(system, workers=-(-system.workers // _COARSENING))
    oracle = StepRuntimeOracle(coarse, options.threads)
    descent = _Descent(oracle, options, clock, Incumbent(0.0), _start(coarse, options, clock))
    width, spread = _STAGES[0]
    descent.refine(width, spread)
    descent.newton(_ENOUGH * width, _FIRST_STEPS)
    profile = work_of_partition(descent.partition) / mean_time_work(coarse)
    work = refined(profile, system.workers) * mean_time_work(system)
    return partition_with_work_proportional_to(np.maximum.accumulate(work), 1)
