"""The least bound that linearisations give on a box: Newton steps to the relaxed maximum.

The bounds of :mod:`cgcopt.solvers.proof.relaxation` hold wherever ``F`` is linearised; they are least
where ``F`` is largest, and Newton steps within the box and the budget go there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import BoolArray, FloatArray
from cgcopt.solvers.convex.knapsack_qp import maximise_quadratic
from cgcopt.solvers.proof.relaxation import Points, Relaxation

__all__ = ["NodeBoundSettings", "Relaxed", "conditional_bound"]


@dataclass(frozen=True)
class NodeBoundSettings:
    """Tuning numbers of :func:`conditional_bound`, chosen without a recorded measurement."""

    newton_steps: int = 40
    """Newton steps on one box at most."""
    halvings: int = 20
    """Lengths of one step that are tried, each half of the one before."""
    sufficient: float = 1e-4
    """Share of the first-order gain that a step has to reach (Armijo's condition)."""
    retries: int = 3
    """Quadratic models tried from one point, each firmer than the one before."""
    firmness: float = 1e-9
    """Least curvature of the quadratic model, relative to the largest."""
    firmer: float = 1e3
    """Factor on the least curvature from one model to the next."""
    visible: float = 0.1
    """Least curvature as a share of the tolerance: less makes no visible difference in a box."""
    slack: float = 0.05
    """Share of the excess over what would be enough that a bound may be off where it is not."""


_SETTINGS = NodeBoundSettings()


@dataclass(frozen=True, eq=False)
class Relaxed:
    """The relaxed maximum on a box.

    Attributes
    ----------
    log_bound : float
        Upper bound on ``log P`` of every design in the box.
    point : Points
        The best point found for the relaxation; it meets the budget.
    steps : int
        Newton steps.
    """

    log_bound: float
    point: Points
    steps: int


def conditional_bound(
    relaxation: Relaxation, start: FloatArray, *, enough: float, tolerance: float
) -> Relaxed:
    """Bound ``log P`` on the box of a relaxation.

    Parameters
    ----------
    relaxation : Relaxation
        On a box with ``v . l <= Y <= v . u``.
    start : ndarray
        Speeds to start from, shape ``(N,)``; they are moved into the box and onto the budget.
    enough : float
        A bound on ``log P`` at which the box is of no more interest.
    tolerance : float
        Difference of bound and relaxed maximum at which to stop.
    """
    point = relaxation.at(_onto_budget(start, relaxation))
    best, steps = math.inf, 0
    while steps < _SETTINGS.newton_steps:
        steps += 1
        best = min(best, _bound_at(relaxation, point))
        if best <= enough or best - point.value <= max(tolerance, _slack(point, enough)):
            break
        moved = _newton_step(relaxation, point, tolerance)
        if moved is None:
            break
        point = moved
    return Relaxed(best, point, steps)


def _slack(point: Points, enough: float) -> float:
    """A difference that is small beside how far the relaxed maximum exceeds ``enough``."""
    return _SETTINGS.slack * max(float(point.value) - enough, 0.0) if math.isfinite(enough) else 0.0


def _bound_at(relaxation: Relaxation, point: Points) -> float:
    row = (part[np.newaxis] for part in (point.speed, point.value, point.gradient, point.weight))
    return float(relaxation.linear_bounds(Points(*row))[0])


def _onto_budget(speed: FloatArray, relaxation: Relaxation) -> FloatArray:
    """Move a point into the box and, evenly within the room left there, onto the budget."""
    box, speeds = relaxation.box, relaxation.speeds
    inside = np.clip(speed, box.lower, box.upper)
    missing = speeds.budget - float(speeds.weights @ inside)
    room = (box.upper if missing > 0 else box.lower) - inside
    whole = float(speeds.weights @ room)
    if whole == 0.0:
        return np.asarray(inside)
    return np.asarray(np.clip(inside + min(missing / whole, 1.0) * room, box.lower, box.upper))


def _newton_step(relaxation: Relaxation, point: Points, tolerance: float) -> Points | None:
    """Step within box and budget that ascends, on models ever firmer; None where none does."""
    keep = relaxation.width > 0.0
    if not math.isfinite(point.value) or np.count_nonzero(keep) < 2:
        return None
    hessian = relaxation.hessian(point)[np.ix_(keep, keep)]
    firm = _least_curvature(hessian, tolerance)
    for _ in range(_SETTINGS.retries):
        step = _model_step(relaxation, point, keep, hessian - firm * np.eye(len(hessian)))
        moved = _along(relaxation, point, step)
        if moved is not None:
            return moved
        firm *= _SETTINGS.firmer
    return None


def _least_curvature(hessian: FloatArray, tolerance: float) -> float:
    """Curvature that changes the bound by less than the tolerance over the whole box."""
    largest = float(np.abs(np.diag(hessian)).max())
    return max(_SETTINGS.firmness * largest, _SETTINGS.visible * tolerance)


def _model_step(
    relaxation: Relaxation, point: Points, keep: BoolArray, hessian: FloatArray
) -> FloatArray:
    """Step to the maximum of the quadratic model within box and budget.

    ``hessian`` is in units of the box, on the levels that the box leaves free (``keep``).
    """
    width, box = relaxation.width, relaxation.box
    pull, price = (point.gradient * width)[keep], (relaxation.speeds.weights * width)[keep]
    lower = np.minimum((box.lower - point.speed)[keep] / width[keep], 0.0)
    upper = np.maximum((box.upper - point.speed)[keep] / width[keep], 0.0)
    step = np.zeros_like(width)
    step[keep] = maximise_quadratic(hessian, pull, price, lower, upper) * width[keep]
    return step


def _along(relaxation: Relaxation, point: Points, step: FloatArray) -> Points | None:
    """The longest of the halved steps that ascends."""
    promised, length = float(point.gradient @ step), 1.0
    if not promised > 0.0:
        return None
    for _ in range(_SETTINGS.halvings):
        speed = np.clip(point.speed + length * step, relaxation.box.lower, relaxation.box.upper)
        moved = relaxation.at(speed)
        if moved.value >= point.value + _SETTINGS.sufficient * length * promised:
            return moved
        length *= 0.5
    return None
