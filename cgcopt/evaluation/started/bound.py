"""Bounds on the expected runtime of every design where workers have a random start.

Nobody waits for the start of levels that are empty before the first used one, so that the expected
runtime is convex only among the designs with the same first used level ``m``. Let ``f_m`` count the
levels from ``m`` on. A design whose first level is at most ``m`` is worth at least ``f_m``, and ``f_m``
is convex: with its gradient ``g`` at any design, ``f_m(y) >= f_m(x) - g . x + g . y``. The designs that
begin higher up are bounded by the mean order statistics of their own levels (Jensen).
"""

from __future__ import annotations

import math
from functools import singledispatch

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import level_weights, partition_of_work
from cgcopt.evaluation.certificates import partition_gradient
from cgcopt.evaluation.order_statistics import order_statistic_means
from cgcopt.evaluation.result import Certificate, Evaluation, WithGradient
from cgcopt.evaluation.started.chances import started_times
from cgcopt.system import System
from cgcopt.workers.base import ContinuousTimes
from cgcopt.workers.start import Constant

__all__ = ["certified_runtime", "first_level_bounds"]


#: Part of a value that is given away: what the quadrature may have added. Not measured.
_ERROR = 1e-9


def certified_runtime(
    system: System,
    work: FloatArray,
    *,
    evaluation: Evaluation,
    levels: IntArray | None = None,
) -> tuple[float, Certificate]:
    """Bound the expected runtime of every design by the gradient at one; none where it is not convex.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 6, cg.RandomStart(1.0, cg.Exponential(rate=1.0)), samples=2)
    >>> problem = cg.Problem(system, cg.ExpectedRuntime())
    >>> solution = cg.solve(problem)
    >>> bool(solution.bound <= solution.value)
    True
    """
    if not started_times(system).one_order:
        return -math.inf, Certificate.NONE
    allowed = np.arange(system.workers) if levels is None else np.asarray(levels)
    alone = first_level_bounds(system, allowed)
    best, certificate = float(alone.min()), Certificate.JENSEN
    if isinstance(evaluation, WithGradient) and not system.costs.per_message:
        x = partition_of_work(work)
        first = int(np.argmax(work > 0.0))
        by_level = partition_gradient(evaluation.gradient)
        constant = evaluation.value - float(by_level @ x)
        cut = constant + system.coordinates * float(by_level[allowed].min())
        cut -= _ERROR * evaluation.value
        beyond = float(alone[allowed > first].min(initial=math.inf))
        if min(cut, beyond) > best:
            return min(cut, beyond), Certificate.SUBGRADIENT
    return best, certificate


def first_level_bounds(system: System, levels: IntArray) -> FloatArray:
    """For each allowed level, a bound on the designs that begin with it.

    On a used level ``n`` the runtime is at least ``c_n + E[A_(N-n)] + u w_n E[B_(N-n)]`` in the mean, and
    the same holds on the empty levels after the first used one; the budget ``sum v_n w_n = L`` then
    bounds the largest of them.
    """
    times, count = started_times(system), system.workers
    start = order_statistic_means(times.start, count)[::-1]
    pace = _pace_means(times.pace, count)
    costs = system.costs
    fixed = costs.startup + costs.per_message
    bounds = np.empty(levels.size)
    for place in range(levels.size):
        used = levels[place:]
        per_work = system.unit * pace[used] + costs.per_coordinate / (used + 1.0)
        weights = level_weights(used) / per_work
        ahead = fixed + start[used]
        finite = np.isfinite(ahead) & np.isfinite(weights)
        if not finite[0]:
            bounds[place] = math.inf
            continue
        filled = _filled(ahead[finite], weights[finite], system.coordinates)
        bounds[place] = filled * (1.0 - _ERROR)
    return bounds


@singledispatch
def _pace_means(pace: ContinuousTimes | Constant, workers: int) -> FloatArray:
    """Mean time per cycle of the worker that level ``n`` waits for, shape ``(N,)``."""
    raise NotImplementedError(pace)


@_pace_means.register
def _(pace: Constant, workers: int) -> FloatArray:
    return np.full(workers, pace.seconds)


@_pace_means.register
def _(pace: ContinuousTimes, workers: int) -> FloatArray:
    return order_statistic_means(pace, workers)[::-1]


def _filled(ahead: FloatArray, weights: FloatArray, total: float) -> float:
    """The ``t`` with ``sum_n v_n max(t - a_n, 0)`` equal to a total, for positive weights.

    The sum over the smallest ``a_n`` alone is at most the whole one, and equal to it where ``t`` is
    between the last of these and the next one: the smallest of their solutions is the solution.
    """
    order = np.argsort(ahead)
    a, v = ahead[order], weights[order]
    return float(np.min((total + np.cumsum(v * a)) / np.cumsum(v)))
