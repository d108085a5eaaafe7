"""The runtime of every round of a finite set of rounds.

For rounds ``T^1..T^K`` and cumulative work ``w`` the runtime of round ``k`` is

    tau_k = u max_n T^k_(N-n) w_n,      u = M b / N

(arXiv 2206.02450, the runtime of block coordinate gradient coding). The expected runtime is the
average of the ``tau_k``, the completion probability the share of them within the deadline, a
quantile one of them. A round contributes ``u T^k_(N-n*) e_{n*}`` to the subgradient, ``n*`` a level
that attains the maximum; among several the largest counts, which makes the certificate
``L min_n g_n`` strongest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.evaluation.dispatch import times_as
from cgcopt.evaluation.double_range import within_doubles
from cgcopt.evaluation.lines import lines_of_work
from cgcopt.evaluation.rounds.lines import line_rounds
from cgcopt.system import System
from cgcopt.workers.scenarios import Scenarios

__all__ = ["TUNING", "PassTuning", "attained", "round_runtimes", "sorted_rounds"]


@dataclass(frozen=True)
class PassTuning:
    """Numbers of a pass over the rounds, chosen without a recorded measurement."""

    block: int = 4096
    """Rows of a block: sums are taken per block, so that no sum loses more than a few digits."""
    compiled_from: int = 200_000
    """Entries from which the compiled pass pays for its import."""


TUNING = PassTuning()


@within_doubles("a runtime")
def round_runtimes(system: System, work: FloatArray) -> FloatArray:
    """Runtime of every round, shape ``(K,)``, seconds.

    Parameters
    ----------
    system : System
        With :class:`~cgcopt.workers.scenarios.Scenarios` as worker times.
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
    if system.costs:
        return line_rounds(sorted_rounds(system), lines_of_work(system, work)).runtimes
    return attained(sorted_rounds(system), system.unit * work)[0]


def sorted_rounds(system: System) -> FloatArray:
    """Sorted worker times of every round, shape ``(K, N)``, or an error where there are none."""
    return times_as(Scenarios, system, "needs scenarios as worker times, not").sorted_times


def attained(times: FloatArray, scaled_work: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the runtimes and, per column, the sum of the times that attain them."""
    factors = np.ascontiguousarray(scaled_work[::-1])
    runtimes = np.empty(len(times))
    sums = np.zeros(factors.size)
    compiled = times.size >= TUNING.compiled_from
    for start in range(0, len(times), TUNING.block):
        block = times[start : start + TUNING.block]
        here = runtimes[start : start + TUNING.block]
        sums += _compiled(block, factors, here) if compiled else _plain(block, factors, here)
    return runtimes, sums


def _plain(times: FloatArray, factors: FloatArray, runtimes: FloatArray) -> FloatArray:
    products = times * factors
    products[:, factors == 0.0] = 0.0  # nothing to wait for, also where a time is infinite
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
