"""Limits: a solve with ``copies`` or ``levels`` beside one without, and blocks beside HiGHS's MILP.

``python -m tests.benchmarks.bench_deployable [--quick]`` prints the rows that :func:`run` returns.
Seconds of processor time to a certified gap of 1e-6 after warm-up, medians of runs taken in turn;
``copies`` and ``levels`` allow half of the levels, ``ratio`` is over the run without a limit. The row
"blocks = 3" compares on the same 1,000 drawn rounds, in seconds on the clock: the gap that each method
has proven in a minute, or when it had closed it to 1e-4. :func:`proofs` is the table of the page
docs/deployable.md.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace
from typing import Any

import numpy as np

import cgcopt as cg
from cgcopt.problem import Problem
from cgcopt.workers.base import WorkerTimes
from tests.benchmarks.table import show
from tests.resnet50 import resnet50

TIMES = cg.ShiftedExponential(rate=1e-3, shift=50.0)
LIMIT = 60.0


def models(workers: int) -> dict[str, WorkerTimes]:
    """A density, a step distribution and rounds."""
    rng = np.random.default_rng(0)
    return {
        "density": TIMES,
        "steps": cg.Empirical(rng.lognormal(sigma=0.5, size=300)),
        "rounds": cg.Scenarios(TIMES.sample(1000, workers, rng)),
    }


def seconds(problem: Problem) -> float:
    """Processor time of one solve."""
    started = time.process_time()
    solution = cg.solve(problem, time_limit=LIMIT, threads=1)
    spent = time.process_time() - started
    return spent if solution.gap <= 1e-6 else float("nan")


def ratios(workers: int, repeats: int) -> list[dict[str, Any]]:
    """One row for every kind of worker times."""
    rows = []
    half = max(workers // 2, 1)
    kinds = {
        "none": cg.Limits(),
        "copies": cg.Limits(copies=half),
        "levels": cg.Limits(levels=range(0, workers, 2)),
    }
    for model, times in models(workers).items():
        system = cg.System(workers, 1000 * workers, times, samples=50)
        found: dict[str, list[float]] = {name: [] for name in kinds}
        for _ in range(repeats + 1):  # the first round warms up
            for name, limits in kinds.items():
                found[name].append(seconds(Problem(system, cg.ExpectedRuntime(), limits=limits)))
        middle = {name: statistics.median(each[1:]) for name, each in found.items()}
        row: dict[str, Any] = {"N": workers, "worker times": model, "none [s]": middle["none"]}
        for name in ("copies", "levels"):
            row |= {f"{name} [s]": middle[name], f"{name} ratio": middle[name] / middle["none"]}
        rows.append(row)
    return rows


def against_highs(limit: float = LIMIT) -> dict[str, Any]:
    """Blocks = 3 on the published setting, 1,000 rounds: the own method beside HiGHS's MILP."""
    system = cg.System(20, 20_000, TIMES, samples=50)
    problem = Problem(system, cg.ExpectedRuntime(), limits=cg.Limits(blocks=3)).sampled(1000)
    row: dict[str, Any] = {"N": 20, "worker times": "rounds, blocks = 3"}
    for name in ("optimal", "highs"):
        found = cg.solve(problem, name, gap=1e-4, time_limit=limit, threads=1)
        wall = (
            found.seconds.build + found.seconds.solve
        )  # outside solvers run in a process of their own
        row |= {f"{name} [s]": wall, f"{name} gap": found.gap}
    row["highs / optimal"] = row["highs [s]"] / row["optimal [s]"]
    return row


def proofs(quick: bool = False) -> list[dict[str, Any]]:
    """Gap and seconds of processor time under blocks, least shares, boundaries and message prices."""
    tensors = cg.boundaries_of_sizes(resnet50())
    free = cg.Costs()
    cases: list[tuple[int, cg.Limits, cg.Costs, float]] = [
        *((20, cg.Limits(blocks=b), free, 1e-4) for b in ((3,) if quick else (3, 4, 5, 6))),
        *((50, cg.Limits(blocks=b), free, 1e-4) for b in (() if quick else (3, 4))),
        *((n, cg.Limits(boundaries=tensors), free, 1e-3) for n in (() if quick else (20, 50))),
    ]
    if not quick:
        cases.append((20, cg.Limits(least=0.05), free, 1e-4))
        cases.append((20, cg.Limits(), cg.Costs(per_message=30.0), 1e-4))
    rows = []
    for workers, limits, costs, gap in cases:
        count = tensors[-1] if limits.boundaries else 20_000
        system = cg.System(workers, count, TIMES, samples=workers, cycles=1 / count, costs=costs)
        free_value = cg.solve(Problem(replace(system, costs=free), cg.ExpectedRuntime())).value
        started = time.process_time()
        problem = Problem(system, cg.ExpectedRuntime(), limits=limits)
        found = cg.solve(problem, gap=gap, time_limit=LIMIT, threads=1)
        rows.append(
            {
                "N": workers,
                "limit": f"{limits.label} {costs.label if costs else ''}".strip(),
                "ratio": found.value / free_value,
                "gap": found.gap,
                "seconds": time.process_time() - started,
            }
        )
    return rows


def run(quick: bool = False) -> list[dict[str, Any]]:
    """Rows of the table.

    Parameters
    ----------
    quick : bool
        Twenty workers alone.
    """
    rows = [row for n in ((20,) if quick else (20, 50, 200)) for row in ratios(n, 3)]
    return [*rows, against_highs()]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    show("Limits", run(quick))
    show("Proofs", proofs(quick))


if __name__ == "__main__":
    main()
