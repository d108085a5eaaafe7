r"""The concave relaxation of ``log P`` on a box of speeds, and the bounds its linearisations give.

On a box ``l <= y <= u`` each worker's reach is replaced by a log-concave majorant
(:mod:`cgcopt.solvers.proof.log_concave_envelope`), which makes ``log P`` a concave function ``F``
of ``y`` (theorem in :mod:`cgcopt.solvers.proof.log_concavity`) that is at least the true one.  For
every point ``z`` and every design in the box

    log P(y) <= F(z) + g . (y - z) <= F(z) - g . z + max { g . y : l <= y <= u, v . y = Y },

``g`` the gradient of ``F`` at ``z``, ``v . y = Y`` the budget.  The last maximum is a continuous
knapsack problem: solved by sorting.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.evaluation.crossing.crossing import crossing
from cgcopt.solvers.proof.log_concave_envelope import Envelope, Majorant
from cgcopt.solvers.proof.speed_box import Box, Speeds

__all__ = ["BOUND_ROUNDING", "DifferenceSettings", "Points", "Relaxation"]

#: Added to every bound on ``log P``, relative to it and absolutely: far above the rounding errors
#: of ``log P`` (1e-14), of the gradient (1e-14 of ``g . y``) and of the touching points.
BOUND_ROUNDING = 1e-12
#: The part of it that rounding of the gradient takes, relative to the terms of ``g . y``.
_GRADIENT_SHARE = 1e-2


@dataclass(frozen=True)
class DifferenceSettings:
    """Tuning numbers of the differences of gradients, chosen without a recorded measurement."""

    step: float = 1e-6
    """Step of a difference, relative to the speed."""
    least: float = 1e-3
    """Least speed that a step is relative to, as a share of the upper end of the box."""


_SETTINGS = DifferenceSettings()


@dataclass(frozen=True, eq=False)
class Points:
    """The relaxation at one point or at several.

    Attributes
    ----------
    speed : ndarray, shape (..., N)
        ``z``.
    value : ndarray, shape (...)
        ``F(z)``.
    gradient : ndarray, shape (..., N)
        ``g``.
    weight : ndarray, shape (..., N)
        ``dF/d log p_n``: what an error of the majorant of each level costs, at least 0.
    """

    speed: FloatArray
    value: FloatArray
    gradient: FloatArray
    weight: FloatArray


@dataclass(frozen=True, eq=False)
class Relaxation:
    """``F`` on a box: the majorants there and the polytope of the designs."""

    envelope: Envelope
    majorant: Majorant
    box: Box
    speeds: Speeds

    @property
    def width(self) -> FloatArray:
        """Widths of the box."""
        return self.box.upper - self.box.lower

    def at(self, speed: FloatArray) -> Points:
        """Evaluate ``F`` with its gradient at speeds of shape ``(..., N)``."""
        p, late, derivative = self.envelope.values(self.majorant, speed)
        found = crossing(p[..., ::-1], late[..., ::-1], gradient=True, threads=1)
        by_threshold = found.log_gradient[..., ::-1]
        with np.errstate(invalid="ignore"):  # an infinite derivative times nothing is nothing
            gradient = np.where(derivative == 0.0, 0.0, by_threshold * derivative)
            weight = np.where(p == 0.0, 0.0, by_threshold * p)
        return Points(speed, found.log_probability, gradient, weight)

    def hessian(self, point: Points) -> FloatArray:
        """Second derivatives of ``F`` in units of the box, by one-sided differences of gradients."""
        y, upper = point.speed, self.box.upper
        step = _SETTINGS.step * np.maximum(y, _SETTINGS.least * upper)
        step = np.where(y + step > upper, -np.minimum(step, y), step)
        step = np.where(step == 0.0, _SETTINGS.step * upper, step)
        rows = (self.at(y + np.diag(step)).gradient - point.gradient) / step[:, np.newaxis]
        rows[~np.isfinite(rows)] = 0.0
        symmetric: FloatArray = 0.5 * (rows + rows.T) * np.outer(self.width, self.width)
        return symmetric

    def linear_bounds(self, points: Points, box: Box | None = None) -> FloatArray:
        """Bounds on ``log P`` from linearisations, shape ``(m,)``.

        Parameters
        ----------
        points : Points
            ``m`` of them, shape ``(m, N)``.
        box : Box, optional
            One box for each point, inside the one of the relaxation, which is the default.

        Returns
        -------
        ndarray
            ``inf`` where ``F`` is not finite, ``-inf`` where the box holds no design.
        """
        v, shape, budget = self.speeds.weights, points.speed.shape, self.speeds.budget
        lower = np.broadcast_to((box or self.box).lower, shape)
        upper = np.broadcast_to((box or self.box).upper, shape)
        g = points.gradient
        order = np.argsort(-g / v, axis=1, kind="stable")
        spare = np.take_along_axis(v * (upper - lower), order, axis=1)
        whole = np.cumsum(spare, axis=1)
        left = budget - lower @ v
        raised = np.clip(left[:, np.newaxis] - (whole - spare), 0.0, spare) / v[order]
        best = lower.copy()
        np.put_along_axis(best, order, np.take_along_axis(lower, order, axis=1) + raised, axis=1)
        gain = (g * (best - points.speed)).sum(axis=1)
        size = np.abs(points.value) + (np.abs(g) * (best + points.speed)).sum(axis=1)
        rounding = BOUND_ROUNDING * (_GRADIENT_SHARE * size + np.abs(points.value))
        bound = points.value + gain + rounding
        room = BOUND_ROUNDING * budget
        empty = (left < -room) | (left > whole[:, -1] + room)
        return np.where(np.isfinite(points.value), np.where(empty, -np.inf, bound), np.inf)
