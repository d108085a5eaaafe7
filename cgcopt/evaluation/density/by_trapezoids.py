"""Expected runtime by the trapezoidal rule, over places at which the runtime is about normal."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.evaluation.crossing.completion import CompletionWithGradient
from cgcopt.evaluation.density.normalised import PROBES, NormalisedRuntime
from cgcopt.evaluation.density.quadrature import trapezoids
from cgcopt.evaluation.density.score_map import ScoreMap

__all__ = ["by_trapezoids"]


@dataclass(frozen=True)
class _Tuning:
    """Numbers of the trapezoidal rule and of the map between places and times.

    Where a line does not say how a value was found, no measurement of it is recorded.
    """

    step: float = 0.28
    """First distance of the nodes, in places."""
    halvings: int = 2
    """How often the distance is halved at most."""
    width: float = 2.0
    """Standard deviation of the normal density that smooths the map, in places."""
    corners: tuple[float, ...] = (-60.0, -3.5, 0.5, 3.0, 60.0)
    """Normal scores between which the density of the nodes is constant, increasing."""
    densities: tuple[float, ...] = (0.7, 2.4, 1.3, 0.75)
    """Places per normal score there; levels that hardly vary count where ``tau`` is short."""
    lowest: float = -7.2
    """Lowest normal score with a node."""
    rise: float = 1e-3
    """Rise of the normal score at least, from probe to probe of the map."""
    probes: int = 4
    """Probes that rise, at least, for a map."""
    steepness: float = 1.5
    """Steepness, per place, of the smooth step that is subtracted from ``1 - P``."""
    step_scores: tuple[float, int] = (9.0, 145)
    """Farthest normal score, and number of points, of the sum that places this step in time."""
    least_power: float = 2.0
    """Least power of the tail of ``tau`` for which trapezoids are tried."""
    value_error: float = 1e-10
    """Estimated error of the value that is allowed, relative to it."""
    entry_error: float = 2e-10
    """Estimated error of an entry of the gradient, relative to the largest one."""
    level_error: float = 3e-6
    """Estimated error of ``dE/dw_n``, relative to ``E / (L (n + 1))``: certificates weigh it with
    ``n + 1`` and compare with ``E / L``."""
    check_error: float = 1e-8
    """Estimated error of the check function that stands in for the gradient, relative to it."""


_TUNING = _Tuning()


def by_trapezoids(
    runtime: NormalisedRuntime, gradient: bool, threads: int | None
) -> FloatArray | None:
    """``E[tau] - t_min`` and, with gradient, its derivatives, over the places of a score map.

    A smooth step that falls from 1 to 0 around the median has a known integral over the time. The
    difference of ``1 - P`` and this step fades out towards both ends, and is what is integrated.

    Parameters
    ----------
    runtime : NormalisedRuntime
        The design and the worker times.
    gradient : bool
        Whether to compute the derivatives.
    threads : int, optional
        Threads of the kernel; its own choice by default.

    Returns
    -------
    ndarray or None
        Seconds per cycle: the value, then the derivatives in ``omega`` and, where there are delays,
        those in the delays, shape ``(1 + N,)`` or ``(1 + 2 N,)``. ``None`` where the trapezoidal
        rule does not resolve them.
    """
    from scipy.special import ndtr

    found = _score_map(runtime, threads) if runtime.tail_power >= _TUNING.least_power else None
    if found is None:
        return None
    to_time, lower, upper = found
    farthest, points = _TUNING.step_scores
    normal = np.linspace(-farthest, farthest, points)
    weights = np.exp(-0.5 * normal**2)
    with np.errstate(over="ignore"):
        step = float(weights @ np.exp(to_time(normal / _TUNING.steepness)[0]) / weights.sum())
    if not math.isfinite(step):
        return None
    levels = _TUNING.level_error * runtime.level_scale
    offset = runtime.earliest + step

    def integrand(place: FloatArray) -> FloatArray:
        height, derivative = to_time(place)
        excess = np.exp(height)
        result = runtime.completion(excess, gradient, threads)
        steep = _TUNING.steepness * place
        early, late = ndtr(steep) - result.probability, result.complement - ndtr(-steep)
        part = np.where(place < 0.0, early, late) * excess
        if not isinstance(result, CompletionWithGradient):
            check = result.probability * result.complement
            return np.stack((part, check), axis=1) * derivative[:, np.newaxis]
        # The gradient times the design is the value; the errors of many levels may add up in it.
        entries = -result.gradient * excess[:, np.newaxis]
        parts = [part, entries, entries @ runtime.omega]
        if runtime.lead is not None:
            parts.insert(2, runtime.per_delay(entries, excess))
        return np.asarray(np.column_stack(parts) * derivative[:, np.newaxis])

    def allowance(total: FloatArray) -> FloatArray:
        value = offset + total[0]
        if not gradient:
            return np.array([_TUNING.value_error * value, _TUNING.check_error * total[1]])
        entries = np.minimum(levels * value, _TUNING.entry_error * total[1 : levels.size + 1].max())
        delays = np.full(0 if runtime.lead is None else levels.size, _TUNING.entry_error)
        return np.concatenate(
            ([_TUNING.value_error * value], entries, delays, [_TUNING.value_error * value])
        )

    total = trapezoids(
        integrand, lower, upper, step=_TUNING.step, halvings=_TUNING.halvings, allowance=allowance
    )
    if total is None:
        return None
    total[0] += step
    return total[:-1]


def _score_map(
    runtime: NormalisedRuntime, threads: int | None
) -> tuple[ScoreMap, float, float] | None:
    """From places to logarithms of times after ``t_min``, and where the integrands fade out."""
    after = runtime.level_quantiles()
    median = runtime.earliest + after[PROBES.median]
    small = runtime.rest(after) <= PROBES.negligible * median
    small[: PROBES.probed_stop] = False
    if not small.any():
        return None
    scores, times = runtime.scores(after[: int(np.argmax(small)) + 1], threads)
    rising = np.isfinite(scores) & (np.diff(scores, prepend=-np.inf) > _TUNING.rise)
    rising &= np.diff(times, prepend=-np.inf) > 0.0
    if np.count_nonzero(rising) < _TUNING.probes or np.any(np.diff(scores[rising]) <= 0.0):
        return None
    densities = np.array(_TUNING.densities)
    if math.isfinite(runtime.tail_power):
        densities[-1] *= math.sqrt(1.0 - 1.0 / runtime.tail_power)
    corners = np.concatenate(([0.0], np.cumsum(np.diff(_TUNING.corners) * densities)))
    corners -= np.interp(0.0, _TUNING.corners, corners)
    places = np.interp(scores[rising], _TUNING.corners, corners)
    lowest = float(np.interp(_TUNING.lowest, _TUNING.corners, corners))
    to_time = ScoreMap(places, times[rising], _TUNING.width)
    return to_time, max(lowest, float(places[0])), float(places[-1])
