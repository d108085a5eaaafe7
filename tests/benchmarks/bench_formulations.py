"""What the formulations cost and what they buy.

``python -m tests.benchmarks.bench_formulations [TABLE...] [--write]`` prints the tables

- support: every problem at every form in every language with every solver, by running it;
- build: time to write one model of N = 20 and K = 5000 in each language;
- levels: the largest MILP over coordinates that HiGHS proves in a minute, beside the MILP over
  blocks of the same instance;
- strength: nodes and time of the completion-probability MILP with and without its inequalities;
- coordinates: bound of the relaxation, nodes and time of the MILP over coordinates with and without
  the rows of symmetry and those of the block program.

Elapsed times, one thread for the solver, in seconds; ``--seconds`` is the limit of a run.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import cgcopt as cg
from cgcopt.formulations import formulate
from cgcopt.problem import Form, Problem
from cgcopt.solution import Solution
from cgcopt.solvers.base import Role, Task, Times
from cgcopt.solvers.registry import all_solvers
from tests.benchmarks.table import markdown, renew

RUNTIME_TIMES = cg.ShiftedExponential(rate=1e-3, shift=50.0)
PROBABILITY_TIMES = cg.ShiftedExponential(rate=0.1, shift=1.0)


def runtime(workers: int, coordinates: int, rounds: int) -> Problem:
    """The paper's expected runtime on drawn rounds."""
    system = cg.System(workers, coordinates, RUNTIME_TIMES, samples=50)
    return Problem(system, cg.ExpectedRuntime()).sampled(rounds)


def probability(workers: int, coordinates: int, rounds: int) -> Problem:
    """The paper's completion probability on drawn rounds, at a deadline that most designs miss."""
    system = cg.System(workers, coordinates, PROBABILITY_TIMES, samples=50)
    sampled = Problem(system, cg.Quantile(0.4)).sampled(rounds)
    middle = cg.Design(np.full(workers, coordinates / workers))
    deadline = cg.evaluate(sampled, middle).value
    return Problem(sampled.system, cg.CompletionProbability(deadline))


def support(seconds: float) -> Iterator[list[str]]:
    """Rows: objective, form, model, solver, termination, value, gap, seconds."""
    yield ["objective", "form", "on", "solver", "ended", "value", "gap", "s"]
    for form in Form:
        size = (3, 8, 15) if form is Form.COORDINATE else (6, 20_000, 60)
        drawn = runtime(*size)
        tails = [
            Problem(drawn.system, kind(0.9)) for kind in (cg.Quantile, cg.ConditionalValueAtRisk)
        ]
        for problem in (drawn, probability(*size), *tails):
            exact = Problem(
                problem.system.with_times(
                    RUNTIME_TIMES if problem.objective.unit else PROBABILITY_TIMES
                ),
                problem.objective,
            )
            for solver in all_solvers():
                if solver.role is not Role.ADAPTER or not solver.available():
                    continue
                if Task(type(problem.objective), form) not in solver.solves:
                    continue
                on_scenarios = Times.SCENARIOS in solver.times
                given = problem if on_scenarios else exact
                if solver.name.startswith("pyomo-") and not on_scenarios:
                    given = Problem(
                        cg.System(3, 20_000, exact.system.worker_times, samples=50), exact.objective
                    )
                yield [
                    problem.objective.kind,
                    str(form),
                    "scenarios" if on_scenarios else f"distribution, N={given.system.workers}",
                    solver.name,
                    *ending(cg.solve(given, solver(), form=form, time_limit=seconds, threads=1)),
                ]


def ending(solution: Solution) -> list[str]:
    """Termination, value, gap and seconds of a run."""
    spent = solution.seconds.build + solution.seconds.solve
    return [
        str(solution.termination),
        f"{solution.value:.8g}",
        f"{solution.gap:.1e}",
        f"{spent:.2f}",
    ]


def build(seconds: float) -> Iterator[list[str]]:
    """Rows: objective, form, language, seconds to write the model, its variables."""
    yield ["objective", "form", "language", "s", "variables"]
    for problem in (runtime(20, 20_000, 5000), probability(20, 20_000, 5000)):
        for language in ("highspy", "scipy", "cvxpy", "cvxpy, canonical", "pyomo"):
            spent = []
            for _ in range(3):
                formulation = formulate(problem, Form.BLOCK)
                started = time.perf_counter()
                model = getattr(formulation, f"to_{language.split(',')[0]}")()
                if language.endswith("canonical"):
                    model.get_problem_data("HIGHS")
                spent.append(time.perf_counter() - started)
            size = sum(int(np.prod(shape)) for shape in formulation.variables.values())
            middle = f"{statistics.median(spent):.2f}"
            yield [problem.objective.kind, "block", language, middle, str(size)]


