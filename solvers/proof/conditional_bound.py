"""The least bound that linearisations give on a box: Newton steps to the relaxed maximum.

The bounds of :mod:`cgcopt.solvers.proof.relaxation` hold wherever ``F`` is linearised; they are least
where ``F`` is largest, and Newton steps within the box and the budget go there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.solvers.convex.knapsack_qp import maximise_quadratic
from cgcopt.solvers.proof.relaxation import Points, Relaxation

__all__ = ["Relaxed", "conditional_bound"]

_NEWTON_STEPS = 40
_HALVINGS = 20
_RETRIES = 3
#: Least curvature of the quadratic model, relative to the largest.
_FIRMNESS = 1e-9
#: Share of the excess over what would be enough that a bound may be off where it is not.
_SHARE = 0.05


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
    while steps < _NEWTON_STEPS:
        steps += 1
        best = min(best, _bound_at(relaxation, point))
        if best <= enough or best - point.value <= max(tolerance, _slack(point, enough)):
            break
        moved = _ascended(relaxation, point, tolerance)
        if moved is None:
            break
        point = moved
    return Relaxed(best, point, steps)


def _slack(point: Points, enough: float) -> float:
    """A difference that is small beside how far the relaxed maximum exceeds ``enough``."""
    return _SHARE * max(float(point.value) - enough, 0.0) if math.isfinite(enough) else 0.0


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


def _ascended(relaxation: Relaxation, point: Points, tolerance: float) -> Points | None:
    """Newton step within box and budget, in units of the box, with a line search."""
    width, box = relaxation.width, relaxation.box
    keep = width > 0.0
    if not math.isfinite(point.value) or np.count_nonzero(keep) < 2:
        return None
    hessian = relaxation.hessian(point)[np.ix_(keep, keep)]
    pull, price = (point.gradient * width)[keep], (relaxation.speeds.weights * width)[keep]
    lower = np.minimum((box.lower - point.speed)[keep] / width[keep], 0.0)
    upper = np.maximum((box.upper - point.speed)[keep] / width[keep], 0.0)
    # Curvature that a whole box does not turn into a visible difference is as good as none.
    firm = max(_FIRMNESS * float(np.abs(np.diag(hessian)).max()), 0.1 * tolerance)
    for _ in range(_RETRIES):
        step = np.zeros_like(width)
        firmed = hessian - firm * np.eye(pull.size)
        step[keep] = maximise_quadratic(firmed, pull, price, lower, upper) * width[keep]
        moved = _search(relaxation, point, step)
        if moved is not None:
            return moved
        firm *= 1e3
    return None


def _search(relaxation: Relaxation, point: Points, step: FloatArray) -> Points | None:
    """The longest of the halved steps that ascends."""
    slope, length = float(point.gradient @ step), 1.0
    if not slope > 0.0:
        return None
    for _ in range(_HALVINGS):
        speed = np.clip(point.speed + length * step, relaxation.box.lower, relaxation.box.upper)
        moved = relaxation.at(speed)
        if moved.value >= point.value + 1e-4 * length * slope:
            return moved
        length *= 0.5
    return None
