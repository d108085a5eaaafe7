"""Quasi-Newton minimisation of a smooth convex function over the unit simplex, to a proven gap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.solvers.convex.combined_bound import QUADRATURE, proven
from cgcopt.solvers.convex.incumbent import Clock, Incumbent
from cgcopt.solvers.convex.level_step import level_step
from cgcopt.solvers.convex.simplex_qp import model_minimiser
from cgcopt.solvers.convex.step_control import secant_point

__all__ = ["Descent", "Evaluated", "Oracle", "QuasiNewtonTuning", "bfgs_update", "quasi_newton"]


@dataclass(frozen=True)
class QuasiNewtonTuning:
    """Numbers of :func:`quasi_newton`. No measurement of them is on record."""

    resolution: float = 1e-12
    """Relative difference of values that an evaluation cannot resolve."""
    level: float = 0.8
    """Where the level lies between bound (0) and best value (1): high, so that steps stay short."""
    smooth_patience: int = 10
    """Evaluations in a row without progress before a smooth function gets a bundle step."""
    patience: int = 40
    """Evaluations in a row without progress after which the run ends."""
    gap_progress: float = 0.9
    """A gap below this share of the least gap so far is progress."""
    value_progress: float = 1e-9
    """A value lower than the best by more than this, relatively, is progress too."""
    least_curvature: float = 1e-3
    """A secant pair counts when it curves at least this share of what the model says."""


_DEFAULT = QuasiNewtonTuning()


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A partition with sum 1, its value, its gradient in the partition, and the bound it proves."""

    partition: FloatArray
    value: float
    gradient: FloatArray
    bound: float


Oracle = Callable[[FloatArray], Evaluated]


@dataclass(frozen=True, eq=False)
class Descent:
    """How many evaluations were made, and the last Hessian, relative to the value."""

    evaluations: int
    hessian: FloatArray


def quasi_newton(
    oracle: Oracle,
    start: FloatArray,
    hessian: FloatArray,
    incumbent: Incumbent,
    clock: Clock,
    *,
    steps: int,
    cuts: list[FloatArray],
    kinks: bool = False,
    tuning: QuasiNewtonTuning = _DEFAULT,
) -> Descent:
    """Minimise by BFGS steps, each the minimiser of the quadratic model over the whole simplex.

    The function is convex, so every evaluated point, also one that turned out worse than the best,
    gives a secant pair with the best point; the next step starts from the best point with the model
    so corrected. The run ends when the gap is closed, when the clock or ``steps`` run out, or when
    gap and value have ceased to fall.

    Parameters
    ----------
    oracle : callable
        Evaluates a partition.
    start : ndarray, shape (N,)
        On the simplex.
    hessian : ndarray, shape (N, N)
        First model, relative to the value, positive definite.
    incumbent : Incumbent
        Receives every point.
    clock : Clock
        When to stop.
    steps : int
        Evaluations at most.
    cuts : list of ndarray
        Subgradients to which the oracle adds those it meets.
    kinks : bool
        Whether the function has kinks. A step that did not improve is then followed by one of the
        level bundle method at once; without kinks, only after a while without progress.
    tuning : QuasiNewtonTuning

    Returns
    -------
    Descent
    """
    best = oracle(start)
    incumbent.offer(start, best.value, best.bound)
    run = _Run(best, hessian * best.value, incumbent, cuts, kinks, tuning, incumbent.gap)
    for used in range(1, steps):
        if incumbent.closed or clock.expired:
            return run.end(used)
        bundle = run.wants_bundle_step()
        if bundle and not kinks:
            run.combine_cuts()
            if incumbent.closed:
                return run.end(used)
        target = run.next_target(bundle=bundle)
        if run.stalled(target):
            return run.end(used)
        there = oracle(target)
        incumbent.offer(target, there.value, there.bound)
        run.correct_model(there)
        run.note_progress(there)
        run.move(there)
    return run.end(steps)


