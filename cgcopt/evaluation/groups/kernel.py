"""Compiled chances of workers in three groups (imports numba); empty groups have size 0.

The state is how many workers of each group have finished a level; the chain goes from the highest
level, that few have finished, down to level 0, that all must have finished.
"""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["fill_chances"]


@njit(cache=True, nogil=True)
def _binomials(count, p, q, table):  # type: ignore[no-untyped-def]
    """Fill ``table[m, j]`` with the chance of ``j`` out of ``m``, for ``m`` up to ``count``."""
    table[0, 0] = 1.0
    for m in range(1, count + 1):
        table[m, 0] = q * table[m - 1, 0]
        for j in range(1, m):
            table[m, j] = q * table[m - 1, j] + p * table[m - 1, j - 1]
        table[m, m] = p * table[m - 1, m - 1]


@njit(cache=True, nogil=True)
def _step(state, axis, table, backward):  # type: ignore[no-untyped-def]
    """Let the unfinished workers of one group finish, in place.

    ``backward`` is the transposed step: what a state is worth before these workers move.
    """
    rows, columns, layers = state.shape
    count = state.shape[axis] - 1
    line = np.empty(count + 1)
    moved = np.empty(count + 1)
    for a in range(1 if axis == 0 else rows):
        for b in range(1 if axis == 1 else columns):
            for c in range(1 if axis == 2 else layers):
                for k in range(count + 1):
                    if axis == 0:
                        line[k] = state[k, b, c]
                    elif axis == 1:
                        line[k] = state[a, k, c]
                    else:
                        line[k] = state[a, b, k]
                    moved[k] = 0.0
                for k in range(count + 1):
                    if backward:
                        for j in range(count - k + 1):
                            moved[k] += table[count - k, j] * line[k + j]
                    elif line[k] > 0.0:
                        for j in range(count - k + 1):
                            moved[k + j] += line[k] * table[count - k, j]
                for k in range(count + 1):
                    if axis == 0:
                        state[k, b, c] = moved[k]
                    elif axis == 1:
                        state[a, k, c] = moved[k]
                    else:
                        state[a, b, k] = moved[k]


@njit(cache=True, nogil=True)
def _cut(state, least):  # type: ignore[no-untyped-def]
    """Take out the states with too few finished workers, and return their mass."""
    lost = 0.0
    for a in range(state.shape[0]):
        for b in range(state.shape[1]):
            for c in range(state.shape[2]):
                if a + b + c < least:
                    lost += state[a, b, c]
                    state[a, b, c] = 0.0
    return lost


@njit(cache=True, nogil=True)
def fill_chances(sizes, done, late, met, missed, gradient):  # type: ignore[no-untyped-def]
    """Fill in ``P``, ``1 - P`` and, where there is room, ``dP/d done`` for every row.

    ``sizes`` are those of the three groups; ``done[r, g, n]`` and ``late[r, g, n]`` are the chances that
    a worker of group ``g`` has, or has not, finished level ``n``; ``gradient`` has the shape of
    ``done``, or no rows.

    A threshold matters when it is one worker that is missing: with ``A(k)`` the mass of the states
    before the cut at level ``n`` and ``r`` the chance that all goes well afterwards,
    ``dP/dF_{g,n} = sum_{|k| = N-n-1} A(k) (N_g - k_g)/(1 - F_{g,n}) r(k + e_g)``.
    """
    rows, groups, workers = done.shape
    shape = (sizes[0] + 1, sizes[1] + 1, sizes[2] + 1)
    most = max(shape[0], max(shape[1], shape[2]))
    tables = np.zeros((workers, groups, most, most))
    before = np.empty((workers, shape[0], shape[1], shape[2]))
    for row in range(rows):
        state = np.zeros(shape)
        state[0, 0, 0] = 1.0
        lost = 0.0
        for n in range(workers - 1, -1, -1):
            for g in range(groups):
                above_late = late[row, g, n + 1] if n + 1 < workers else 1.0
                above_done = done[row, g, n + 1] if n + 1 < workers else 0.0
                if above_late > 0.0:
                    q = min(late[row, g, n] / above_late, 1.0)
                    p = min(max((done[row, g, n] - above_done) / above_late, 0.0), 1.0)
                    if p > 0.5:
                        p = 1.0 - q
                    else:
                        q = 1.0 - p if q > 0.5 else q
                else:
                    p, q = 1.0, 0.0
                if sizes[g] > 0:
                    _binomials(sizes[g], p, q, tables[n, g])
                    _step(state, g, tables[n, g], False)
            before[n] = state
            lost += _cut(state, workers - n)
        met[row] = state[sizes[0], sizes[1], sizes[2]]
        missed[row] = min(lost, 1.0)
        if gradient.shape[0] == 0:
            continue
        after = np.zeros(shape)
        after[sizes[0], sizes[1], sizes[2]] = 1.0
        for n in range(workers):
            for g in range(groups):
                total = 0.0
                if sizes[g] > 0 and late[row, g, n] > 0.0:
                    for a in range(shape[0]):
                        for b in range(shape[1]):
                            c = workers - n - 1 - a - b
                            if c < 0 or c >= shape[2]:
                                continue
                            mass = before[n, a, b, c]
                            if mass <= 0.0:
                                continue
                            if g == 0 and a < sizes[0]:
                                total += mass * (sizes[0] - a) * after[a + 1, b, c]
                            elif g == 1 and b < sizes[1]:
                                total += mass * (sizes[1] - b) * after[a, b + 1, c]
                            elif g == 2 and c < sizes[2]:
                                total += mass * (sizes[2] - c) * after[a, b, c + 1]
                    total /= late[row, g, n]
                gradient[row, g, n] = total
            if n + 1 < workers:
                for g in range(groups):
                    if sizes[g] > 0:
                        _step(after, g, tables[n, g], True)
                _cut(after, workers - n - 1)
