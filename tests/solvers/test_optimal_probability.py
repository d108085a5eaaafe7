"""The best designs for a deadline: best known values, other optimisers, extremes, every family."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize

import cgcopt as cg
from cgcopt.evaluation.density.probability import completion_probability
from cgcopt.solvers.probability.newton import ascend, merit_at
from tests.turns import in_turns

PAPER = cg.ShiftedExponential(rate=0.1, shift=1)


def problem(
    workers: int, deadline: float = 10**6.5, times: object = PAPER, coordinates: int = 40_000
) -> cg.Problem:
    system = cg.System(workers, coordinates, times, samples=50)  # type: ignore[arg-type]
    return cg.Problem(system, cg.CompletionProbability(deadline))


@pytest.mark.parametrize(
    ("workers", "exponent", "best_known"),
    [
        (4, 6.8, 0.696433),
        (6, 6.6, 0.618010),
        (10, 6.5, 0.745596),
        (20, 6.5, 0.990699),
        pytest.param(30, 6.5, 0.999903, marks=pytest.mark.slow),
    ],
)
def test_best_known_values_are_reached(workers: int, exponent: float, best_known: float) -> None:
    solution = cg.solve(problem(workers, 10**exponent))
    assert solution.value > best_known - 5e-7
    assert solution.residual is not None
    assert solution.residual <= 1e-6
    assert solution.termination == "converged"
    assert solution.details["stationary_points"] >= 1


@pytest.mark.parametrize("workers", [3, pytest.param(8, marks=pytest.mark.slow)])
def test_no_general_optimiser_does_better(workers: int) -> None:
    given = problem(workers, 10**6.6)
    best = cg.solve(given)
    system = given.system

    def loss(z: np.ndarray) -> float:
        x = np.exp(z - z.max())
        work = np.cumsum(x / x.sum() * 40_000 * np.arange(1, workers + 1))
        return -completion_probability(system, work, 10**6.6).value

    result = optimize.differential_evolution(
        loss, [(-6, 0)] * workers, seed=1, maxiter=150, popsize=8, tol=1e-10
    )
    assert best.value >= -result.fun - 1e-9
    assert best.value == pytest.approx(-result.fun, rel=1e-3)


@in_turns(
    every=3,
    workers=[2, 6, 1, 11],
    times=[
        cg.Exponential(rate=0.1),
        cg.Weibull(shape=0.5, scale=5),
        cg.Weibull(shape=3, scale=10, shift=1),
        cg.Gamma(shape=0.5, scale=10),
        cg.Gamma(shape=4, scale=2, shift=1),
        cg.LogNormal(sigma=1.5, scale=5, shift=1),
        cg.Pareto(shape=2.5, scale=5),
        cg.Pareto(shape=0.8, scale=1),
    ],
)
def test_every_family_ends_stationary_above_every_closed_form(
    times: cg.Gamma, workers: int
) -> None:
    median = float(times.ppf(0.5))
    given = problem(workers, median * 50 * 40_000 / workers * math.log(workers + 2) * 1.3, times)
    best = cg.solve(given)
    assert best.termination == "converged"
    assert best.residual is not None
    assert best.residual <= 1e-6
    names = ["closed-form-deadline", "equal-risk", "single-level", "uncoded", "uniform"]
    others = [cg.solve(given, name).evaluation for name in names]
    assert best.evaluation is not None
    for other in others:
        assert other is not None
        assert best.evaluation.log_value >= other.log_value - 1e-12 * abs(other.log_value)
        assert best.evaluation.complement <= other.complement * (1 + 1e-9)


def test_stationarity_by_differences_where_failure_is_rare() -> None:
    given = problem(20, 10**7.05)
    best = cg.solve(given)
    assert best.evaluation is not None
    assert best.evaluation.complement is not None
    assert best.evaluation.complement < 1e-12
    assert best.design is not None
    x, base = best.design.partition, best.evaluation.complement
    rng = np.random.default_rng(2)
    for _ in range(20):
        shift = rng.normal(size=20) * x * 1e-3
        moved = x + shift - x * shift.sum() / x.sum()
        other = completion_probability(given.system, cg.Design(moved).work, 10**7.05)
        assert other.complement is not None
        assert other.complement >= base * (1 - 1e-10)


def test_tiny_probabilities_are_maximised_in_the_logarithm() -> None:
    times = cg.LogNormal(sigma=0.3, scale=10)
    given = problem(10, 0.25 * 10 * 5 * 40_000 * math.log(11), times)
    best = cg.solve(given)
    assert best.evaluation is not None
    assert best.evaluation.value < 1e-11
    assert best.residual is not None
    assert best.residual <= 1e-6
    start = cg.solve(given, "equal-risk").evaluation
    assert start is not None
    assert best.evaluation.log_value > start.log_value + 1


def test_heavy_tails_leave_the_first_block_empty() -> None:
    given = problem(10, 4e6, cg.Pareto(shape=0.5, scale=0.5))
    best = cg.solve(given)
    assert best.partition is not None
    assert best.partition[0] == 0
    assert best.residual is not None
    assert best.residual <= 1e-6


def test_hopeless_deadline_is_said() -> None:
    solution = cg.solve(problem(10, 1e5))
    assert solution.value == 0
    assert solution.status == "feasible"
    assert "positive probability" in solution.message


def test_seed_and_time_limit() -> None:
    one, two = (cg.solve(problem(10), seed=5) for _ in range(2))
    assert np.array_equal(one.partition, two.partition)
    hurried = cg.solve(problem(100), time_limit=1e-3)
    assert hurried.termination in ("time-limit", "converged")
    assert hurried.design is not None


def test_scale_does_not_matter() -> None:
    small = cg.solve(problem(12, 10**6.5))
    large = cg.solve(problem(12, 10**14.5, coordinates=4 * 10**12))
    assert large.value == pytest.approx(small.value, rel=1e-10)


def test_ascent_never_loses() -> None:
    given = problem(15, 10**6.4)
    rng = np.random.default_rng(0)
    for _ in range(5):
        start = rng.dirichlet(np.full(15, 0.5)) + 1e-6
        begin = merit_at(given.system, 10**6.4, start / start.sum())
        end = ascend(given.system, 10**6.4, start, tolerance=1e-6)
        assert end.point.probability >= begin.probability


@in_turns(every=3, probability=[1e-6, 0.5, 0.99, 1 - 1e-12])
def test_quantile_inverts_the_completion_probability(probability: float) -> None:
    system = problem(4).system
    best = cg.solve(cg.Problem(system, cg.Quantile(probability)))
    assert best.termination == "converged"
    reached = cg.solve(cg.Problem(system, cg.CompletionProbability(best.value))).evaluation
    assert reached is not None
    if probability > 0.5:
        assert reached.complement == pytest.approx(1 - probability, rel=1e-4, abs=1e-16)
    else:
        assert reached.value == pytest.approx(probability, rel=1e-6)
    for name in ("uncoded", "single-level", "tandon", "uniform"):
        assert best.value <= cg.solve(cg.Problem(system, cg.Quantile(probability)), name).value


def test_quantile_of_the_best_known_design() -> None:
    system = problem(6).system
    best = cg.solve(cg.Problem(system, cg.Quantile(0.618010)))
    assert best.value == pytest.approx(10**6.6, rel=1e-4)


def test_nearly_certain_failure_stays_within_double_precision() -> None:
    times = cg.ShiftedExponential(rate=30, shift=2)
    system = cg.System(12, 40_000, times, samples=50)
    least = 2 * system.unit * 40_000
    for factor in (1.0001, 1.01, 1.1):
        problem = cg.Problem(system, cg.CompletionProbability(factor * least))
        solution = cg.solve(problem)
        assert 0 <= solution.value <= solution.bound
