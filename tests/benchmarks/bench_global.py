"""Branch and bound for the completion probability: value, bound, gap, nodes, time.

``python tests/benchmarks/bench_global.py [--quick]`` prints the table; :func:`run` returns its rows.
The setting is that of the published completion probabilities (arXiv 2206.02450): L = 4e4, shifted
exponential times of rate 0.1 and shift 1, 50 samples, and other families at deadlines that equal
blocks keep with a probability of 0.3.
"""

from __future__ import annotations

import sys
import time
from importlib.util import find_spec
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import cgcopt as cg
from cgcopt.design import work_of_partition
from cgcopt.evaluation.density.quantile import runtime_quantile

#: Workers, logarithm of the deadline, wanted gaps.
PUBLISHED = (
    (4, 6.8, (1e-4, 1e-6)),
    (6, 6.6, (1e-4, 1e-6)),
    (10, 6.5, (1e-3, 1e-4, 1e-6)),
    (20, 6.5, (1e-3, 1e-4, 1e-6)),
    (30, 6.5, (1e-4, 1e-6)),
    (50, 6.3, (1e-5, 1e-6)),
    (100, 6.2, (1e-5,)),
)
FAMILIES: tuple[cg.WorkerTimes, ...] = (
    cg.Exponential(1.0),
    cg.ShiftedExponential(1.0, 0.05),
    cg.Weibull(0.5, 1.0),
    cg.Weibull(2.0, 1.0, 0.1),
    cg.Gamma(0.5, 1.0, 0.1),
    cg.Gamma(5.0, 1.0),
    cg.LogNormal(1.0, 1.0),
    cg.LogNormal(2.0, 1.0, 0.1),
    cg.Pareto(0.6, 1.0),
    cg.Pareto(2.5, 1.0),
)
QUICK_WORKERS = 10
SECONDS = 600.0


def published(workers: int, exponent: float) -> cg.Problem:
    """The published setting with the deadline ``10**exponent``."""
    times = cg.ShiftedExponential(rate=0.1, shift=1.0)
    system = cg.System(workers, 40_000, times, samples=50)
    return cg.Problem(system, cg.CompletionProbability(10**exponent), f"10^{exponent} published")


def of_family(times: cg.WorkerTimes, workers: int) -> cg.Problem:
    """The deadline that equal blocks keep with probability 0.3."""
    system = cg.System(workers, 1000, times, samples=workers)
    work = work_of_partition(np.full(workers, 1000 / workers))
    deadline = runtime_quantile(system, work, 0.3).value
    return cg.Problem(system, cg.CompletionProbability(deadline), times.label)


def measure(problem: cg.Problem, gap: float, solver: str = "global") -> dict[str, Any]:
    """Solve once; processor seconds beside wall seconds, the machine may be busy."""
    before = time.process_time()
    solution = cg.solve(problem, solver, gap=gap, time_limit=SECONDS)
    return {
        "problem": problem.title,
        "N": problem.system.workers,
        "solver": solver,
        "wanted": gap,
        "value": solution.value,
        "bound": solution.bound,
        "gap": solution.gap,
        "nodes": solution.details.get("nodes"),
        "steps": solution.details.get("newton_steps"),
        "fast": solution.details.get("fast_levels"),
        "root bound": solution.details.get("root_bound"),
        "seconds": solution.seconds.solve,
        "processor": time.process_time() - before,
        "status": str(solution.status),
    }


def run(quick: bool = False) -> list[dict[str, Any]]:
    """Measure; one row for each problem and gap.

    Parameters
    ----------
    quick : bool
        Leave out what takes more than some seconds.

    Returns
    -------
    list of dict
    """
    cg.solve(published(3, 6.8), "global")  # imports and compilation
    rows = []
    for workers, exponent, gaps in PUBLISHED:
        for gap in gaps[:1] if quick else gaps:
            if workers <= QUICK_WORKERS or not quick:
                rows.append(measure(published(workers, exponent), gap))
    for times in FAMILIES:
        rows.append(measure(of_family(times, 4 if quick else QUICK_WORKERS), 1e-4))
    if find_spec("pyscipopt") is not None and not quick:
        for workers in (2, 3, 4):
            for solver in ("pyomo-scip-exact", "global"):
                rows.append(measure(published(workers, 6.8), 1e-4, solver))
    return rows


def main() -> None:
    """Print the table."""
    rows = run("--quick" in sys.argv[1:])
    columns = tuple(rows[0])
    table = Table(*columns, title="completion probability with a bound")
    for row in rows:
        table.add_row(*(_cell(name, row[name]) for name in columns))
    Console(width=max(160, Console().width)).print(table)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in ("value", "bound", "root bound"):
        return f"{value:.9f}"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
