"""Completion probability of workers in groups, with its gradient."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.evaluation.density import probability as density
from cgcopt.evaluation.dispatch import times_as
from cgcopt.evaluation.lines import Lines, lines_of_work, work_gradient
from cgcopt.evaluation.result import Method, Probability
from cgcopt.system import System
from cgcopt.workers.groups import MOST_GROUPS, Groups

__all__ = ["GroupChances", "completion_probability", "group_chances"]


@dataclass(frozen=True, eq=False)
class GroupChances:
    """Chances of lines ``c_n + a_n T`` at several deadlines.

    Attributes
    ----------
    met, missed : ndarray, shape (m,)
        ``P[tau <= t]`` and ``P[tau > t]``.
    factor_gradient, delay_gradient : ndarray, shape (m, N)
        ``dP/da_n`` and ``dP/dc_n``; without rows where they were not asked for.
    """

    met: FloatArray
    missed: FloatArray
    factor_gradient: FloatArray
    delay_gradient: FloatArray


def group_chances(
    times: Groups, lines: Lines, deadlines: ArrayLike, *, gradient: bool = False
) -> GroupChances:
    """Exact chances at deadlines of shape ``(m,)``, seconds.

    Examples
    --------
    Two workers, everything on level 1: the faster one decides.

    >>> from cgcopt import Exponential
    >>> times = Groups([(1, Exponential(rate=1.0)), (1, Exponential(rate=2.0))])
    >>> found = group_chances(times, Lines(np.array([0.0, 1.0]), np.zeros(2)), [0.5])
    >>> round(float(found.missed[0]), 12) == round(math.exp(-1.5), 12)
    True
    """
    t = np.atleast_1d(np.asarray(deadlines, dtype=np.float64))
    count = lines.factor.size
    sizes = np.zeros(MOST_GROUPS, dtype=np.int64)
    done, late, density = np.ones((3, t.size, MOST_GROUPS, count))
    left = t[:, np.newaxis] - lines.delay
    computed = lines.factor > 0
    speed = np.divide(left, lines.factor, out=np.zeros_like(left), where=computed)
    for g, (size, model) in enumerate(times.groups):
        sizes[g] = size
        done[:, g] = np.where(computed, model.cdf(speed), left >= 0.0)
        late[:, g] = np.where(computed, model.sf(speed), left < 0.0)
        density[:, g] = np.where(computed, model.pdf(speed), 0.0)
    done[:, len(times.groups) :], late[:, len(times.groups) :] = 1.0, 0.0
    met, missed, derivatives = _chain(sizes, done, late, gradient=gradient)
    if not gradient:
        return GroupChances(met, missed, np.empty((0, count)), np.empty((0, count)))
    used = len(times.groups)
    per_speed = (derivatives[:, :used] * density[:, :used]).sum(axis=1)
    delay = -np.divide(per_speed, lines.factor, out=np.zeros_like(left), where=computed)
    return GroupChances(met, missed, delay * speed, delay)


def _chain(
    sizes: IntArray, done: FloatArray, late: FloatArray, *, gradient: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """``P``, ``1 - P`` and ``dP/d done``, which has no rows unless it is asked for."""
    from cgcopt.evaluation.groups.kernel import fill_chances

    rows, groups, levels = done.shape
    strides = np.append(np.cumprod(sizes[:0:-1] + 1)[::-1], 1)
    states, most = int(np.prod(sizes + 1)), int(sizes.max()) + 1
    met, missed = np.empty((2, rows))
    derivatives = np.empty((rows if gradient else 0, groups, levels))
    tables, before = np.zeros((levels, groups, most, most)), np.empty((levels, states))
    space = tables, before, np.empty(states), np.empty((2, most))
    fill_chances(sizes, strides, done, late, met, missed, derivatives, *space)
    return met, missed, derivatives


def completion_probability(
    system: System, work: ArrayLike, deadline: float, *, gradient: bool = False
) -> Probability:
    """Exact ``P[tau <= deadline]`` of one order and equal work, with ``dP/dw`` on request.

    A chain over the levels, ``N prod (N_g + 1) sum N_g`` steps.

    Examples
    --------
    >>> import cgcopt as cg
    >>> alike = cg.LogNormal(sigma=0.6, scale=1.0)
    >>> plain = cg.System(5, 10, alike, samples=5)
    >>> split = plain.with_times(Groups([(3, alike), (2, alike)]))
    >>> design = cg.Design([4, 0, 3, 0, 3])
    >>> values = [cg.evaluate(cg.Problem(s, cg.CompletionProbability(30.0)), design).value
    ...           for s in (plain, split)]
    >>> values[0] == values[1]
    True
    """
    times = groups_of(system)
    if times.common is not None:
        alike = system.with_times(times.common)
        return density.completion_probability(alike, work, deadline, gradient=gradient)
    lines = lines_of_work(system, np.asarray(work, dtype=np.float64))
    found = group_chances(times, lines, [deadline], gradient=gradient)
    met, missed = float(found.met[0]), float(found.missed[0])
    log_value = math.log1p(-missed) if missed < 0.5 else (math.log(met) if met > 0 else -math.inf)
    by_work = None
    if gradient:
        by_work = work_gradient(system, found.factor_gradient[0], found.delay_gradient[0])
    return Probability.of(
        met, Method.EXACT, complement=missed, log_value=log_value, gradient=by_work
    )


def groups_of(system: System) -> Groups:
    """The groups of a system."""
    return times_as(Groups, system, "needs workers in groups, not")
