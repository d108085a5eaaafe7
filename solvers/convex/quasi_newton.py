"""Quasi-Newton minimisation of a smooth convex function over the unit simplex, to a proven gap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.solvers.convex.combined_bound import QUADRATURE, proven
from cgcopt.solvers.convex.incumbent import Clock, Incumbent
from cgcopt.solvers.convex.level_step import level_step
from cgcopt.solvers.convex.simplex_qp import simplex_minimiser

__all__ = ["Descent", "Oracle", "Point", "bfgs_update", "quasi_newton"]

#: A secant pair counts when it curves at least so much as the model says, relatively.
_LEAST_CURVATURE = 1e-3
#: Relative difference of values that an evaluation cannot resolve.
_RESOLUTION = 1e-12
#: Where the level lies between bound and best value: high, so that steps stay short.
_LEVEL = 0.8
#: Evaluations in a row that leave the gap where it is before a smooth function gets a bundle step.
_SMOOTH_PATIENCE = 10
#: Evaluations in a row that may leave the gap where it is and the value, up to this share.
_IDLE, _PROGRESS = 40, 1e-9


@dataclass(frozen=True, eq=False)
class Point:
    """A partition with sum 1, its value, its gradient in the partition, and the bound it proves."""

    partition: FloatArray
    value: float
    slope: FloatArray
    bound: float


Oracle = Callable[[FloatArray], Point]


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
        Subgradients to which the oracle adds those it meets. A step that did not improve is followed
        by one of the level bundle method
    kinks : bool
        at once, for a function with kinks; else when the gap has not fallen for a while.

    Returns
    -------
    Descent
    """
    best = oracle(start)
    incumbent.offer(start, best.value, best.bound)
    model = hessian * best.value
    gap, idle, failed = incumbent.gap, 0, False
    short: FloatArray | None = None
    for used in range(1, steps):
        if incumbent.closed or clock.expired:
            return Descent(used, model / best.value)
        bundle = failed and (kinks or idle >= _SMOOTH_PATIENCE)
        if bundle and not kinks:
            incumbent.bound = max(incumbent.bound, proven(cuts, QUADRATURE))
            if incumbent.closed:
                return Descent(used, model / best.value)
        if short is None:
            target = _target(model, best, incumbent, cuts if bundle else None)
        else:
            target, short = short, None
        if idle == _IDLE or not np.any(target != best.partition):
            return Descent(used, model / best.value)
        there = oracle(target)
        incumbent.offer(target, there.value, there.bound)
        model = bfgs_update(model, there.partition - best.partition, there.slope - best.slope)
        progress = incumbent.gap < 0.9 * gap or there.value < best.value * (1.0 - _PROGRESS)
        idle = 0 if progress else idle + 1
        gap = min(gap, incumbent.gap)
        failed = not failed and there.value >= best.value
        if _better(there, best):
            best = there
        elif not kinks and there.value > best.value * (1.0 + _RESOLUTION):
            short = _interpolated(best, there)
    return Descent(steps, model / best.value)


def _target(
    model: FloatArray, best: Point, incumbent: Incumbent, cuts: list[FloatArray] | None
) -> FloatArray:
    if cuts is not None:
        level = incumbent.bound + _LEVEL * (best.value - incumbent.bound)
        found = level_step(np.array(cuts), level, best.partition, model)
        if found is not None:
            return found
    return simplex_minimiser(model, best.slope - model @ best.partition)


def _interpolated(best: Point, there: Point) -> FloatArray | None:
    """Where the secant of the slopes along a step that went too far vanishes."""
    step = there.partition - best.partition
    ahead, beyond = float(best.slope @ step), float(there.slope @ step)
    if not ahead < 0.0 < beyond:
        return None
    return np.asarray(best.partition + ahead / (ahead - beyond) * step)


def _better(there: Point, best: Point) -> bool:
    """Compare by value, and where rounding hides the difference, by the bound."""
    if abs(there.value - best.value) <= _RESOLUTION * best.value:
        return there.bound > best.bound
    return there.value < best.value


def bfgs_update(model: FloatArray, step: FloatArray, change: FloatArray) -> FloatArray:
    """BFGS update; skipped where the change of the gradient is lost in rounding."""
    image = model @ step
    modelled = float(step @ image)
    curved = float(step @ change)
    if not curved > _LEAST_CURVATURE * modelled > 0.0:
        return model
    return np.asarray(model - np.outer(image, image / modelled) + np.outer(change, change / curved))
