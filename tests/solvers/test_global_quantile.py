"""The smallest deadline of a quantile with its proof."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize

import cgcopt as cg
from cgcopt.design import work_of_partition
from cgcopt.evaluation.density.quantile import runtime_quantile
from cgcopt.evaluation.result import Certificate
from cgcopt.solution import SolutionStatus, TerminationCondition
from cgcopt.solvers.base import Outcome
from cgcopt.workers.base import ContinuousTimes

CASES: list[tuple[ContinuousTimes, int, float]] = [
    (cg.ShiftedExponential(0.1, 1.0), 4, 0.9),
    (cg.ShiftedExponential(0.1, 1.0), 10, 0.99),
    (cg.LogNormal(1.5, 1.0), 6, 0.5),
    (cg.Gamma(0.6, 1.0, 0.05), 5, 0.999),
    (cg.Pareto(2.5, 1.0), 5, 0.1),
    (cg.Exponential(1.0), 1, 0.3),
]


def problem_of(times: ContinuousTimes, workers: int, q: float) -> cg.Problem:
    return cg.Problem(cg.System(workers, 1000, times, samples=workers), cg.Quantile(q))


@pytest.mark.parametrize(
    ("times", "workers", "q"),
    [
        pytest.param(*case, marks=pytest.mark.slow) if place in (1, 2) else case
        for place, case in enumerate(CASES)
    ],
)
def test_the_gap_is_proven(times: ContinuousTimes, workers: int, q: float) -> None:
    problem = problem_of(times, workers, q)
    solution = cg.solve(problem, "global", gap=1e-5)
    assert solution.status is SolutionStatus.OPTIMAL
    # One worker has one design, which the bound of the levels knows already.
    levels = Certificate.LEVELS if workers == 1 else Certificate.BRANCH_AND_BOUND
    assert solution.certificate is levels
    assert solution.value * (1 - 1e-5) <= solution.bound <= solution.value
    # The bound on the deadline, said as a bound on the probability by an independent run.
    deadline = solution.bound * (1 - 1e-9)
    shorter = cg.Problem(problem.system, cg.CompletionProbability(deadline))
    assert cg.solve(shorter, "global", gap=1e-8).bound < q
    rng = np.random.default_rng(workers)
    for _ in range(20):
        x = rng.dirichlet(np.full(workers, 10 ** rng.uniform(-1, 1))) * 1000
        reached = runtime_quantile(problem.system, work_of_partition(x), q).value
        assert reached >= solution.bound


def test_two_workers_by_a_scan_of_all_designs() -> None:
    problem = problem_of(cg.Weibull(0.7, 1.0), 2, 0.8)

    def deadline(x: float) -> float:
        work = work_of_partition([x, 1000 - x])
        return runtime_quantile(problem.system, work, 0.8).value

    grid = np.linspace(0, 1000, 201)
    k = int(np.argmin([deadline(x) for x in grid]))
    near = optimize.minimize_scalar(
        deadline, bounds=(grid[max(k - 1, 0)], grid[min(k + 1, 200)]), method="bounded"
    )
    solution = cg.solve(problem, "global")
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.bound <= near.fun
    assert solution.value == pytest.approx(near.fun, rel=1e-6)


def test_a_bad_first_design_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    from cgcopt.solvers.global_quantile import OptimalQuantile

    problem = problem_of(cg.ShiftedExponential(0.1, 1.0), 4, 0.9)
    expected = cg.solve(problem, "global")

    def poor(self: object, given: cg.Problem, *rest: object) -> Outcome:
        x = np.full(given.system.workers, 1000 / given.system.workers)
        return Outcome(TerminationCondition.CONVERGED, partition=x)

    monkeypatch.setattr(OptimalQuantile, "solve", poor)
    solution = cg.solve(problem, "global")
    assert solution.details["improvements"] >= 1
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.value == pytest.approx(expected.value, rel=1.1e-6)


def test_an_unfinished_run_keeps_the_bound_of_its_last_stage() -> None:
    problem = problem_of(cg.Gamma(0.6, 1.0, 0.05), 12, 0.02)
    stopped = cg.solve(problem, "global", gap=1e-7, raw={"nodes": 2})
    assert stopped.termination is TerminationCondition.ITERATION_LIMIT
    assert stopped.status is SolutionStatus.FEASIBLE
    assert 0 < stopped.bound < stopped.value
    assert math.isfinite(stopped.gap)