def levels(seconds: float) -> Iterator[list[str]]:
    """Rows: N, L, K, form, columns, rows, nodes, termination, value, gap, seconds."""
    header = ["N", "L", "K", "form", "columns", "rows", "nodes", "ended", "value", "gap", "s"]
    yield ["objective", *header]
    workers, rounds = 5, 20
    for make in (runtime, probability):
        for coordinates in (10, 20, 30, 40, 60, 80, 160, 320, 640, 1280, 20_000):
            problem = make(workers, coordinates, rounds)
            proven = True
            for form in (Form.COORDINATE, Form.BLOCK):
                if form is Form.COORDINATE and coordinates == 20_000:
                    continue
                found = cg.solve(problem, "highs", form=form, time_limit=seconds, threads=1)
                details = [str(found.details.get(name)) for name in ("columns", "rows", "nodes")]
                sizes = [str(workers), str(coordinates), str(rounds), str(form)]
                yield [problem.objective.kind, *sizes, *details, *ending(found)]
                proven = proven and found.termination == "optimal"
            if not proven:
                break
        else:
            continue
        problem = make(workers, 20_000, rounds)
        found = cg.solve(problem, "highs", form="block", time_limit=seconds, threads=1)
        details = [str(found.details.get(name)) for name in ("columns", "rows", "nodes")]
        sizes = [str(workers), "20000", str(rounds), "block"]
        yield [problem.objective.kind, *sizes, *details, *ending(found)]


def strength(seconds: float) -> Iterator[list[str]]:
    """Rows: N, K, inequalities, nodes, termination, value, gap, seconds."""
    yield ["N", "K", "inequalities", "nodes", "ended", "value", "gap", "s"]
    kinds: dict[str, dict[str, Any]] = {
        "big-M": {"strong": False, "at_least": 0},
        "mixing": {"strong": True, "at_least": 0},
        "big-M, known design": {"strong": False},
        "mixing, known design": {"strong": True},
    }
    for workers, rounds in ((5, 100), (5, 500), (10, 100), (10, 200), (10, 500)):
        problem = probability(workers, 40_000, rounds)
        for name, kind in kinds.items():
            raw = {"formulation": kind}
            found = cg.solve(problem, "highs", time_limit=seconds, threads=1, raw=raw)
            nodes = str(found.details["nodes"])
            yield [str(workers), str(rounds), name, nodes, *ending(found)]


def coordinates(seconds: float) -> Iterator[list[str]]:
    """Rows: objective, N, L, K, rows of the model, LP bound, nodes, termination, value, gap, s."""
    sizes = ["N", "L", "K"]
    yield [
        "objective",
        *sizes,
        "symmetry",
        "blocks",
        "LP bound",
        "nodes",
        "ended",
        "value",
        "gap",
        "s",
    ]
    workers, rounds = 5, 20
    for make, count in itertools.product((runtime, probability), (20, 40, 80, 200)):
        problem = make(workers, count, rounds)
        for symmetry, equivalence in itertools.product((False, True), repeat=2):
            kind: dict[str, Any] = {"symmetry": symmetry, "equivalence": equivalence}
            formulation = formulate(problem, Form.COORDINATE, **kind)
            relaxation = formulation.to_highspy()
            relaxation.setOptionValue("solve_relaxation", True)
            relaxation.run()
            bound = formulation.value(relaxation.getObjectiveValue())
            raw = {"formulation": kind}
            found = cg.solve(
                problem, "highs", form="coordinate", time_limit=seconds, threads=1, raw=raw
            )
            yield [
                problem.objective.kind,
                *map(str, (workers, count, rounds)),
                "yes" if symmetry else "no",
                "yes" if equivalence else "no",
                f"{bound:.6g}",
                str(found.details.get("nodes", "")),
                *ending(found),
            ]


TABLES: dict[str, Callable[[float], Iterator[list[str]]]] = {
    "support": support,
    "build": build,
    "levels": levels,
    "strength": strength,
    "coordinates": coordinates,
}


DOCS = Path(__file__).resolve().parents[2] / "docs"
#: The page of every table that is written.
PAGES = {"support": "support.md", "coordinates": "benchmarks.md", "levels": "benchmarks.md"}


def main() -> None:
    """Print the chosen tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", help=f"of {', '.join(TABLES)}; all by default")
    parser.add_argument("--seconds", type=float, default=60.0, help="limit of a run")
    parser.add_argument(
        "--write",
        action="store_true",
        help="renew docs/support.md and the sections of these tables",
    )
    arguments = parser.parse_args()
    console = Console(width=150)
    for name in arguments.tables or TABLES:
        rows = TABLES[name](arguments.seconds)
        head = next(rows)
        table, lines = Table(*head, title=name), []
        for row in rows:
            table.add_row(*row)
            lines.append(dict(zip(head, row, strict=True)))
        console.print(table)
        if arguments.write and name in PAGES:
            made = f"{datetime.now(UTC):%Y-%m-%d}, {arguments.seconds:g} s a run."
            renew(DOCS / PAGES[name], name, f"{made}\n\n{markdown(lines)}")


if __name__ == "__main__":
    main()
