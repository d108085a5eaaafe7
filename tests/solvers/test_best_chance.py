"""Deadlines: proofs in whole numbers and within limits, against all partitions."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.seeds import generator
from tests.turns import in_turns


def partitions(coordinates: int, workers: int) -> np.ndarray:
    """All partitions in whole numbers."""
    places = combinations(range(coordinates + workers - 1), workers - 1)
    ends = [(-1, *place, coordinates + workers - 1) for place in places]
    return np.diff(np.array(ends, dtype=float), axis=1) - 1


def random_problem(seed: int) -> cg.Problem:
    """A small problem, with times of a density or of finitely many values, and limits of one kind."""
    rng = generator(seed, "best chance")
    workers, coordinates, values = (int(rng.integers(1, most)) for most in (5, 8, 7))
    whole = rng.integers(1, 8, values).astype(float)
    times = [
        cg.ShiftedExponential(rate=1.0, shift=float(rng.uniform(0.05, 1.0))),
        cg.Empirical(whole),
        cg.Empirical(rng.lognormal(size=values)),
    ][seed % 3]
    deadline = float(rng.uniform(0.75, 6.0)) * coordinates
    count = int(rng.integers(1, workers + 1))
    ends = sorted({*rng.integers(1, coordinates + 1, 3).tolist(), coordinates})
    kinds = [{}, {"copies": count}, {"blocks": count}, {"boundaries": ends}]
    kinds.append({"blocks": count, "least": float(rng.uniform(0.05, 0.6))})
    return cg.Problem(
        cg.System(workers, coordinates, times, samples=workers),
        cg.CompletionProbability(round(deadline) if seed % 2 else deadline),
        limits=cg.Limits(**kinds[int(rng.integers(len(kinds)))]),
    )


@in_turns(every=5, seed=range(40))
def test_no_partition_is_better(seed: int) -> None:
    problem = random_problem(seed)
    system, limits = problem.system, problem.limits
    every = partitions(system.coordinates, system.workers)
    best = max(evaluate(problem, x).value for x in every if not limits.violation(x))
    block = cg.solve(problem, form="block", time_limit=10, gap=1e-5)
    assert block.solver == "optimal-integer"
    assert block.value == pytest.approx(best, rel=2e-5, abs=1e-300)
    assert best * (1 - 1e-12) <= block.bound <= best * (1 + 3e-5)
    relaxed = cg.solve(problem, time_limit=5, gap=1e-5)
    assert relaxed.bound >= best * (1 - 1e-12)
    if system.worker_times.kind == "discrete" or limits:
        assert relaxed.gap <= 1e-3


@in_turns(every=2, seed=range(1, 19))
def test_no_partition_has_a_smaller_quantile(seed: int) -> None:
    problem, rng = random_problem(seed), generator(seed, "quantile")
    system, limits = problem.system, problem.limits
    if seed % 2:
        shape = int(rng.integers(1, 9)), system.workers
        drawn = rng.lognormal(size=shape) if seed % 4 == 1 else rng.integers(1, 8, shape)
        system = system.with_times(cg.Scenarios(drawn.astype(float)))
    objective = cg.Quantile(float(rng.uniform(0.05, 0.95)))
    problem = replace(problem, system=system, objective=objective)
    every = partitions(system.coordinates, system.workers)
    best = min(evaluate(problem, x).value for x in every if not limits.violation(x))
    block = cg.solve(problem, form="block", time_limit=10, gap=1e-5)
    assert block.solver == "optimal-integer"
    assert block.value == pytest.approx(best, rel=2e-5)
    assert best * (1 - 3e-5) <= block.bound <= best * (1 + 1e-12)
    assert cg.solve(problem, time_limit=3, gap=1e-4).bound <= best * (1 + 1e-12)


def test_a_pooled_trace_is_proven() -> None:
    values = 1 + generator(0, "pooled").lognormal(0, 0.7, 30)
    problem = cg.Problem(
        cg.System(5, 1000, cg.Empirical(values), samples=5), cg.CompletionProbability(3000.0)
    )
    solution = cg.solve(problem, time_limit=6, gap=1e-3)
    assert solution.gap <= 2e-2
    assert 0.3 < solution.value < 1.0
    # The bound holds for all designs: also for drawn ones, and for those of all schemes.
    drawn = generator(1, "drawn").dirichlet(np.full(5, 0.5), 2000) * 1000
    assert max(cg.evaluate(problem, x).value for x in drawn) <= solution.bound
