"""What a user waits for at the door: import, help, the first solve, later solves.

``python -m tests.benchmarks.bench_start`` prints the table; :func:`run` returns its rows. Elapsed
and processor seconds of fresh processes, medians; the first solve starts with an empty cache of
compiled code (not of byte code, which pip makes when it installs).
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

from tests.benchmarks.table import show

CASES = {
    "python": [sys.executable, "-c", "pass"],
    "import numpy": [sys.executable, "-c", "import numpy"],
    "import cgcopt": [sys.executable, "-c", "import cgcopt"],
    "cgcopt --help": [sys.executable, "-m", "cgcopt", "--help"],
    "cgcopt solve paper, later": [sys.executable, "-m", "cgcopt", "solve", "paper"],
}
FIRST = "cgcopt solve paper, first"
TARGETS = {
    "import cgcopt": 0.3,
    "cgcopt --help": 0.5,
    "cgcopt solve paper, later": 1.5,
    FIRST: 5.0,
}


def measured(command: list[str], *, most: float = 300.0, **environment: str) -> tuple[float, float]:
    """Elapsed and processor seconds (user and system) of one fresh process."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        command, check=True, capture_output=True, env={**os.environ, **environment}, timeout=most
    )
    elapsed, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return elapsed, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run(quick: bool = False) -> list[dict[str, Any]]:
    """Time every case in turn."""
    repeats = 3 if quick else 7
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in CASES}
    measured(CASES["cgcopt solve paper, later"])
    for _ in range(repeats):
        for name, command in CASES.items():
            times[name].append(measured(command))
    times[FIRST] = []
    for _ in range(1 if quick else 3):
        with tempfile.TemporaryDirectory() as folder:
            found = measured(CASES["cgcopt solve paper, later"], NUMBA_CACHE_DIR=folder)
        times[FIRST].append(found)
    return [_row(name, found) for name, found in times.items()]


def _row(name: str, times: list[tuple[float, float]]) -> dict[str, Any]:
    elapsed, processor = zip(*times, strict=True)
    return {
        "what": name,
        "median [s]": statistics.median(elapsed),
        "processor [s]": statistics.median(processor),
        "target [s]": TARGETS.get(name),
    }


if __name__ == "__main__":
    show("Start", run())
