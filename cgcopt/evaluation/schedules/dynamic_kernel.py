"""Compiled simulation of dynamic assignment (imports numba)."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["fill_dynamic"]


@njit(cache=True, nogil=True)
def fill_dynamic(seconds, cells, ends):  # type: ignore[no-untyped-def]
    """Fill in when all cells are done; ``seconds[k, i]`` is what worker ``i`` needs for one."""
    rounds, workers = seconds.shape
    finish = np.empty(cells)
    free = np.empty(workers)
    idle = np.empty(workers, dtype=np.bool_)
    for k in range(rounds):
        free[:] = 0.0
        idle[:] = False
        for cell in range(cells):
            soonest = np.argmin(free)
            free[soonest] += seconds[k, soonest]
            finish[cell] = free[soonest]
        # No cell is left: workers that are free, in order of time, repeat the latest ones.
        while True:
            worker = -1
            for i in range(workers):
                if not idle[i] and (worker < 0 or free[i] < free[worker]):
                    worker = i
            if worker < 0:
                break
            last = int(np.argmax(finish))
            end = free[worker] + seconds[k, worker]
            if end < finish[last]:
                finish[last] = end
                free[worker] = end
            else:
                idle[worker] = True
        ends[k] = finish.max()
