r"""Where the completion probability is log-concave in the work, for any distribution of times.

Let ``G(y) = P(1/T >= y)`` be the chance that a worker is at least as fast as ``y``.  A level with
cumulative work ``w_n`` is finished by the deadline ``t`` by workers faster than
``y_n = u w_n / t``, so that ``p_n = G(y_n)`` are the thresholds of the completion probability
(arXiv 2206.02450; :mod:`cgcopt.evaluation.crossing.completion`).

**Theorem.** ``P`` is log-concave in ``(-log p_0, ..., -log p_{N-1})``.  Hence, if every ``p_n`` is a
nonincreasing log-concave function of its own ``y_n``, ``P`` is log-concave in ``y``.

*Proof.* With ``E = -log U`` of the uniform variables, ``E_1 >= ... >= E_N`` ordered, the event
``U_(k) <= p_{N-k}`` reads ``E_k >= eta_{N-k}`` with ``eta = -log p``.  On the cone of ordered points
the density of the ordered ``E`` is ``N! exp(-sum E)``, log-concave, and the event is jointly convex
in ``(E, eta)``; integrating ``E`` out keeps log-concavity (Prekopa 1973).  ``P`` falls with every
``eta_n``, and ``eta_n(y_n)`` is convex where ``p_n`` is log-concave.

``log G`` is concave exactly where the hazard rate ``h = f/G`` of ``1/T`` (density ``f``) increases.
For the usual families it increases up to a barrier ``H``, then may fall up to some ``C`` and
increase again; :func:`convex_stretches` finds the stretches in which it falls, and only there does a
global method have to branch.  A second, stricter condition works with the cone of ``1/T`` itself: with
``f`` log-concave on ``(0, B]`` and ``f(B)^2 + f'(B) G(B) >= 0`` the density may be continued
log-linearly beyond ``B`` without changing the mass there.  The second half says that ``h`` increases
at ``B``, so ``B <= H`` always, and nothing is lost by using ``H``.

Barriers of the usual families are listed in ``docs/log_concavity.md``
(:func:`log_concave_barrier` and :func:`hazard_barrier` compute them).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cgcopt.arrays import BoolArray, FloatArray
from cgcopt.errors import UnsupportedProblemError
from cgcopt.evaluation.roots import narrowed
from cgcopt.workers.base import ContinuousTimes

__all__ = [
    "Stretch",
    "StretchSettings",
    "convex_stretches",
    "hazard_barrier",
    "log_concave_barrier",
    "reach",
    "speed_grid",
]


@dataclass(frozen=True)
class StretchSettings:
    """Tuning numbers of the search for convex stretches, chosen without a recorded measurement."""

    negligible: float = 1e-25
    """Slower speeds are reached with a probability that differs from 1 by less than this."""
    slowest: float = 1e-200
    """Slowest speed of the grid, relative to the fastest."""
    rounding: float = 1e-12
    """Relative rounding error up to which a derivative of the wrong sign counts as zero."""
    points: int = 2048
    """Points of each of the two halves of the grid of speeds."""
    visible: float = 1e-9
    """Relative fall of the hazard rate between neighbours that cannot be rounding."""
    unlikely: float = 1e-12
    """Probability with which the fastest speed that barriers look at is exceeded."""


_SETTINGS = StretchSettings()


@dataclass(frozen=True)
class Stretch:
    """Speeds ``low <= y <= high`` between which ``log G`` is convex."""

    low: float
    high: float


def reach(times: ContinuousTimes, speed: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """``log G(y) = log P(1/T >= y)`` and the hazard rate ``h(y) = f(y)/G(y)``, minus its derivative.

    Both are accurate where ``G`` is tiny and where it is near 1; at ``y = 0`` both are 0.

    Examples
    --------
    >>> from cgcopt import Exponential
    >>> height, rate = reach(Exponential(rate=1.0), [0.0, 1.0])
    >>> height.round(6).tolist(), rate.round(6).tolist()
    ([0.0, -0.458675], [0.0, 0.581977])
    """
    y = np.asarray(speed, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        theta = 1.0 / y
        done, late = times.cdf(theta), times.sf(theta)
        height = np.where(late < 0.5, np.log1p(-np.minimum(late, 0.5)), np.log(done))
        rate = np.exp(times.logpdf(theta) + 2.0 * np.log(theta) - height)
    return height, np.where(y > 0.0, rate, 0.0)


def speed_grid(times: ContinuousTimes, fastest: float) -> FloatArray:
    """Increasing speeds from where ``1 - G`` is negligible to ``fastest``, dense where mass lies."""
    tails = np.exp(
        -np.linspace(0.0, -math.log(_SETTINGS.negligible), _SETTINGS.points // 2) - math.log(2.0)
    )
    with np.errstate(divide="ignore", over="ignore"):
        likely = 1.0 / np.concatenate([times.isf(tails), times.ppf(tails)])
    slowest = max(float(1.0 / times.isf(_SETTINGS.negligible)), fastest * _SETTINGS.slowest)
    spaced = np.geomspace(min(slowest, fastest), fastest, _SETTINGS.points)
    grid = np.unique(np.concatenate([spaced, likely]))
    return np.asarray(grid[(grid >= spaced[0]) & (grid <= fastest)])


def convex_stretches(times: ContinuousTimes, fastest: float) -> tuple[Stretch, ...]:
    """Find where ``log G`` is convex up to the speed ``fastest``, each end to rounding.

    The sign of the derivative of the hazard rate is read at the points of :func:`speed_grid` and its
    changes are bisected; that the rate itself rises and falls accordingly is checked.

    Parameters
    ----------
    times : ContinuousTimes
        Distribution of one worker's time.
    fastest : float
        Largest speed of interest, less than the upper end of the support of ``1/T``.

    Raises
    ------
    UnsupportedProblemError
        If the hazard rate falls between two points of the grid though it rises at both, as where a
        density jumps.

    Examples
    --------
    >>> from cgcopt import ShiftedExponential
    >>> [stretch] = convex_stretches(ShiftedExponential(rate=0.1, shift=1.0), 0.9)
    >>> round(stretch.low, 6), round(stretch.high, 6)
    (0.066079, 0.471448)
    >>> convex_stretches(ShiftedExponential(rate=0.1, shift=4.0), 0.24)
    ()
    """
    grid = speed_grid(times, fastest)
    falls = _hazard_falls(times, grid)
    _refuse_jumps(times, grid, falls)
    changes = np.flatnonzero(falls[1:] != falls[:-1])
    ends = [_change(times, float(grid[i]), float(grid[i + 1]), bool(falls[i])) for i in changes]
    if falls[0]:
        ends.insert(0, 0.0)
    if falls[-1]:
        ends.append(fastest)
    return tuple(Stretch(*pair) for pair in zip(ends[::2], ends[1::2], strict=True))


def hazard_barrier(times: ContinuousTimes) -> float:
    """``H``, up to which the hazard rate of ``1/T`` increases: levels below never need branching.

    The upper end of the support (which may be ``inf``) where the rate increases up to the speed that
    is exceeded with probability 1e-12.

    Examples
    --------
    >>> from cgcopt import Exponential
    >>> round(hazard_barrier(Exponential(rate=2.0)), 6)
    1.255002
    """
    fastest = _upper_end(times)
    stretches = convex_stretches(times, fastest)
    if not stretches:
        end = times.support[0]
        return 1.0 / end if end > 0.0 else math.inf
    return stretches[0].low


def log_concave_barrier(times: ContinuousTimes) -> float:
    """Largest ``B`` with ``f`` log-concave on ``(0, B]`` and ``f(B)^2 + f'(B) G(B) >= 0``.

    The log-concavity of ``f`` is read at the points of :func:`speed_grid` and its end rounded down
    to one of them; 0 where ``f`` is log-convex near 0.

    Examples
    --------
    >>> from cgcopt import ShiftedExponential
    >>> round(log_concave_barrier(ShiftedExponential(rate=0.1, shift=1.0)), 3)
    0.066
    """
    fastest = _upper_end(times)
    grid = speed_grid(times, fastest)
    gradient, size = _log_density_gradient(times, grid)
    rises = np.flatnonzero(np.diff(gradient) > _SETTINGS.rounding * (size[1:] + size[:-1]))
    barrier = float(grid[max(rises[0] - 1, 0)] if rises.size else grid[-1])
    if rises.size and rises[0] == 0:
        return 0.0
    for stretch in convex_stretches(times, fastest):
        if stretch.low < barrier < stretch.high:
            return stretch.low
    return barrier


def _upper_end(times: ContinuousTimes) -> float:
    """A speed that is exceeded with a negligible probability."""
    return float(1.0 / times.ppf(_SETTINGS.unlikely))


def _log_density_gradient(
    times: ContinuousTimes, speed: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """``f'/f`` and the size of the terms that it is the difference of."""
    theta = 1.0 / speed
    pull = times.dlogpdf(theta) * theta**2
    return -pull - 2.0 * theta, np.abs(pull) + 2.0 * theta


