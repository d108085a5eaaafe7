"""Completion probability: ``optimal`` against the paper's method, and its growth with ``N``.

``python -m tests.benchmarks.bench_probability`` prints the table; :func:`run` returns its rows.
"""

from __future__ import annotations

import math
from typing import Any

import cgcopt as cg
from tests.benchmarks.table import show

PAPER = cg.ShiftedExponential(rate=0.1, shift=1)
FAMILIES = {
    "shifted exponential": cg.ShiftedExponential(rate=0.1, shift=1),
    "Weibull 0.7": cg.Weibull(shape=0.7, scale=10),
    "log-normal 1": cg.LogNormal(sigma=1, scale=10),
}


def row(setting: str, problem: cg.Problem, solver: str, **options: Any) -> dict[str, Any]:
    """Solve once, after warming up, and describe the run."""
    solution = cg.solve(problem, solver, **options)
    assert solution.evaluation is not None
    return {
        "setting": setting,
        "N": problem.system.workers,
        "solver": solver,
        "P": solution.value,
        "1 - P": solution.evaluation.complement,
        "residual": solution.residual,
        "seconds": solution.seconds.build + solution.seconds.solve,
        "ended": str(solution.termination),
    }


def run(quick: bool = False) -> list[dict[str, Any]]:
    """Measure the paper's setting with every method, then large systems with ``optimal``."""
    rows = []
    for workers in (10, 20) if quick else (10, 20, 30, 50):
        system = cg.System(workers, 40_000, PAPER, samples=50)
        problem = cg.Problem(system, cg.CompletionProbability(10**6.5))
        cg.solve(problem, starts=1)
        for solver in ("closed-form-deadline", "equal-risk", "successive-convex", "optimal"):
            rows.append(row("paper", problem, solver))
    for workers in (100,) if quick else (100, 200, 500, 1000):
        for name, times in FAMILIES.items():
            system = cg.System(workers, 10**12, times)
            deadline = 0.7 * float(times.ppf(0.5)) * system.unit * 1e12 * math.log(workers)
            problem = cg.Problem(system, cg.CompletionProbability(deadline))
            rows.append(row(name, problem, "optimal", starts=1))
    return rows


if __name__ == "__main__":
    show("Completion probability", run())
