"""Fitting one family of worker times to observed times.

For a family with a shift the likelihood is unbounded (Weibull and gamma with a
shape below 1, log-normal) or largest (exponential, Pareto) when the support starts at the smallest
observation.  The shift is therefore held at least ``(mean - min)/(n - 1)`` below the smallest of
``n`` observations, which is the unbiased shift of an exponential sample; below that, the remaining
parameters solve their likelihood equations and the shift maximises the profile likelihood (R. C. H.
Cheng and T. C. Iles, "Corrected Maximum Likelihood in Non-Regular Problems", JRSS B 49, 1987,
on why the plain maximum misleads).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.workers.families import (
    Exponential,
    Gamma,
    LogNormal,
    Pareto,
    ShiftedExponential,
    Weibull,
)
from cgcopt.workers.location_scale import LocationScale

__all__ = ["ESTIMATORS", "estimate"]


@dataclass(frozen=True)
class _Tuning:
    """Numbers of the fits. Where a line does not say how a value was found, none is recorded."""

    largest_gamma_shape: float = 1e4
    """Beyond it a gamma variable is normal for every purpose here."""
    gamma_steps: int = 6
    """Newton steps for the shape of a gamma variable; every step doubles the digits."""
    root: float = 1e-12
    """Relative accuracy of the shape of a Weibull variable."""
    shifts: int = 33
    """Shifts, evenly spaced in the logarithm, among which the search for the best one begins."""
    shift: float = 1e-6
    """Accuracy of the logarithm of the gap between the shift and the smallest time."""


_TUNING = _Tuning()


def _least_gap(times: FloatArray) -> float:
    """How far below the smallest observation a support starts, on average, at least."""
    return float(times.mean() - times[0]) / (times.size - 1)


def _exponential(times: FloatArray) -> LocationScale:
    return Exponential(1.0 / float(times.mean()))


def _shifted_exponential(times: FloatArray) -> LocationScale:
    shift = max(float(times[0]) - _least_gap(times), 0.0)
    return ShiftedExponential(1.0 / (float(times.mean()) - shift), shift)


def _weibull(above: FloatArray, shift: float) -> LocationScale:
    """Solve ``sum(l exp(k l)) / sum(exp(k l)) = 1/k`` for centred logarithms ``l``; increasing."""
    from scipy.optimize import brentq

    logs = np.log(above)
    centre = float(logs.mean())
    logs -= centre
    top = float(logs.max())

    def equation(k: float) -> float:
        weights = np.exp(k * (logs - top))
        return float(weights @ logs / weights.sum()) - 1.0 / k

    # The mean of l under growing weights lies between 0 and its maximum, which brackets the root.
    low = high = 1.0 / top
    while equation(high) < 0.0:
        low, high = high, 2.0 * high
    k = float(brentq(equation, low, high, rtol=_TUNING.root)) if high > low else low
    mean_power = float(np.mean(np.exp(k * (logs - top))))
    return Weibull(k, math.exp(centre + top + math.log(mean_power) / k), shift)


def _gamma(above: FloatArray, shift: float) -> LocationScale:
    """Solve ``log a - digamma(a) = log(mean) - mean(log)`` by T. Minka's Newton step on ``1/a``."""
    from scipy.special import digamma, polygamma

    mean = float(above.mean())
    spread = -float(np.mean(np.log(above / mean)))
    if spread <= 0.5 / _TUNING.largest_gamma_shape:
        shape = _TUNING.largest_gamma_shape
    else:
        shape = (3.0 - spread + math.sqrt((spread - 3.0) ** 2 + 24.0 * spread)) / (12.0 * spread)
        for _ in range(_TUNING.gamma_steps):
            error = math.log(shape) - float(digamma(shape)) - spread
            derivative = shape * shape * (1.0 / shape - float(polygamma(1, shape)))
            shape = 1.0 / (1.0 / shape + error / derivative)
        shape = min(shape, _TUNING.largest_gamma_shape)
    return Gamma(shape, mean / shape, shift)


def _lognormal(above: FloatArray, shift: float) -> LocationScale:
    logs = np.log(above)
    return LogNormal(float(logs.std()), math.exp(float(logs.mean())), shift)


def _pareto(above: FloatArray, shift: float) -> LocationScale:
    """The logarithm of a Pareto variable is a shifted exponential one."""
    logs = np.log(above)
    start = float(logs[0]) - _least_gap(logs)
    return Pareto(1.0 / (float(logs.mean()) - start), math.exp(start), shift)


def _profiled(
    estimate: Callable[[FloatArray, float], LocationScale],
) -> Callable[[FloatArray], LocationScale]:
    """Let the shift maximise the likelihood that the other parameters reach beside it."""

    def fitted(times: FloatArray) -> LocationScale:
        from scipy.optimize import minimize_scalar

        low = float(times[0])

        def model(log_gap: float) -> LocationScale:
            shift = max(low - math.exp(log_gap), 0.0)
            return estimate(times - shift, shift)

        def loss(log_gap: float) -> float:
            return -float(np.mean(model(log_gap).logpdf(times)))

        # A gap of 2 low stands for shift = 0 exactly, beyond rounding.
        grid = np.log(np.geomspace(min(_least_gap(times), low), low, _TUNING.shifts))
        grid[-1] = math.log(2.0 * low)
        losses = np.array([loss(gap) for gap in grid])
        i = int(np.nanargmin(losses))
        ends = (grid[max(i - 1, 0)], grid[min(i + 1, grid.size - 1)])
        found = minimize_scalar(
            loss, bounds=ends, method="bounded", options={"xatol": _TUNING.shift}
        )
        return model(float(found.x) if found.fun < losses[i] else float(grid[i]))

    return fitted


ESTIMATORS: dict[str, Callable[[FloatArray], LocationScale]] = {
    "exponential": _exponential,
    "shifted-exponential": _shifted_exponential,
    "weibull": _profiled(_weibull),
    "gamma": _profiled(_gamma),
    "lognormal": _profiled(_lognormal),
    "pareto": _profiled(_pareto),
}


def estimate(name: str, times: FloatArray) -> LocationScale:
    """Fit a family to times in increasing order.

    Raises
    ------
    ValueError
        If all times are equal.
    ArithmeticError, RuntimeError
        If the likelihood equations have no solution in double precision.
    """
    if times[0] == times[-1]:
        raise ValueError("all times are equal")
    return ESTIMATORS[name](times)
