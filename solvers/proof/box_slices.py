"""Slices of a box without a better design, each proven by one more linearisation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cgcopt.arrays import LEAST_DIVISOR, BoolArray, FloatArray
from cgcopt.solvers.proof.relaxation import Points, Relaxation
from cgcopt.solvers.proof.speed_box import Box

__all__ = ["SliceSettings", "without_slices"]


@dataclass(frozen=True)
class SliceSettings:
    """Tuning numbers of :func:`without_slices`, chosen without a recorded measurement."""

    reach: float = 1.2
    """Slices begin a little farther out than the quadratic model says, by this factor."""
    least: float = 0.02
    """Least share of an interval worth cutting off."""
    firmness: float = 1e-9
    """Curvature added to the quadratic model, relative to the largest."""


_SETTINGS = SliceSettings()


def without_slices(relaxation: Relaxation, summit: Points, *, enough: float) -> tuple[Box, float]:
    """Cut off slices of a box in which ``log P`` is at most ``enough``.

    The quadratic model of ``F`` at its maximum says how far up or down a level must move until ``F``
    is ``enough`` at best, and how the other levels then lie; the linearisation there bounds the
    slice beyond.  Nothing depends on the model being right: a bound that is too large cuts nothing.

    Parameters
    ----------
    relaxation : Relaxation
        On the box.
    summit : Points
        Its maximum, or a point near it.
    enough : float
        A bound on ``log P`` at which designs are of no more interest.

    Returns
    -------
    Box
        Without the slices.
    float
        Upper bound on ``log P`` in all of them; ``-inf`` where nothing was cut.
    """
    box, width = relaxation.box, relaxation.width
    free = (summit.speed > box.lower) & (summit.speed < box.upper)
    if np.count_nonzero(free) < 2 or not math.isfinite(summit.value) or summit.value <= enough:
        return box, -math.inf
    levels, moves = _moves(relaxation, summit, free, float(summit.value) - enough)
    # First the moves up, then those down.
    n = np.concatenate([levels, levels])
    at = summit.speed + np.concatenate([moves, -moves])
    rows, ups = np.arange(n.size), levels.size
    lower, upper = np.tile(box.lower, (n.size, 1)), np.tile(box.upper, (n.size, 1))
    lower[rows[:ups], n[:ups]] = at[rows[:ups], n[:ups]]
    upper[rows[ups:], n[ups:]] = at[rows[ups:], n[ups:]]
    worth = (upper - lower)[rows, n] > _SETTINGS.least * width[n]
    if not worth.any():
        return box, -math.inf
    slices = Box(lower[worth], upper[worth])
    points = relaxation.at(np.clip(at[worth], slices.lower, slices.upper))
    bounds = relaxation.linear_bounds(points, slices)
    settled = bounds <= enough
    low, high = box.lower.copy(), box.upper.copy()
    up = (rows < ups)[worth]
    for row in np.flatnonzero(settled):
        level = n[worth][row]
        if up[row]:
            high[level] = min(high[level], slices.lower[row, level])
        else:
            low[level] = max(low[level], slices.upper[row, level])
    return Box(low, high), float(bounds[settled].max(initial=-math.inf))


def _moves(
    relaxation: Relaxation, summit: Points, free: BoolArray, drop: float
) -> tuple[NDArray[np.intp], FloatArray]:
    """Levels that can move and, in rows, the moves of all levels that cost ``drop``."""
    width = relaxation.width[free]
    count = width.size
    hessian = relaxation.hessian(summit)[np.ix_(free, free)]
    size = float(np.abs(hessian).max()) + LEAST_DIVISOR
    weights = relaxation.speeds.weights[free] * width
    system = np.zeros((count + 1, count + 1))
    system[:count, :count] = hessian - _SETTINGS.firmness * size * np.eye(count)
    system[count, :count] = system[:count, count] = weights * (size / weights.max())
    try:
        response = np.linalg.inv(system)[:count, :count]
    except np.linalg.LinAlgError:
        response = np.zeros((count, count))
    own = np.diag(response)
    able = own < 0.0
    reach = _SETTINGS.reach * np.sqrt(-2.0 * drop * own[able])
    moves = np.zeros((reach.size, free.size))
    moves[:, free] = (response[:, able] / own[able] * reach).T * width
    return np.flatnonzero(free)[able], moves
