"""Finitely many equally likely rounds: exact averages, counts and order statistics.

For rounds ``T^1..T^K`` and cumulative work ``w`` the runtime of round ``k`` is

    tau_k = u max_n T^k_(N-n) w_n,      u = M b / N

(arXiv 2206.02450, the runtime of block coordinate gradient coding). The expected runtime is the
average of the ``tau_k``, the completion probability the share of them within the deadline, a
quantile one of them. A round contributes ``u T^k_(N-n*) e_{n*}`` to the subgradient, ``n*`` a level
that attains the maximum; among several the largest counts, which makes the certificate
``L min_n g_n`` strongest.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cgcopt.errors import UnsupportedProblemError
from cgcopt.evaluation.result import Evaluation, Method
from cgcopt.system import System
from cgcopt.workers.empirical import Scenarios

__all__ = [
    "rank_of",
    "round_runtimes",
    "scenario_probability",
    "scenario_quantile",
    "scenario_runtime",
]

FloatArray = NDArray[np.float64]

#: Rows of a block: sums are taken per block, so that no sum loses more than a few digits.
_BLOCK = 4096
#: Entries from which the compiled pass pays for its import.
_COMPILED_FROM = 200_000


def round_runtimes(system: System, work: FloatArray) -> FloatArray:
    """Runtime of every round, shape ``(K,)``, seconds.

    Parameters
    ----------
    system : System
        With :class:`~cgcopt.workers.empirical.Scenarios` as worker times.
    work : ndarray, shape (N,)
        Cumulative work ``w``, nondecreasing.

    Examples
    --------
    >>> import numpy as np
    >>> from cgcopt import Scenarios, System
    >>> system = System(2, 3, Scenarios([[3.0, 1.0], [2.0, 5.0]]), samples=2)
    >>> round_runtimes(system, np.array([2.0, 4.0])).tolist()
    [6.0, 10.0]
    """
    return _passes(_rounds(system), system.unit * work)[0]


def scenario_runtime(system: System, work: FloatArray, *, gradient: bool = False) -> Evaluation:
    """Average runtime over the rounds, with a subgradient in ``w`` on request.

    Parameters
    ----------
    system : System
        With :class:`~cgcopt.workers.empirical.Scenarios` as worker times.
    work : ndarray, shape (N,)
        Cumulative work ``w``, nondecreasing.
    gradient : bool
        Whether to return the subgradient.

    Examples
    --------
    >>> import numpy as np
    >>> from cgcopt import Scenarios, System
    >>> system = System(2, 3, Scenarios([[3.0, 1.0], [2.0, 5.0]]), samples=2)
    >>> result = scenario_runtime(system, np.array([2.0, 4.0]), gradient=True)
    >>> result.value, result.gradient.tolist()
    (8.0, [4.0, 0.0])
    """
    times = _rounds(system)
    runtimes, sums = _passes(times, system.unit * work)
    slope = sums[::-1] * (system.unit / len(times)) if gradient else None
    return Evaluation.exact(float(runtimes.mean()), Method.SCENARIOS, gradient=slope)


def scenario_probability(system: System, work: FloatArray, deadline: float) -> Evaluation:
    """Share of the rounds that end by the deadline (seconds).

    It is a step function of ``w``; there is no gradient.

    Examples
    --------
    >>> import numpy as np
    >>> from cgcopt import Scenarios, System
    >>> system = System(2, 3, Scenarios([[3.0, 1.0], [2.0, 5.0]]), samples=2)
    >>> scenario_probability(system, np.array([2.0, 4.0]), 6.0).value
    0.5
    """
    runtimes = round_runtimes(system, work)
    met = int(np.count_nonzero(runtimes <= deadline))
    return Evaluation.exact(
        met / runtimes.size,
        Method.SCENARIOS,
        complement=(runtimes.size - met) / runtimes.size,
        log_value=math.log(met / runtimes.size) if met else -math.inf,
    )


def scenario_quantile(
    system: System, work: FloatArray, probability: float, *, gradient: bool = False
) -> Evaluation:
    """Smallest deadline (seconds) that at least a share ``probability`` of the rounds meets.

    The gradient is that of the one round which ends at the deadline; the quantile is piecewise
    linear in ``w``, and not convex.

    Examples
    --------
    >>> import numpy as np
    >>> from cgcopt import Scenarios, System
    >>> system = System(2, 3, Scenarios([[3.0, 1.0], [2.0, 5.0]]), samples=2)
    >>> [scenario_quantile(system, np.array([2.0, 4.0]), q).value for q in (0.5, 0.51)]
    [6.0, 10.0]
    """
    times = _rounds(system)
    runtimes = _passes(times, system.unit * work)[0]
    rank = rank_of(probability, runtimes.size)
    last = int(np.argpartition(runtimes, rank - 1)[rank - 1])
    slope = None
    if gradient:
        slope = _passes(times[last : last + 1], system.unit * work)[1][::-1] * system.unit
    return Evaluation.exact(float(runtimes[last]), Method.SCENARIOS, gradient=slope)


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


def _rounds(system: System) -> FloatArray:
    times = system.worker_times
    if not isinstance(times, Scenarios):
        raise UnsupportedProblemError(f"needs scenarios as worker times, not {times.label}")
    return times.sorted_times


def _passes(times: FloatArray, scaled_work: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the runtimes and, per column, the sum of the times that attain them."""
    factors = np.ascontiguousarray(scaled_work[::-1])
    runtimes = np.empty(len(times))
    sums = np.zeros(factors.size)
    compiled = times.size >= _COMPILED_FROM
    for start in range(0, len(times), _BLOCK):
        block = times[start : start + _BLOCK]
        here = runtimes[start : start + _BLOCK]
        sums += _compiled(block, factors, here) if compiled else _plain(block, factors, here)
    return runtimes, sums


def _plain(times: FloatArray, factors: FloatArray, runtimes: FloatArray) -> FloatArray:
    products = times * factors
    first = products.argmax(axis=1)
    rows = np.arange(len(times))
    runtimes[:] = products[rows, first]
    sums = np.bincount(first, weights=times[rows, first], minlength=factors.size)
    return np.asarray(sums, dtype=np.float64)


def _compiled(times: FloatArray, factors: FloatArray, runtimes: FloatArray) -> FloatArray:
    from cgcopt.evaluation.rounds.kernel import slowest_levels

    sums = np.zeros(factors.size)
    slowest_levels(times, factors, runtimes, sums)
    return sums
