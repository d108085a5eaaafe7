"""Gradient codes: accuracy by number of workers, and encoding beside a plain product.

``python -m tests.benchmarks.run codes`` prints the table; :func:`run` returns its rows.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from cgcopt.codes import gradient_code

SIZES = (10, 20, 50, 100, 200)
NUMBERS = 8_000_000
"""Numbers that a measured product reads: 64 MB, more than a cache holds."""


def median(call: Callable[[], object], repeats: int) -> float:
    """Median elapsed seconds of a call."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def run(quick: bool = False) -> list[dict[str, Any]]:
    """Measure; one row a code.

    Returns
    -------
    list of dict
        ``N``, ``s``, ``placement``, ``construction``; ``residual``, ``amplification`` and ``sets`` of
        :meth:`~cgcopt.codes.GradientCode.check`; ``make`` (seconds to make the code), ``vector`` (a new
        decoding vector); for :data:`NUMBERS` numbers, on one thread, ``encode`` and ``decode`` over
        a plain matrix-vector product of the same numbers.
    """
    rows = []
    for n in SIZES[:3] if quick else SIZES:
        for s in sorted({1, 2, n // 4, n // 2, 3 * n // 4, n - 2}):
            for placement in ("repetition", "cyclic"):
                if placement == "cyclic" or n >= 2 * (s + 1):
                    rows.append(measure(n, s, placement, 50 if quick else 300))
    return rows


def measure(n: int, s: int, placement: str, sets: int) -> dict[str, Any]:
    """One row."""
    with threadpool_limits(1):
        start = time.perf_counter()
        code = gradient_code(n, s, placement)
        made = time.perf_counter() - start
        check = code.check(sets=sets)
        alive = list(range(n - s))
        start = time.perf_counter()
        vector = code.decoding_vector(alive)
        solved = time.perf_counter() - start
        rng = np.random.default_rng(0)
        held = code.pieces_of(0).size
        partial = rng.standard_normal((held, NUMBERS // held))
        weights = code.matrix[0, code.pieces_of(0)]
        encoded = median(lambda: code.encode(0, partial), 9) / median(lambda: weights @ partial, 9)
        used = np.flatnonzero(vector)
        stack = rng.standard_normal((used.size, NUMBERS // used.size))
        sent = {i: stack[0] for i in alive}
        sent |= {int(i): row.copy() for i, row in zip(used, stack, strict=True)}
        plain = median(lambda: vector[used] @ stack, 9)
        decoded = median(lambda: code.decode(sent), 9) / plain
    return {
        "N": n,
        "s": s,
        "placement": placement,
        "construction": str(code.construction),
        "residual": check.residual,
        "amplification": check.amplification,
        "sets": check.sets,
        "make": made,
        "vector": solved,
        "encode": encoded,
        "decode": decoded,
    }
