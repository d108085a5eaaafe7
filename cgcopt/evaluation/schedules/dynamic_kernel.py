"""Compiled simulation of dynamic assignment (imports numba)."""

from __future__ import annotations

from numba import njit

from cgcopt.evaluation.compiled import OUTER

__all__ = ["fill_dynamic"]


@njit(**OUTER)
def fill_dynamic(seconds, ends, finish, free, idle):  # type: ignore[no-untyped-def]
    """Fill in when all cells are done; ``seconds[k, i]`` is what worker ``i`` needs for one.

    ``finish`` (shape ``(cells,)``), ``free`` and the booleans ``idle`` (``(N,)``) are space to work in.
    """
    rounds, workers = seconds.shape
    cells = finish.size
    for k in range(rounds):
        for i in range(workers):
            free[i] = 0.0
            idle[i] = False
        for cell in range(cells):
            soonest = 0
            for i in range(1, workers):
                if free[i] < free[soonest]:
                    soonest = i
            free[soonest] += seconds[k, soonest]
            finish[cell] = free[soonest]
        # No cell is left: workers that are free, in order of time, repeat the latest ones.
        while True:
            last = 0
            for cell in range(1, cells):
                if finish[cell] > finish[last]:
                    last = cell
            worker = -1
            for i in range(workers):
                if not idle[i] and (worker < 0 or free[i] < free[worker]):
                    worker = i
            if worker < 0:
                break
            end = free[worker] + seconds[k, worker]
            if end < finish[last]:
                finish[last] = end
                free[worker] = end
            else:
                idle[worker] = True
        ends[k] = finish[last]
