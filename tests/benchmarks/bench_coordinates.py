"""Are proofs proofs at every number of coordinates?

``python -m tests.benchmarks.bench_coordinates [--draws 3] [--exponents 6 9]`` prints, for every
solver of the completion probability in the block form and every ``L = 1e5 ... 1e12``, how many runs there
were and how many were wrong, over

- ``N = 5``, 40 rounds, and ``N = 20``, 60 rounds, drawn at the deadline whose best exact probability is
  0.5 (``Problem.sampled(K, seed)``, seeds from 0, and the seeds 2, 3 and 7);
- rounds in which workers did not answer, given as 1e7 seconds.

The truth of ``N = 5`` is that of a search over all sets of thresholds in exact integers; that of
``N = 20`` lies between value and bound of the project's own method. A run is wrong if its bound excludes
the truth, if its value exceeds it, if it says optimal and is not, or if its gap is negative.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import cgcopt as cg
from cgcopt.problem import Form, Problem
from cgcopt.solution import Solution, TerminationCondition
from cgcopt.solvers.base import Task
from cgcopt.solvers.registry import all_solvers
from tests.benchmarks.table import markdown, show
from tests.solvers.references import best_share

#: What rounding may do to a share of rounds.
CLOSE = 1e-9
TASK = Task(cg.CompletionProbability, Form.BLOCK)


@dataclass(frozen=True)
class Draw:
    """A problem and the interval in which its optimum lies."""

    name: str
    problem: Problem
    least: float
    most: float

    def wrong(self, solution: Solution) -> str:
        """Say what is wrong with a run; empty where nothing is."""
        if solution.gap < 0.0:
            return "negative gap"
        if solution.bound < self.least - CLOSE:
            return "false bound"
        if solution.value > self.most + CLOSE:
            return "value above the truth"
        proven = solution.termination is TerminationCondition.OPTIMAL
        if proven and solution.value < self.least - CLOSE:
            return "false optimum"
        return ""


def draws(coordinates: int, count: int) -> Iterator[Draw]:
    """The problems at one number of coordinates."""
    times = cg.ShiftedExponential(rate=1.0, shift=1.0)
    for workers, rounds, seeds in ((5, 40, {3}), (20, 60, {2, 7})):
        system = cg.System(workers, coordinates, times, samples=workers, cycles=1.0 / coordinates)
        best = cg.solve(Problem(system, cg.Quantile(0.5)), "optimal", time_limit=20)
        exact = Problem(system, cg.CompletionProbability(best.value))
        for seed in sorted(seeds | set(range(count))):
            yield _draw(f"N = {workers}, seed {seed}", exact.sampled(rounds, seed=seed))
    rng = np.random.default_rng(1)
    for number in range(count):
        rows = 1.0 + rng.exponential(1.0, (40, 5))
        rows[rng.random(rows.shape) < 0.12] = 1e7
        system = cg.System(5, coordinates, cg.Scenarios(rows), samples=5, cycles=1.0 / coordinates)
        yield _draw(f"lost answers {number}", Problem(system, cg.CompletionProbability(3.0)))


def _draw(name: str, problem: Problem) -> Draw:
    if problem.system.workers <= 5:
        truth = best_share(problem)
        return Draw(name, problem, truth, truth)
    own = cg.solve(problem, form="block", time_limit=60)
    return Draw(name, problem, own.value, own.bound)


def run(
    quick: bool = False, *, count: int = 3, seconds: float = 20.0, exponents: Sequence[int] = ()
) -> list[dict[str, Any]]:
    """Rows: a solver, and ``runs, wrong, not proven in time`` for each number of coordinates."""
    exponents = exponents or ((6, 9) if quick else range(5, 13))
    solvers = [cls for cls in all_solvers() if TASK in cls.solves and cls.available()]
    counts: dict[tuple[str, int], list[int]] = {}
    for exponent in exponents:
        for draw in draws(10**exponent, 1 if quick else count):
            for cls in solvers:
                found = cg.solve(draw.problem, cls(), form="block", time_limit=seconds, threads=1)
                said = draw.wrong(found)
                if said:
                    where = f"{cls.name}, L = 1e{exponent}, {draw.name}"
                    what = f"{found.value} {found.bound}, truth {draw.least} to {draw.most}"
                    print(f"{where}: {said}: {what}: {found.message}", flush=True)
                cell = counts.setdefault((cls.name, exponent), [0, 0, 0])
                cell[0] += 1
                cell[1] += bool(said)
                cell[2] += found.termination is not TerminationCondition.OPTIMAL
    return [
        {
            "solver": cls.name,
            **{f"L = 1e{e}": ", ".join(map(str, counts[cls.name, e])) for e in exponents},
        }
        for cls in solvers
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--exponents", type=int, nargs="*", default=[])
    given = parser.parse_args()
    found = run(count=given.draws, seconds=given.seconds, exponents=given.exponents)
    show("runs, wrong, not proven in time", found)
    print(markdown(found))
