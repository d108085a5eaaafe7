"""The runtime of every round, and their average, when the levels have delays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.evaluation.lines import LineRuntime, Lines
from cgcopt.evaluation.result import Method

__all__ = ["LineRounds", "line_rounds", "runtime_of_lines"]

#: Rounds at a time.
_BLOCK = 4096


@dataclass(frozen=True, eq=False)
class LineRounds:
    """What rounds with delays end with.

    Attributes
    ----------
    runtimes : ndarray, shape (K,)
        ``max_n (c_n + a_n T_(N-n))`` of every round, seconds.
    slow, late : ndarray, shape (N,)
        Sums, over the rounds that end with level ``n``, of ``T_(N-n)`` and of 1. Among several
        levels the largest counts.
    """

    runtimes: FloatArray
    slow: FloatArray
    late: FloatArray


def line_rounds(times: FloatArray, lines: Lines) -> LineRounds:
    """Runtimes of sorted rounds, shape ``(K, N)``."""
    # A level with the line of the level before is never later than it.
    new = (np.diff(lines.factor, prepend=0.0) > 0.0) | (np.diff(lines.delay, prepend=-1.0) > 0.0)
    levels = np.flatnonzero(new)[::-1]
    columns = lines.factor.size - 1 - levels
    factor, delay = lines.factor[levels], lines.delay[levels]
    runtimes = np.empty(len(times))
    slow, late = np.zeros(lines.factor.size), np.zeros(lines.factor.size)
    for start in range(0, len(times), _BLOCK):
        block = times[start : start + _BLOCK, columns]
        reached = block * factor
        reached[:, factor == 0.0] = 0.0  # nothing to wait for, also where a time is infinite
        reached += delay
        last = reached.argmax(axis=1)
        rows = np.arange(len(block))
        runtimes[start : start + _BLOCK] = reached[rows, last]
        slow[levels] += np.bincount(last, weights=block[rows, last], minlength=levels.size)
        late[levels] += np.bincount(last, minlength=levels.size)
    return LineRounds(runtimes, slow, late)


def runtime_of_lines(times: FloatArray, lines: Lines) -> LineRuntime:
    """Average of ``max_n (c_n + a_n T_(N-n))`` over sorted rounds, shape ``(K, N)``.

    Examples
    --------
    >>> times = np.array([[1.0, 3.0], [2.0, 5.0]])
    >>> lines = Lines(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    >>> result = runtime_of_lines(times, lines)
    >>> result.value, result.factor_gradient.tolist(), result.delay_gradient.tolist()
    (5.0, [4.0, 0.0], [1.0, 0.0])
    """
    found = line_rounds(times, lines)
    value, count = float(found.runtimes.mean()), len(times)
    return LineRuntime(
        value, value, value, Method.SCENARIOS, found.slow / count, found.late / count
    )
