"""Baseline schemes against direct formulas, simulation and published figures."""

from __future__ import annotations

import math

import cvxpy as cp
import numpy as np
import pytest
from scipy import stats

import cgcopt as cg
from cgcopt.solvers.convex.layer_program import analytic_centre

TIMES = cg.ShiftedExponential(rate=1e-3, shift=50)


def paper(workers: int, coordinates: int = 20_000) -> cg.Problem:
    system = cg.System(workers, coordinates, TIMES, samples=50)
    return cg.Problem(system, cg.ExpectedRuntime())


@pytest.mark.parametrize("workers", [10, 20, 30, 40, 50])
@pytest.mark.parametrize(
    ("scheme", "row"),
    [
        ("single-level", "single_level"),
        ("tandon", "tandon"),
        ("ferdinand-full", "ferdinand_r_full"),
    ],
)
def test_published_expected_runtimes(workers: int, scheme: str, row: str) -> None:
    from cgcopt.compare.published.figures import published_figures

    chosen = [
        figure
        for figure in published_figures("expected-runtime")
        if figure.scheme == row
        and figure.sweep == "workers"
        and figure.problem.system.workers == workers
    ]
    assert len(chosen) == 1
    value = cg.solve(chosen[0].problem, scheme).value
    assert value == pytest.approx(chosen[0].value, rel=0.01)


def test_single_level_is_the_best_of_all_levels() -> None:
    problem = paper(12)
    harmonic = np.cumsum(1 / np.arange(1, 13))
    values = []
    for s in range(12):
        mean = 50 + 1e3 * (harmonic[-1] - (harmonic[s - 1] if s else 0.0))  # E[T_(N-s)]
        values.append(problem.system.unit * 20_000 * (s + 1) * mean)
    solution = cg.solve(problem, "single-level")
    assert solution.value == pytest.approx(min(values), rel=1e-10)
    assert solution.details["redundancy"] == int(np.argmin(values))


def test_single_level_probability_is_binomial() -> None:
    system = cg.System(12, 20_000, TIMES, samples=50)
    deadline = 6e7
    levels = np.arange(12)
    late = TIMES.sf(deadline / (system.unit * 20_000 * (levels + 1)))
    expected = max(stats.binom.cdf(s, 12, q) for s, q in zip(levels, late, strict=True))
    solution = cg.solve(cg.Problem(system, cg.CompletionProbability(deadline)), "single-level")
    assert solution.value == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    "objective", [cg.ExpectedRuntime(), cg.CompletionProbability(1.2e8), cg.Quantile(0.9)]
)
def test_tandon_against_simulation(objective: cg.ExpectedRuntime) -> None:
    problem = cg.Problem(paper(10).system, objective)
    solution = cg.solve(problem, "tandon")
    s, alpha = solution.details["redundancy"], solution.details["alpha"]
    assert solution.status == "scheme"
    assert solution.partition is None
    times = np.sort(TIMES.sample(200_000, 10, np.random.default_rng(3)), axis=1)
    scale = problem.system.unit * 20_000 * (s + 1) / (s + alpha)
    runtime = scale * np.maximum(alpha * times[:, 9 - s], times[:, 9])
    if isinstance(objective, cg.ExpectedRuntime):
        error = runtime.std() / math.sqrt(runtime.size)
        assert abs(runtime.mean() - solution.value) < 4 * error
    elif isinstance(objective, cg.CompletionProbability):
        share = np.mean(runtime <= objective.deadline)
        error = math.sqrt(solution.value * (1 - solution.value) / runtime.size)
        assert abs(share - solution.value) < 4 * error
    else:
        share = np.mean(runtime <= solution.value)
        assert abs(share - 0.9) < 4 * math.sqrt(0.09 / runtime.size)


def test_tandon_tries_every_redundancy() -> None:
    problem = paper(9)
    best = cg.solve(problem, "tandon")
    from cgcopt.evaluation.evaluate import evaluate_work

    values = []
    for s in range(1, 9):
        uncoded = 20_000 * (s + 1) / (s + 6)
        work = np.where(np.arange(9) < s, uncoded, 6 * uncoded)
        values.append(evaluate_work(problem, work).value)
    assert best.value == pytest.approx(min(values), rel=1e-12)


def test_schemes_of_one_worker() -> None:
    for name in ("uncoded", "uniform", "single-level", "ferdinand-full"):
        assert cg.solve(paper(1), name).value == pytest.approx(50 * 20_000 * 1050)
    for name in ("tandon", "ferdinand-half"):
        assert cg.solve(paper(1), name).termination == "error"


def test_integer_schemes_are_whole() -> None:
    solution = cg.solve(paper(7, 1003), "uniform", form="block")
    assert solution.design is not None
    assert solution.design.is_integer
    assert solution.design.coordinates == 1003


def barrier_optimum(workers: int, layers: int) -> np.ndarray:
    """The same centre from a conic solver: maximise the logarithms of the slacks."""
    top = workers - 1.0
    floor = np.maximum(workers * np.arange(1, layers) / layers - 1, 0.0)
    s = cp.Variable(layers - 1)
    slacks = [s - floor, cp.diff(s), top - s[-1]]
    problem = cp.Problem(
        cp.Maximize(sum(cp.sum(cp.log(slack)) for slack in slacks)),
        [cp.sum(s) == layers * (workers - 2.0) - top],
    )
    problem.solve(solver="CLARABEL")
    return np.append(s.value, top)


@pytest.mark.parametrize(("workers", "layers"), [(5, 8), (10, 12), (20, 300)])
def test_analytic_centre_against_a_general_solver(workers: int, layers: int) -> None:
    centre = analytic_centre(workers, layers)
    np.testing.assert_allclose(centre, barrier_optimum(workers, layers), atol=1e-4)


@pytest.mark.parametrize(
    ("workers", "layers"), [(2, 1), (2, 50), (3, 2), (4, 2), (3, 10), (20, 10_000), (200, 10**9)]
)
def test_layer_program_is_solved(workers: int, layers: int) -> None:
    s = analytic_centre(workers, layers)
    r = s.size
    assert s.sum() == pytest.approx(r * (workers - 2), abs=1e-6 * r)
    assert np.all(np.diff(s) >= 0)
    assert s.min() >= 0
    assert s.max() <= workers - 1
    rank = np.arange(1, r + 1)
    z = np.min((s + 1) / rank)
    # No z above N/r is possible, and a smaller one is best only when layers must give up more.
    if not math.isclose(z, workers / r, rel_tol=1e-9):
        assert np.maximum(z * rank - 1, 0).sum() == pytest.approx(r * (workers - 2), abs=1e-6)
