"""Formulas within limits: the same formula on the allowed levels, then on the best few of them.

A formula says how the cumulative work grows with the level, ``w_n = m p_n``. On the levels
``s_1 < s_2 < ...`` alone it keeps these proportions, and the budget ``sum_j v_j w_{s_j} = L`` with
``v_j = 1/(s_j + 1) - 1/(s_{j+1} + 1)`` gives ``m``. The smaller ``m``, the better for the formula:
where fewer levels may be used than are allowed, those with the largest ``sum_j v_j p_{s_j}`` are taken,
found by dynamic programming.
"""

from __future__ import annotations

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import level_weights
from cgcopt.errors import UnsupportedProblemError
from cgcopt.problem import Problem
from cgcopt.solvers.limited.ends import snapped

__all__ = ["best_levels", "restricted", "restricted_to", "shares_moved"]


def best_levels(profile: FloatArray, levels: IntArray, most: int) -> IntArray:
    """At most ``most`` of the levels with the largest ``sum_j v_j p_{s_j}``.

    Parameters
    ----------
    profile : ndarray, shape (N,)
        ``p``, nondecreasing.
    levels : ndarray of int
        Allowed levels, increasing.
    most : int
        How many may be used.

    Examples
    --------
    >>> best_levels(np.array([1.0, 2.0, 3.0, 4.0]), np.arange(4), 1).tolist()
    [0]
    >>> best_levels(np.array([1.0, 1.1, 1.2, 9.0]), np.arange(4), 2).tolist()
    [0, 3]
    """
    if most >= levels.size:
        return levels
    # worth[j] is the best sum of a set whose lowest level is levels[j]; the highest has v = 1/(s + 1).
    inverse = 1.0 / (levels + 1.0)
    p = profile[levels]
    worth, after = p * inverse, [np.full(levels.size, -1)]
    sums = [worth]
    for _ in range(most - 1):
        joined = np.where(
            levels[:, np.newaxis] < levels,
            p[:, np.newaxis] * (inverse[:, np.newaxis] - inverse) + sums[-1],
            -np.inf,
        )
        better = joined.argmax(axis=1)
        best = joined.max(axis=1)
        sums.append(np.maximum(best, sums[0]))
        after.append(np.where(best > sums[0], better, -1))
    j, chosen = int(sums[-1].argmax()), []
    for step in range(most - 1, -1, -1):
        chosen.append(int(levels[j]))
        j = int(after[step][j])
        if j < 0:
            break
    return np.array(chosen)


def restricted(problem: Problem, profile: FloatArray) -> tuple[FloatArray, str]:
    """The design of a formula within the limits of a problem, and how it was restricted.

    Parameters
    ----------
    problem : Problem
        Its limits count.
    profile : ndarray, shape (N,)
        Cumulative work of the formula, up to a factor.

    Returns
    -------
    tuple of ndarray and str
        The partition, and a sentence.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(4, 12, cg.Exponential(1.0))
    >>> problem = cg.Problem(system, cg.ExpectedRuntime(), limits=cg.Limits(copies=2))
    >>> restricted(problem, np.array([1.0, 2.0, 3.0, 4.0]))[0].tolist()
    [8.0, 4.0, 0.0, 0.0]
    """
    limits, count = problem.limits, problem.system.workers
    levels = limits.allowed_levels(count)
    p = np.maximum.accumulate(profile)
    chosen = best_levels(p, levels, min(limits.most_blocks(count), levels.size))
    while True:
        work = np.zeros(count)
        weights = level_weights(chosen)
        total = float(weights @ p[chosen])
        shares = np.diff(p[chosen] / total, prepend=0.0) / (chosen + 1.0)
        least = limits.least or 0.0
        if chosen.size == 1 or shares.min() >= least:
            break
        # The formula gives a level less than it has to carry: leave out the smallest one.
        chosen = np.delete(chosen, int(shares.argmin()))
    work[chosen] = shares
    partition = _on_boundaries(problem, work)
    return partition, _said(problem, chosen, levels)


def restricted_to(problem: Problem, level: int, name: str) -> FloatArray:
    """All coordinates on one level, or an error where it is not allowed."""
    if level not in problem.limits.allowed_levels(problem.system.workers):
        raise UnsupportedProblemError(
            f"solver '{name}' is level {level} alone, and {problem.limits.label} has no such level"
        )
    partition = np.zeros(problem.system.workers)
    partition[level] = problem.system.coordinates
    return partition


def shares_moved(problem: Problem, partition: FloatArray) -> tuple[FloatArray, str]:
    """A design within the limits that has every share on the nearest level which may be used.

    The levels with the largest shares are kept where fewer may be used than the design has.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(4, 12, cg.Exponential(1.0))
    >>> problem = cg.Problem(system, cg.ExpectedRuntime(), limits=cg.Limits(levels=[0, 2]))
    >>> shares_moved(problem, np.array([3.0, 3.0, 3.0, 3.0]))[0].tolist()
    [6.0, 0.0, 6.0, 0.0]
    """
    limits, count = problem.limits, problem.system.workers
    levels = limits.allowed_levels(count)
    shares = _nearest(partition / partition.sum(), levels)
    kept = levels[np.argsort(-shares[levels], kind="stable")][: limits.most_blocks(count)]
    kept = np.sort(kept[shares[kept] > 0.0])
    while True:
        moved = _nearest(shares, kept)
        if kept.size == 1 or moved[kept].min() >= (limits.least or 0.0):
            return _on_boundaries(problem, moved), _said(problem, kept, levels)
        kept = np.delete(kept, int(moved[kept].argmin()))


def _nearest(shares: FloatArray, levels: IntArray) -> FloatArray:
    """Every share on the nearest of the levels, the lower one of two."""
    distance = np.abs(np.arange(shares.size)[:, np.newaxis] - levels)
    place = levels[distance.argmin(axis=1)]
    return np.bincount(place, weights=shares, minlength=shares.size).astype(np.float64)


def _on_boundaries(problem: Problem, shares: FloatArray) -> FloatArray:
    """Coordinates of the shares, with the ends of blocks on the nearest boundaries."""
    limits, total = problem.limits, problem.system.coordinates
    used = np.flatnonzero(shares > 0.0)
    if limits.boundaries is None:
        return np.asarray(shares * total / shares.sum())
    ends = np.concatenate(([0.0], limits.boundaries)) / total
    counts = snapped(np.cumsum(shares[used]), ends, limits.least or 0.0)
    if counts is None:  # one block keeps every boundary
        counts, used = np.ones(1), used[[int(shares[used].argmax())]]
    partition = np.zeros(shares.size)
    partition[used] = np.maximum(np.diff(np.round(counts * total), prepend=0.0), 0.0)
    return partition


def _said(problem: Problem, chosen: IntArray, levels: IntArray) -> str:
    if not problem.limits:
        return ""
    of = f" of the {levels.size} allowed ones" if chosen.size < levels.size else ""
    ends = ", blocks end on the nearest boundaries" if problem.limits.boundaries else ""
    plural = "s" if chosen.size > 1 else ""
    return f"restricted to {chosen.size} level{plural}{of}, in the same proportions{ends}"