def _hazard_falls(times: ContinuousTimes, speed: FloatArray) -> BoolArray:
    """Whether ``h'/h = f'/f + h`` is negative beyond rounding."""
    gradient, size = _log_density_gradient(times, speed)
    _, rate = reach(times, speed)
    falls: BoolArray = gradient + rate < -_SETTINGS.rounding * (size + rate)
    return falls


def _refuse_jumps(times: ContinuousTimes, speed: FloatArray, falls: BoolArray) -> None:
    _, rate = reach(times, speed)
    lower = rate[1:] < rate[:-1] * (1.0 - _SETTINGS.visible)
    unseen = np.flatnonzero(lower & ~falls[1:] & ~falls[:-1])
    if unseen.size:
        raise UnsupportedProblemError(
            f"the hazard rate of 1/T jumps between {speed[unseen[0]]:.6g} and "
            f"{speed[unseen[0] + 1]:.6g} for {times.label}; a proof needs a smooth density"
        )


def _change(times: ContinuousTimes, low: float, high: float, falls: bool) -> float:
    """The speed where the hazard rate turns; ``falls`` holds at ``low``."""

    def turned(speed: float) -> bool:
        return bool(_hazard_falls(times, np.array([speed]))[0]) != falls

    return narrowed(turned, low, high)[1]
