"""Stationary points of the completion probability: projected Newton steps with exact gradients.

The merit is ``log P`` while ``P < 1/2`` and ``-log(1 - P)`` from there on, so that tiny probabilities
and tiny complements are both seen to full relative accuracy. Variables are shares of the budget,
``x >= 0`` with ``sum x = 1``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import BoolArray, FloatArray
from cgcopt.design import work_of_partition
from cgcopt.evaluation.crossing.completion import CompletionWithGradient, completion_probabilities
from cgcopt.system import System

__all__ = ["AscentSettings", "Evaluated", "Stationary", "ascend", "merit_at"]


@dataclass(frozen=True)
class AscentSettings:
    """Tuning numbers of :func:`ascend`, chosen without a recorded measurement."""

    empty: float = 1e-13
    """Share of the budget up to which a block is empty; above the rounding errors of shares."""
    least_complement: float = 1e-320
    """Least ``1 - P`` that is divided by or whose logarithm is taken, just above zero."""
    beside: float = 1e-9
    """Work given to empty first levels to differentiate there, relative to the first used share."""
    difference: float = 1e-6
    """Step of the differences of gradients, relative to the work of a level."""
    first_radius: float = 0.5
    """Trust radius at the start, in steps relative to the design."""
    largest_radius: float = 1.0
    """Trust radius at most: steps as large as the design."""
    grown: float = 2.0
    """Factor on the trust radius after a step that gains."""
    shrunk: float = 0.35
    """Factor on the trust radius after a step that is refused."""
    trials: int = 30
    """Steps tried from one point; the last radius is ``2e-14`` of the first."""
    sufficient: float = 1e-4
    """Share of the first-order gain that a step has to reach (Armijo's condition)."""
    flat: float = 1e-13
    """Change of the merit, relative to ``1 + |merit|``, that is rounding."""
    steeper: float = 0.5
    """Factor by which the residual must fall where the merit is flat."""
    scale: float = 0.1
    """Least scale of a free share, as a share of the mean block and times the radius."""
    curvature: float = 1e-12
    """Least curvature in a direction, relative to the largest."""
    longest: float = 1e100
    """Longest step in a flat direction, finite; the radius limits it afterwards."""
    kept: float = 0.2
    """Share of itself that a block keeps in one step, unless it is about to vanish."""
    vanishing: float = 1e-4
    """Share of the mean block below which a block may vanish in one step."""
    tiny: float = 1e-300
    """Added to scales so that nothing is divided by zero."""


_SETTINGS = AscentSettings()


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A design with its probability and the merit's gradient.

    Attributes
    ----------
    x : ndarray
        Shares of the budget, shape ``(N,)``.
    probability, complement : float
        ``P`` and ``1 - P``.
    log_probability : float
        ``log P``.
    gradient : ndarray
        Derivative of the merit with respect to the shares.
    late : bool
        Whether the merit is ``log P`` (``P < 1/2``).
    """

    x: FloatArray
    probability: float
    complement: float
    log_probability: float
    gradient: FloatArray
    late: bool

    @property
    def merit(self) -> float:
        """``log P`` or ``-log(1 - P)``; increasing in ``P`` either way."""
        if self.late:
            return self.log_probability
        return -float(np.log(max(self.complement, _SETTINGS.least_complement)))

    @property
    def residual(self) -> float:
        """``max_n g_n - min_{used n} g_n`` of the merit, ``L`` times that per coordinate.

        For ``P < 1/2`` this is the stationarity residual ``L (max dP/dx - min_used dP/dx) / P``;
        above it is the sharper one with ``1 - P`` in the denominator.
        """
        used = self.x > _SETTINGS.empty
        return float(self.gradient.max() - self.gradient[used].min())


@dataclass(frozen=True, eq=False)
class Stationary:
    """Where an ascent ended."""

    point: Evaluated
    iterations: int
    evaluations: int
    converged: bool


def merit_at(system: System, deadline: float, x: FloatArray, late: bool | None = None) -> Evaluated:
    """Evaluate the shares ``x``; ``late`` fixes the merit, otherwise the probability chooses."""
    completion = _completions(system, deadline, x)
    p = float(completion.probability)
    chosen = p < 0.5 if late is None else late
    gradient = _by_share(_merit_gradients(completion, chosen)) * system.coordinates
    first = int(np.argmax(x > _SETTINGS.empty))
    if first > 0:
        # Levels before the first used one have no threshold to differentiate. Take the gradient
        # next to it, which is steep for heavy tails and 0 for light ones.
        gradient[:first] = _gradient_of_empty_levels(system, deadline, x, first, chosen)
    return Evaluated(
        x,
        p,
        float(completion.complement),
        float(completion.log_probability),
        gradient,
        chosen,
    )


def ascend(
    system: System,
    deadline: float,
    start: FloatArray,
    *,
    tolerance: float,
    stop: Callable[[], bool] = lambda: False,
    max_iterations: int = 200,
) -> Stationary:
    """Climb from ``start`` (shares, with ``P > 0``) to a stationary point.

    Each iteration takes the Hessian by differences of exact gradients, turns it negative definite
    on the free levels by its eigenvalues, and searches along the projected step.
    """
    point = merit_at(system, deadline, start / start.sum())
    radius, iterations, evaluations = _SETTINGS.first_radius, 0, 1
    while iterations < max_iterations:
        point = _with_the_merit_that_fits(system, deadline, point)
        if point.residual <= tolerance or not np.isfinite(point.merit) or stop():
            break
        free = _free_levels(point)
        hessian = _hessian(system, deadline, point, free)
        step = _step(system, deadline, point, free, hessian, radius)
        evaluations += int(free.sum()) + step.trials
        if step.point is None:
            break
        point, radius = step.point, step.radius
        iterations += 1
    return Stationary(point, iterations, evaluations, point.residual <= tolerance)


@dataclass(frozen=True, eq=False)
class _Step:
    """The point that a step led to, if any was accepted; the next trust radius; points tried."""

    point: Evaluated | None
    radius: float
    trials: int


def _with_the_merit_that_fits(system: System, deadline: float, point: Evaluated) -> Evaluated:
    """The same shares with the merit that belongs to their probability."""
    if point.late == (point.probability < 0.5):
        return point
    return merit_at(system, deadline, point.x)


def _step(
    system: System,
    deadline: float,
    point: Evaluated,
    free: BoolArray,
    hessian: FloatArray,
    radius: float,
) -> _Step:
    """Try steps within a trust radius that shrinks until one is accepted."""
    for tried in range(1, _SETTINGS.trials + 1):
        trial = merit_at(system, deadline, _trial(point, free, hessian, radius), point.late)
        if _gains(point, trial):
            grown = min(_SETTINGS.grown * radius, _SETTINGS.largest_radius)
            return _Step(trial, grown, tried)
        if _less_steep(point, trial):
            return _Step(trial, radius, tried)
        radius *= _SETTINGS.shrunk
    return _Step(None, radius, _SETTINGS.trials)


def _gains(point: Evaluated, trial: Evaluated) -> bool:
    """Whether the merit rises by enough of what the gradient promises."""
    predicted = float(point.gradient @ (trial.x - point.x))
    wanted = _SETTINGS.sufficient * max(predicted, 0.0)
    return bool(np.isfinite(trial.merit) and trial.merit - point.merit > wanted)


def _less_steep(point: Evaluated, trial: Evaluated) -> bool:
    """Whether the merit is flat to rounding and the gradient still improves."""
    flat = _SETTINGS.flat * (1 + abs(point.merit))
    return bool(
        trial.residual < _SETTINGS.steeper * point.residual
        and abs(trial.merit - point.merit) <= flat
    )


def _gradient_of_empty_levels(
    system: System, deadline: float, x: FloatArray, first: int, late: bool
) -> FloatArray:
    """Derivatives in the shares of the levels before ``first``, each with a little work of its own."""
    beside = np.tile(x, (first, 1))
    beside[np.arange(first), np.arange(first)] = _SETTINGS.beside * x[first]
    gradients = _by_share(_merit_gradients(_completions(system, deadline, beside), late))
    diagonal: FloatArray = gradients[np.arange(first), np.arange(first)] * system.coordinates
    return diagonal


def _free_levels(point: Evaluated) -> BoolArray:
    multiplier = float(point.gradient @ point.x)
    return (point.x > _SETTINGS.empty) | (point.gradient > multiplier)


def _trial(point: Evaluated, free: BoolArray, hessian: FloatArray, radius: float) -> FloatArray:
    """Newton step in the free shares within a trust radius (relative to the design), projected."""
    g = point.gradient[free]
    scale = np.maximum(point.x[free], _SETTINGS.scale / point.x.size * radius)
    ones = scale / np.linalg.norm(scale)
    scaled = hessian * np.outer(scale, scale)
    pull = g * scale
    # The direction that changes the sum, in the scaled metric, gets no pull and a firm curvature.
    project = np.eye(len(ones)) - np.outer(ones, ones)
    firm = np.abs(scaled).max() + _SETTINGS.tiny
    values, vectors = np.linalg.eigh(project @ scaled @ project - firm * np.outer(ones, ones))
    coefficients = vectors.T @ (project @ pull)
    least = _SETTINGS.curvature * np.abs(values).max() + _SETTINGS.tiny
    curvature = np.maximum(np.abs(values), least)
    step = np.clip(coefficients / curvature, -_SETTINGS.longest, _SETTINGS.longest)
    length = float(np.linalg.norm(step))
    limit = radius * np.sqrt(len(ones))
    if length > limit:
        step *= limit / length
    moved = point.x.copy()
    shares = point.x[free]
    floor = np.where(shares > _SETTINGS.vanishing / point.x.size, _SETTINGS.kept * shares, 0.0)
    moved[free] = np.maximum(shares + scale * (vectors @ step), floor)
    moved[moved <= _SETTINGS.empty] = 0.0
    result: FloatArray = moved / moved.sum()
    return result


def _hessian(system: System, deadline: float, point: Evaluated, free: BoolArray) -> FloatArray:
    """Second derivatives of the merit in the free shares by forward differences of gradients."""
    levels = np.flatnonzero(free)
    work = work_of_partition(point.x)
    reach = np.where(work > 0, work, work[work > 0].min())
    width = _SETTINGS.difference * reach[levels] / (levels + 1)
    shifted = point.x + np.zeros((levels.size, 1))
    shifted[np.arange(levels.size), levels] += width
    completion = _completions(system, deadline, shifted)
    gradients = _by_share(_merit_gradients(completion, point.late) * system.coordinates)
    rows = (gradients[:, levels] - point.gradient[levels]) / width[:, np.newaxis]
    symmetric: FloatArray = 0.5 * (rows + rows.T)
    if np.all(np.isfinite(symmetric)):
        return symmetric
    steepest: FloatArray = -np.diag(np.abs(point.gradient[levels]) / reach[levels])
    return steepest


def _completions(system: System, deadline: float, x: FloatArray) -> CompletionWithGradient:
    work = work_of_partition(x) * system.coordinates
    return completion_probabilities(system, work, deadline, gradient=True)


def _merit_gradients(completion: CompletionWithGradient, late: bool) -> FloatArray:
    """Gradient of the merit with respect to the cumulative work ``w``."""
    if late:
        return completion.log_gradient
    return (
        completion.gradient
        / np.maximum(completion.complement, _SETTINGS.least_complement)[..., np.newaxis]
    )


def _by_share(gradient: FloatArray) -> FloatArray:
    """``d/dx_n = (n+1) sum_{m>=n} d/dw_m``."""
    n = gradient.shape[-1]
    sums: FloatArray = np.cumsum(gradient[..., ::-1], axis=-1)[..., ::-1] * np.arange(1, n + 1)
    return sums
