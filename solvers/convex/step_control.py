"""What damped Newton methods share: how a damping or a step length follows the steps made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray

__all__ = ["StepControl", "secant_point"]


@dataclass(frozen=True)
class StepControl:
    """How a positive number (a damping, a step length) falls and grows from step to step.

    Examples
    --------
    >>> damping = StepControl(first=1.0, fall=10.0, least=0.05, growth=4.0, raised=0.5)
    >>> damping.lowered(1.0), damping.lowered(0.1), damping.grown(0.05), damping.grown(1.0)
    (0.1, 0.05, 0.5, 4.0)
    """

    first: float
    """The number at the first step."""
    fall: float
    """Factor by which the number is divided."""
    least: float
    """Least value of the number."""
    growth: float
    """Factor by which the number is multiplied."""
    raised: float = 0.0
    """Least value of the number after it grew."""
    most: float = np.inf
    """Largest value of the number."""

    def lowered(self, value: float) -> float:
        """The number after a step that allows a smaller one."""
        return max(value / self.fall, self.least)

    def grown(self, value: float) -> float:
        """The number after a step that asks for a larger one."""
        return min(max(value * self.growth, self.raised), self.most)


def secant_point(
    partition: FloatArray, step: FloatArray, ahead: float, beyond: float
) -> FloatArray:
    """Where the derivative along a step vanishes by the secant through its values at both ends.

    Parameters
    ----------
    partition, step : ndarray, shape (N,)
        Where the step starts, and the step.
    ahead, beyond : float
        Derivative along the step at its start (negative) and at its end (positive).

    Examples
    --------
    >>> secant_point(np.array([1.0, 0.0]), np.array([-1.0, 1.0]), -1.0, 3.0).tolist()
    [0.75, 0.25]
    """
    return np.asarray(partition + ahead / (ahead - beyond) * step)
