"""The paper's method for the deadline, and its uniform sampling of count vectors."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

import cgcopt as cg
from cgcopt.solvers.probability.admissible_counts import number_of_counts, sample_counts
from cgcopt.solvers.successive_convex import _Cells

PAPER = cg.ShiftedExponential(rate=0.1, shift=1)


def problem(workers: int, deadline: float = 10**6.5, times: object = PAPER) -> cg.Problem:
    system = cg.System(workers, 40_000, times, samples=50)  # type: ignore[arg-type]
    return cg.Problem(system, cg.CompletionProbability(deadline))


def admissible(workers: int) -> list[tuple[int, ...]]:
    vectors = itertools.product(range(workers + 1), repeat=workers)
    limits = np.arange(1, workers + 1)
    return [k for k in vectors if sum(k) == workers and np.all(np.cumsum(k) <= limits)]


@pytest.mark.parametrize("workers", range(1, 7))
def test_number_of_counts_by_enumeration(workers: int) -> None:
    assert number_of_counts(workers) == len(admissible(workers))


@pytest.mark.parametrize("workers", [20, 50, 200])
def test_number_of_counts_is_a_catalan_number(workers: int) -> None:
    assert number_of_counts(workers) == math.comb(2 * workers, workers) // (workers + 1)


@pytest.mark.parametrize("workers", [2, 4, 6, 8])
def test_counts_are_uniform(workers: int) -> None:
    size = max(20_000, 30 * number_of_counts(workers))
    drawn = sample_counts(workers, size, np.random.default_rng(workers))
    assert np.all(drawn.sum(axis=1) == workers)
    assert np.all(np.cumsum(drawn, axis=1) <= np.arange(1, workers + 1))
    _, seen = np.unique(drawn, axis=0, return_counts=True)
    assert seen.size == number_of_counts(workers)
    assert stats.chisquare(seen).pvalue > 1e-4


def test_probability_of_the_cells_by_enumeration() -> None:
    cells = _Cells.of(problem(5).system, 10**6.5)
    h = cells.start()
    mass = np.exp(cells.log_masses(h) + cells.offset)
    total = sum(
        math.factorial(5)
        * np.prod([m**c / math.factorial(c) for m, c in zip(mass, k, strict=True)])
        for k in admissible(5)
    )
    assert math.exp(cells.log_probability(h)) == pytest.approx(total, rel=1e-12)


def test_sampled_gradient_is_unbiased() -> None:
    cells = _Cells.of(problem(6).system, 10**6.5)
    a = cells.log_masses(cells.start())
    exact = cells.gradient(a, 0, np.random.default_rng(0))
    draws = np.array([cells.gradient(a, 500, np.random.default_rng(i)) for i in range(400)])
    mean, error = draws.mean(axis=0), draws.std(axis=0) / math.sqrt(400)
    scale = math.exp(cells.log_probability(cells.start()))
    assert np.all(np.abs(mean - exact * scale) < 4.5 * error)


def test_exact_gradient_by_differences() -> None:
    cells = _Cells.of(problem(7).system, 10**6.5)
    a = cells.log_masses(cells.start()) - 0.1
    rng = np.random.default_rng(0)

    def log_p(a: np.ndarray) -> float:
        from cgcopt.evaluation.crossing.crossing import crossing

        finished, _ = cells.thresholds(a)
        return float(crossing(finished[::-1], 1 - finished[::-1]).log_probability)

    for n, slope in enumerate(cells.gradient(a, 0, rng)):
        step = np.zeros(7)
        step[n] = 1e-5
        assert (log_p(a + step) - log_p(a - step)) / 2e-5 == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("workers", [1, 2, 10])
def test_published_settings_improve_on_the_start(workers: int) -> None:
    given = problem(workers)
    solution = cg.solve(given, "successive-convex", raw={"iterations": 30})
    start = cg.solve(given, "closed-form-deadline").value
    best = cg.solve(given).value
    assert start - 1e-12 <= solution.value <= best + 1e-9
    if workers == 10:
        assert solution.value > start + 0.1


@pytest.mark.slow
def test_exact_gradients_climb_to_the_best_stationary_point() -> None:
    given = problem(10)
    solution = cg.solve(given, "successive-convex", raw={"settings": "exact"})
    history = solution.details["probability"]
    assert np.all(np.diff(history) >= -1e-6)
    assert solution.value == pytest.approx(cg.solve(given).value, abs=1e-4)


def test_many_workers_do_not_overflow() -> None:
    solution = cg.solve(problem(50), "successive-convex", raw={"iterations": 5})
    assert 0.9 < solution.value <= 1


def test_exponential_times_and_refusals() -> None:
    exponential = cg.solve(
        problem(5, times=cg.Exponential(rate=0.1)), "successive-convex", raw={"iterations": 5}
    )
    assert exponential.status == "feasible"
    with pytest.raises(cg.CgcoptError, match="shifted exponential"):
        cg.solve(problem(5, times=cg.Gamma(shape=2, scale=5)), "successive-convex")
    with pytest.raises(cg.InvalidInputError, match="settings"):
        cg.solve(problem(5), "successive-convex", raw={"settings": "fast"})
    hopeless = cg.solve(problem(5, deadline=1e5), "successive-convex")
    assert hopeless.termination == "error"
