"""Quantiles of the runtime over finitely many equally likely rounds: one of their runtimes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from cgcopt._validate import finite_number
from cgcopt.evaluation.double_range import within_doubles
from cgcopt.evaluation.lines import lines_of_work, work_gradient
from cgcopt.evaluation.result import Evaluation, Method
from cgcopt.evaluation.rounds.lines import line_rounds
from cgcopt.evaluation.rounds.runtimes import round_runtimes, sorted_rounds
from cgcopt.system import System

__all__ = ["rank_of", "runtime_quantile"]


@within_doubles("the quantile of the runtime")
def runtime_quantile(
    system: System, work: ArrayLike, probability: float, *, gradient: bool = False
) -> Evaluation:
    """Smallest deadline that at least a share ``probability`` of the rounds meets, seconds.

    Parameters
    ----------
    system : System
        With :class:`~cgcopt.workers.scenarios.Scenarios` as worker times.
    work : array_like, shape (N,)
        Cumulative work ``w``, nondecreasing.
    probability : float
        Between 0 and 1, both excluded.
    gradient : bool
        Whether to return the gradient in ``w``: that of the one round which ends at the deadline.
        The quantile is piecewise linear in ``w``, and not convex.

    Raises
    ------
    InvalidInputError
        If the probability is not between 0 and 1.

    Examples
    --------
    >>> from cgcopt import Scenarios, System
    >>> system = System(2, 3, Scenarios([[3.0, 1.0], [2.0, 5.0]]), samples=2)
    >>> [runtime_quantile(system, [2.0, 4.0], q).value for q in (0.5, 0.51)]
    [6.0, 10.0]
    """
    q = finite_number("probability", probability, above=0, below=1)
    times = sorted_rounds(system)
    w = np.asarray(work, dtype=np.float64)
    runtimes = round_runtimes(system, w)
    rank = rank_of(q, runtimes.size)
    last = int(np.argpartition(runtimes, rank - 1)[rank - 1])
    of_last = None
    if gradient:
        found = line_rounds(times[last : last + 1], lines_of_work(system, w))
        of_last = work_gradient(system, found.slow, found.late)
    return Evaluation.exact(float(runtimes[last]), Method.SCENARIOS, gradient=of_last)


def rank_of(probability: float, count: int) -> int:
    """Smallest ``m >= 1`` with ``m / count >= probability``.

    Examples
    --------
    >>> rank_of(0.07, 100), rank_of(0.071, 100), rank_of(0.999, 10)
    (7, 8, 10)
    """
    rank = min(max(math.ceil(probability * count), 1), count)
    # The product may be off by rounding, either way: 0.07 * 100 is above 7.
    while rank > 1 and (rank - 1) / count >= probability:
        rank -= 1
    while rank < count and rank / count < probability:
        rank += 1
    return rank
