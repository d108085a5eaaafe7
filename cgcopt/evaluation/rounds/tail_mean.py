"""Conditional value at risk over finitely many equally likely rounds: the mean of the worst ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cgcopt._validate import finite_number
from cgcopt.arrays import FloatArray, IntArray
from cgcopt.evaluation.double_range import within_doubles
from cgcopt.evaluation.gradient_bounds import partition_gradient
from cgcopt.evaluation.lines import lines_of_work, work_gradient
from cgcopt.evaluation.result import Evaluation, Method
from cgcopt.evaluation.rounds.lines import line_rounds
from cgcopt.evaluation.rounds.runtimes import round_runtimes, sorted_rounds
from cgcopt.system import System

__all__ = ["WorstRounds", "bound_of_multipliers", "mean_of_worst", "tail_mean"]


@dataclass(frozen=True, eq=False)
class WorstRounds:
    """The slowest share of finitely many rounds; one of them may count in part.

    Attributes
    ----------
    whole : ndarray of int
        Rounds that count as one, in no order.
    part : int
        The round that counts as ``fraction``, the fastest of them.
    fraction : float
        Between 0 and 1.
    count : float
        ``(1 - q) K``, the sum of what all count.
    """

    whole: IntArray
    part: int
    fraction: float
    count: float

    @classmethod
    def of(cls, ends: FloatArray, probability: float) -> WorstRounds:
        """Choose among rounds that end after so many seconds, shape ``(K,)``."""
        count = (1.0 - probability) * ends.size
        whole = min(math.floor(count), ends.size - 1)
        split = ends.size - 1 - whole
        order = np.argpartition(ends, split)
        return cls(order[split + 1 :], int(order[split]), count - whole, count)


def mean_of_worst(ends: FloatArray, probability: float) -> float:
    """Mean of the slowest share ``1 - probability`` of rounds that end after so many seconds.

    Examples
    --------
    The worst round counts as one, the second as a half.

    >>> mean_of_worst(np.array([1.0, 7.0, 3.0, 4.0]), 0.625)
    6.0
    """
    worst = WorstRounds.of(ends, probability)
    total = float(ends[worst.whole].sum()) + worst.fraction * float(ends[worst.part])
    return total / worst.count


@within_doubles("the conditional value at risk of the runtime")
def tail_mean(
    system: System, work: ArrayLike, probability: float, *, gradient: bool = False
) -> Evaluation:
    """Mean runtime of the slowest share ``1 - probability`` of the rounds, seconds.

    Parameters
    ----------
    system : System
        With :class:`~cgcopt.workers.scenarios.Scenarios` as worker times.
    work : array_like, shape (N,)
        Cumulative work ``w``, nondecreasing.
    probability : float
        Between 0 and 1, both excluded.
    gradient : bool
        Whether to return a subgradient in ``w``: what the worst rounds contribute, weighted.

    Raises
    ------
    InvalidInputError
        If the probability is not between 0 and 1.

    Examples
    --------
    >>> from cgcopt import Scenarios, System
    >>> system = System(2, 3, Scenarios([[3.0, 1.0], [2.0, 5.0]]), samples=2)
    >>> found = tail_mean(system, [2.0, 4.0], 0.25, gradient=True)
    >>> round(found.value, 9), found.gradient.round(9).tolist()
    (8.666666667, [4.333333333, 0.0])
    """
    q = finite_number("probability", probability, above=0, below=1)
    times = sorted_rounds(system)
    w = np.asarray(work, dtype=np.float64)
    ends = round_runtimes(system, w)
    value = mean_of_worst(ends, q)
    if not gradient:
        return Evaluation.exact(value, Method.SCENARIOS)
    worst, lines = WorstRounds.of(ends, q), lines_of_work(system, w)
    whole = line_rounds(times[worst.whole], lines)
    part = line_rounds(times[worst.part : worst.part + 1], lines)
    slow = (whole.slow + worst.fraction * part.slow) / worst.count
    late = (whole.late + worst.fraction * part.late) / worst.count
    return Evaluation.exact(value, Method.SCENARIOS, gradient=work_gradient(system, slow, late))


def bound_of_multipliers(
    weights: FloatArray, rounds: IntArray, levels: IntArray, times: FloatArray, count: float
) -> float:
    """Bound on the conditional value at risk for partitions with sum 1, from any multipliers.

    Weights ``lambda_{k,n} >= 0`` with ``sum_n lambda_{k,n} <= 1/((1-q) K)`` and sum at most 1 make
    ``g_i = (i+1) sum_{n>=i} sum_k lambda_{k,n} T^k_(N-n)`` with ``CVaR >= min_i g_i``. The weights are
    made to fit first.

    Parameters
    ----------
    weights : ndarray, shape (m,)
        Multipliers of rows, of any accuracy.
    rounds, levels : ndarray of int, shape (m,)
        To which round ``k`` and level ``n`` a row belongs.
    times : ndarray, shape (K, N)
        ``T^k_(N-n)``.
    count : float
        ``(1 - q) K``.

    Examples
    --------
    Of two rounds the slower one counts, a single worker:

    >>> one = np.array([0])
    >>> bound_of_multipliers(np.array([3.0]), np.array([1]), one, np.array([[1.0], [2.0]]), 1.0)
    2.0
    """
    held = np.maximum(np.where(np.isfinite(weights), weights, 0.0), 0.0)
    each = np.bincount(rounds, held, minlength=len(times))
    with np.errstate(divide="ignore", invalid="ignore"):
        fit = np.where(each > 1.0 / count, 1.0 / (count * each), 1.0)
    held = held * fit[rounds]
    held = held / max(float(held.sum()), 1.0)
    slow = np.bincount(levels, held * times[rounds, levels], minlength=times.shape[1])
    return float(partition_gradient(slow).min())
