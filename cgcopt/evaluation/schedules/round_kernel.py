"""Compiled passes over rounds for schedules (imports numba).

Every function sees the rounds ``times`` (shape ``(K, N)``, not sorted: workers differ), the used
levels (shape ``(B,)``, increasing), ``factors`` and ``delays`` (shape ``(B, C, N)``): worker ``i`` has
finished cell ``c`` of the ``b``-th used level at ``times[k, i] * factors[b, c, i] + delays[b, c, i]``.
``most_factors`` and ``most_delays`` (shape ``(B, N)``) are the largest over the cells.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cgcopt.evaluation.compiled import INNER, OUTER

__all__ = ["fill_last_cells", "fill_runtimes"]

#: Values from the end up to which keeping them in order is faster than a partition.
_FEW = 8


@njit(**INNER)
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


@njit(**INNER)
def _smallest(values, rank, scratch):  # type: ignore[no-untyped-def]
    """Return the ``rank``-th smallest value, ``rank`` from 1 on."""
    above = values.size - rank + 1
    if above > _FEW:
        for i in range(values.size):
            scratch[i] = values[i]
        return _ranked(scratch, values.size, rank - 1)
    # The largest few values, kept in increasing order.
    for at in range(above):
        scratch[at] = -np.inf
    for i in range(values.size):
        value = values[i]
        if value > scratch[0]:
            at = 0
            while at + 1 < above and scratch[at + 1] < value:
                scratch[at] = scratch[at + 1]
                at += 1
            scratch[at] = value
    return scratch[0]


@njit(**INNER)
def _later(row, factors, delays, limit):  # type: ignore[no-untyped-def]
    """Count the workers that finish after the limit."""
    count = 0
    for i in range(row.size):
        count += row[i] * factors[i] + delays[i] > limit
    return count


@njit(**OUTER)
def fill_runtimes(  # type: ignore[no-untyped-def]
    times, factors, delays, most_factors, most_delays, levels, runtimes, where, late
):
    """Fill ``runtimes`` with ``max_{b,c}`` of the ``(N-n)``-th smallest finishing time.

    ``where[k]`` becomes the (used level, cell, worker) that attains it. Blocks and cells go from the
    last to the first: the largest runtime comes early, and counting the later workers then rules the
    others out, whole blocks at a time. ``late`` (shape ``(N,)``) is space to work in.
    """
    rounds, workers = times.shape
    cells = factors.shape[1]
    for k in range(rounds):
        row = times[k]
        best = -1.0
        for b in range(len(levels) - 1, -1, -1):
            n = levels[b]
            if _later(row, most_factors[b], most_delays[b], best) <= n:
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


@njit(**OUTER)
def fill_last_cells(  # type: ignore[no-untyped-def]
    times,
    factors,
    delays,
    most_factors,
    most_delays,
    levels,
    places,
    floors,
    last,
    place,
    finish,
    scratch,
):
    """Fill in, per round and worker, the last cell that the worker is needed for.

    Cells that have their results before ``floors[k]`` are passed over. The ``N - n`` workers that
    finish cell ``c`` of a block first are those it waits for; ``last[k, i]``
    becomes the largest used level with a cell that waits for worker ``i`` (-1 where there is none),
    ``place[k, i]`` the largest place of such a cell in the worker's order. ``finish`` and ``scratch``
    (shape ``(N,)``) are space to work in.
    """
    rounds, workers = times.shape
    blocks, cells, _ = factors.shape
    for k in range(rounds):
        floor = floors[k]
        for i in range(workers):
            last[k, i] = -1
            place[k, i] = 0
        for b in range(blocks - 1, -1, -1):
            need = workers - levels[b]
            if _later(times[k], most_factors[b], most_delays[b], floor) <= levels[b]:
                continue
            if need == workers:
                for i in range(workers):
                    if last[k, i] < 0:
                        last[k, i] = b
                        place[k, i] = cells
                continue
            for c in range(cells):
                if _later(times[k], factors[b, c], delays[b, c], floor) <= levels[b]:
                    continue
                for i in range(workers):
                    finish[i] = times[k, i] * factors[b, c, i] + delays[b, c, i]
                if need == 1:
                    first = 0
                    for i in range(1, workers):
                        if finish[i] < finish[first]:
                            first = i
                    _wait_for(first, b, places[first, c], last[k], place[k])
                    continue
                limit = _smallest(finish, need, scratch)
                taken = 0
                for i in range(workers):
                    if finish[i] < limit:
                        taken += 1
                        _wait_for(i, b, places[i, c], last[k], place[k])
                for i in range(workers):
                    if finish[i] == limit and taken < need:
                        taken += 1
                        _wait_for(i, b, places[i, c], last[k], place[k])


@njit(**INNER)
def _wait_for(worker, block, at, last, place):  # type: ignore[no-untyped-def]
    """Take note that a cell of the block, at this place of its order, waits for the worker."""
    if last[worker] < 0 or (last[worker] == block and place[worker] < at):
        last[worker] = block
        place[worker] = at
