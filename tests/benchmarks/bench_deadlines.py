"""Proofs for deadlines on finite data, in whole numbers and within limits, against HiGHS.

``python -m tests.benchmarks.bench_deadlines [--seconds 60] [--markdown] [CASE...]``

Every case runs with the own method, and rounds with the adapter ``highs`` too, which starts from a
design of the own search. Cases: ``rounds``, ``steps``, ``whole``, ``limits``, ``quantile``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

import cgcopt as cg
from cgcopt.evaluation.rounds.runtimes import round_runtimes
from cgcopt.problem import Problem
from cgcopt.seeds import generator
from tests.benchmarks.table import markdown, show

TIMES = cg.ShiftedExponential(rate=1e-3, shift=50.0)
Case = tuple[str, Problem, str, str | None]


def rounds(workers: int, coordinates: int, count: int, share: float) -> Problem:
    """Rounds and a deadline that the best design for the mean keeps in a share of them."""
    system = cg.System(workers, coordinates, TIMES)
    problem = Problem(system, cg.ExpectedRuntime()).sampled(count, seed=1)
    found = cg.solve(problem, "cutting-plane", gap=1e-3)
    assert found.work is not None
    deadline = float(np.quantile(round_runtimes(problem.system, found.work), share))
    return replace(problem, objective=cg.CompletionProbability(deadline))


def pooled(workers: int, values: int) -> Problem:
    """A pooled trace of so many log-normal times."""
    times = cg.Empirical(1 + generator(0, "pooled").lognormal(0, 0.7, values))
    system = cg.System(workers, 1000, times, samples=workers)
    return Problem(system, cg.CompletionProbability(5000.0))


def of_rounds() -> Iterator[Case]:
    """Rounds, the forms, and the adapter."""
    for workers, coordinates, count, share in (
        (5, 100, 20, 0.6),
        (10, 1000, 200, 0.6),
        (20, 20_000, 1000, 0.6),
        (20, 20_000, 1000, 0.9),
    ):
        problem = rounds(workers, coordinates, count, share)
        title = f"{count} rounds, N = {workers}, L = {coordinates}, share {share}"
        for form in ("relaxed", "block"):
            yield title, problem, form, None
            yield title, problem, form, "highs"
        yield title, problem, "coordinate", None


def of_steps() -> Iterator[Case]:
    """Pooled traces."""
    for workers, values in ((5, 30), (8, 300), (8, 2400), (20, 2000)):
        for form in ("relaxed", "block"):
            yield f"{values} pooled times, N = {workers}", pooled(workers, values), form, None


def of_whole() -> Iterator[Case]:
    """Few coordinates, both objectives."""
    for coordinates in (20, 200, 2000):
        system = cg.System(20, coordinates, TIMES, samples=20)
        title = f"N = 20, L = {coordinates}"
        late = cg.CompletionProbability(1500.0 * coordinates)
        yield f"{title}, probability", Problem(system, late), "block", None
        yield f"{title}, expected runtime", Problem(system, cg.ExpectedRuntime()), "block", None


def of_limits() -> Iterator[Case]:
    """Limits, on a density, a pooled trace and rounds."""
    paper = cg.System(10, 40_000, cg.ShiftedExponential(rate=0.1, shift=1), samples=50)
    density = Problem(paper, cg.CompletionProbability(10**6.5))
    given = {"density": density, "steps": pooled(8, 300), "rounds": rounds(10, 1000, 200, 0.6)}
    for name, problem in given.items():
        for limits in (cg.Limits(copies=6), cg.Limits(blocks=3), cg.Limits(blocks=3, least=0.1)):
            yield f"{name}, {limits.label}", replace(problem, limits=limits), "relaxed", None


def of_quantiles() -> Iterator[Case]:
    """Quantiles on finite data."""
    times = 1 + generator(0, "many rounds").lognormal(0, 0.7, (174, 12))
    kept = Problem(cg.System(12, 1000, cg.Scenarios(times), samples=12), cg.Quantile(0.9))
    steps = replace(pooled(8, 300), objective=cg.Quantile(0.9))
    for title, problem in (("174 rounds, N = 12", kept), ("300 pooled times, N = 8", steps)):
        for form in ("relaxed", "block"):
            yield f"{title}, q = 0.9", problem, form, None


CASES = {
    "rounds": of_rounds,
    "steps": of_steps,
    "whole": of_whole,
    "limits": of_limits,
    "quantile": of_quantiles,
}


def measured(case: Case, seconds: float) -> dict[str, Any]:
    """One run as a row."""
    title, problem, form, solver = case
    started, spent = time.perf_counter(), time.process_time()
    found = cg.solve(problem, solver, form=form, time_limit=seconds)
    return {
        "problem": title,
        "form": form,
        "solver": found.solver,
        "value": f"{found.value:.6g}",
        "bound": f"{found.bound:.6g}",
        "gap": f"{found.gap:.1e}",
        "ended": str(found.termination),
        "seconds": f"{time.perf_counter() - started:.1f}",
        "processor": "" if solver else f"{time.process_time() - spent:.1f}",
    }


def main() -> None:
    """Run the cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    rows = []
    for name in given.cases or CASES:
        for case in CASES[name]():
            rows.append(measured(case, given.seconds))
            if not given.markdown:
                show("", rows[-1:])
    if given.markdown:
        print(markdown(rows))


if __name__ == "__main__":
    main()
