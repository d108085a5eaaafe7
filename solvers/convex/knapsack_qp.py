"""Concave quadratic programs over a box cut by one equation, by an active-set method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cgcopt.arrays import FloatArray

__all__ = ["KnapsackTuning", "maximise_quadratic"]


@dataclass(frozen=True)
class KnapsackTuning:
    """Numbers of :func:`maximise_quadratic`. No measurement of them is on record."""

    passes: int = 6
    """Rounds of the active-set method at most, for every variable."""
    extra_passes: int = 10
    """Rounds at most on top of that, which is what a few variables need."""
    released: float = 1e-13
    """Wish to move below which a fixed variable stays, relative to the largest price: rounding."""


_DEFAULT = KnapsackTuning()


def maximise_quadratic(
    hessian: FloatArray,
    gradient: FloatArray,
    weights: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    tuning: KnapsackTuning = _DEFAULT,
) -> FloatArray:
    """Maximise ``g . d + d . H d / 2`` subject to ``v . d = 0`` and ``l <= d <= u``.

    A primal active-set method from ``d = 0`` (Nocedal and Wright, *Numerical Optimization*, section
    16.5); it ends after a few passes over the variables at the latest, then with a feasible point
    that may not be the best.

    Parameters
    ----------
    hessian : ndarray, shape (n, n)
        Symmetric, negative definite.
    gradient, weights : ndarray, shape (n,)
        ``g`` and ``v > 0``.
    lower, upper : ndarray, shape (n,)
        ``l <= 0 <= u``.
    tuning : KnapsackTuning

    Examples
    --------
    >>> H = -np.eye(2)
    >>> step = maximise_quadratic(
    ...     H, np.array([1.0, 0.0]), np.ones(2), np.array([-9.0, -0.25]), np.array([9.0, 9.0])
    ... )
    >>> step.tolist()
    [0.25, -0.25]
    """
    d = np.zeros_like(gradient)
    free = np.ones(gradient.size, dtype=bool)
    for _ in range(tuning.passes * gradient.size + tuning.extra_passes):
        current = gradient + hessian @ d
        if free.any():
            step, price = _free_step(hessian, current, weights, free)
            length, blocking = _room(d, step, lower, upper)
            d = np.clip(d + length * step, lower, upper)
            if blocking >= 0:
                free[blocking] = False
                continue
            current = current + length * (hessian @ step)
        else:
            price = float((current / weights)[d > lower].min(initial=np.inf))
        # A fixed variable is released if it would rather move inwards at this price.
        pull = current / weights - price
        wish = np.where(free, 0.0, np.where(d <= lower, pull, 0.0))
        wish = np.where(~free & (d >= upper), np.maximum(wish, -pull), wish)
        scale = np.abs(current / weights).max()
        if not wish.max(initial=0.0) > tuning.released * scale:
            break
        if not free.any():
            free[int(np.argmin(np.where(d > lower, current / weights, np.inf)))] = True
        free[int(np.argmax(wish))] = True
    return d


def _free_step(
    hessian: FloatArray, gradient: FloatArray, weights: FloatArray, free: NDArray[np.bool_]
) -> tuple[FloatArray, float]:
    """Step to the maximum over the free variables, and the price of the equation there."""
    count = int(np.count_nonzero(free))
    step = np.zeros_like(gradient)
    if count == 1:
        return step, float(gradient[free][0] / weights[free][0])
    block = hessian[np.ix_(free, free)]
    size = float(np.abs(block).max()) / float(weights[free].max())
    system = np.zeros((count + 1, count + 1))
    system[:count, :count] = block
    system[count, :count] = system[:count, count] = weights[free] * size
    try:
        solution = np.linalg.solve(system, np.concatenate([-gradient[free], [0.0]]))
    except np.linalg.LinAlgError:
        return step, float((gradient[free] / weights[free]).mean())
    step[free] = solution[:count]
    return step, -float(solution[count]) * size


def _room(
    d: FloatArray, step: FloatArray, lower: FloatArray, upper: FloatArray
) -> tuple[float, int]:
    """Largest length up to 1 that stays in the box, and the variable in the way (-1 for none)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(step > 0.0, (upper - d) / step, (lower - d) / step)
    room = np.where(step == 0.0, np.inf, room)
    first = int(np.argmin(room))
    return (float(room[first]), first) if room[first] < 1.0 else (1.0, -1)
