"""Minimise the expected runtime of a step distribution, to a proven gap.

A stage brackets the best design so far and minimises a minorant on the panels of the bracket; stages
have finer and finer panels. What a minorant misses falls with the square of their number. The slopes
of one stage stay valid in the next.

Where many runtimes are possible, the minorant is a smooth one and Newton's method finds its minimum.
In the first stages the steps of the distribution are spread over the way to the neighbouring values,
so that sparse values, such as the largest of a trace, do not make the minorant rough. Where Newton's
method fails in these stages (distributions with narrow modes far apart do that) and where few runtimes
are possible, drawn rounds give a start and a Hessian, and quasi-Newton steps with those of a level
bundle method do the rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cgcopt.design import work_of_partition
from cgcopt.options import Options
from cgcopt.problem import Problem
from cgcopt.solvers._incumbent import Clock, Incumbent
from cgcopt.solvers._quasi_newton import quasi_newton
from cgcopt.solvers._runtime_oracle import StepRuntimeOracle, many_runtimes
from cgcopt.solvers._sampled_model import drawn_optimum, refined, sampled_model
from cgcopt.solvers._semismooth_newton import semismooth_newton
from cgcopt.solvers.closed_forms import mean_time_work, partition_with_work_proportional_to
from cgcopt.system import System
from cgcopt.workers.empirical import Empirical

__all__ = ["minimised_steps", "warm_up"]

FloatArray = NDArray[np.float64]

#: Newton's method: widths of the brackets in the first stages and how far steps are spread there.
_STAGES = ((1e-3, 1.0), (1e-4, 0.3), (1e-5, 0.1))
#: Quasi-Newton method: widths of the brackets in the first stages.
_ROUGH_STAGES = (1.2e-4, 1.2e-5)
#: Gap between minorant and bound at which these stages end, as a share of their width.
_ENOUGH, _ROUGH_ENOUGH = 0.5, 1.5
#: Width of the bracket in the last stage as a share of the gap: of a smooth minorant for every square
#: root of a worker, of others; and the most that a stage may miss. By what they fall from one attempt
#: to the next.
_LAST, _LAST_ROUGH, _LAST_ENOUGH, _ATTEMPTS, _CUT = 0.085, 0.4, 0.12, 4, 0.4
#: Widths of the brackets, as shares of the gap, that may close it.
_CLOSING = (0.5, 0.2)
#: Evaluations at most: by Newton's method in the first stages and in the last, by the other.
_FIRST_STEPS, _LAST_STEPS, _ROUGH_STEPS = 30, 14, 200
#: Up to so many levels drawn rounds give the start, beyond it the optimum for fewer levels.
_FEW_LEVELS, _COARSENING, _ROUNDS = 70, 3, 4000


def minimised_steps(
    problem: Problem, options: Options, incumbent: Incumbent, clock: Clock
) -> list[FloatArray]:
    """Minimise over partitions with sum 1; return all slopes, valid cuts in the partition.

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
    if not (smooth and descent.newton_stages(_start(problem.system, options, clock))):
        model = sampled_model(problem, options, clock)
        descent.quasi_newton_stages(model.partition, model.hessian)
    descent.finish()
    return oracle.slopes


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

    @property
    def over(self) -> bool:
        """Whether to stop."""
        return self.incumbent.closed or self.clock.expired

    def refine(self, width: float, spread: float = 0.0) -> None:
        """Bracket the design and go on with the panels of the bracket."""
        self.width = width
        here = self.oracle.refine(self.partition, width, spread)
        self.incumbent.offer(self.partition, here.value, here.bound)

    def newton_stages(self, start: FloatArray) -> bool:
        """Go through the first stages by Newton's method; return whether it succeeded."""
        self.partition = start
        for width, spread in _STAGES:
            if width > 2.0 * self.options.gap and not self.over:
                self.refine(width, spread)
                if not self.newton(_ENOUGH * width, _FIRST_STEPS):
                    return self.over
        return True

    def quasi_newton_stages(self, start: FloatArray, hessian: FloatArray) -> None:
        """Go through the first stages by quasi-Newton steps."""
        self.partition, self.hessian = start, hessian
        for width in _ROUGH_STAGES:
            if width > self.options.gap and not self.over:
                self.refine(width)
                self.quasi_newton(_ROUGH_ENOUGH * width)

    def finish(self) -> None:
        """Close the gap."""
        gap, workers = self.options.gap, self.partition.size
        smooth = self.oracle.smooth
        width = (_LAST * math.sqrt(workers) if smooth else _LAST_ROUGH) * gap
        for _ in range(_ATTEMPTS):
            if not self.over:
                self.refine(width)
            if not self.over:
                enough, before = _LAST_ENOUGH * gap, self.hessian
                if not (smooth and self.newton(enough, _LAST_STEPS)) and not self.over:
                    # The last curvature is that of a small neighbourhood, too local for these steps.
                    self.hessian = self.hessian if before is None else before
                    self.quasi_newton(enough)
            for share in _CLOSING:
                if not self.incumbent.closed:
                    # Without time left, the panels at hand must do.
                    wanted = self.width if self.clock.expired else share * gap
                    here = self.oracle.bracket(self.partition, wanted)
                    self.incumbent.offer(self.partition, here.value, here.bound)
                if self.over:
                    return
            width *= _CUT

    def newton(self, enough: float, steps: int) -> bool:
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
            cuts=self.oracle.slopes,
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
