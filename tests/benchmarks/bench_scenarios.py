"""Sample averages: "optimal" against HiGHS (simplex, interior point) and Clarabel, same rounds.

``python -m tests.benchmarks.bench_scenarios [--quick]`` prints two tables; :func:`run` returns the
rows of the first. Processor seconds of solving, building of models left out, medians of runs taken
in turn; ``ratio`` is the best of the others over ours. Each run of another solver is a process of
its own with limits on processor time and memory; one that gives no optimum leaves the reason, in
parentheses where it was not tried because a problem no larger had failed or passed the limit. The
second table times one pass over the rounds beside a plain copy of the same array, and gives the
peak memory of a solve.

Pin it to one core (``taskset -c 1``), so that nobody computes in parallel.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import resource
import signal
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import cgcopt as cg
from cgcopt.design import work_of_partition
from cgcopt.problem import Problem
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.runtime.smoothed_maximum import smoothed_maximum
from tests.benchmarks.table import show

TIMES = cg.ShiftedExponential(rate=1e-3, shift=50.0)
#: Workers and rounds, the cheap ones first.
SIZES = sorted(
    ((workers, rounds) for workers in (20, 50, 100) for rounds in (1000, 5000, 20_000, 100_000)),
    key=lambda size: (size[0] * size[1], size[1]),
)
OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "simplex": ("highs", {"raw": {"solver": "simplex"}}),
    "ipm": ("highs", {"raw": {"solver": "ipm"}}),
    "clarabel": ("cvxpy-clarabel", {}),
}
METHODS = {"optimal": ("optimal", {"gap": 1e-9}), **OTHERS}
#: Seconds from which a run is not repeated.
SLOW = 20.0
#: Processor seconds beyond the limit for imports and for building the model.
GRACE = 60.0
#: Address space of a run in bytes.
MEMORY = 12 * 10**9
#: The rows as they come.
ROWS = Path("build/bench/scenarios.jsonl")

#: Solvers with the sizes at which they failed, and why.
Failures = dict[str, dict[tuple[int, int], str]]


def rounds_problem(workers: int, rounds: int) -> Problem:
    """The paper's setting on drawn rounds, sorted outside the measured time."""
    system = cg.System(workers, 20_000, TIMES, samples=50)
    problem = Problem(system, cg.ExpectedRuntime()).sampled(rounds)
    assert isinstance(problem.system.worker_times, cg.Scenarios)
    _ = problem.system.worker_times.sorted_times
    return problem


def run(quick: bool = False, limit: float = 60.0) -> list[dict[str, Any]]:
    """Rows of the comparison, each also printed and kept in ``build/bench`` as soon as it is known.

    Parameters
    ----------
    quick : bool
        The two smallest sizes, once each.
    limit : float
        Seconds that a run of another solver may take.
    """
    ROWS.parent.mkdir(parents=True, exist_ok=True)
    ROWS.unlink(missing_ok=True)
    failures: Failures = defaultdict(dict)
    rows = []
    for size in SIZES[:2] if quick else SIZES:
        rows.append(_row(size, 1 if quick else 3, limit, failures))
        line = json.dumps(rows[-1])
        print(line, flush=True)
        with ROWS.open("a") as file:
            file.write(line + "\n")
    return rows


def _row(size: tuple[int, int], repeats: int, limit: float, failures: Failures) -> dict[str, Any]:
    problem = rounds_problem(*size)
    ours = [_solve(problem, "optimal")]
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in OTHERS}
    for _ in range(repeats):
        for name, runs in found.items():
            ours.append(_solve(problem, "optimal"))
            if all(run.get("seconds", SLOW) < SLOW for run in runs):
                runs.append(_limited(name, size, limit, failures[name]))
    seconds = statistics.median(run["seconds"] for run in ours[1:])  # the first one warms up
    medians = {name: _median_or_reason(runs) for name, runs in found.items()}
    times = [median for median in medians.values() if isinstance(median, float)]
    values = [run["value"] for runs in found.values() for run in runs if "value" in run]
    off = [value / ours[0]["value"] - 1 for value in values]
    return {
        "N": size[0],
        "K": size[1],
        "optimal": seconds,
        **medians,
        "ratio": min(times) / seconds if times else None,
        "gap": ours[0]["gap"],
        "others above ours": max(off, key=abs) if off else None,
        "passes": ours[0]["passes"],
    }


