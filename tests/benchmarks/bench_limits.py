"""Time limits against wall time, and how soon a command ends at Ctrl-C, for every solver.

``python -m tests.benchmarks.bench_limits [SOLVER...] [--seconds 3 10] [--signals]``

Every solver gets the hardest problem that it takes here, at each of its forms, and a gap of 0; the
wall time is that of :func:`cgcopt.solve`, judging included.  Solvers are imported before, which
counts for no limit.  The load is the number of processes that want a core: where it exceeds that of the
cores, seconds are longer than they are on an idle machine.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import cgcopt as cg
from cgcopt.problem import Form, Problem
from cgcopt.solvers.base import Solver, Task, Times
from cgcopt.solvers.registry import all_solvers
from tests.benchmarks.table import show

TIMES = cg.ShiftedExponential(rate=1e-3, shift=50.0)
#: Worker times that every solver takes one of.
KINDS = (Times.SCENARIOS, Times.DISCRETE, Times.CONTINUOUS)
COORDINATE_FORM = """
[system]
workers = 10
coordinates = 150
[worker_times]
family = "shifted-exponential"
rate = 1e-3
shift = 50.0
"""


def problem_for(task: Task, times: Times, name: str) -> Problem:
    """A problem that most solvers do not finish in some seconds."""
    small = "pyomo" in name and times is not Times.SCENARIOS
    workers, coordinates = (4 if small else 30), 20_000
    if task.form is Form.COORDINATE:
        workers, coordinates = 10, 200
    elif task.form is Form.BLOCK and times is Times.SCENARIOS:
        workers = 20
    system = cg.System(workers, coordinates, TIMES, samples=50)
    if times is Times.DISCRETE:
        values = TIMES.sample(2000, 1, np.random.default_rng(0)).ravel()
        system = system.with_times(cg.Empirical(values))
    problem = Problem(system, cg.ExpectedRuntime())
    if times is Times.SCENARIOS:
        problem = problem.sampled(200 if task.form is Form.COORDINATE else 2000, seed=0)
    if task.objective is cg.ExpectedRuntime:
        return problem
    if task.objective is cg.ConditionalValueAtRisk:
        return Problem(problem.system, cg.ConditionalValueAtRisk(0.9))
    quantile = Problem(problem.system, cg.Quantile(0.4))
    if task.objective is cg.Quantile:
        return quantile
    middle = cg.Design(np.full(workers, coordinates / workers))
    deadline = cg.evaluate(quantile, middle).value
    return Problem(problem.system, cg.CompletionProbability(deadline))


def limits(solvers: Sequence[type[Solver]], seconds: Sequence[float]) -> Iterator[dict[str, Any]]:
    """One row for every solver, task and limit."""
    for cls in solvers:
        tasks = sorted(cls.solves, key=lambda task: (task.objective.kind, task.form))
        for times, task in product([kind for kind in KINDS if kind in cls.times], tasks):
            problem = problem_for(task, times, cls.name)
            for limit in seconds:
                warm(cls, times)
                started = time.perf_counter()
                found = cg.solve(
                    problem, cls(), form=task.form, time_limit=limit, gap=0.0, threads=1
                )
                wall = time.perf_counter() - started
                yield {
                    "solver": cls.name,
                    "objective": task.objective.kind,
                    "form": str(task.form),
                    "times": str(times),
                    "limit": limit,
                    "wall": round(wall, 2),
                    "solver's part": round(found.seconds.build + found.seconds.solve, 2),
                    "load": round(os.getloadavg()[0], 1),
                    "kept": wall <= 1.1 * limit + 2.0,
                    "ended": str(found.termination),
                    "holds": str(found.status),
                }


def warm(cls: type[Solver], times: Times) -> None:
    """Let a solver be imported, in the process of its runs, on a problem that takes no time."""
    task = min(cls.solves, key=lambda task: task.form == Form.COORDINATE)
    system = cg.System(2, 4, TIMES)
    problem = Problem(system, cg.ExpectedRuntime())
    if times is Times.SCENARIOS:
        problem = problem.sampled(3, seed=0)
    elif times is Times.DISCRETE:
        problem = Problem(system.with_times(cg.Empirical([1.0, 2.0])), problem.objective)
    if task.objective is cg.CompletionProbability:
        problem = Problem(problem.system, cg.CompletionProbability(4e3))
    elif task.objective is cg.Quantile:
        problem = Problem(problem.system, cg.Quantile(0.4))
    elif task.objective is cg.ConditionalValueAtRisk:
        problem = Problem(problem.system, cg.ConditionalValueAtRisk(0.9))
    cg.solve(problem, cls(), form=task.form, time_limit=20.0)


def signals(solvers: Sequence[type[Solver]]) -> Iterator[dict[str, Any]]:
    """One row for every solver of the coordinate form and every signal."""
    with TemporaryDirectory() as folder:
        instance = Path(folder) / "instance.toml"
        instance.write_text(COORDINATE_FORM)
        for cls in solvers:
            if Task(cg.ExpectedRuntime, Form.COORDINATE) not in cls.solves:
                continue
            for number in (signal.SIGINT, signal.SIGTERM):
                yield _signalled(cls.name, number, instance)


def _signalled(name: str, number: signal.Signals, instance: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "cgcopt", "solve", str(instance), "--solver", name]
    command += ["--form", "coordinate", "--scenarios", "150"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=os.environ) as process:
        time.sleep(12.0)
        started = time.perf_counter()
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
        took = time.perf_counter() - started
    return {
        "solver": name,
        "signal": number.name,
        "ended after": round(took, 2),
        "exit code": process.returncode,
        "design shown": "feasible" in out,
        "standard error": err.strip()[-60:],
    }


def run(*, quick: bool = False) -> list[dict[str, Any]]:
    """Rows of the limits for the table of all benchmarks."""
    chosen = [cls for cls in all_solvers() if cls.available()]
    return list(limits(chosen, [2.0] if quick else [3.0, 10.0]))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("solvers", nargs="*", help="names; all by default")
    parser.add_argument("--seconds", type=float, nargs="+", default=[3.0])
    parser.add_argument("--signals", action="store_true", help="signals instead of limits")
    given = parser.parse_args()
    chosen = [
        cls
        for cls in all_solvers()
        if cls.available() and (not given.solvers or cls.name in given.solvers)
    ]
    rows = signals(chosen) if given.signals else limits(chosen, given.seconds)
    show("signals" if given.signals else "limits", list(rows))


if __name__ == "__main__":
    main()
