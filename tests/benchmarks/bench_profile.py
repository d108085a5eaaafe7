"""Where the time of ``optimal`` goes: kernel, sampled model, linear algebra of the steps, rest.

``python -m tests.benchmarks.bench_profile [--quick]`` prints the rows that :func:`run` returns:
elapsed seconds of one solve on one thread (the profiler sees no other), after warm-up, and shares of
it. ``kernel`` is the crossing probability with its derivatives, ``sampled model`` the drawn rounds and
what is done with them, ``steps`` the quadratic programs and level steps between exact evaluations,
``bounds`` the linear programs that combine gradients.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
from typing import Any

import cgcopt as cg
from cgcopt.workers.base import ContinuousTimes
from tests.benchmarks.bench_optimal import MODELS, runtime_problem
from tests.benchmarks.table import show

PARTS = {
    "kernel": [
        ("crossing.py", "crossing"),
        ("crossing.py", "first_failures"),
        ("crossing.py", "paired_derivatives"),
    ],
    "sampled model": [
        ("_sampled_model.py", "sampled_model"),
        ("_sampled_model.py", "drawn_optimum"),
    ],
    "steps": [
        ("_quasi_newton.py", "_target"),
        ("_quasi_newton.py", "bfgs_update"),
        ("_semismooth_newton.py", "_target"),
    ],
    "bounds": [("_combined_bound.py", "proven")],
}


def run(quick: bool = False) -> list[dict[str, Any]]:
    """Rows of the table, traces up to 200 workers; ``quick`` leaves out a thousand."""
    sizes = (20, 200) if quick else (20, 200, 1000)
    return [
        _row(model, workers)
        for workers in sizes
        for model in MODELS
        if workers <= 200 or isinstance(MODELS[model], ContinuousTimes)
    ]


def _row(model: str, workers: int) -> dict[str, Any]:
    cg.solve(runtime_problem(model, min(workers, 200)), "optimal")
    profile = cProfile.Profile()
    solution = profile.runcall(cg.solve, runtime_problem(model, workers), "optimal", threads=1)
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    total = _seconds(stats, [("run.py", "solve")])
    shares = {name: _seconds(stats, functions) / total for name, functions in PARTS.items()}
    row: dict[str, Any] = {"N": workers, "times": model, "seconds": total}
    row |= {name: f"{share:.0%}" for name, share in shares.items()}
    row["rest"] = f"{1.0 - sum(shares.values()):.0%}"
    row["evaluations"] = solution.details["evaluations"]
    return row


def _seconds(stats: dict[Any, Any], functions: list[tuple[str, str]]) -> float:
    """Cumulative seconds of the functions, by name of the file and of the function."""
    return sum(
        entry[3]
        for (file, _, name), entry in stats.items()
        if any(file.endswith("/" + ending) and name == function for ending, function in functions)
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    show("Where the time goes", run(parser.parse_args().quick))


if __name__ == "__main__":
    main()
