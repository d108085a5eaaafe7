"""What a user waits for at the door: import, help, the first solve, later solves.

``python -m tests.benchmarks.bench_start`` prints the table; :func:`run` returns its rows. Elapsed
seconds of fresh processes, medians; the first solve starts with an empty cache of compiled code.
"""

from __future__ import annotations

import os
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
TARGETS = {"import cgcopt": 0.3, "cgcopt --help": 0.5, "cgcopt solve paper, later": 1.5}
FIRST, FIRST_TARGET = "cgcopt solve paper, first", 5.0


def elapsed(command: list[str], **environment: str) -> float:
    """Seconds of one fresh process."""
    started = time.perf_counter()
    subprocess.run(
        command, check=True, capture_output=True, env={**os.environ, **environment}, timeout=300
    )
    return time.perf_counter() - started


def run(quick: bool = False) -> list[dict[str, Any]]:
    """Time every case in turn."""
    repeats = 3 if quick else 7
    times: dict[str, list[float]] = {name: [] for name in CASES}
    elapsed(CASES["cgcopt solve paper, later"])
    for _ in range(repeats):
        for name, command in CASES.items():
            times[name].append(elapsed(command))
    rows = [
        {
            "what": name,
            "median [s]": statistics.median(times[name]),
            "target [s]": TARGETS.get(name),
        }
        for name in CASES
    ]
    first = []
    for _ in range(1 if quick else 3):
        with tempfile.TemporaryDirectory() as folder:
            first.append(elapsed(CASES["cgcopt solve paper, later"], NUMBA_CACHE_DIR=folder))
    rows.append({"what": FIRST, "median [s]": statistics.median(first), "target [s]": FIRST_TARGET})
    return rows


if __name__ == "__main__":
    show("Start", run())
