"""False alarms of ``cgcopt inspect`` on independent times, and what it costs.

``python -m tests.benchmarks.bench_dependence [--count 200] [--seed 1]``

Traces of 10, 30 or 100 rounds and 2, 6 or 20 workers, of gamma, Pareto and shifted exponential times;
four questions each.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from cgcopt.workers.dependence import dependence_of
from cgcopt.workers.trace import Trace
from tests.benchmarks.table import show

QUESTIONS = ("unequal", "together", "persistent", "drift")


def run(*, quick: bool = False, count: int = 200, seed: int = 1) -> list[dict[str, Any]]:
    """How often every question is answered with yes where the answer is no."""
    count = 20 if quick else count
    rng = np.random.default_rng(seed)
    alarms = dict.fromkeys(QUESTIONS, 0)
    started = time.process_time()
    for i in range(count):
        shape = (int(rng.choice([10, 30, 100])), int(rng.choice([2, 6, 20])))
        drawn = (
            rng.gamma(2.0, 1.0, shape),
            1.0 + rng.pareto(1.2, shape),
            0.5 + rng.exponential(1.0, shape),
        )
        found = dependence_of(Trace(drawn[i % 3]))
        for question in QUESTIONS:
            alarms[question] += getattr(found, question).shown
    spent = time.process_time() - started
    rows = [{"question": name, "alarms": n, "traces": count} for name, n in alarms.items()]
    total = {"question": "all", "alarms": sum(alarms.values()), "traces": count}
    return [*rows, total | {"CPU s": spent}]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="False alarms on independent times.")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    show("False alarms on independent times", run(count=chosen.count, seed=chosen.seed))


if __name__ == "__main__":
    main()
