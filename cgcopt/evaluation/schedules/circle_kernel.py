"""Compiled chances that arcs of random lengths cover a circle (imports numba).

Worker ``i`` covers ``m_i`` cells from cell ``i`` on, of ``N`` on a circle, provided that it has finished
level 0; the workers are alike. ``short[k] = P(level 0 done, m_i <= k)``.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

__all__ = ["fill_chances", "walked_chance"]


@njit(cache=True, nogil=True)
def fill_chances(late, done, probability, complement):  # type: ignore[no-untyped-def]
    """Fill in ``P`` and ``1 - P`` for every row of chances, O(N^2) each.

    ``late[r, m]`` and ``done[r, m]`` are the chances that a worker has not, or has, finished level 0 and
    ``m`` cells, ``m = 0..N``.

    Two cells at distance ``g`` are both left open, as far as the ``g`` workers between them are
    concerned, with the chance ``a_g = short[0] ... short[g-1]``; no cell between them is open with
    the chance ``f_g``, where ``a_n = sum_k f_k a_{n-k}`` (a renewal equation). The gap in which a
    fixed place lies has ``g`` positions: some cell is open with the chance
    ``sum_g g f_g a_{N-g}``, in which all terms are positive.
    """
    rows, size = late.shape
    workers = size - 1
    both = np.empty(size)
    first = np.empty(size)
    for r in range(rows):
        both[0] = 1.0
        for k in range(workers):
            rare = late[r, k + 1] < 0.5
            short = late[r, k + 1] - late[r, 0] if rare else done[r, 0] - done[r, k + 1]
            both[k + 1] = both[k] * max(short, 0.0)
        uncovered = 0.0
        for n in range(1, size):
            rest = both[n]
            for k in range(1, n):
                rest -= first[k] * both[n - k]
            first[n] = max(rest, 0.0)
            uncovered += n * first[n] * both[workers - n]
        if late[r, 0] < 0.5:
            log_started = workers * math.log1p(-late[r, 0])
        else:
            log_started = workers * math.log(done[r, 0]) if done[r, 0] > 0.0 else -math.inf
        complement[r] = min(uncovered - math.expm1(log_started), 1.0)
        probability[r] = max(math.exp(log_started) - uncovered, 0.0)


@njit(cache=True, nogil=True)
def walked_chance(late, done):  # type: ignore[no-untyped-def]
    """Return ``P`` of one row of chances by a walk around the circle, O(N^3), all terms positive.

    For every guess ``h`` of the cells that arcs cover beyond the start, the state is the number ``r`` of
    cells covered from the present start on; the walk must end with the overhang ``h``. Accurate also
    where ``P`` is tiny.
    """
    workers = late.size - 1
    chance = np.empty(workers + 1)
    upto = np.empty(workers + 1)
    for m in range(workers + 1):
        after_late = late[m + 1] if m < workers else 1.0
        after_done = done[m + 1] if m < workers else 0.0
        rare = after_late < 0.5
        chance[m] = max(after_late - late[m] if rare else done[m] - after_done, 0.0)
    upto[0] = chance[0]
    for m in range(1, workers + 1):
        upto[m] = upto[m - 1] + chance[m]
    state = np.empty(workers + 1)
    total = 0.0
    for guess in range(workers):
        state[:] = 0.0
        state[0] = 1.0
        for i in range(workers):
            below = 0.0
            for r in range(workers + 1):
                here = state[r]
                joined = here * upto[r] + below * chance[r]
                below += here
                covered = r >= 1 or guess - i >= 1
                if r >= 1:
                    state[r - 1] = joined if covered else 0.0
                elif covered:
                    bottom = joined
                else:
                    bottom = 0.0
            # From r = 1 and from r = 0, that has nothing to lose, to r = 0.
            state[0] += bottom
            state[workers] = 0.0
        total += state[guess]
    return total
