"""A sweep over deadlines: models that are built anew, changed in place, and started from the last design.

``python -m tests.benchmarks.bench_sweep [--points 50] [--workers 8] [--rounds 60] [--write]`` prints
for every language the elapsed seconds of writing or changing the models and of solving them, one
thread.  The values are the same in every row, or the script ends with an error.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import cgcopt as cg
from cgcopt.formulations import Formulation, formulate
from cgcopt.problem import Problem
from tests.benchmarks.table import markdown, renew, show

TIMES = cg.ShiftedExponential(rate=0.1, shift=1.0)


@dataclass
class Spent:
    """Seconds of one sweep, and what it found."""

    write: float = 0.0
    solve: float = 0.0
    values: tuple[float, ...] = ()


def problem_of(workers: int, coordinates: int, rounds: int) -> Problem:
    """The paper's completion probability on drawn rounds; the deadline is the middle of the sweep."""
    system = cg.System(workers, coordinates, TIMES, samples=50)
    drawn = Problem(system, cg.Quantile(0.4)).sampled(rounds)
    middle = cg.evaluate(drawn, np.full(workers, coordinates / workers)).value
    return Problem(drawn.system, cg.CompletionProbability(middle))


def solve_cvxpy(model: Any) -> float:
    """Solve with HiGHS; the start is that of cvxpy's cache."""
    model.solve(solver="HIGHS", warm_start=True, mip_rel_gap=0.0, threads=1)
    return float(model.value)


def solve_pyomo(model: Any) -> float:
    """Solve with HiGHS."""
    from pyomo.contrib.solver.solvers.highs import Highs

    return float(Highs().solve(model, rel_gap=0.0, threads=1).incumbent_objective)


def solve_highspy(model: Any) -> float:
    """Solve with HiGHS itself."""
    model.setOptionValue("mip_rel_gap", 0.0)
    model.setOptionValue("threads", 1)
    model.run()
    return float(model.getObjectiveValue())


SOLVE = {"cvxpy": solve_cvxpy, "pyomo": solve_pyomo, "highspy": solve_highspy}


def sweep(problem: Problem, language: str, way: str, deadlines: np.ndarray) -> Spent:
    """Solve the problem at every deadline, in one of three ways."""
    spent, values = Spent(), []
    formulation: Formulation | None = None
    model, design = None, None
    for deadline in deadlines.tolist():
        started = time.perf_counter()
        if model is None or formulation is None or way == "anew":
            changed = replace(problem, objective=cg.CompletionProbability(deadline))
            formulation = formulate(changed, "relaxed")
            model = getattr(formulation, f"to_{language}")()
        else:
            formulation = formulation.update(model, deadline=deadline)
        if way == "changed, started" and design is not None:
            formulation.warm_start(model, design)
        written = time.perf_counter()
        values.append(formulation.value(SOLVE[language](model)))
        spent.solve += time.perf_counter() - written
        spent.write += written - started
        design = formulation.design(model)
    spent.values = tuple(values)
    return spent


def run(points: int = 50, workers: int = 8, rounds: int = 60) -> Iterator[dict[str, Any]]:
    """Rows of the table."""
    problem = problem_of(workers, 40_000, rounds)
    (middle,) = problem.objective.parameters
    deadlines = float(middle) * np.linspace(0.7, 1.1, points)
    expected: tuple[float, ...] = ()
    for language in SOLVE:
        sweep(problem_of(2, 100, 3), language, "anew", np.array([1e6]))  # imports
        for way in ("anew", "changed", "changed, started"):
            spent = sweep(problem, language, way, deadlines)
            expected = expected or spent.values
            if not np.allclose(spent.values, expected, rtol=0, atol=1e-9):
                raise SystemExit(f"{language}, {way}: other values than the first sweep")
            yield {
                "language": language,
                "models": way,
                "write, s": round(spent.write, 3),
                "solve, s": round(spent.solve, 3),
                "total, s": round(spent.write + spent.solve, 3),
            }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=50)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--write", action="store_true", help="renew the section of the page")
    arguments = parser.parse_args()
    rows = list(run(arguments.points, arguments.workers, arguments.rounds))
    show(f"{arguments.points} deadlines", rows)
    if arguments.write:
        page = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
        size = f"N = {arguments.workers}, {arguments.rounds} rounds"
        made = f"{datetime.now(UTC):%Y-%m-%d}: {arguments.points} deadlines, {size}, one thread."
        renew(page, "sweep", f"{made}\n\n{markdown(rows)}")


if __name__ == "__main__":
    main()
