"""Sample averages: "optimal" against HiGHS (simplex, interior point) and Clarabel, same rounds.

``python -m tests.benchmarks.bench_scenarios [--quick]`` prints two tables; :func:`run` returns the
rows of the first. Solve times, build times of models left out, medians in seconds of runs taken in
turn; a run that reaches the limit has no time. ``ratio`` is the best of the others over ours. The
second table times one pass over the rounds beside a plain copy of the same array.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import cgcopt as cg
from cgcopt.design import work_of_partition
from cgcopt.problem import Problem
from cgcopt.solution import TerminationCondition
from cgcopt.solvers._smoothed_maximum import smoothed_maximum
from tests.benchmarks.table import show

TIMES = cg.ShiftedExponential(rate=1e-3, shift=50.0)
SIZES = ((20, 1000), (20, 5000), (20, 20_000), (50, 1000), (50, 5000), (50, 20_000), (100, 20_000))
LARGEST = ((20, 100_000), (50, 100_000), (100, 100_000))
OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "simplex": ("highs", {"solver": "simplex"}),
    "ipm": ("highs", {"solver": "ipm"}),
    "clarabel": ("cvxpy-clarabel", {}),
}


def rounds_problem(workers: int, rounds: int) -> Problem:
    """The paper's setting on drawn rounds, sorted outside the measured time."""
    system = cg.System(workers, 20_000, TIMES, samples=50)
    problem = Problem(system, cg.ExpectedRuntime()).sampled(rounds)
    assert isinstance(problem.system.worker_times, cg.Scenarios)
    _ = problem.system.worker_times.sorted_times
    return problem


def run(quick: bool = False, limit: float = 600.0) -> list[dict[str, Any]]:
    """Rows of the comparison.

    Parameters
    ----------
    quick : bool
        The two smallest sizes, once each.
    limit : float
        Seconds that a run of another solver may take.
    """
    sizes = SIZES[:2] if quick else SIZES + LARGEST
    return [_row(workers, rounds, 1 if quick else 3, limit) for workers, rounds in sizes]


def _row(workers: int, rounds: int, repeats: int, limit: float) -> dict[str, Any]:
    problem = rounds_problem(workers, rounds)
    solved = {"optimal": cg.solve(problem, "optimal", gap=1e-9)}
    seconds: dict[str, list[float]] = {"optimal": []}
    for turn in range(repeats):
        for _ in range(5):
            seconds["optimal"].append(cg.solve(problem, "optimal", gap=1e-9).seconds.solve)
        for name, (solver, raw) in OTHERS.items():
            if turn and (name not in seconds or max(seconds[name]) > 20.0):
                continue  # slow ones once
            found = cg.solve(problem, solver, raw=raw, time_limit=limit)
            if found.termination is TerminationCondition.OPTIMAL:
                seconds.setdefault(name, []).append(found.seconds.solve)
                solved[name] = found
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    others = [medians[name] for name in OTHERS if name in medians]
    ours = solved["optimal"]
    off = [found.value / ours.value - 1 for name, found in solved.items() if name in OTHERS]
    return {
        "N": workers,
        "K": rounds,
        "optimal": medians["optimal"],
        **{name: medians.get(name) for name in OTHERS},
        "ratio": min(others) / medians["optimal"] if others else None,
        "gap": ours.gap,
        "others above ours": max(off) if off else None,
        "passes": ours.details["iterations"],
    }


def bandwidth(quick: bool = False) -> Iterator[dict[str, Any]]:
    """Rows: seconds and GB/s of one smoothed pass and of a copy of the rounds."""
    for workers, rounds in ((20, 100_000), (100, 100_000))[: 1 if quick else 2]:
        problem = rounds_problem(workers, rounds)
        assert isinstance(problem.system.worker_times, cg.Scenarios)
        times = problem.system.worker_times.sorted_times
        partition = cg.solve(problem, "optimal").partition
        assert partition is not None
        work = work_of_partition(partition)
        width = 10.0 / rounds
        target = np.empty_like(times)

        def smoothed(times: Any = times, work: Any = work, power: float = 1.0 / width) -> None:
            smoothed_maximum(times, work, power)

        def copy(times: Any = times, target: Any = target) -> None:
            np.copyto(target, times)

        here, plain = _median(smoothed), _median(copy)
        size = times.nbytes / 1e9
        yield {
            "N": workers,
            "K": rounds,
            "pass": here,
            "copy": plain,
            "pass GB/s read": size / here,
            "copy GB/s read": size / plain,
        }


def _median(action: Callable[[], None], repeats: int = 15) -> float:
    action()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds for the others")
    arguments = parser.parse_args()
    show("One pass over the rounds", list(bandwidth(arguments.quick)))
    show("Sample average to 1e-9", run(arguments.quick, arguments.limit))


if __name__ == "__main__":
    main()
