"""How likely a worker with a random start has delivered each level by a deadline.

A worker has delivered level ``n`` at ``A + a_n B + c_n`` seconds
(:mod:`cgcopt.evaluation.lines`). These events are nested in ``n`` for every pair ``(A, B)``, so that the
crossing probability of :mod:`cgcopt.evaluation.crossing.crossing` is exact with
``F_n(t) = P(A + a_n B <= t - c_n)``, whatever the dependence of ``A`` and ``B``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import singledispatch

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.evaluation.crossing.crossing import crossing
from cgcopt.evaluation.dispatch import Table, model_as, times_as
from cgcopt.evaluation.lines import Lines
from cgcopt.system import System
from cgcopt.workers.base import ContinuousTimes, IndependentTimes, Times
from cgcopt.workers.start import Constant, RandomStart

__all__ = ["StartedChances", "started_chances", "started_times"]


@dataclass(frozen=True)
class _Tuning:
    """Numbers of the two ways from a pair of distributions to ``F_n``.

    They were chosen so that ``P`` agrees with an adaptive quadrature to 1e-12 for the families.
    """

    highest: float = 37.0
    """Largest absolute normal score: chances of about 1e-300."""
    grid: int = 1500
    """Normal scores at which the sum of comonotone quantiles is tabulated for the start of a root."""
    newton: int = 5
    """Newton steps from there at most."""
    settled: float = 1e-14
    """Relative length of a Newton step that is the last."""
    step: float = 0.03
    """Distance of the nodes of the double exponential rule for independent ``A`` and ``B``."""
    first: float = -3.6
    """First node: ``exp(x - exp(-x))`` is below 1e-17 there."""
    entries: int = 2**15
    """Numbers in an array at once."""
    last: float = 4.4
    """Last node: 80 normal scores below the end of the integral."""
    furthest: float = 24.0
    """End of the integral at most: beyond are chances of 1e-127, and the nodes at a normal score of 0
    lie 0.7 apart, at which the rule still has all digits."""
    spread: tuple[float, float] = (0.25, 0.75)
    """Chances between whose quantiles a distribution is compared with another one."""


_TUNING = _Tuning()


@dataclass(frozen=True, eq=False)
class _Levels:
    """``F_n(t)``, ``1 - F_n(t)`` and the derivatives in ``a_n`` and ``c_n``, shape ``(m, N)``."""

    done: FloatArray
    late: FloatArray
    by_factor: FloatArray
    by_delay: FloatArray


@dataclass(frozen=True, eq=False)
class StartedChances:
    """Chances of lines ``c_n + A + a_n B`` at several deadlines.

    Attributes
    ----------
    met, missed, log_met : ndarray, shape (m,)
        ``P[tau <= t]``, ``P[tau > t]`` and ``log P[tau <= t]``.
    factor_gradient, delay_gradient : ndarray, shape (m, N)
        ``dP/da_n`` and ``dP/dc_n``.
    """

    met: FloatArray
    missed: FloatArray
    log_met: FloatArray
    factor_gradient: FloatArray
    delay_gradient: FloatArray


def started_times(system: System) -> RandomStart:
    """The worker times of a system, which have a random start."""
    return times_as(RandomStart, system, "needs worker times with a random start, not")


def started_chances(times: RandomStart, lines: Lines, deadlines: FloatArray) -> StartedChances:
    """Exact chances at deadlines of shape ``(m,)``, seconds.

    Examples
    --------
    One worker, a start that is exponential, and two seconds of work:

    >>> from cgcopt import Exponential
    >>> times = RandomStart(1.0, Exponential(rate=1.0))
    >>> found = started_chances(times, Lines(np.array([2.0]), np.zeros(1)), np.array([3.0]))
    >>> bool(abs(found.missed[0] - np.exp(-1.0)) < 1e-15)
    True
    """
    t = np.atleast_1d(np.asarray(deadlines, dtype=np.float64))
    left = t[:, np.newaxis] - lines.delay
    with np.errstate(all="ignore"):
        levels = _levels(times.pace, times, lines.factor, left)
    waited = lines.factor > 0.0
    done = np.where(waited, levels.done, np.where(left >= 0.0, 1.0, 0.0))
    late = np.where(waited, levels.late, np.where(left >= 0.0, 0.0, 1.0))
    found = crossing(done[:, ::-1], late[:, ::-1], gradient=True)
    by_level = np.where(
        waited & (found.probability > 0.0)[:, np.newaxis], found.gradient[:, ::-1], 0.0
    )
    return StartedChances(
        found.probability,
        found.complement,
        found.log_probability,
        by_level * np.where(waited, levels.by_factor, 0.0),
        by_level * np.where(waited, levels.by_delay, 0.0),
    )


@singledispatch
def _levels(
    cycle: ContinuousTimes | Constant, times: RandomStart, factor: FloatArray, left: FloatArray
) -> _Levels:
    raise NotImplementedError(cycle)


@_levels.register
def _(cycle: ContinuousTimes, times: RandomStart, factor: FloatArray, left: FloatArray) -> _Levels:
    start = model_as(
        ContinuousTimes, times.start, "a random time per cycle needs a start with a density, not"
    )
    which = _comonotone if times.one_order else _independent
    return which(start, cycle, factor, left)


@_levels.register
def _(cycle: Constant, times: RandomStart, factor: FloatArray, left: FloatArray) -> _Levels:
    seconds, start = left - cycle.seconds * factor, times.start
    density = _DENSITIES[start.kind](start, seconds)
    return _Levels(start.cdf(seconds), start.sf(seconds), -cycle.seconds * density, -density)


def _density(start: IndependentTimes, seconds: FloatArray) -> FloatArray:
    return model_as(ContinuousTimes, start, "a density is needed, not").pdf(seconds)


def _no_density(start: IndependentTimes, seconds: FloatArray) -> FloatArray:
    """The chances of a step distribution do not change between its values."""
    return np.zeros(seconds.shape)


_DENSITIES: Table[Times, Callable[[IndependentTimes, FloatArray], FloatArray]] = Table(
    "no density", {Times.CONTINUOUS: _density}, others=_no_density
)


def _quantiles(model: ContinuousTimes, score: FloatArray) -> FloatArray:
    """The quantile at a normal score, from the nearer tail."""
    from scipy.special import ndtr

    above = score > 0.0
    chance = ndtr(-np.abs(score))
    if above.all():
        return model.isf(chance)
    if not above.any():
        return model.ppf(chance)
    return np.where(above, model.isf(chance), model.ppf(chance))


def _comonotone(
    start: ContinuousTimes, cycle: ContinuousTimes, factor: FloatArray, left: FloatArray
) -> _Levels:
    """Roots ``z`` of ``A(z) + a_n B(z) = left``: the chance is that of a normal score below ``z``."""
    from scipy.special import ndtr

    highest = _TUNING.highest
    grid = np.linspace(-highest, highest, _TUNING.grid)
    starts, cycles = _quantiles(start, grid), _quantiles(cycle, grid)
    z = np.empty(left.shape)
    for n, a in enumerate(factor):
        z[:, n] = np.interp(left[:, n], starts + a * cycles, grid)
    earliest = start.support[0] + factor * cycle.support[0]
    inside = (left > earliest) & (np.abs(z) < highest)
    width = grid[1] - grid[0]
    low, high = z - 2.0 * width, z + 2.0 * width
    normal = 1.0 / np.sqrt(2.0 * np.pi)
    for _ in range(_TUNING.newton):
        a, b = _quantiles(start, z), _quantiles(cycle, z)
        density = normal * np.exp(-0.5 * z * z)
        rise = density / start.pdf(a) + factor * density / cycle.pdf(b)
        # Newton for the logarithm of the time past the earliest one, which is close to straight.
        past, wanted = a + factor * b - earliest, left - earliest
        step = np.log(wanted / past) * past / rise
        step = np.where(inside & np.isfinite(step), step, 0.0)
        z = np.clip(z + step, low, high)
        if np.all(np.abs(step) <= _TUNING.settled * (1.0 + np.abs(z))):
            break
    a, b = _quantiles(start, z), _quantiles(cycle, z)
    of_start, of_cycle = start.pdf(a), cycle.pdf(b)
    density = of_start * of_cycle / (of_cycle + factor * of_start)
    density = np.where(inside & np.isfinite(density), density, 0.0)
    before = left <= earliest
    return _Levels(
        np.where(before, 0.0, ndtr(z)), np.where(before, 1.0, ndtr(-z)), -b * density, -density
    )


def _independent(
    start: ContinuousTimes, cycle: ContinuousTimes, factor: FloatArray, left: FloatArray
) -> _Levels:
    """Integrals over the one of ``A`` and ``a_n B`` that varies less, where the other is smooth."""
    spreads = [np.ptp(model.ppf(np.array(_TUNING.spread))) for model in (start, cycle)]
    narrow = factor * spreads[1] < spreads[0]
    levels = _Levels(*np.empty((4, *left.shape)))
    for over_cycle in (True, False):
        chosen = narrow == over_cycle
        if chosen.any():
            given = factor[chosen], left[:, chosen]
            found = _integrals(start, cycle, *given, over_cycle=over_cycle)
            for field in fields(_Levels):
                getattr(levels, field.name)[:, chosen] = getattr(found, field.name)
    return levels


def _integrals(
    start: ContinuousTimes,
    cycle: ContinuousTimes,
    factor: FloatArray,
    left: FloatArray,
    *,
    over_cycle: bool,
) -> _Levels:
    """Chances and derivatives as integrals over ``B`` or over ``A``, to the latest time of it."""
    if over_cycle:
        over, other, unit = cycle, start, np.ones_like(factor)
        latest = (left - start.support[0]) / factor
    else:
        over, other, unit = start, cycle, factor
        latest = left - factor * cycle.support[0]
    sure, spare = over.cdf(latest), over.sf(latest)
    done, late = np.zeros(left.shape), spare.copy()
    by_factor, by_delay = np.zeros((2, *left.shape))
    for mass, x in _nodes(over, sure, spare):
        rest = left - factor * x if over_cycle else (left - x) / factor
        density = mass * other.pdf(rest) / unit
        density = np.where(np.isfinite(density), density, 0.0)
        done += (mass * other.cdf(rest)).sum(axis=0)
        late += (mass * other.sf(rest)).sum(axis=0)
        by_delay -= density.sum(axis=0)
        cycles = x if over_cycle else rest
        by_factor -= (cycles * density).sum(axis=0, where=density > 0.0)
    none, total = ~(sure > 0.0), done + late
    return _Levels(
        np.where(none, 0.0, done / total), np.where(none, 1.0, late / total), by_factor, by_delay
    )


def _nodes(
    model: ContinuousTimes, sure: FloatArray, spare: FloatArray
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Weights and times of a double exponential rule up to the latest time, in its normal score.

    ``sure`` and ``spare`` are the chances of a time up to the latest one, and of a later one.
    The other one takes all the time that is left at the end; ``z = end - exp(x - exp(-x))`` takes
    care of what happens there and fades out with the normal density below.
    """
    from scipy.special import ndtri

    end = np.where(sure < 0.5, ndtri(sure), -ndtri(spare))
    end = np.clip(end, -_TUNING.highest, _TUNING.furthest)
    x = np.arange(_TUNING.first, _TUNING.last, _TUNING.step)
    below = np.exp(x - np.exp(-x))
    weight = _TUNING.step * below * (1.0 + np.exp(-x)) / np.sqrt(2.0 * np.pi)
    at_once = max(1, _TUNING.entries // sure.size)
    for first in range(0, x.size, at_once):
        part = slice(first, first + at_once)
        z = end - below[part, np.newaxis, np.newaxis]
        mass = weight[part, np.newaxis, np.newaxis] * np.exp(-0.5 * z * z)
        yield mass, _quantiles(model, z)
