"""An analytic change of variables in which a distribution is about a normal one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray

__all__ = ["ScoreMap"]


@dataclass(frozen=True, eq=False)
class ScoreMap:
    """The polygon through ``(places, heights)``, convolved with a normal density: an entire function.

    Parameters
    ----------
    places, heights : ndarray, shape (K,)
        Corners, both increasing; beyond them the polygon goes on straight.
    width : float
        Standard deviation of the normal density.

    Examples
    --------
    >>> straight = ScoreMap(np.array([0.0, 1.0, 3.0]), np.array([1.0, 3.0, 7.0]), 0.5)
    >>> height, derivative = straight(np.array([-1.0, 2.0]))
    >>> height.round(12).tolist(), derivative.round(12).tolist()
    ([-1.0, 5.0], [2.0, 2.0])
    """

    places: FloatArray
    heights: FloatArray
    width: float

    def __call__(self, place: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Heights and derivatives at the given places."""
        from scipy.special import ndtr

        derivatives = np.diff(self.heights) / np.diff(self.places)
        bends = np.diff(derivatives)
        away = place[:, np.newaxis] - self.places[1:-1]
        share = ndtr(away / self.width)
        density = np.exp(-0.5 * (away / self.width) ** 2) / np.sqrt(2.0 * np.pi)
        height = self.heights[0] + derivatives[0] * (place - self.places[0])
        height = height + (away * share + self.width * density) @ bends
        return height, derivatives[0] + share @ bends
