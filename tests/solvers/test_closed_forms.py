"""Closed forms against harmonic numbers, direct minimisation and published figures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, stats

import cgcopt as cg
from cgcopt.design import budget_weights, work_of_partition
from cgcopt.solvers.formulas import equal_level_risk_work, equal_risk_work

TIMES = cg.ShiftedExponential(rate=1e-3, shift=50)


def system(workers: int, times: object = TIMES, coordinates: int = 20_000) -> cg.System:
    return cg.System(workers, coordinates, times, samples=50)  # type: ignore[arg-type]


@pytest.mark.parametrize("workers", [1, 2, 7, 50])
def test_time_form_makes_every_mean_product_equal(workers: int) -> None:
    harmonic = np.cumsum(1 / np.arange(1, workers + 1))
    means = 50 + 1e3 * (harmonic[-1] - np.append(harmonic[::-1][1:], 0))  # E[T_(1)] .. E[T_(N)]
    solution = cg.solve(cg.Problem(system(workers), cg.ExpectedRuntime()), "closed-form-time")
    assert solution.design is not None
    products = solution.design.work * means[::-1]
    np.testing.assert_allclose(products, products[0], rtol=1e-10)
    assert solution.partition is not None
    assert solution.partition.sum() == pytest.approx(20_000, rel=1e-14)


def test_time_form_minimises_the_jensen_bound() -> None:
    solution = cg.solve(cg.Problem(system(5), cg.ExpectedRuntime()), "closed-form-time")
    harmonic = np.cumsum(1 / np.arange(1, 6))
    means = (50 + 1e3 * (harmonic[-1] - np.append(harmonic[::-1][1:], 0)))[::-1]
    # min theta subject to theta >= E[T_(N-n)] w_n, sum x = L, as a linear program.
    lower = np.tril(np.ones((5, 5))) * np.arange(1, 6)
    program = optimize.linprog(
        np.r_[np.zeros(5), 1.0],
        A_ub=np.c_[means[:, None] * lower, -np.ones(5)],
        b_ub=np.zeros(5),
        A_eq=[[1, 1, 1, 1, 1, 0]],
        b_eq=[20_000],
    )
    assert solution.design is not None
    assert np.max(means * solution.design.work) == pytest.approx(program.fun, rel=1e-9)


def test_frequency_form_uses_mean_speeds() -> None:
    rng = np.random.default_rng(1)
    speeds = 1 / np.sort(TIMES.sample(400_000, 6, rng), axis=1)
    mean, error = speeds.mean(axis=0), speeds.std(axis=0) / math.sqrt(400_000)
    solution = cg.solve(cg.Problem(system(6), cg.ExpectedRuntime()), "closed-form-frequency")
    assert solution.design is not None
    ratio = solution.design.work[::-1] / solution.design.work[0]
    spread = 4 * (error / mean + error[-1] / mean[-1])
    assert np.all(np.abs(ratio / (mean / mean[-1]) - 1) < spread)


def test_frequency_form_needs_finite_speeds() -> None:
    problem = cg.Problem(system(3, cg.Exponential(rate=1.0)), cg.ExpectedRuntime())
    solution = cg.solve(problem, "closed-form-frequency")
    assert solution.status == "none"
    assert solution.termination == "error"
    assert "E[1/T_(1)]" in solution.message


def test_deadline_form_gives_equal_work_to_every_block() -> None:
    problem = cg.Problem(system(9), cg.CompletionProbability(1e9))
    x = cg.solve(problem, "closed-form-deadline").partition
    assert x is not None
    np.testing.assert_allclose(x * np.arange(1, 10), x[0], rtol=1e-12)


@pytest.mark.parametrize(("workers", "published"), [(10, 0.6756), (20, 0.9867), (30, 0.99985)])
def test_equal_risk_in_the_papers_setting(workers: int, published: float) -> None:
    times = cg.ShiftedExponential(rate=0.1, shift=1)
    problem = cg.Problem(system(workers, times, 40_000), cg.CompletionProbability(10**6.5))
    digits = 10.0 ** -len(str(published).split(".")[1])
    assert cg.solve(problem, "equal-risk").value == pytest.approx(published, abs=digits)


@pytest.mark.parametrize(
    "times",
    [
        TIMES,
        cg.Weibull(shape=0.7, scale=1e3),
        cg.LogNormal(sigma=1.2, scale=800, shift=10),
        cg.Pareto(shape=2.5, scale=300),
    ],
    ids=lambda times: times.label,
)
@pytest.mark.parametrize("workers", [1, 6, 3000])
def test_equal_risk_equalises_union_bounds(times: cg.ShiftedExponential, workers: int) -> None:
    many = system(workers, times, 10**9)
    deadline = 3.0 * many.unit * 1e9 * float(times.isf(0.1 / workers))
    work = equal_risk_work(many, deadline)
    assert budget_weights(workers) @ work == pytest.approx(1e9, rel=1e-9)
    late = times.sf(deadline / (many.unit * work))
    n = np.arange(workers)
    log_choose = np.cumsum(np.log((workers - n) / (n + 1.0)))
    log_bound = log_choose + (n + 1) * np.log(late)
    free = np.diff(work, prepend=0.0) > 1e-9 * work  # the others were raised to a neighbour
    np.testing.assert_allclose(log_bound[free], log_bound[0], atol=1e-6 * max(1, workers / 10))


def test_equal_level_risks_are_the_exact_ones() -> None:
    some = system(8, cg.ShiftedExponential(rate=0.1, shift=1), 40_000)
    work = equal_level_risk_work(some, 10**6.5)
    late = some.worker_times.sf(10**6.5 / (some.unit * work))  # type: ignore[attr-defined]
    risks = [stats.binom.sf(n, 8, q) for n, q in enumerate(late)]
    np.testing.assert_allclose(risks, risks[0], rtol=1e-8)


def test_equal_risk_where_the_union_bound_is_above_one() -> None:
    times = cg.ShiftedExponential(rate=0.1, shift=1)
    problem = cg.Problem(system(10, times, 40_000), cg.CompletionProbability(10**6.2))
    value = cg.solve(problem, "equal-risk").value
    schemes = [cg.solve(problem, name).value for name in ("uncoded", "single-level", "uniform")]
    assert value >= max(schemes)


def test_every_form_survives_one_worker() -> None:
    runtime = cg.Problem(system(1), cg.ExpectedRuntime())
    late = cg.Problem(system(1), cg.CompletionProbability(1e9))
    for problem, names in [
        (runtime, ["closed-form-time", "closed-form-frequency"]),
        (late, ["closed-form-deadline", "equal-risk"]),
    ]:
        for name in names:
            partition = cg.solve(problem, name).partition
            assert partition is not None
            assert partition.tolist() == pytest.approx([20_000])


def test_profile_is_scaled_onto_the_budget() -> None:
    x = np.array([3.0, 0.0, 1.0])
    from cgcopt.solvers.formulas import partition_with_work_proportional_to

    np.testing.assert_allclose(
        partition_with_work_proportional_to(7 * work_of_partition(x), 4), x, rtol=1e-14
    )
