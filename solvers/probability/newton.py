"""Stationary points of the completion probability: projected Newton steps with exact gradients.

The merit is ``log P`` while ``P < 1/2`` and ``-log(1 - P)`` from there on, so that tiny probabilities
and tiny complements are both seen to full relative accuracy. Variables are shares of the budget,
``x >= 0`` with ``sum x = 1``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cgcopt.arrays import FloatArray
from cgcopt.design import work_of_partition
from cgcopt.evaluation.crossing.completion import CompletionWithGradient, completion_probabilities
from cgcopt.system import System

__all__ = ["Point", "Stationary", "ascend", "merit_at"]

#: Shares below this are empty blocks.
EMPTY = 1e-13


@dataclass(frozen=True, eq=False)
class Point:
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
        return self.log_probability if self.late else -float(np.log(max(self.complement, 1e-320)))

    @property
    def residual(self) -> float:
        """``max_n g_n - min_{used n} g_n`` of the merit, ``L`` times that per coordinate.

        For ``P < 1/2`` this is the stationarity residual ``L (max dP/dx - min_used dP/dx) / P``;
        above it is the sharper one with ``1 - P`` in the denominator.
        """
        used = self.x > EMPTY
        return float(self.gradient.max() - self.gradient[used].min())


@dataclass(frozen=True, eq=False)
class Stationary:
    """Where an ascent ended."""

    point: Point
    iterations: int
    evaluations: int
    converged: bool


def merit_at(system: System, deadline: float, x: FloatArray, late: bool | None = None) -> Point:
    """Evaluate the shares ``x``; ``late`` fixes the merit, otherwise the probability chooses."""
    completion = _completions(system, deadline, x)
    p = float(completion.probability)
    chosen = p < 0.5 if late is None else late
    gradient = _by_share(_merit_gradients(completion, chosen)) * system.coordinates
    first = int(np.argmax(x > EMPTY))
    if first > 0:
        # Levels before the first used one have no threshold to differentiate. Take the slope next
        # to it, which is steep for heavy tails and 0 for light ones.
        gradient[:first] = _slopes_of_empty_levels(system, deadline, x, first, chosen)
    return Point(
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
    evaluations, radius = 1, 0.5
    iterations = 0
    while iterations < max_iterations:
        if point.late != (point.probability < 0.5):
            point = merit_at(system, deadline, point.x)
        if point.residual <= tolerance or not np.isfinite(point.merit) or stop():
            break
        free = _free_levels(point)
        hessian = _hessian(system, deadline, point, free)
        evaluations += int(free.sum())
        moved = None
        for _ in range(30):
            candidate = _trial(point, free, hessian, radius)
            trial = merit_at(system, deadline, candidate, point.late)
            evaluations += 1
            predicted = float(point.gradient @ (candidate - point.x))
            gain = trial.merit - point.merit
            if np.isfinite(trial.merit) and gain > 1e-4 * max(predicted, 0.0) * (predicted > 0):
                moved = trial
                radius = min(2 * radius, 1.0)
                break
            if trial.residual < 0.5 * point.residual and abs(gain) <= 1e-13 * (
                1 + abs(point.merit)
            ):
                moved = trial  # the merit is flat to rounding; the gradient still improves
                break
            radius *= 0.35
        if moved is None:
            break
        point = moved
        iterations += 1
    return Stationary(point, iterations, evaluations, point.residual <= tolerance)


def _slopes_of_empty_levels(
    system: System, deadline: float, x: FloatArray, first: int, late: bool
) -> FloatArray:
    """Derivatives in the shares of the levels before ``first``, each with a little work of its own."""
    beside = np.tile(x, (first, 1))
    beside[np.arange(first), np.arange(first)] = 1e-9 * x[first]
    slopes = _by_share(_merit_gradients(_completions(system, deadline, beside), late))
    diagonal: FloatArray = slopes[np.arange(first), np.arange(first)] * system.coordinates
    return diagonal


def _free_levels(point: Point) -> NDArray[np.bool_]:
    multiplier = float(point.gradient @ point.x)
    return (point.x > EMPTY) | (point.gradient > multiplier)


def _trial(point: Point, free: NDArray[np.bool_], hessian: FloatArray, radius: float) -> FloatArray:
    """Newton step in the free shares within a trust radius (relative to the design), projected."""
    g = point.gradient[free]
    scale = np.maximum(point.x[free], 0.1 / point.x.size * radius)
    ones = scale / np.linalg.norm(scale)
    scaled = hessian * np.outer(scale, scale)
    pull = g * scale
    # The direction that changes the sum, in the scaled metric, gets no pull and a firm curvature.
    project = np.eye(len(ones)) - np.outer(ones, ones)
    firm = np.abs(scaled).max() + 1e-300
    values, vectors = np.linalg.eigh(project @ scaled @ project - firm * np.outer(ones, ones))
    coefficients = vectors.T @ (project @ pull)
    curvature = np.maximum(np.abs(values), 1e-12 * np.abs(values).max() + 1e-300)
    step = np.clip(coefficients / curvature, -1e100, 1e100)  # flat directions; the radius rules
    length = float(np.linalg.norm(step))
    limit = radius * np.sqrt(len(ones))
    if length > limit:
        step *= limit / length
    moved = point.x.copy()
    # A block shrinks by at most a factor five in one step, unless it is about to vanish.
    floor = np.where(point.x[free] > 1e-4 / point.x.size, 0.2 * point.x[free], 0.0)
    moved[free] = np.maximum(point.x[free] + scale * (vectors @ step), floor)
    moved[moved <= EMPTY] = 0.0
    result: FloatArray = moved / moved.sum()
    return result


def _hessian(system: System, deadline: float, point: Point, free: NDArray[np.bool_]) -> FloatArray:
    """Second derivatives of the merit in the free shares by forward differences of gradients."""
    levels = np.flatnonzero(free)
    work = work_of_partition(point.x)
    reach = np.where(work > 0, work, work[work > 0].min())
    width = 1e-6 * reach[levels] / (levels + 1)
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
    return completion.gradient / np.maximum(completion.complement, 1e-320)[..., np.newaxis]


def _by_share(gradient: FloatArray) -> FloatArray:
    """``d/dx_n = (n+1) sum_{m>=n} d/dw_m``."""
    n = gradient.shape[-1]
    sums: FloatArray = np.cumsum(gradient[..., ::-1], axis=-1)[..., ::-1] * np.arange(1, n + 1)
    return sums
