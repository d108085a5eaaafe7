"""Time of the crossing probability against the plain chain, its growth, threads, first use.

``python tests/benchmarks/bench_kernel.py`` prints the tables; :func:`run` returns their rows.
All times are medians of runs taken in turn, in seconds: processor time for single rows (one
thread, so the same as elapsed time on an idle machine), elapsed time for batches and first use.
"""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from rich.console import Console
from rich.table import Table

from cgcopt.evaluation.crossing.crossing import crossing

SIZES = (20, 50, 100, 200, 500, 1000, 2000, 4000)
PLAIN_UP_TO = 1000
NODES = 84
"""Rows of a batch: nodes of the quadrature of an expected runtime."""


@njit(error_model="numpy", fastmath={"contract"})
def plain_chain(p, row, new, weights):  # type: ignore[no-untyped-def]
    """P by the forward chain with complete sums, rows scaled to one: O(N^3)."""
    n = p.size
    row[:] = 0.0
    row[0] = 1.0
    before, log_scale = 0.0, 0.0
    for k in range(1, n + 1):
        lam = n * (p[k - 1] - before)
        before = p[k - 1]
        weights[0] = 1.0
        for d in range(1, n + 1):
            weights[d] = weights[d - 1] * lam / d
        largest = 0.0
        new[:k] = 0.0
        for j in range(k, n + 1):
            total = 0.0
            for i in range(k - 1, j + 1):
                total += row[i] * weights[j - i]
            new[j] = total
            largest = max(largest, total)
        for j in range(k, n + 1):
            row[j] = new[j] / largest
        row[k - 1] = 0.0
        log_scale += math.log(largest)
    return math.exp(math.log(row[n]) + log_scale + math.lgamma(n + 1.0) - n * math.log(n))


def line(n: int) -> np.ndarray:
    """Thresholds half a standard deviation above ``k/N``, in the range where designs lie."""
    return np.minimum(1.0, np.arange(1, n + 1) / n + 0.5 / math.sqrt(n))


def medians(
    calls: dict[str, Callable[[], object]], seconds: float, clock: Callable[[], float]
) -> dict[str, float]:
    """Median time of each call, in turn until ``seconds`` have passed (5 rounds or more).

    A round repeats a short call until it has taken a millisecond.
    """
    repeats, times = {}, {}
    for name, call in calls.items():
        start = time.perf_counter()
        call()
        repeats[name] = 1 + int(1e-3 / (time.perf_counter() - start))
        times[name] = list[float]()
    end = time.perf_counter() + seconds
    rounds = 0
    while time.perf_counter() < end or rounds < 5:
        rounds += 1
        for name, call in calls.items():
            start = clock()
            for _ in range(repeats[name]):
                call()
            times[name].append((clock() - start) / repeats[name])
    return {name: statistics.median(values) for name, values in times.items()}


def run(sizes: tuple[int, ...] = SIZES, seconds: float = 1.0) -> list[dict[str, Any]]:
    """Measure; one row a size, then one row for the first use in a fresh process.

    Parameters
    ----------
    sizes : tuple of int
        Numbers of workers.
    seconds : float
        Time spent on each size.

    Returns
    -------
    list of dict
        ``N``; ``plain`` (value), ``value``, ``gradient`` (value and gradient) of one row;
        ``plain/gradient``; ``growth``, the exponent from the size before; ``batch`` and
        ``batch threads``, a batch of :data:`NODES` with gradient on one thread and by default.
    """
    crossing(line(2), 1.0 - line(2), gradient=True)
    rows: list[dict[str, Any]] = []
    for n in sizes:
        p = line(n)
        sf = 1.0 - p
        batch = 1.0 - sf ** np.linspace(0.7, 2.5, NODES)[:, None]
        work = np.empty(n + 1), np.empty(n + 1), np.empty(n + 1)
        calls: dict[str, Callable[[], object]] = {
            "value": lambda p=p, sf=sf: crossing(p, sf),
            "gradient": lambda p=p, sf=sf: crossing(p, sf, gradient=True),
        }
        batches: dict[str, Callable[[], object]] = {
            "batch": lambda b=batch: crossing(b, 1.0 - b, gradient=True, threads=1),
            "batch threads": lambda b=batch: crossing(b, 1.0 - b, gradient=True),
        }
        if n <= PLAIN_UP_TO:
            plain = plain_chain(p, *work)
            assert abs(plain / float(crossing(p, sf).probability) - 1.0) < 1e-9
            calls["plain"] = lambda p=p, work=work: plain_chain(p, *work)
        row: dict[str, Any] = {"N": n} | medians(calls, seconds / 2, time.process_time)
        row |= medians(batches, seconds / 2, time.perf_counter)
        if "plain" in row:
            row["plain/gradient"] = row["plain"] / row["gradient"]
        if rows:
            row["growth"] = math.log(row["gradient"] / rows[-1]["gradient"]) / math.log(
                n / rows[-1]["N"]
            )
        rows.append(row)
    return [*rows, first_use()]


def first_use() -> dict[str, Any]:
    """Seconds of a fresh process with nothing compiled, then with everything cached."""
    code = (
        "import time; start = time.perf_counter(); import numba; middle = time.perf_counter();"
        "from cgcopt.evaluation.crossing.crossing import crossing; crossing([0.5], [0.5]);"
        "print(middle - start, time.perf_counter() - middle)"
    )
    result: dict[str, Any] = {"N": "first use"}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("compile", "load"):
            done = subprocess.run(
                [sys.executable, "-c", code],
                env=os.environ | {"NUMBA_CACHE_DIR": folder},
                check=True,
                capture_output=True,
                text=True,
            )
            result["import numba"], result[name] = map(float, done.stdout.split())
    return result


def main() -> None:
    """Print the tables."""
    *rows, first = run()
    columns = ("N", "plain", "value", "gradient", "plain/gradient", "growth")
    columns += ("batch", "batch threads")
    table = Table(*columns, title=f"crossing probability, milliseconds (batch of {NODES})")
    for row in rows:
        cells = [str(row["N"])]
        for name in columns[1:]:
            scale = 1.0 if name in ("plain/gradient", "growth") else 1e3
            cells.append(f"{scale * row[name]:.3g}" if name in row else "")
        table.add_row(*cells)
    console = Console()
    console.print(table)
    largest, reference = rows[-1], next(row for row in rows if row["N"] == 1000)
    growth = math.log(largest["gradient"] / reference["gradient"]) / math.log(largest["N"] / 1000)
    console.print(f"growth from N = 1000 to {largest['N']}: N^{growth:.2f}")
    console.print(
        "first use in a fresh process: "
        + ", ".join(f"{name} {first[name]:.2f} s" for name in ("import numba", "compile", "load"))
    )


if __name__ == "__main__":
    main()
