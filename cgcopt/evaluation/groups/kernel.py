"""Compiled chances of workers in three groups (imports numba); empty groups have size 0.

The state is how many workers of each group have finished a level, all of them in one row: a worker of
group ``g`` is ``strides[g]`` entries away. The chain goes from the highest level, that few have
finished, down to level 0, that all must have finished.
"""

from __future__ import annotations

from numba import njit

from cgcopt.evaluation.compiled import INNER, OUTER

__all__ = ["fill_chances"]


@njit(**INNER)
def _binomials(count, p, q, table):  # type: ignore[no-untyped-def]
    """Fill ``table[m, j]`` with the chance of ``j`` out of ``m``, for ``m`` up to ``count``."""
    table[0, 0] = 1.0
    for m in range(1, count + 1):
        table[m, 0] = q * table[m - 1, 0]
        for j in range(1, m):
            table[m, j] = q * table[m - 1, j] + p * table[m - 1, j - 1]
        table[m, m] = p * table[m - 1, m - 1]


@njit(**INNER)
def _step(state, count, stride, table, lines, backward):  # type: ignore[no-untyped-def]
    """Let the unfinished workers of one group finish, in place.

    ``backward`` is the transposed step: what a state is worth before these workers move.
    """
    line, moved = lines[0], lines[1]
    for first in range(0, state.size, (count + 1) * stride):
        for start in range(first, first + stride):
            for k in range(count + 1):
                line[k] = state[start + k * stride]
                moved[k] = 0.0
            for k in range(count + 1):
                if backward:
                    for j in range(count - k + 1):
                        moved[k] += table[count - k, j] * line[k + j]
                elif line[k] > 0.0:
                    for j in range(count - k + 1):
                        moved[k + j] += line[k] * table[count - k, j]
            for k in range(count + 1):
                state[start + k * stride] = moved[k]


@njit(**INNER)
def _cut(state, sizes, least):  # type: ignore[no-untyped-def]
    """Take out the states with too few finished workers, and return their mass."""
    lost, i = 0.0, 0
    for a in range(sizes[0] + 1):
        for b in range(sizes[1] + 1):
            for c in range(sizes[2] + 1):
                if a + b + c < least:
                    lost += state[i]
                    state[i] = 0.0
                i += 1
    return lost


@njit(**OUTER)
def fill_chances(  # type: ignore[no-untyped-def]
    sizes, strides, done, late, met, missed, gradient, tables, before, state, lines
):
    """Fill in ``P``, ``1 - P`` and, where there is room, ``dP/d done`` for every row.

    ``sizes`` are those of the three groups; ``done[r, g, n]`` and ``late[r, g, n]`` are the chances that
    a worker of group ``g`` has, or has not, finished level ``n``; ``gradient`` has the shape of
    ``done``, or no rows. There is space to work in: ``tables`` has shape ``(N, groups, m, m)`` with
    ``m - 1`` the most workers of a group and zeros in it, ``before`` ``(N, states)``, ``state``
    ``(states,)`` and ``lines`` ``(2, m)``.

    A threshold matters when it is one worker that is missing: with ``A(k)`` the mass of the states
    before the cut at level ``n`` and ``r`` the chance that all goes well afterwards,
    ``dP/dF_{g,n} = sum_{|k| = N-n-1} A(k) (N_g - k_g)/(1 - F_{g,n}) r(k + e_g)``.
    """
    rows, groups, workers = done.shape
    last = state.size - 1
    for row in range(rows):
        state[:] = 0.0
        state[0] = 1.0
        lost = 0.0
        for n in range(workers - 1, -1, -1):
            for g in range(groups):
                above_late = late[row, g, n + 1] if n + 1 < workers else 1.0
                above_done = done[row, g, n + 1] if n + 1 < workers else 0.0
                p, q = 1.0, 0.0
                if above_late > 0.0:
                    q = late[row, g, n] / above_late
                    q = q if q < 1.0 else 1.0
                    p = (done[row, g, n] - above_done) / above_late
                    p = p if p > 0.0 else 0.0
                    if p > 0.5:
                        p = 1.0 - q
                    elif q > 0.5:
                        q = 1.0 - p
                if sizes[g] > 0:
                    _binomials(sizes[g], p, q, tables[n, g])
                    _step(state, sizes[g], strides[g], tables[n, g], lines, False)
            for i in range(state.size):
                before[n, i] = state[i]
            lost += _cut(state, sizes, workers - n)
        met[row] = state[last]
        missed[row] = lost if lost < 1.0 else 1.0
        if gradient.shape[0] == 0:
            continue
        state[:] = 0.0
        state[last] = 1.0
        for n in range(workers):
            for g in range(groups):
                total = 0.0
                if sizes[g] > 0 and late[row, g, n] > 0.0:
                    for a in range(sizes[0] + 1):
                        for b in range(sizes[1] + 1):
                            c = workers - n - 1 - a - b
                            if c < 0 or c > sizes[2]:
                                continue
                            i = a * strides[0] + b * strides[1] + c
                            moving = a if g == 0 else b if g == 1 else c
                            if before[n, i] > 0.0 and moving < sizes[g]:
                                mass = before[n, i] * (sizes[g] - moving)
                                total += mass * state[i + strides[g]]
                    total /= late[row, g, n]
                gradient[row, g, n] = total
            if n + 1 < workers:
                for g in range(groups):
                    if sizes[g] > 0:
                        _step(state, sizes[g], strides[g], tables[n, g], lines, True)
                _cut(state, sizes, workers - n - 1)
