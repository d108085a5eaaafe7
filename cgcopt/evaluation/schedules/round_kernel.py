"""Compiled passes over rounds for schedules (imports numba).

Every function sees the rounds ``times`` (shape ``(K, N)``, not sorted: workers differ), the used
levels (shape ``(B,)``, increasing), ``factors`` and ``delays`` (shape ``(B, C, N)``): worker ``i`` has
finished cell ``c`` of the ``b``-th used level at ``times[k, i] * factors[b, c, i] + delays[b, c, i]``.
"""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["fill_last_cells", "fill_runtimes"]


@njit(cache=True, nogil=True)
def _ranked(values, count, rank):  # type: ignore[no-untyped-def]
    """Return the entry of ``values[:count]`` with ``rank`` smaller ones (Hoare); reorders them."""
    low = 0
    high = count - 1
    while low < high:
        pivot = values[(low + high) >> 1]
        i = low
        j = high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if rank <= j:
            high = j
        elif rank >= i:
            low = i
        else:
            break
    return values[rank]


@njit(cache=True, nogil=True)
def _later(row, factors, delays, limit):  # type: ignore[no-untyped-def]
    """Count the workers that finish after the limit."""
    count = 0
    for i in range(row.size):
        count += row[i] * factors[i] + delays[i] > limit
    return count


@njit(cache=True, nogil=True)
def fill_runtimes(times, factors, delays, levels, runtimes, where):  # type: ignore[no-untyped-def]
    """Fill ``runtimes`` with ``max_{b,c}`` of the ``(N-n)``-th smallest finishing time.

    ``where[k]`` becomes the (used level, cell, worker) that attains it. Blocks and cells go from the
    last to the first: the largest runtime comes early, and counting the later workers then rules the
    others out, whole blocks at a time.
    """
    rounds, workers = times.shape
    blocks, cells, _ = factors.shape
    late = np.empty(workers)
    whole = np.empty((blocks, workers))
    whole_delay = np.empty((blocks, workers))
    for b in range(blocks):
        for i in range(workers):
            whole[b, i] = factors[b, :, i].max()
            whole_delay[b, i] = delays[b, :, i].max()
    for k in range(rounds):
        row = times[k]
        best = -1.0
        for b in range(len(levels) - 1, -1, -1):
            n = levels[b]
            if _later(row, whole[b], whole_delay[b], best) <= n:
                continue
            for c in range(cells - 1, -1, -1):
                if _later(row, factors[b, c], delays[b, c], best) <= n:
                    continue
                above = 0
                for i in range(workers):
                    finish = row[i] * factors[b, c, i] + delays[b, c, i]
                    if finish > best:
                        late[above] = finish
                        above += 1
                best = _ranked(late, above, above - 1 - n)
                where[k, 0] = b
                where[k, 1] = c
        b = where[k, 0]
        c = where[k, 1]
        for i in range(workers):
            if row[i] * factors[b, c, i] + delays[b, c, i] == best:
                where[k, 2] = i
                break
        runtimes[k] = best


@njit(cache=True, nogil=True)
def fill_last_cells(times, factors, delays, levels, places, last, place):  # type: ignore[no-untyped-def]
    """Fill in, per round and worker, the last cell that the worker is needed for.

    The ``N - n`` workers that finish cell ``c`` of a block first are those it waits for; ``last[k, i]``
    becomes the largest used level with a cell that waits for worker ``i`` (-1 where there is none),
    ``place[k, i]`` the largest place of such a cell in the worker's order.
    """
    rounds, workers = times.shape
    blocks, cells, _ = factors.shape
    finish = np.empty(workers)
    for k in range(rounds):
        for i in range(workers):
            last[k, i] = -1
            place[k, i] = 0
        for step in range(blocks):
            b = blocks - 1 - step
            need = workers - levels[b]
            for c in range(cells):
                for i in range(workers):
                    finish[i] = times[k, i] * factors[b, c, i] + delays[b, c, i]
                limit = np.partition(finish, need - 1)[need - 1]
                taken = 0
                for i in range(workers):
                    if finish[i] < limit:
                        taken += 1
                for i in range(workers):
                    inside = finish[i] < limit
                    if finish[i] == limit and taken < need:
                        taken += 1
                        inside = True
                    if inside and (
                        last[k, i] < 0 or (last[k, i] == b and place[k, i] < places[i, c])
                    ):
                        last[k, i] = b
                        place[k, i] = places[i, c]
