"""Log-concave majorants of a worker's reach, level by level, on a box of speeds.

On a box ``l_n <= y_n <= u_n`` the chance ``G(y)`` that a worker is as fast as level ``n`` asks
(:mod:`cgcopt.solvers.proof.log_concavity`) is replaced by the exponential of the least concave majorant
of ``log G`` there.  Where ``log G`` has one convex stretch inside the box, the majorant is ``log G``
itself up to a speed ``left``, a straight line from there to ``right`` that touches ``log G`` (or
ends with the box), and ``log G`` again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import BoolArray, FloatArray
from cgcopt.solvers.proof.log_concavity import Stretch, convex_stretches, reach
from cgcopt.solvers.proof.speed_box import Box
from cgcopt.workers.base import ContinuousTimes

__all__ = ["Envelope", "EnvelopeSettings", "Majorant"]


@dataclass(frozen=True)
class EnvelopeSettings:
    """Tuning numbers of the touching points, chosen without a recorded measurement."""

    tangent_steps: int = 200
    """Times that the two ends of a line are sought in turn at most."""
    root_steps: int = 120
    """Steps of the search for one touching point at most."""
    accuracy: float = 1e-14
    """Relative accuracy of the touching points; ``BOUND_ROUNDING`` of the bounds covers it."""


_SETTINGS = EnvelopeSettings()


@dataclass(frozen=True, eq=False)
class Majorant:
    """The lines of the majorants on a box, level by level, each shape ``(N,)``.

    Attributes
    ----------
    left, right : ndarray
        Ends of the line; equal where the majorant is ``log G`` itself.
    height : ndarray
        The line's value at ``left``.
    gradient : ndarray
        The line's derivative, at most 0.
    """

    left: FloatArray
    right: FloatArray
    height: FloatArray
    gradient: FloatArray


@dataclass(frozen=True, eq=False)
class Envelope:
    """Majorants of ``log G`` for one distribution of worker times up to one speed."""

    times: ContinuousTimes
    stretches: tuple[Stretch, ...]

    @classmethod
    def of(cls, times: ContinuousTimes, fastest: float) -> Envelope:
        """Find the convex stretches of ``log G`` up to the speed ``fastest``."""
        return cls(times, convex_stretches(times, fastest))

    def empty(self, workers: int) -> Majorant:
        """The majorant that is ``log G`` itself on every level."""
        zero = np.zeros(workers)
        return Majorant(zero, zero, zero, zero)

    def on(self, box: Box, levels: Sequence[int], known: Majorant) -> Majorant:
        """Build the majorants of some levels on a box; the other levels keep what is known."""
        n = np.asarray(levels, dtype=np.intp)
        rows = np.array([known.left, known.right, known.height, known.gradient])
        rows[:, n] = self._lines(box.lower[n], box.upper[n])
        return Majorant(*rows)

    def values(
        self, majorant: Majorant, speed: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Majorant ``p``, ``1 - p`` and ``dp/dy`` at speeds of shape ``(..., N)``."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            theta = 1.0 / speed
            p, late = self.times.cdf(theta), self.times.sf(theta)
            gradient = -np.exp(self.times.logpdf(theta) + 2.0 * np.log(theta))
            gradient = np.where(speed > 0.0, gradient, 0.0)
        line = (speed >= majorant.left) & (speed <= majorant.right)
        line &= majorant.right > majorant.left
        height = np.minimum(majorant.height + majorant.gradient * (speed - majorant.left), 0.0)
        on_line = np.exp(height)
        return (
            np.where(line, on_line, p),
            np.where(line, -np.expm1(height), late),
            np.where(line, majorant.gradient * on_line, gradient),
        )

    def excess(self, majorant: Majorant, speed: FloatArray) -> FloatArray:
        """Majorant less ``log G`` at speeds of shape ``(N,)``, at least 0."""
        line = (speed > majorant.left) & (speed <= majorant.right)
        height = np.minimum(majorant.height + majorant.gradient * (speed - majorant.left), 0.0)
        return np.where(line, np.maximum(height - reach(self.times, speed)[0], 0.0), 0.0)

    def _lines(self, lower: FloatArray, upper: FloatArray) -> FloatArray:
        """Rows ``left, right, height, gradient`` of the lines on intervals, shape ``(4, k)``."""
        ends = np.array([(s.low, s.high) for s in self.stretches]).reshape(-1, 2)
        inside = (ends[:, :1] < upper) & (ends[:, 1:] > lower) & (lower < upper)
        count, which = inside.sum(axis=0), inside.argmax(axis=0) if ends.size else 0
        left, right = np.zeros_like(lower), np.zeros_like(lower)
        one = count == 1
        if one.any():
            left[one], right[one] = self._touching(
                lower[one], upper[one], *ends[np.asarray(which)[one]].T
            )
        # More than one stretch: the constant is log-concave, and G falls.
        left[count > 1], right[count > 1] = lower[count > 1], upper[count > 1]
        height, _ = reach(self.times, left)
        drop = np.where(one, reach(self.times, right)[0] - height, 0.0)
        gradient = np.divide(drop, right - left, out=np.zeros_like(drop), where=one)
        return np.array([left, right, np.where(count > 0, height, 0.0), gradient])

    def _touching(
        self, lower: FloatArray, upper: FloatArray, low: FloatArray, high: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Ends of the lines over the stretches ``low..high`` in the intervals ``lower..upper``."""
        starts, stops = np.maximum(lower, low), np.minimum(upper, high)
        left = self._touch(stops, starts, lower)
        right = self._touch(left, stops, upper)
        # A line that may touch at both ends: each end in turn, until neither moves.
        open_ = (lower < starts) & (stops < upper)
        for _ in range(_SETTINGS.tangent_steps):
            rows = np.flatnonzero(open_)
            if not rows.size:
                break
            moved = self._touch(right[rows], starts[rows], lower[rows])
            still = np.abs(moved - left[rows]) <= _SETTINGS.accuracy * right[rows]
            left[rows] = moved
            right[rows] = self._touch(moved, stops[rows], upper[rows])
            open_[rows[still]] = False
        return left, right

    def _touch(self, fixed: FloatArray, near: FloatArray, far: FloatArray) -> FloatArray:
        """Where between ``near`` and ``far`` lines from the graph at ``fixed`` touch the graph.

        ``log G`` is concave from ``near``, at the end of its convex stretch, to ``far``, beyond which
        the touching point may lie: then the line ends there.
        """
        height, _ = reach(self.times, fixed)

        def above(y: FloatArray, rows: BoolArray) -> FloatArray:
            """Height of the tangent at ``y`` above the graph at ``fixed``."""
            value, rate = reach(self.times, y)
            return value - height[rows] + rate * (y - fixed[rows])

        result = far.copy()
        rows = near != far
        rows[rows] = above(far[rows], rows) > 0.0
        if rows.any():
            result[rows] = _roots(lambda y: above(y, rows), near[rows], far[rows])
        return result


