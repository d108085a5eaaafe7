"""Completion probability on rounds: own proofs against brute force and outside solvers."""

from itertools import combinations

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.design import level_weights, work_of_partition
from cgcopt.evaluation.rounds.runtimes import round_runtimes
from cgcopt.seeds import generator
from tests.turns import in_turns

FORMS = ("block", "coordinate")


def partitions(coordinates: int, workers: int) -> np.ndarray:
    """All partitions in whole numbers."""
    places = combinations(range(coordinates + workers - 1), workers - 1)
    ends = [(-1, *place, coordinates + workers - 1) for place in places]
    return np.diff(np.array(ends, dtype=float), axis=1) - 1


def random_limits(rng: np.random.Generator, workers: int, coordinates: int) -> cg.Limits:
    """No limits, or some of one kind."""
    count = int(rng.integers(1, workers + 1))
    ends = sorted({*rng.integers(1, coordinates + 1, 3).tolist(), coordinates})
    kinds = [{}, {"copies": count}, {"blocks": count}, {"boundaries": ends}]
    kinds.append({"blocks": count, "least": float(rng.uniform(0.05, 0.6))})
    return cg.Limits(**kinds[int(rng.integers(len(kinds)))])


@in_turns(every=3, seed=range(60))
def test_no_partition_meets_more_rounds(seed: int) -> None:
    rng = generator(seed, "met rounds")
    workers, coordinates, rounds = (int(rng.integers(1, most)) for most in (5, 9, 9))
    whole = rng.integers(1, 8, (rounds, workers)).astype(float)
    times = whole if seed % 2 else rng.lognormal(size=(rounds, workers))
    system = cg.System(workers, coordinates, cg.Scenarios(times), samples=workers)
    every = partitions(coordinates, workers)
    runtimes = np.array([round_runtimes(system, work_of_partition(x)) for x in every])
    deadline = float(np.quantile(runtimes, rng.uniform(0.05, 0.7)))  # often met just so
    limits = random_limits(rng, workers, coordinates)
    kept = np.array([not limits.violation(x) for x in every])
    best = (runtimes[kept] <= deadline).mean(axis=1).max()
    problem = cg.Problem(system, cg.CompletionProbability(deadline), limits=limits)
    for form in FORMS:
        solution = cg.solve(problem, form=form, time_limit=20)
        assert solution.solver == "optimal-integer"
        assert (solution.value, solution.bound) == (pytest.approx(best), pytest.approx(best))


def most_met(thresholds: np.ndarray, weights: np.ndarray, coordinates: int) -> int:
    """The largest set of rounds whose smallest thresholds hold all coordinates."""
    rounds = range(len(thresholds))
    for size in reversed(rounds):
        for met in combinations(rounds, size + 1):
            if weights @ thresholds[list(met)].min(axis=0) >= coordinates:
                return size + 1
    return 0


@pytest.mark.parametrize("copies", [None, 1, 2])
@pytest.mark.parametrize("seed", range(10))
def test_no_set_of_rounds_is_larger(seed: int, copies: int | None) -> None:
    rng = generator(seed, "sets of rounds")
    workers, rounds = int(rng.integers(2, 6)), int(rng.integers(1, 10))
    times = 0.2 + rng.lognormal(size=(rounds, workers))
    system = cg.System(workers, 50, cg.Scenarios(times), samples=workers)
    deadline = float(rng.uniform(60, 250))
    levels = np.arange(workers if copies is None else min(copies, workers))
    thresholds = deadline / np.sort(times, axis=1)[:, ::-1][:, levels]
    best = most_met(thresholds, level_weights(levels), 50) / rounds
    problem = cg.Problem(
        system, cg.CompletionProbability(deadline), limits=cg.Limits(levels=levels.tolist())
    )
    solution = cg.solve(problem, time_limit=20)
    assert (solution.value, solution.bound) == (pytest.approx(best), pytest.approx(best))


def test_outside_solvers_start_from_the_own_design() -> None:
    times = 1 + generator(0, "start").lognormal(0, 0.7, (200, 8))
    problem = cg.Problem(
        cg.System(8, 1000, cg.Scenarios(times), samples=8), cg.CompletionProbability(4500.0)
    )
    own = cg.solve(problem, time_limit=20)
    stopped = cg.solve(problem, "highs", raw={"mip_max_nodes": 0, "mip_heuristic_effort": 0.0})
    assert own.gap == 0.0
    assert 0.0 < own.value < 1.0
    assert stopped.value >= 0.95 * own.value
