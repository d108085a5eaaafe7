r"""Upper bound on the completion probability of every design in a box.

On a box of speeds ``l <= y <= u`` each worker's reach is replaced by a log-concave majorant
(:mod:`cgcopt.solvers._log_concave_envelope`), which makes ``log P`` a concave function ``F`` of ``y``
(theorem in :mod:`cgcopt.solvers._log_concavity`) that is at least the true one.  For every point
``z`` and every design in the box

    log P(y) <= F(z) + g . (y - z) <= F(z) - g . z + max { g . y : l <= y <= u, v . y = Y },

``g`` the gradient of ``F`` at ``z``, ``v . y = Y`` the budget.  The last maximum is a continuous
knapsack problem: solved by sorting.  The bound holds at every ``z``; it is least where ``F`` is
largest, and Newton steps with active sets go there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cgcopt.evaluation.crossing import crossing
from cgcopt.solvers._knapsack_qp import maximise_quadratic
from cgcopt.solvers._log_concave_envelope import Envelope, Majorant
from cgcopt.solvers._speed_box import Box, Speeds

__all__ = ["BOUND_ROUNDING", "Relaxed", "conditional_bound", "onto_budget"]

FloatArray = NDArray[np.float64]

#: Added to every bound on ``log P``, relative to it and absolutely: far above the rounding errors
#: of ``log P`` (1e-14), of the gradient (1e-14 of ``g . y``) and of the touching points.
BOUND_ROUNDING = 1e-12

_NEWTON_STEPS = 40
_HALVINGS = 20
_RETRIES = 3
#: Least curvature of the model, relative to the largest.
_FIRMNESS = 1e-9
#: Width of the differences of gradients, relative to the speeds.
_DIFFERENCE = 1e-6


@dataclass(frozen=True, eq=False)
class Relaxed:
    """The relaxed maximum on a box.

    Attributes
    ----------
    log_bound : float
        Upper bound on ``log P`` of every design in the box.
    speed : ndarray
        The best point found for the relaxation, shape ``(N,)``; it meets the budget.
    weight : ndarray
        ``dF/d(-log p_n)`` there: what an error of the majorant of each level costs, at least 0.
    steps : int
        Newton steps.
    """

    log_bound: float
    speed: FloatArray
    weight: FloatArray
    steps: int


@dataclass(frozen=True, eq=False)
class _Point:
    speed: FloatArray
    value: float
    gradient: FloatArray
    weight: FloatArray


def conditional_bound(
    envelope: Envelope,
    majorant: Majorant,
    box: Box,
    speeds: Speeds,
    start: FloatArray,
    *,
    enough: float,
    tolerance: float,
) -> Relaxed:
    """Bound ``log P`` on a box.

    Parameters
    ----------
    envelope, majorant : Envelope, Majorant
        Of the box.
    box : Box
        With ``v . l <= Y <= v . u``.
    speeds : Speeds
        ``v`` and ``Y``.
    start : ndarray
        Where to start; it is moved into the box and onto the budget.
    enough : float
        A bound on ``log P`` at which the box is of no more interest.
    tolerance : float
        Difference of bound and relaxed maximum at which to stop.
    """
    point = _evaluate(envelope, majorant, onto_budget(start, box, speeds))
    best = math.inf
    steps = 0
    while steps < _NEWTON_STEPS:
        steps += 1
        best = min(best, _linear_bound(point, box, speeds))
        if best <= enough or best - point.value <= tolerance:
            break
        moved = _ascended(envelope, majorant, box, speeds, point, tolerance)
        if moved is None:
            break
        point = moved
    return Relaxed(best, point.speed, point.weight, steps)


def onto_budget(speed: FloatArray, box: Box, speeds: Speeds) -> FloatArray:
    """Move a point into the box and, evenly within the room left there, onto the budget."""
    inside = np.clip(speed, box.lower, box.upper)
    missing = speeds.budget - float(speeds.weights @ inside)
    room = (box.upper if missing > 0 else box.lower) - inside
    whole = float(speeds.weights @ room)
    if whole == 0.0:
        return np.asarray(inside)
    return np.asarray(np.clip(inside + min(missing / whole, 1.0) * room, box.lower, box.upper))


def _evaluate(envelope: Envelope, majorant: Majorant, speed: FloatArray) -> _Point:
    value, gradient, weight = _slopes(envelope, majorant, speed)
    return _Point(speed, float(value), gradient, weight)


def _slopes(
    envelope: Envelope, majorant: Majorant, speed: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """``F``, its gradient in ``y`` and minus its gradient in ``-log p``, for a batch of points."""
    p, late, slope = envelope.values(majorant, speed)
    found = crossing(p[..., ::-1], late[..., ::-1], gradient=True, threads=1)
    assert found.log_gradient is not None
    by_threshold = found.log_gradient[..., ::-1]
    return found.log_probability, by_threshold * slope, by_threshold * p


def _linear_bound(point: _Point, box: Box, speeds: Speeds) -> float:
    """Maximum of the linearisation at a point over the box and the budget."""
    if not math.isfinite(point.value):
        return math.inf
    weights = speeds.weights
    order = np.argsort(-point.gradient / weights, kind="stable")
    spare = (weights * (box.upper - box.lower))[order]
    before = np.concatenate([[0.0], np.cumsum(spare)[:-1]])
    left = speeds.budget - float(weights @ box.lower)
    raised = np.clip(left - before, 0.0, spare) / weights[order]
    best = box.lower.copy()
    best[order] += raised
    gain = point.gradient * (best - point.speed)
    size = abs(point.value) + float(np.abs(point.gradient) @ (best + point.speed))
    return point.value + float(gain.sum()) + BOUND_ROUNDING * (1e-2 * size + abs(point.value))


def _ascended(
    envelope: Envelope,
    majorant: Majorant,
    box: Box,
    speeds: Speeds,
    point: _Point,
    tolerance: float,
) -> _Point | None:
    """Newton step within box and budget, in units of the box, with a line search."""
    width = box.upper - box.lower
    if not math.isfinite(point.value) or np.count_nonzero(width) < 2:
        return None
    keep = width > 0.0
    hessian = _hessian(envelope, majorant, box, point) * np.outer(width, width)
    hessian, pull = hessian[np.ix_(keep, keep)], (point.gradient * width)[keep]
    lower, upper = (ends[keep] for ends in _room(point.speed, box, width))
    # Curvature that a whole box does not turn into a visible difference is as good as none.
    firm = max(_FIRMNESS * float(np.abs(np.diag(hessian)).max()), 0.1 * tolerance)
    for _ in range(_RETRIES):
        firmed = hessian - firm * np.eye(pull.size)
        step = np.zeros_like(width)
        step[keep] = maximise_quadratic(firmed, pull, (speeds.weights * width)[keep], lower, upper)
        moved = _search(envelope, majorant, box, point, step * width)
        if moved is not None:
            return moved
        firm *= 1e3
    return None


def _room(speed: FloatArray, box: Box, width: FloatArray) -> tuple[FloatArray, FloatArray]:
    """How far a point may move down and up, in units of the box."""
    with np.errstate(divide="ignore", invalid="ignore"):
        lower, upper = (box.lower - speed) / width, (box.upper - speed) / width
    return np.minimum(lower, 0.0), np.maximum(upper, 0.0)


def _hessian(envelope: Envelope, majorant: Majorant, box: Box, point: _Point) -> FloatArray:
    """Second derivatives of ``F`` by one-sided differences of gradients, inwards at upper ends."""
    y = point.speed
    width = _DIFFERENCE * np.maximum(y, 1e-3 * box.upper)
    width = np.where(y + width > box.upper, -np.minimum(width, y), width)
    width = np.where(width == 0.0, _DIFFERENCE * box.upper, width)
    shifted = y + np.diag(width)
    _, gradients, _ = _slopes(envelope, majorant, shifted)
    rows = (gradients - point.gradient) / width[:, np.newaxis]
    rows[~np.isfinite(rows)] = 0.0
    symmetric: FloatArray = 0.5 * (rows + rows.T)
    return symmetric


def _search(
    envelope: Envelope, majorant: Majorant, box: Box, point: _Point, step: FloatArray
) -> _Point | None:
    """The longest of the halved steps that ascends."""
    slope = float(point.gradient @ step)
    if not slope > 0.0:
        return None
    length = 1.0
    for _ in range(_HALVINGS):
        speed = np.clip(point.speed + length * step, box.lower, box.upper)
        moved = _evaluate(envelope, majorant, speed)
        if moved.value >= point.value + 1e-4 * length * slope:
            return moved
        length *= 0.5
    return None
