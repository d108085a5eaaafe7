"""The certified optimum: time against ``N`` and family, and against HiGHS on drawn rounds.

``python -m tests.benchmarks.bench_optimal [--quick]`` prints the rows that :func:`run` returns.
Solve times after warm-up, medians in seconds of runs taken in turn, ended after two minutes.
"pooled trace" are a thousand log-normal times, "recorded trace" the 2,367 of the packaged one.
``highs K`` is HiGHS's linear program on ``K`` rounds of the same system, whose answer is not even
exact: ``off`` says by how much its design is slower than the certified optimum.
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

import numpy as np

import cgcopt as cg
from cgcopt.instance import example_instances, load_instance
from cgcopt.problem import Problem
from cgcopt.workers.base import DiscreteTimes, WorkerTimes
from tests.benchmarks.table import show

MODELS: dict[str, WorkerTimes] = {
    "shifted-exponential": cg.ShiftedExponential(rate=1e-3, shift=50.0),
    "weibull": cg.Weibull(shape=0.7, scale=1.0, shift=0.1),
    "lognormal": cg.LogNormal(sigma=1.0, scale=1.0, shift=0.0),
    "pareto": cg.Pareto(shape=2.5, scale=1.0, shift=0.0),
    "pooled trace": cg.Empirical(np.random.default_rng(0).lognormal(sigma=0.5, size=1000)),
    "recorded trace": load_instance(example_instances()["recorded"]).system.worker_times,
}
LIMIT = 120.0
PAPER = "shifted-exponential"


def runtime_problem(model: str, workers: int) -> Problem:
    """The expected runtime of a thousand coordinates for every worker."""
    system = cg.System(workers, 1000 * workers, MODELS[model], samples=50)
    return Problem(system, cg.ExpectedRuntime())


def run(quick: bool = False) -> list[dict[str, Any]]:
    """Rows of the table.

    Parameters
    ----------
    quick : bool
        Up to 50 workers.
    """
    sizes = (20, 50) if quick else (20, 50, 200, 1000)
    return [_row(model, workers, quick) for workers in sizes for model in MODELS]


def _row(model: str, workers: int, quick: bool) -> dict[str, Any]:
    problem = runtime_problem(model, workers)
    discrete = isinstance(MODELS[model], DiscreteTimes)
    repeats = (3 if discrete else 5) if workers <= 50 else 1
    solutions = [cg.solve(problem, "optimal", time_limit=LIMIT) for _ in range(repeats)]
    ours = statistics.median(solution.seconds.solve for solution in solutions)
    row: dict[str, Any] = {
        "N": workers,
        "times": model,
        "optimal": ours,
        "gap": solutions[0].gap,
        "evaluations": solutions[0].details["evaluations"],
    }
    if model == PAPER and workers <= 50:
        for rounds in (1000,) if quick else (1000, 5000):
            found = cg.solve(problem, "highs", scenarios=rounds, raw={"solver": "simplex"})
            row[f"highs {rounds}"] = found.seconds.solve
            row[f"ratio {rounds}"] = found.seconds.solve / ours
            row[f"off {rounds}"] = found.value / solutions[0].value - 1
    return row


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    show("Certified optimum of the expected runtime", run(parser.parse_args().quick))


if __name__ == "__main__":
    main()
