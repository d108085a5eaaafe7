"""Compiled pass over sorted rounds (imports numba)."""

from __future__ import annotations

from numba import njit

__all__ = ["slowest_levels"]


@njit(cache=True, nogil=True)
def slowest_levels(times, factors, runtimes, sums):  # type: ignore[no-untyped-def]
    """Fill ``runtimes`` with ``max_k times[:, k] factors[k]``, add the maximisers' times to ``sums``.

    Among equal products the first column counts.
    """
    rounds, workers = times.shape
    for row in range(rounds):
        best = -1.0
        where = 0
        for k in range(workers):
            product = times[row, k] * factors[k]
            if product > best:
                best = product
                where = k
        runtimes[row] = best
        sums[where] += times[row, where]
