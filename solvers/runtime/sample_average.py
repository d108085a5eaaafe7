"""Minimise a sample average of runtimes: Newton on its smoothing, then cutting planes.

The sample average ``(1/K) sum_k max_n c_{k,n} w_n`` is piecewise linear, but with many rounds it is
nearly smooth at every scale that matters. So its smoothing is minimised by Newton's method over
the simplex, each step one pass over the rounds, for widths of the smoothing that fall. At the last
width a handful of rounds decides the maximum of a handful of levels; the linear program over the
cuts near the maximum (:mod:`cgcopt.solvers.runtime.scenario_cuts`) then ends at the exact optimum.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cgcopt.arrays import LEAST_DIVISOR, FloatArray
from cgcopt.solvers.convex.combined_bound import ROUNDING, lifted_bound, proven
from cgcopt.solvers.convex.incumbent import Clock, Incumbent
from cgcopt.solvers.convex.simplex_qp import model_minimiser
from cgcopt.solvers.convex.step_control import StepControl
from cgcopt.solvers.runtime.curvature import damped_hessian
from cgcopt.solvers.runtime.level_work import LevelWork
from cgcopt.solvers.runtime.scenario_cuts import CutMaster, Cuts, rounded_down
from cgcopt.solvers.runtime.smoothed_maximum import SmoothedMaximum, smoothed_maximum

__all__ = ["SampleAverage", "SampleAverageTuning"]


@dataclass(frozen=True)
class SampleAverageTuning:
    """Numbers of :class:`SampleAverage`. No measurement of them is on record."""

    first_width: float = 0.03
    """First width of the smoothing, relative to the spread of the order statistics; products that
    lie this far below the maximum still count."""
    narrowing: float = 5.0
    """Factor between widths before the last ones."""
    smeared: tuple[float, ...] = (40.0, 10.0)
    """Rounds in which a change of the maximum is smeared out, at the last widths."""
    few_rounds: int = 2000
    """Rounds at least while the width is large."""
    rounds_per_level: int = 10
    """Rounds for every level at least while the width is large."""
    resolved: float = 60.0
    """Rounds over which a change of the maximum is smeared out, at least, while the width is large."""
    least_spread: float = 1e-6
    """The spread of the order statistics counts as this at least."""
    start_share: float = 1e-4
    """Every level has this share of an even partition at the start, at least."""
    steps: int = 25
    """Newton steps at one width, at most."""
    done: float = 1e-2
    """A width is done with when the predicted decrease is this small a part of the smoothing error."""
    damping: StepControl = field(
        default_factory=lambda: StepControl(0.1, fall=10.0, least=1e-7, growth=10.0, raised=0.1)
    )
    """Damping of the curvature: falls after a good step, grows after a bad one."""
    good: float = 0.4
    """A step is good when it gains more than this share of what was predicted."""
    bad: float = 0.1
    """A step is bad when it gains less than this share of what was predicted."""
    widened: float = 1.2
    """Cuts are kept that may be largest while works change by a reach: this many times what they
    changed at the last width."""
    extra_reach: float = 1e-9
    """Share of a work that is added to the reach."""
    widest: float = 0.1
    """Largest reach, as a share of a work."""
    masters: int = 100
    """Linear programs in one scale, at most."""
    wide: float = 1e-6
    """Share of the largest work below which the reference is no guide to the scale."""
    tiny: float = 1e-30
    """Least share of the largest work that counts in a scale."""


_DEFAULT = SampleAverageTuning()


@dataclass(eq=False)
class SampleAverage:
    """The minimisation over partitions with sum 1, in the unit of the times.

    Parameters
    ----------
    times : ndarray, shape (K, m)
        What the levels wait for, every row ascending: the last column belongs to the first level.
    incumbent : Incumbent
        Receives every design that is valued on all rounds, and every bound.
    clock : Clock
        When to stop.
    threads : int, optional
        At most so many threads.
    tuning : SampleAverageTuning
    levels : LevelWork, optional
        The ``m`` levels of the columns; by default ``0, ..., m-1``.

    Attributes
    ----------
    subgradients : list of ndarray
        In the partition; each is a convex combination of subgradients.
    """

    times: FloatArray
    incumbent: Incumbent
    clock: Clock
    threads: int | None = None
    tuning: SampleAverageTuning = _DEFAULT
    levels: LevelWork | None = None
    subgradients: list[FloatArray] = field(default_factory=list)
    passes: int = 0
    masters: int = 0
    pivots: int = 0
    map: LevelWork = field(init=False)
    moved: FloatArray = field(init=False)
    damping: float = field(init=False)

    def __post_init__(self) -> None:
        self.map = self.levels or LevelWork.of_all(self.times.shape[1])
        self.moved = np.full(self.times.shape[1], self.tuning.widest)
        self.damping = self.tuning.damping.first

    def minimise(self) -> None:
        """Run until the gap is closed, the time is over or nothing more can be gained."""
        partition = self.smooth(self.start())
        if not self.over:
            self.cut(partition)
        if not self.incumbent.closed and self.subgradients:
            self.lift()

    @property
    def over(self) -> bool:
        """Whether the gap is closed or the time is over."""
        return self.incumbent.closed or self.clock.expired

    def start(self) -> FloatArray:
        """Closed form: every level takes equally long on average."""
        work = self.reference_work()
        partition = np.maximum(self.map.partition(work), self.tuning.start_share / work.size)
        return np.asarray(partition / partition.sum())

    def reference_work(self) -> FloatArray:
        """``w_n`` proportional to ``1/mean T_(N-n)``, positive, of a partition with sum 1."""
        work = 1.0 / self.times.mean(axis=0)[::-1]
        return np.asarray(work / (self.map.weights @ work))

    def smooth(self, partition: FloatArray, widths: list[float] | None = None) -> FloatArray:
        """Follow the minimiser of the smoothing as its width falls.

        Parameters
        ----------
        partition : ndarray, shape (N,)
            Where to start.
        widths : list of float, optional
            Falling, relative to the spread; by default down to where few rounds are smeared.
        """
        spread = self.spread()
        widths = self.widths() if widths is None else widths
        for width in widths:
            before = self.map.work(partition)
            rounds = self.rounds(width, last=width in widths[-2:])
            partition = self.newton(partition, rounds, 1.0 / (width * spread))
            if self.over:
                break
            after = self.map.work(partition)
            self.moved = np.abs(after - before) / np.maximum(
                np.maximum(after, before), LEAST_DIVISOR
            )
        return partition

    def widths(self) -> list[float]:
        """Widths of the smoothing down to the last, at which few rounds are smeared."""
        count = len(self.times)
        first, narrowing = self.tuning.first_width, self.tuning.narrowing
        last = [rounds / count for rounds in self.tuning.smeared if rounds / count < first]
        widths = [first]
        while last and widths[-1] > narrowing * last[0]:
            widths.append(widths[-1] / narrowing)
        return widths + last

    def rounds(self, width: float, *, last: bool) -> FloatArray:
        """Rounds that are enough at a width: all of them at the last."""
        count, levels = self.times.shape
        tuning = self.tuning
        resolved = int(tuning.resolved / width)
        few = max(tuning.few_rounds, tuning.rounds_per_level * levels, resolved)
        every = 1 if last else max(count // few, 1)
        return self.times if every == 1 else np.ascontiguousarray(self.times[::every])

    def scale(self, work: FloatArray) -> FloatArray:
        """Typical work of the levels near the optimum, where variables of size 1 are wanted."""
        reference = self.reference_work()
        wide = reference[0] < self.tuning.wide * reference[-1]
        return self.own_scale(work) if wide else reference

    def own_scale(self, work: FloatArray) -> FloatArray:
        """The work itself as a scale, positive."""
        return np.asarray(np.maximum(work, self.tuning.tiny * work[-1]))

    def spread(self) -> float:
        """How far the means of the order statistics lie apart, relative to the largest."""
        means = self.times.mean(axis=0)
        return max(1.0 - float(means[0] / means[-1]), self.tuning.least_spread)

    def newton(self, partition: FloatArray, rounds: FloatArray, power: float) -> FloatArray:
        """Minimise the smoothing with one power, by damped Newton steps over the simplex."""
        tuning, control = self.tuning, self.tuning.damping
        here = self.evaluate(partition, rounds, power)
        reference = self.reference_work()
        undamped = False
        for _ in range(tuning.steps):
            if self.over:
                break
            target, decrease = self.step(here, partition, reference)
            negligible = tuning.done * (here.smoothed - here.value)
            if decrease <= negligible and self.damping > control.least and not undamped:
                # Damping may hide what is left to gain.
                self.damping = control.least
                target, decrease = self.step(here, partition, reference)
            if decrease <= negligible:
                break
            there = self.evaluate(target, rounds, power)
            share = (here.smoothed - there.smoothed) / decrease
            undamped = self.damping == control.least
            self.adapt_damping(share)
            if share > 0.0:
                partition, here, undamped = target, there, False
        return partition

    def step(
        self, here: SmoothedMaximum, partition: FloatArray, reference: FloatArray
    ) -> tuple[FloatArray, float]:
        """Minimise the quadratic model over the simplex; return the minimiser and the descent to it."""
        hessian = damped_hessian(here, partition, reference, self.damping, self.map)
        gradient = self.map.gradient(here.gradient)
        target = model_minimiser(hessian, gradient, partition)
        return target, float(gradient @ (partition - target))

    def adapt_damping(self, share: float) -> None:
        """Lower the damping after a step that gained a good share of what was predicted, or raise it."""
        if share > self.tuning.good:
            self.damping = self.tuning.damping.lowered(self.damping)
        elif share < self.tuning.bad:
            self.damping = self.tuning.damping.grown(self.damping)

    def evaluate(self, partition: FloatArray, rounds: FloatArray, power: float) -> SmoothedMaximum:
        """One pass over the rounds; offers what it finds when these are all of them."""
        work = self.map.work(partition)
        result = smoothed_maximum(rounds, work, power, self.threads)
        if rounds is self.times:
            self.passes += 1
            self.offer(partition, result.value, result.mixture)
        return result

    def offer(self, partition: FloatArray, value: float, gradient: FloatArray) -> None:
        """Keep a subgradient, given with respect to the work, and offer the design and the bound."""
        subgradient = self.map.gradient(gradient)
        self.subgradients.append(subgradient)
        bound = rounded_down(float(subgradient.min()), value)
        self.incumbent.offer(partition, value, bound)

    def lift(self) -> None:
        """Look for the bound that levels with very long times keep out of the reach of tolerances."""
        means = self.times.mean(axis=0)[::-1]
        bound = max(lifted_bound(g, means, self.map.copies) for g in self.subgradients)
        bound *= 1.0 - ROUNDING
        self.incumbent.bound = max(self.incumbent.bound, bound)
        if not self.over:
            self.incumbent.bound = max(self.incumbent.bound, proven(self.subgradients, ROUNDING))

    def cut(self, partition: FloatArray) -> None:
        """Solve to the end by cutting planes."""
        tuning, cuts = self.tuning, Cuts(self.times)
        work = self.map.work(partition)
        # What the last width changed is about what is left to change.
        reach = np.minimum(tuning.widened * self.moved + tuning.extra_reach, tuning.widest)
        cuts.add_near(work, reach)
        work = self.cut_in_scale(cuts, work, reach, self.scale(work))
        if not self.over:
            # Where times lie far apart, the tolerances of a solver ask for the scale of the optimum.
            self.cut_in_scale(cuts, work, reach, self.own_scale(work))

    def cut_in_scale(
        self, cuts: Cuts, work: FloatArray, reach: FloatArray, scale: FloatArray
    ) -> FloatArray:
        """Add cuts until none is missing, with the work measured in a scale; return the last work."""
        master = CutMaster(cuts, scale, self.incumbent.value, self.map)
        for _ in range(self.tuning.masters):
            point = master.solve(work, self.clock)
            if point is None:
                break
            self.masters += 1
            self.pivots += point.pivots
            work = point.work
            value, missing = cuts.add_missing(work, reach)
            self.passes += 1
            self.offer(np.maximum(self.map.partition(work), 0.0), value, point.gradient)
            if missing == 0 or self.over:
                break
        return work
