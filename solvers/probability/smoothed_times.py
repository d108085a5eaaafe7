"""A smooth distribution in place of a step distribution: it gives starts of searches, no results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cgcopt.arrays import FloatArray
from cgcopt.errors import UnsupportedProblemError
from cgcopt.workers.base import ContinuousTimes

__all__ = ["SmoothedTimes", "SmoothingSettings"]


@dataclass(frozen=True)
class SmoothingSettings:
    """Tuning numbers of :class:`SmoothedTimes`, chosen without a recorded measurement."""

    knots: int = 60
    """Knots of the interpolation; values between them are passed over."""
    half_width: float = 1e-3
    """Half width in ``log T`` of the distribution around a single value."""
    end: float = 5.0
    """Log-odds at the two ends of that distribution."""
    least_steepness: float = 1.0
    """Least derivative of the log-odds in ``log T`` beyond the knots: the power of the tail."""
    flat: float = 1e-3
    """Least derivative between the knots, relative to the one beyond them."""
    beyond: float = 800.0
    """Largest log-odds that the inverse tells apart; doubles end at about 745."""
    steps: int = 200
    """Newton steps and bisections of the inverse at most."""
    resolution: float = 4e-16
    """Relative change in ``log t``, and in the log-odds, at which the inverse has settled: two units
    in the last place."""
    odds: float = 300.0
    """Log-odds at the two ends of the integral of the mean; beyond, 1e-130 of it is left."""
    nodes: int = 60_001
    """Nodes of that integral: steps of 0.01 in the log-odds."""


_SETTINGS = SmoothingSettings()


class SmoothedTimes(ContinuousTimes):
    """Monotone cubic interpolation of the log-odds of the cdf over ``log T``, straight beyond it.

    Parameters
    ----------
    values, weights : ndarray
        The step distribution, shape ``(J,)``, values increasing.
    """

    def __init__(self, values: FloatArray, weights: FloatArray) -> None:
        from scipy.interpolate import PchipInterpolator

        middle = np.cumsum(weights) - 0.5 * weights
        odds = np.log(middle / (1 - middle))
        chosen = np.unique(np.searchsorted(odds, np.linspace(odds[0], odds[-1], _SETTINGS.knots)))
        chosen = np.minimum(chosen, values.size - 1)
        place, height = np.log(values[chosen]), odds[chosen]
        if chosen.size == 1:  # a single value: a narrow distribution around it
            sides = np.array([-1.0, 1.0])
            place, height = place + _SETTINGS.half_width * sides, _SETTINGS.end * sides
        self._ends = float(place[0]), float(place[-1])
        self._places, self._heights = place, height
        self._curve = PchipInterpolator(place, height, extrapolate=True)
        self._derivative, self._bend = self._curve.derivative(), self._curve.derivative(2)
        width = place[-1] - place[0]
        self._steepness = max(float(height[-1] - height[0]) / width, _SETTINGS.least_steepness)

    def _odds(self, t: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Log-odds of the cdf at ``t`` and their derivative in ``log t``."""
        with np.errstate(divide="ignore"):
            place = np.log(np.maximum(np.asarray(t, dtype=np.float64), 0.0))
        inside = np.clip(place, *self._ends)
        with np.errstate(invalid="ignore"):
            odds = self._curve(inside) + self._steepness * (place - inside)
        derivative = np.where(place == inside, self._derivative(inside), self._steepness)
        return odds, np.maximum(derivative, _SETTINGS.flat * self._steepness)

    def cdf(self, t: ArrayLike) -> FloatArray:
        """Logistic function of the interpolated log-odds."""
        from scipy.special import expit

        return np.asarray(expit(self._odds(t)[0]))

    def sf(self, t: ArrayLike) -> FloatArray:
        """``1 - cdf``, accurate where tiny."""
        from scipy.special import expit

        return np.asarray(expit(-self._odds(t)[0]))

    def pdf(self, t: ArrayLike) -> FloatArray:
        """Density of a worker's time."""
        odds, rate = self._odds(t)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            density = rate / np.asarray(t) / (2 + np.exp(odds) + np.exp(-odds))
        return np.where(np.isfinite(density), np.maximum(density, 0.0), 0.0)

    def logpdf(self, t: ArrayLike) -> FloatArray:
        """Logarithm of the density."""
        with np.errstate(divide="ignore"):
            return np.log(self.pdf(t))

    def dlogpdf(self, t: ArrayLike) -> FloatArray:
        """Derivative of the log density, piecewise continuous."""
        odds, rate = self._odds(t)
        place = np.log(np.asarray(t, dtype=np.float64))
        inside = (place >= self._ends[0]) & (place <= self._ends[1])
        bend = np.where(inside, self._bend(np.clip(place, *self._ends)), 0.0)
        relative = bend / rate - 1 - rate * np.tanh(odds / 2)
        derivative: FloatArray = relative / np.asarray(t)
        return derivative

    def ppf(self, q: ArrayLike) -> FloatArray:
        """Inverse of the cdf by bisection in ``log t``."""
        from scipy.special import logit

        return self._inverse(logit(np.asarray(q, dtype=np.float64)))

    def isf(self, q: ArrayLike) -> FloatArray:
        """Inverse of the survival function."""
        from scipy.special import logit

        return self._inverse(-logit(np.asarray(q, dtype=np.float64)))

    def _inverse(self, odds: FloatArray) -> FloatArray:
        room = 2 * _SETTINGS.beyond / self._steepness
        low = np.full(np.shape(odds), self._ends[0] - room)
        high = np.full(np.shape(odds), self._ends[1] + room)
        odds = np.clip(odds, -_SETTINGS.beyond, _SETTINGS.beyond)
        # Straight lines between the knots are near; beyond them they are the curve itself.
        within = np.clip(odds, self._heights[0], self._heights[-1])
        place = np.interp(within, self._heights, self._places)
        place = np.clip(place + (odds - within) / self._steepness, low, high)
        for _ in range(_SETTINGS.steps):  # Newton, bisection where it leaves the bracket
            reached, rate = self._odds(np.exp(place))
            below = reached < odds
            low, high = np.where(below, place, low), np.where(below, high, place)
            step = (odds - reached) / rate
            least = _SETTINGS.resolution * (1 + np.abs(place) + np.abs(odds) / rate)
            settled = np.abs(step) <= least
            inside = settled | ((place + step > low) & (place + step < high))
            place = np.where(inside, place + step, 0.5 * (low + high))
            if np.all(settled):
                break
        times: FloatArray = np.exp(place)
        return times

    def mean(self) -> float:
        """Mean by quadrature over the log-odds; infinite for a tail of power 1."""
        if self._steepness <= 1:
            return float("inf")
        from scipy.integrate import simpson
        from scipy.special import expit

        odds = np.linspace(-_SETTINGS.odds, _SETTINGS.odds, _SETTINGS.nodes)
        return float(simpson(self._inverse(odds) * expit(odds) * expit(-odds), x=odds))

    @property
    def support(self) -> tuple[float, float]:
        """All positive times."""
        return 0.0, float("inf")

    @property
    def label(self) -> str:
        """Name of the stand-in."""
        return "smoothed step distribution"

    def sample(self, rounds: int, workers: int, rng: np.random.Generator) -> FloatArray:
        """Draw times by inversion of the cdf."""
        return self.ppf(rng.random((rounds, workers)))

    def to_dict(self) -> Mapping[str, Any]:
        """Refuse: no instance file holds a stand-in."""
        raise UnsupportedProblemError("a smoothed step distribution has no instance file")
