"""Newton's method over the simplex for a convex function whose gradient is only piecewise smooth."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.solvers.convex.incumbent import Clock, Incumbent
from cgcopt.solvers.convex.quasi_newton import Evaluated, bfgs_update
from cgcopt.solvers.convex.simplex_qp import model_minimiser
from cgcopt.solvers.convex.step_control import StepControl, secant_point

__all__ = ["SemismoothTuning", "semismooth_newton"]


@dataclass(frozen=True)
class SemismoothTuning:
    """Numbers of :func:`semismooth_newton`. No measurement of them is on record."""

    damping: StepControl = field(
        default_factory=lambda: StepControl(
            first=0.1, fall=10.0, least=1e-6, growth=4.0, raised=1e-3
        )
    )
    """Damping of the curvature: falls after a short step, grows after one that went too far."""
    coarse: StepControl = field(
        default_factory=lambda: StepControl(first=0.1, fall=4.0, least=0.02, growth=4.0, most=16.0)
    )
    """Share of the curvature on a coarser scale that is added, so that steps do not run far beyond
    the piece on which the local one holds: grows after a step that went too far, else falls."""
    short: float = 0.1
    """A step is short when the derivative along it still falls at its end, by this share of what it
    did at its start."""
    turned: float = 0.3
    """A step went too far when the derivative along it turned, to more than this share."""
    definite: float = 1e-6
    """Share of the mean curvature that keeps the model definite."""


_DEFAULT = SemismoothTuning()


def semismooth_newton(
    oracle: Callable[[FloatArray], Evaluated],
    curvature: Callable[[float], FloatArray],
    start: FloatArray,
    coarse: FloatArray | None,
    incumbent: Incumbent,
    clock: Clock,
    *,
    steps: int,
    pairs: int = 1,
    tuning: SemismoothTuning = _DEFAULT,
) -> tuple[FloatArray, FloatArray]:
    """Minimise until the gap is closed, the time is over or the steps are used up.

    Every step goes to the minimiser of the quadratic model over the whole simplex, and where that is
    too far, back to where the derivative along the step should vanish. How the gradient changed
    along the last steps corrects the model.

    Parameters
    ----------
    oracle : callable
        Evaluates a partition.
    curvature : callable
        Takes a damping and returns the curvature at the partition evaluated last, shape ``(N, N)``,
        positive semidefinite.
    start : ndarray, shape (N,)
        On the simplex.
    coarse : ndarray, optional
        Curvature on a coarser scale, such as that of an earlier run.
    incumbent : Incumbent
        Receives every bound, and as its design the point whose gradient alone proves most.
    clock : Clock
        When to stop.
    steps : int
        Evaluations at most.
    pairs : int
        How many steps correct the model: after long ones only the last still says what lies ahead.
    tuning : SemismoothTuning

    Returns
    -------
    partition, curvature : ndarray
        The point whose gradient alone proves most, and the last curvature that was computed.
    """
    last: deque[tuple[FloatArray, FloatArray]] = deque(maxlen=pairs)
    run = _Run(oracle, incumbent, tuning, last, tuning.damping.first, tuning.coarse.first)
    here = run.evaluated(start)
    plain = coarse
    while run.used < steps and not (incumbent.closed or clock.expired):
        model, plain = curvature(run.damping), curvature(0.0)
        target = run.target(run.corrected(model, coarse), here)
        step = target - here.partition
        ahead = float(here.gradient @ step)
        if not ahead < 0.0:
            break
        there = run.evaluated(target)
        beyond = float(there.gradient @ step)
        run.last.append((step, there.gradient - here.gradient))
        too_far = run.adapt(ahead, beyond)
        if too_far and run.used < steps and not incumbent.closed:
            there = run.evaluated(secant_point(here.partition, step, ahead, beyond))
        here = there
    return incumbent.best, curvature(0.0) if plain is None else plain


@dataclass(eq=False)
class _Run:
    """Where the minimisation has got to."""

    oracle: Callable[[FloatArray], Evaluated]
    incumbent: Incumbent
    tuning: SemismoothTuning
    last: deque[tuple[FloatArray, FloatArray]]
    """The last steps and the change of the gradient along them."""
    damping: float
    """Damping of the curvature."""
    share: float
    """Share of the coarse curvature in the model."""
    used: int = 0
    """Evaluations so far."""
    best: Evaluated | None = None
    """The point whose gradient alone proves most."""

    def evaluated(self, partition: FloatArray) -> Evaluated:
        """Evaluate a partition, and keep the point that proves most."""
        point = self.oracle(partition)
        self.used += 1
        # Values are no upper bounds, and gradients far from balanced have values far too small.
        if self.best is None or point.gradient.min() > self.best.gradient.min():
            self.best = point
        self.incumbent.settle(self.best.partition, self.best.value, point.bound)
        return point

    def corrected(self, model: FloatArray, coarse: FloatArray | None) -> FloatArray:
        """The damped curvature with its share of the coarse one, corrected by the last steps."""
        if coarse is not None:
            model = model + self.share * coarse
        for pair in self.last:
            model = bfgs_update(model, *pair)
        return model

    def target(self, model: FloatArray, here: Evaluated) -> FloatArray:
        """Where the quadratic model, made definite, is least."""
        definite = model.copy()
        definite[np.diag_indices(len(model))] += self.tuning.definite * np.trace(model) / len(model)
        return model_minimiser(definite, here.gradient, here.partition)

    def adapt(self, ahead: float, beyond: float) -> bool:
        """Adapt the damping to the derivative along a step at both ends; whether it went too far."""
        tuning = self.tuning
        if beyond < -tuning.short * ahead:
            self.damping = tuning.damping.lowered(self.damping)
        if beyond <= -tuning.turned * ahead:
            self.share = tuning.coarse.lowered(self.share)
            return False
        self.damping = tuning.damping.grown(self.damping)
        self.share = tuning.coarse.grown(self.share)
        return True
