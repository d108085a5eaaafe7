"""Count vectors of completed rounds, and their exactly uniform sampling.

With ``k_n`` workers in cell ``n`` (finished level ``n``, not level ``n+1``) a round is complete when
``k_0 + ... + k_n <= n + 1`` for every ``n < N``; all ``N`` workers are in some cell.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

__all__ = ["number_of_counts", "sample_counts"]


def number_of_counts(workers: int) -> int:
    """Number of admissible count vectors, a Catalan number.

    Examples
    --------
    >>> [number_of_counts(n) for n in (1, 2, 3, 4)]
    [1, 2, 5, 14]
    """
    return _completions(workers)[0][0]


def sample_counts(workers: int, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw admissible count vectors, each with the same probability, shape ``(size, N)``.

    Cell by cell: a value is drawn in proportion to the number of ways to complete it.
    """
    counts = np.zeros((size, workers), dtype=np.int64)
    so_far = np.zeros(size, dtype=np.int64)
    uniform = rng.random((size, workers))
    for cell, table in enumerate(_cumulative_shares(workers)):
        for total in np.unique(so_far):
            rows = np.flatnonzero(so_far == total)
            counts[rows, cell] = np.searchsorted(table[total], uniform[rows, cell], side="right")
        so_far += counts[:, cell]
    counts[:, -1] = workers - so_far
    return counts


@cache
def _completions(workers: int) -> list[list[int]]:
    """Entry ``[cell][s]``: ways to fill the cells from ``cell`` on when the ones before hold ``s``."""
    ways = [[0] * (workers + 1) for _ in range(workers - 1)] + [[1] * (workers + 1)]
    for cell in range(workers - 2, -1, -1):
        tails = list(accumulate(reversed(ways[cell + 1][: cell + 2])))[::-1]
        ways[cell][: cell + 2] = tails
    return ways


@cache
def _cumulative_shares(workers: int) -> list[list[NDArray[np.float64]]]:
    """Entry ``[cell][s]``: upper ends of the shares of ``k_cell = 0, 1, ...``."""
    ways = _completions(workers)
    tables = []
    for cell in range(workers - 1):
        after = ways[cell + 1]
        rows = []
        for total in range(cell + 1):
            sums = list(accumulate(after[total : cell + 2]))
            rows.append(np.array([float(Fraction(part, sums[-1])) for part in sums[:-1]]))
        tables.append(rows)
    return tables
