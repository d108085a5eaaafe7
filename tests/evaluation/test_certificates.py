"""Bounds: below (above) the value of every design, and tight where they should be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize

from cgcopt.design import Design, budget_weights, work_of_partition
from cgcopt.errors import InfiniteMeanError, InvalidInputError
from cgcopt.evaluation.certificates import (
    certify,
    first_finite_level,
    jensen_bound,
    partition_gradient,
    probability_bound,
    quantile_bound,
    runtime_bound,
    subgradient_bound,
)
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.evaluation.result import Certificate
from cgcopt.objective import CompletionProbability, ExpectedRuntime, Quantile
from cgcopt.problem import Problem
from cgcopt.system import System
from cgcopt.workers.base import WorkerTimes
from cgcopt.workers.empirical import Empirical
from cgcopt.workers.families import (
    Exponential,
    LogNormal,
    Pareto,
    ShiftedExponential,
    Weibull,
)
from cgcopt.workers.scenarios import Scenarios

COORDINATES = 60
CONTINUOUS = [
    ShiftedExponential(rate=1.0, shift=0.2),
    Weibull(shape=0.7, scale=2.0),
    LogNormal(sigma=0.5, scale=1.0, shift=1.0),
    Pareto(shape=2.5, scale=1.0),
]


def models(workers: int) -> list[WorkerTimes]:
    rng = np.random.default_rng(workers)
    steps = Empirical(np.round(1 + rng.gamma(0.5, 2.0, 12), 1))
    return [*CONTINUOUS, steps, Scenarios(np.round(1 + rng.gamma(0.5, 2.0, (25, workers)), 1))]


def designs(workers: int) -> st.SearchStrategy[Design]:
    block = st.one_of(st.just(0.0), st.floats(0.01, 1))
    blocks = st.lists(block, min_size=workers, max_size=workers).filter(any)
    return blocks.map(lambda x: Design(np.array(x) * (COORDINATES / sum(x))))


@st.composite
def cases(draw: st.DrawFn) -> tuple[System, Design, Design]:
    workers = draw(st.integers(1, 5))
    times = draw(st.sampled_from(models(workers)))
    system = System(workers, COORDINATES, times, samples=workers)
    return system, draw(designs(workers)), draw(designs(workers))


@given(cases())
def test_no_design_beats_the_runtime_bounds(case: tuple[System, Design, Design]) -> None:
    system, design, other = case
    problem = Problem(system, ExpectedRuntime())
    bound, certificate = certify(problem, design)
    value = evaluate(problem, other).value
    assert bound <= value * (1 + 1e-10)
    assert jensen_bound(system) <= bound
    assert certificate in (Certificate.SUBGRADIENT, Certificate.JENSEN)
    found = evaluate(problem, design, gradient=True)
    assert found.gradient is not None
    assert runtime_bound(found, design.work, COORDINATES) <= value * (1 + 1e-10)
    assert certify(problem, design, evaluation=found) == (bound, certificate)


@given(cases(), st.floats(0.02, 0.98))
def test_no_design_beats_the_quantile_and_probability_bounds(
    case: tuple[System, Design, Design], probability: float
) -> None:
    system, design, _ = case
    deadline = evaluate(Problem(system, Quantile(probability)), design).value
    assert quantile_bound(system, probability) <= deadline * (1 + 1e-10)
    reached = evaluate(Problem(system, CompletionProbability(deadline)), design).value
    assert probability_bound(system, deadline) >= reached * (1 - 1e-10)


@given(st.integers(1, 6), st.data())
def test_partition_gradient_is_the_chain_rule(workers: int, data: st.DataObject) -> None:
    """For a linear function of ``w`` the gradient in ``x`` gives the same values."""
    numbers = st.lists(st.floats(-5, 5), min_size=workers, max_size=workers)
    g, x = np.array(data.draw(numbers)), np.abs(data.draw(numbers))
    assert partition_gradient(g) @ x == pytest.approx(g @ work_of_partition(x), abs=1e-9)
    assert subgradient_bound(g, 7) == pytest.approx(7 * partition_gradient(g).min())


def test_jensen_bound_is_the_optimum_of_the_mean_round() -> None:
    """With the order statistics fixed the problem is a linear program."""
    rounds = np.random.default_rng(0).gamma(2.0, size=(40, 6))
    system = System(6, COORDINATES, Scenarios(rounds), samples=6)
    means = np.sort(rounds, axis=1).mean(axis=0)[::-1]
    # Variables w_0..w_5 and the runtime.
    rows = np.hstack([np.diag(means), -np.ones((6, 1))])
    budget = np.append(budget_weights(6), 0.0)[None]
    solved = linprog(np.eye(7)[6], A_ub=rows, b_ub=np.zeros(6), A_eq=budget, b_eq=[COORDINATES])
    assert jensen_bound(system) == pytest.approx(solved.fun, rel=1e-9)


def optimum(problem: Problem, *, first: int = 0) -> Design:
    """By a general solver that knows nothing of certificates; levels below ``first`` empty."""
    levels = problem.system.workers - first

    def design(share: np.ndarray) -> Design:
        x = np.append(np.zeros(first), np.maximum(share, 0.0))
        return Design(x * (COORDINATES / x.sum()))

    found = minimize(
        lambda share: evaluate(problem, design(share)).value / COORDINATES,
        np.full(levels, 1 / levels),
        method="SLSQP",
        bounds=[(0, 1)] * levels,
        constraints={"type": "eq", "fun": lambda share: share.sum() - 1},
        options={"ftol": 1e-12},
    )
    return design(found.x)


@pytest.mark.parametrize("times", CONTINUOUS, ids=lambda t: t.label)
def test_certificate_closes_at_the_optimum(times: WorkerTimes) -> None:
    problem = Problem(System(4, COORDINATES, times, samples=4), ExpectedRuntime())
    design = optimum(problem)
    bound, certificate = certify(problem, design)
    assert certificate is Certificate.SUBGRADIENT
    assert 0 <= 1 - bound / evaluate(problem, design).value < 1e-4


def test_infinite_means_leave_valid_bounds() -> None:
    """With tail index 0.8 the slowest worker has no mean: level 0 must stay empty."""
    system = System(4, COORDINATES, Pareto(shape=0.8, scale=1.0), samples=4)
    problem = Problem(system, ExpectedRuntime())
    assert first_finite_level(system) == 1
    with pytest.raises(InfiniteMeanError):
        evaluate(problem, Design([15.0] * 4))
    design = optimum(problem, first=1)
    bound, certificate = certify(problem, design)
    assert certificate is Certificate.SUBGRADIENT
    assert 0 <= 1 - bound / evaluate(problem, design).value < 1e-4
    assert 0 < jensen_bound(system) < bound


def test_quantile_bound_by_hand() -> None:
    """Two workers, exponential: T_(1) has rate 2, T_(2) the distribution (1 - e^-t)^2."""
    system = System(2, 6, Exponential(rate=1.0), samples=2)
    q = 0.7
    slowest, fastest = -math.log(1 - math.sqrt(q)), -math.log(1 - q) / 2
    expected = 6 / (0.5 / slowest + 0.5 / fastest)
    assert quantile_bound(system, q) == pytest.approx(expected, rel=1e-11)
    assert probability_bound(system, expected) == pytest.approx(q, rel=1e-10)


@pytest.mark.parametrize(
    ("workers", "exponent", "best"),
    [(4, 6.8, 0.696433), (6, 6.6, 0.618010), (10, 6.5, 0.745596), (20, 6.5, 0.990699)],
)
def test_probability_bound_is_above_the_best_known_designs(
    workers: int, exponent: float, best: float
) -> None:
    times = ShiftedExponential(rate=0.1, shift=1.0)
    system = System(workers, 40_000, times, samples=50)
    bound = probability_bound(system, 10**exponent)
    assert best < bound < 1 - (1 - best) / 6


def test_extreme_deadlines() -> None:
    system = System(3, 60, ShiftedExponential(rate=1.0, shift=1.0), samples=3)
    assert probability_bound(system, 1e6) == 1.0
    assert probability_bound(system, 1e-3) < 1e-14


def test_deadlines_are_certified_by_the_levels_alone() -> None:
    problem = Problem(System(2, 3, Exponential(1.0)), CompletionProbability(1.0))
    bound, certificate = certify(problem, Design([1, 2]))
    assert certificate is Certificate.LEVELS
    assert bound == probability_bound(problem.system, 1.0) < 1
    quantile = Problem(problem.system, Quantile(0.5))
    assert certify(quantile, Design([1, 2])) == (
        quantile_bound(problem.system, 0.5),
        Certificate.LEVELS,
    )
    certain = Problem(System(2, 3, Scenarios([[1.0, 1.0]])), CompletionProbability(100.0))
    assert certify(certain, Design([1, 2])) == (1.0, Certificate.TRIVIAL)


def test_what_proves_nothing() -> None:
    problem = Problem(System(2, 3, Exponential(1.0)), CompletionProbability(1.0))
    quantile = Problem(problem.system, Quantile(0.5))
    with pytest.raises(InvalidInputError, match="gradient"):
        runtime_bound(evaluate(quantile, Design([1, 2])), [1, 5], 3)
    with pytest.raises(InvalidInputError, match="probability"):
        quantile_bound(problem.system, 1.0)
    with pytest.raises(InvalidInputError, match="deadline"):
        probability_bound(problem.system, 0.0)