def _solve(problem: Problem, name: str) -> dict[str, Any]:
    """Processor seconds, value, gap and passes, or the reason of a failure."""
    solver, options = METHODS[name]
    wall, processor = time.perf_counter(), time.process_time()
    solution = cg.solve(problem, solver, **options)
    share = (time.process_time() - processor) / (time.perf_counter() - wall)
    if solution.termination not in (TerminationCondition.OPTIMAL, TerminationCondition.CONVERGED):
        return {"failed": _reason(solution.message), "message": solution.message}
    return {
        "seconds": solution.seconds.solve * share,
        "value": solution.value,
        "gap": solution.gap,
        "passes": solution.details["iterations"],
    }


def _median_or_reason(runs: list[dict[str, Any]]) -> float | str:
    failed = [run["failed"] for run in runs if "failed" in run]
    return failed[0] if failed else float(statistics.median(run["seconds"] for run in runs))


def _limited(
    name: str, size: tuple[int, int], limit: float, failed: dict[tuple[int, int], str]
) -> dict[str, Any]:
    """Run another solver unless it failed at a size that is no larger."""
    for smaller, reason in failed.items():
        if smaller[0] <= size[0] and smaller[1] <= size[1]:
            return {"failed": f"({reason})"}
    found = _process(name, size, limit)
    print(f"N={size[0]} K={size[1]} {name}: {found}", flush=True)
    if found.get("seconds", math.inf) > limit:
        failed[size] = found.get("failed", "time")
    return found


def _process(name: str, size: tuple[int, int], limit: float) -> dict[str, Any]:
    """Run one solver in a process of its own, which the system ends at the limit."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_scenarios", "--only", name]
    command += [*map(str, size), "--limit", str(limit)]
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode == -signal.SIGXCPU:
        return {"failed": "time"}
    if ended.returncode:
        return {"failed": _reason(ended.stderr), "message": ended.stderr[-200:]}
    answer: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return answer


def only(name: str, size: tuple[int, int], limit: float) -> dict[str, Any]:
    """Solve once in this process under limits on processor time and memory."""
    most = int(limit + GRACE)
    resource.setrlimit(resource.RLIMIT_CPU, (most, most + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    return {**_solve(rounds_problem(*size), name), "peak GB": _peak_memory()}


def _peak_memory() -> float:
    """Peak resident memory in GB; not from getrusage, whose peak starts at that of the parent."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e9


def _reason(message: str) -> str:
    return "memory" if re.search("memory|bad_alloc", message, re.IGNORECASE) else "error"


def bandwidth(quick: bool = False) -> Iterator[dict[str, Any]]:
    """Rows: one smoothed pass and a copy of the rounds, seconds and GB/s; peak memory of a solve."""
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
            "solve peak GB": _process("optimal", (workers, rounds), 600.0)["peak GB"],
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
    """Print both tables, or one run as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds for the others")
    parser.add_argument("--only", nargs=3, metavar=("METHOD", "N", "K"), help="one run, as JSON")
    arguments = parser.parse_args()
    if arguments.only:
        name, workers, rounds = arguments.only
        print(json.dumps(only(name, (int(workers), int(rounds)), arguments.limit)))
        return
    show("One pass over the rounds", list(bandwidth(arguments.quick)))
    show("Sample average to 1e-9", run(arguments.quick, arguments.limit))


if __name__ == "__main__":
    main()
