"""Certified designs in whole numbers, against enumeration."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.errors import InfiniteMeanError
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.evaluation.result import Certificate
from cgcopt.options import Options
from cgcopt.problem import Form
from cgcopt.seeds import generator
from cgcopt.solution import SolutionStatus, TerminationCondition
from cgcopt.solvers.convex.incumbent import Clock
from cgcopt.solvers.convex.outer_approximation import MASTER_ACCURACY, solve_master

PAPER = cg.ShiftedExponential(rate=1e-3, shift=50.0)
MODELS = {
    "shifted-exponential": PAPER,
    "weibull": cg.Weibull(shape=0.7, scale=1.0, shift=0.1),
    "few-values": cg.Empirical([1.0, 2.0, 3.0, 9.0, 10.0]),
    "rounds": None,
}


def runtime_problem(model: str, workers: int, coordinates: int) -> cg.Problem:
    times = MODELS[model]
    if times is None:
        times = cg.Scenarios(PAPER.sample(25, workers, generator(4, "rounds", workers)))
    system = cg.System(workers, coordinates, times, samples=workers)
    return cg.Problem(system, cg.ExpectedRuntime())


def partitions(coordinates: int, levels: int) -> Iterator[np.ndarray]:
    """Every partition in whole numbers (stars and bars)."""
    for bars in itertools.combinations(range(coordinates + levels - 1), levels - 1):
        yield np.diff(np.array((-1, *bars, coordinates + levels - 1))) - 1.0


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("workers", "coordinates"), [(1, 5), (2, 7), (3, 10), (4, 6)])
def test_no_partition_is_better(model: str, workers: int, coordinates: int) -> None:
    problem = runtime_problem(model, workers, coordinates)
    solution = cg.solve(problem, "optimal-integer", form=Form.BLOCK)
    best = min(evaluate(problem, x).value for x in partitions(coordinates, workers))
    assert solution.status is SolutionStatus.OPTIMAL, solution.message
    assert solution.value == pytest.approx(best, rel=1e-12)
    assert solution.bound <= best
    assert solution.gap <= 1e-6
    assert solution.design is not None
    assert solution.design.is_integer


@pytest.mark.parametrize("coordinates", [10**6, 10**9, 10**12])
def test_many_coordinates_need_rounding_alone(coordinates: int) -> None:
    solution = cg.solve(
        runtime_problem("shifted-exponential", 20, coordinates), "optimal-integer", form="block"
    )
    assert solution.design is not None
    assert solution.design.is_integer
    assert solution.design.partition.sum() == coordinates
    assert solution.gap <= 1e-6
    assert solution.details["iterations"] == 0
    assert solution.certificate in (Certificate.SUBGRADIENT, Certificate.CUTTING_PLANES)


def test_few_coordinates_need_the_proof() -> None:
    problem = runtime_problem("weibull", 5, 30)
    solution = cg.solve(problem, "optimal-integer", form="block")
    relaxed = cg.solve(problem, "optimal")
    assert solution.certificate is Certificate.OUTER_APPROXIMATION
    assert solution.gap <= 1e-6
    assert relaxed.value * (1 - 1e-6) <= solution.bound
    assert solution.details["relaxed_bound"] < solution.bound


def test_default_at_the_block_level() -> None:
    solution = cg.solve(runtime_problem("rounds", 3, 12), form="block")
    assert solution.solver == "optimal-integer"
    assert solution.status is SolutionStatus.OPTIMAL


def test_time_limit_keeps_design_and_bound() -> None:
    problem = runtime_problem("shifted-exponential", 20, 50)
    solution = cg.solve(problem, "optimal-integer", form="block", time_limit=1.0)
    assert solution.termination is TerminationCondition.TIME_LIMIT
    assert solution.status is SolutionStatus.FEASIBLE
    assert solution.design is not None
    assert solution.design.partition.sum() == 50
    assert 0 < solution.gap < 0.02
    assert solution.seconds.solve < 10


def test_infinite_mean_is_an_error() -> None:
    system = cg.System(4, 9, cg.Pareto(shape=0.9, scale=1.0, shift=0.0))
    with pytest.raises(InfiniteMeanError):
        cg.solve(cg.Problem(system, cg.ExpectedRuntime()), "optimal-integer", form="block")


def test_master_against_enumeration() -> None:
    rng = np.random.default_rng(2)
    for _ in range(10):
        slopes = rng.uniform(1, 3, size=(4, 3))
        found = solve_master(slopes, 8, 30.0, Options(gap=1e-8), Clock.started(None))
        best = min(float((slopes @ x).max()) for x in partitions(8, 3))
        assert found.partition is not None
        assert float((slopes @ found.partition).max()) == pytest.approx(best, rel=1e-7)
        assert best * (1 - 2e-7) <= found.bound + 30.0 * MASTER_ACCURACY
        assert found.bound <= best
        none = solve_master(slopes, 8, 0.9 * best, Options(), Clock.started(None))
        assert none.partition is None
        assert none.bound <= 0.9 * best
