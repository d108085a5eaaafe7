"""Schedules: time of the method, and its values beside what a mixed-integer program proves.

``python -m tests.benchmarks.bench_schedules [--quick] [--write]`` prints the tables, and renews those of
the page of measurements; :func:`run` returns their rows.
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import cgcopt as cg
from cgcopt.formulations.points import write_values
from tests.benchmarks.table import markdown, renew, show

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
PAPER = cg.ShiftedExponential(rate=1e-3, shift=50)


def size(workers: int, rounds: int, work: str) -> dict[str, Any]:
    """Seconds of the solver ``schedule`` on drawn rounds of the published setting."""
    times = PAPER.sample(rounds, workers, np.random.default_rng(1))
    scenarios = cg.Scenarios(times)
    system = cg.System(workers, 20_000, scenarios, samples=workers, cycles=1 / 20_000)
    problem = cg.Problem(system, cg.ExpectedRuntime())
    before = time.process_time()
    found = cg.solve(problem, "schedule", raw={"work": work}, time_limit=300.0)
    return {
        "N": workers,
        "rounds": rounds,
        "work": work,
        "over uncoded": found.details["on its rounds"],
        "programs": found.details["programs"],
        "seconds": found.seconds.build + found.seconds.solve,
        "processor": time.process_time() - before,
        "ended": str(found.termination),
    }


def proof(rounds: int, workers: int, work: str, seconds: float) -> dict[str, Any]:
    """The method beside HiGHS on the mixed-integer program, started from the method's schedule."""
    k, i = np.meshgrid(np.arange(rounds), np.arange(workers), indexing="ij")
    scenarios = cg.Scenarios(1 + ((7 * k + 3 * i + k * k * i) % 11) / 2)
    system = cg.System(workers, 12, scenarios, samples=workers)
    problem = cg.Problem(system, cg.ExpectedRuntime())
    found = cg.solve(problem, "schedule", raw={"work": work})
    formulation = cg.formulate_schedule(problem, work=work)
    model = formulation.to_highspy()
    write_values(model, formulation.point(found.schedule))
    model.setOptionValue("time_limit", seconds)
    before = time.process_time()
    model.run()
    info = model.getInfo()
    return {
        "N": workers,
        "rounds": rounds,
        "work": work,
        "method": found.value,
        "HiGHS": formulation.value(info.objective_function_value),
        "bound": formulation.bound(info.mip_dual_bound),
        "nodes": info.mip_node_count,
        "processor": time.process_time() - before,
        "ended": model.modelStatusToString(model.getModelStatus()),
    }


def run(quick: bool = False) -> list[dict[str, Any]]:
    """Sizes of the method, then proofs."""
    size(4, 20, "full")
    sizes = [(32, 155, "equal"), (32, 155, "full")]
    proofs = [(6, 4, "equal"), (3, 4, "full")]
    if not quick:
        sizes.append((100, 1000, "equal"))
        proofs += [(10, 3, "full"), (10, 4, "equal"), (6, 4, "full")]
    return [
        *(size(*each) for each in sizes),
        *(proof(*each, 60.0 if quick else 300.0) for each in proofs),
    ]


def main() -> None:
    """Print the tables, and write them where they are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes and short limits")
    parser.add_argument("--write", action="store_true", help="renew the section of the page")
    arguments = parser.parse_args()
    rows = run(quick=arguments.quick)
    kinds = [[row for row in rows if ("method" in row) is proven] for proven in (False, True)]
    for title, part in zip(("Time of the method", "What is proven"), kinds, strict=True):
        show(title, part)
    if arguments.write:
        made = f"Made on {datetime.now(UTC):%Y-%m-%d}; seconds, and processor seconds."
        renew(PAGE, "schedules", "\n\n".join([made, *map(markdown, kinds)]))


if __name__ == "__main__":
    main()
