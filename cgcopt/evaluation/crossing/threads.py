"""Whether threads pay for a batch of thresholds, and how the batch is divided among them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cgcopt.process.cores import cores
from cgcopt.process.time_left import looking

__all__ = ["in_parts", "takes_long", "threads_for"]


@dataclass(frozen=True)
class _Tuning:
    """When threads pay; no measurement of the numbers is recorded."""

    threaded: float = 1e-2
    """Work from which a batch is worth a pool of threads, seconds."""
    worker_seconds: float = 3e-7
    """Rough time of a row for each worker, seconds."""
    sweep_seconds: float = 2.6e-8
    """Factor of ``N**1.5`` in the time of a row, seconds: the sweep through the thresholds."""
    slack_seconds: float = 2e-9
    """Factor of ``N**2`` in the time of a row whose thresholds are far apart, seconds."""
    slow: int = 10_000
    """Workers beyond which a row may take longer than there is time, and is not begun then."""
    look: float = 0.2
    """Rough time of a part at most, seconds: between parts it is seen whether there is time left."""


_TUNING = _Tuning()


def in_parts(
    work: Callable[[slice], None], rows: int, n: int, threads: int | None, parts: int | None = None
) -> None:
    """Do the work of all rows, by a pool of threads where that pays."""
    threads = threads_for(rows, n, threads)
    if parts is None:
        looks = int(_seconds(n) * rows / _TUNING.look)
        parts = max(min(rows, max(4 * threads if threads > 1 else 1, looks)), 1)
    cuts = [rows * i // parts for i in range(parts + 1)]
    slices = [slice(a, b) for a, b in pairwise(cuts)]
    look = looking(_TUNING.slack_seconds * n * n if n > _TUNING.slow else 0.0)

    def in_time(part: slice) -> None:
        look()
        work(part)

    if min(parts, threads) == 1:
        for part in slices:
            in_time(part)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(in_time, slices))


def threads_for(rows: int, n: int, threads: int | None) -> int:
    """How many threads pay for a batch, unless a number is given."""
    if threads is None:
        return cores() if takes_long(rows, n) else 1
    return threads


def takes_long(rows: int, n: int) -> bool:
    """Whether a batch takes so long that threads pay."""
    return _seconds(n) * rows > _TUNING.threaded


def _seconds(n: int) -> float:
    """Rough time of one row."""
    return _TUNING.worker_seconds * n + _TUNING.sweep_seconds * n * float(np.sqrt(n))