def _roots(
    function: Callable[[FloatArray], FloatArray], start: FloatArray, end: FloatArray
) -> FloatArray:
    """Roots between ``start``, where the function is at most 0, and ``end``, where it is positive.

    False position with halved ordinates (Illinois), and a bisection now and then.
    """
    a, b = start, end
    at_a, at_b = np.minimum(function(a), 0.0), function(b)
    zero = _SETTINGS.accuracy * (at_b - at_a)
    side = np.zeros_like(a)
    for step in range(_SETTINGS.root_steps):
        with np.errstate(invalid="ignore", divide="ignore"):
            middle = 0.5 * (a + b) if step % 3 == 0 else b - at_b * (b - a) / (at_b - at_a)
        middle = np.where(np.isfinite(middle), middle, 0.5 * (a + b))
        value = function(middle)
        below, beyond = value <= zero, value >= -zero
        moved = np.where(below, -1.0, 1.0)
        # An end that stays twice counts half, so that it moves next time.
        again = np.where(moved == side, 0.5, 1.0)
        at_a, at_b = np.where(below, value, again * at_a), np.where(beyond, value, again * at_b)
        a, b = np.where(below, middle, a), np.where(beyond, middle, b)
        side = moved
        if (np.abs(b - a) <= _SETTINGS.accuracy * np.abs(b)).all():
            break
    return b
