"""Log-concave majorants of a worker's reach, level by level, on a box of speeds.

On a box ``l_n <= y_n <= u_n`` the chance ``G(y)`` that a worker is as fast as level ``n`` asks
(:mod:`cgcopt.solvers._log_concavity`) is replaced by the exponential of the least concave majorant
of ``log G`` there.  Where ``log G`` has one convex stretch inside the box, the majorant is ``log G``
itself up to a speed ``left``, a straight line from there to ``right`` that touches ``log G`` (or
ends with the box), and ``log G`` again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cgcopt.solvers._log_concavity import Stretch, convex_stretches, hazard, log_reach
from cgcopt.solvers._speed_box import Box
from cgcopt.workers.base import ContinuousTimes

__all__ = ["Envelope", "Majorant"]

FloatArray = NDArray[np.float64]

_TANGENT_STEPS = 200


@dataclass(frozen=True, eq=False)
class Majorant:
    """The lines of the majorants on a box, level by level, each shape ``(N,)``.

    Attributes
    ----------
    left, right : ndarray
        Ends of the line; equal where the majorant is ``log G`` itself.
    height : ndarray
        The line's value at ``left``.
    slope : ndarray
        The line's slope, at most 0.
    """

    left: FloatArray
    right: FloatArray
    height: FloatArray
    slope: FloatArray


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
        rows = np.array([known.left, known.right, known.height, known.slope])
        for n in levels:
            rows[:, n] = self._line(float(box.lower[n]), float(box.upper[n]))
        return Majorant(*rows)

    def values(
        self, majorant: Majorant, speed: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Majorant ``p``, ``1 - p`` and ``dp/dy`` at speeds of shape ``(..., N)``."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            theta = 1.0 / speed
            p, late = self.times.cdf(theta), self.times.sf(theta)
            slope = -np.exp(self.times.logpdf(theta) + 2.0 * np.log(theta))
            slope = np.where(speed > 0.0, slope, 0.0)
        line = (speed >= majorant.left) & (speed <= majorant.right)
        line &= majorant.right > majorant.left
        height = np.minimum(majorant.height + majorant.slope * (speed - majorant.left), 0.0)
        on_line = np.exp(height)
        return (
            np.where(line, on_line, p),
            np.where(line, -np.expm1(height), late),
            np.where(line, majorant.slope * on_line, slope),
        )

    def excess(self, majorant: Majorant, speed: FloatArray) -> FloatArray:
        """Majorant less ``log G`` at speeds of shape ``(N,)``, at least 0."""
        line = (speed > majorant.left) & (speed <= majorant.right)
        height = np.minimum(majorant.height + majorant.slope * (speed - majorant.left), 0.0)
        return np.where(line, np.maximum(height - log_reach(self.times, speed), 0.0), 0.0)

    def _line(self, lower: float, upper: float) -> tuple[float, float, float, float]:
        """``left, right, height, slope`` of the line on an interval."""
        inside = [s for s in self.stretches if s.low < upper and s.high > lower]
        if not inside or not lower < upper:
            return (0.0, 0.0, 0.0, 0.0)
        if len(inside) > 1:  # the constant is log-concave, and G falls
            return (lower, upper, self._log(lower), 0.0)
        left, right = max(lower, inside[0].low), min(upper, inside[0].high)
        ends = (lower, left, right, upper)
        for _ in range(_TANGENT_STEPS):
            before = (left, right)
            left = self._touch_left(ends[0], ends[1], right)
            right = self._touch_right(left, ends[2], ends[3])
            if (left, right) == before or ends[0] == ends[1] or ends[2] == ends[3]:
                break
        height = self._log(left)
        return (left, right, height, (self._log(right) - height) / (right - left))

    def _touch_left(self, lower: float, start: float, right: float) -> float:
        """Where in ``[lower, start]`` a line from the graph at ``right`` touches the graph."""
        height = self._log(right)

        def short(y: float) -> float:
            return height - self._log(y) + self._rate(y) * (right - y)

        return _root(short, lower, start) if lower < start and short(lower) < 0 else lower

    def _touch_right(self, left: float, start: float, upper: float) -> float:
        """Where in ``[start, upper]`` a line from the graph at ``left`` touches the graph."""
        height = self._log(left)

        def short(y: float) -> float:
            return self._log(y) - height + self._rate(y) * (y - left)

        return _root(short, start, upper) if start < upper and short(upper) > 0 else upper

    def _log(self, speed: float) -> float:
        return float(log_reach(self.times, speed))

    def _rate(self, speed: float) -> float:
        return float(hazard(self.times, speed))


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Root of a function that changes its sign; ``high`` where rounding hides the change."""
    from scipy.optimize import brentq

    if function(low) * function(high) >= 0.0:
        return high
    return float(brentq(function, low, high, xtol=1e-300, rtol=1e-14))
