"""The smallest deadline that enough rounds keep, against brute force over the late rounds."""

from itertools import combinations

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.design import budget_weights
from cgcopt.evaluation.result import Certificate
from cgcopt.seeds import generator


def smallest_deadline(times: np.ndarray, allowed: int, coordinates: int) -> float:
    """Every choice of late rounds; the work of a level is what the slowest other round affords."""
    slowest_first = -np.sort(-times, axis=1)
    weights = budget_weights(times.shape[1])
    kept = (
        np.setdiff1d(range(len(times)), late) for late in combinations(range(len(times)), allowed)
    )
    return coordinates / max(
        float(weights @ (1 / slowest_first[rows].max(axis=0))) for rows in kept
    )


@pytest.mark.parametrize("seed", range(30))
def test_no_choice_of_late_rounds_is_better(seed: int) -> None:
    rng = generator(seed, "late rounds")
    rounds, workers = int(rng.integers(1, 10)), int(rng.integers(1, 6))
    draw = (
        rng.integers(1, 8, (rounds, workers)) if seed % 2 else rng.lognormal(size=(rounds, workers))
    )
    times, allowed = np.asarray(draw, dtype=float), int(rng.integers(rounds))
    system = cg.System(workers, 7, cg.Scenarios(times), samples=workers)
    share = (rounds - allowed) / rounds
    problem = cg.Problem(system, cg.Quantile(share if allowed else 1 - 1e-9))
    solution = cg.solve(problem, "optimal")
    assert solution.value == pytest.approx(smallest_deadline(times, allowed, 7), rel=1e-6)
    assert solution.bound <= solution.value * (1 + 1e-12)
    assert solution.gap <= 1e-6


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_many_rounds_are_proven(share: float) -> None:
    times = 1 + generator(0, "many rounds").lognormal(0, 0.7, (100, 8))
    problem = cg.Problem(cg.System(8, 1000, cg.Scenarios(times)), cg.Quantile(share))
    solution = cg.solve(problem, "optimal", gap=1e-3, time_limit=30)
    assert solution.gap <= 1e-3
    assert solution.certificate in (Certificate.BRANCH_AND_BOUND, Certificate.LEVELS)
    for scheme in ("uncoded", "uniform", "single-level"):
        assert solution.value <= cg.solve(problem, scheme).value
        assert cg.solve(problem, scheme).value >= solution.bound