@dataclass(eq=False)
class _Run:
    """Where the minimisation has got to."""

    best: Evaluated
    model: FloatArray
    """Hessian of the quadratic model around the best point."""
    incumbent: Incumbent
    cuts: list[FloatArray]
    kinks: bool
    tuning: QuasiNewtonTuning
    gap: float
    """The least gap so far."""
    idle: int = 0
    """Evaluations in a row without progress."""
    failed: bool = False
    """Whether the last step did not improve, and the one before it did."""
    short: FloatArray | None = None
    """Where to go next after a step that went too far."""

    def end(self, evaluations: int) -> Descent:
        """The result of the minimisation."""
        return Descent(evaluations, self.model / self.best.value)

    def wants_bundle_step(self) -> bool:
        """Whether a bundle step is due, because quasi-Newton steps do not improve."""
        return self.failed and (self.kinks or self.idle >= self.tuning.smooth_patience)

    def combine_cuts(self) -> None:
        """Take note of the bound of the best convex combination of the subgradients."""
        self.incumbent.bound = max(self.incumbent.bound, proven(self.cuts, QUADRATURE))

    def next_target(self, *, bundle: bool) -> FloatArray:
        """Where the last step, which went too far, should have ended; else the end of a new step."""
        short, self.short = self.short, None
        return self.target(bundle=bundle) if short is None else short

    def target(self, *, bundle: bool) -> FloatArray:
        """The end of a level bundle step or of a quasi-Newton step."""
        best, bound = self.best, self.incumbent.bound
        if bundle:
            level = bound + self.tuning.level * (best.value - bound)
            found = level_step(np.array(self.cuts), level, best.partition, self.model)
            if found is not None:
                return found
        return model_minimiser(self.model, best.gradient, best.partition)

    def stalled(self, target: FloatArray) -> bool:
        """Whether neither gap nor value fall any more, or there is no next step."""
        return self.idle == self.tuning.patience or not np.any(target != self.best.partition)

    def correct_model(self, there: Evaluated) -> None:
        """Learn how the function curves between the best point and another."""
        step = there.partition - self.best.partition
        self.model = bfgs_update(self.model, step, there.gradient - self.best.gradient)

    def note_progress(self, there: Evaluated) -> None:
        """Count the evaluations without progress."""
        tuning, best = self.tuning, self.best
        progress = (
            self.incumbent.gap < tuning.gap_progress * self.gap
            or there.value < best.value * (1.0 - tuning.value_progress)
        )
        self.idle = 0 if progress else self.idle + 1
        self.gap = min(self.gap, self.incumbent.gap)
        self.failed = not self.failed and there.value >= best.value

    def move(self, there: Evaluated) -> None:
        """Go on from a better point; look between the two where the step went too far."""
        best, resolution = self.best, self.tuning.resolution
        if _better(there, best, resolution):
            self.best = there
        elif not self.kinks and there.value > best.value * (1.0 + resolution):
            self.short = _interpolated(best, there)


def _interpolated(best: Evaluated, there: Evaluated) -> FloatArray | None:
    """Where the derivative along a step that went too far vanishes, by its secant."""
    step = there.partition - best.partition
    ahead, beyond = float(best.gradient @ step), float(there.gradient @ step)
    if not ahead < 0.0 < beyond:
        return None
    return secant_point(best.partition, step, ahead, beyond)


def _better(there: Evaluated, best: Evaluated, resolution: float) -> bool:
    """Compare by value, and where rounding hides the difference, by the bound."""
    if abs(there.value - best.value) <= resolution * best.value:
        return there.bound > best.bound
    return there.value < best.value


def bfgs_update(model: FloatArray, step: FloatArray, change: FloatArray) -> FloatArray:
    """BFGS update; skipped where the change of the gradient is lost in rounding."""
    image = model @ step
    modelled = float(step @ image)
    curved = float(step @ change)
    if not curved > _DEFAULT.least_curvature * modelled > 0.0:
        return model
    return np.asarray(model - np.outer(image, image / modelled) + np.outer(change, change / curved))
