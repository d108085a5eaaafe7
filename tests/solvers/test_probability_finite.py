"""Deadline designs on pooled traces and on rounds, against enumeration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import integrate

import cgcopt as cg
from cgcopt.design import budget_weights
from cgcopt.evaluation.crossing.crossing import crossing
from cgcopt.solvers.probability.finite_times import FiniteTimesSettings
from cgcopt.solvers.probability.smoothed_times import SmoothedTimes
from tests.turns import in_turns


def best_on_steps(system: cg.System, deadline: float) -> float:
    """Best probability over every choice of a possible time as threshold of each level."""
    times = system.worker_times
    assert isinstance(times, cg.Empirical)
    v = budget_weights(system.workers)
    cdf = np.cumsum(times.weights)
    best = 0.0
    for chosen in itertools.product(range(times.values.size), repeat=system.workers):
        if any(a < b for a, b in itertools.pairwise(chosen)):
            continue  # work is nondecreasing, so thresholds are nonincreasing in the level
        index = np.array(chosen)
        if v @ (deadline / (system.unit * times.values[index])) < system.coordinates * (1 - 1e-12):
            continue
        p = np.minimum(cdf[index][::-1], 1.0)
        best = max(best, float(crossing(p, 1 - p).probability))
    return best


@in_turns(every=2, enumerable=[0, 20_000], seed=range(6))
def test_pooled_trace_against_enumeration(
    seed: int, enumerable: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = FiniteTimesSettings(enumerable=enumerable)
    monkeypatch.setattr("cgcopt.solvers.probability.finite_times._SETTINGS", settings)
    rng = np.random.default_rng(seed)
    times = cg.Empirical(rng.gamma(2.0, 1.0, size=6) + 0.2)
    system = cg.System(4, 1000, times, samples=4, cycles=1e-3)
    deadline = float(rng.uniform(0.8, 1.6)) * times.mean()
    solution = cg.solve(cg.Problem(system, cg.CompletionProbability(deadline)))
    assert solution.value == pytest.approx(best_on_steps(system, deadline), rel=1e-9)


def most_rounds(system: cg.System, deadline: float) -> int:
    """Largest number of rounds that one design can meet, over every subset."""
    times = system.worker_times
    assert isinstance(times, cg.Scenarios)
    reach = deadline / (system.unit * times.sorted_times[:, ::-1])
    v = budget_weights(system.workers)
    rounds = range(len(reach))
    for size in range(len(reach), 0, -1):
        for chosen in itertools.combinations(rounds, size):
            if v @ reach[list(chosen)].min(axis=0) >= system.coordinates:
                return size
    return 0


@pytest.mark.parametrize("seed", range(6))
def test_rounds_against_enumeration(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rounds = cg.Scenarios(rng.gamma(2.0, 1.0, size=(11, 5)) + 0.2)
    system = cg.System(5, 1000, rounds, samples=5, cycles=1e-3)
    deadline = float(rng.uniform(2.0, 3.0))
    solution = cg.solve(cg.Problem(system, cg.CompletionProbability(deadline)))
    assert round(solution.value * 11) == most_rounds(system, deadline)


@in_turns(every=2, mode=["rounds", "pooled"], factor=[0.4, 0.8, 1.3])
def test_never_below_a_closed_form_or_baseline(mode: str, factor: float) -> None:
    rng = np.random.default_rng(4)
    table = rng.lognormal(0, 0.8, size=(60, 12))
    times = cg.Empirical(table.ravel()) if mode == "pooled" else cg.Scenarios(table)
    system = cg.System(12, 5000, times, samples=12, cycles=1 / 5000)
    late = factor * cg.solve(cg.Problem(system, cg.Quantile(0.8)), "uncoded").value
    problem = cg.Problem(system, cg.CompletionProbability(late))
    best = cg.solve(problem, gap=0.05).value
    names = ["uncoded", "uniform", "single-level", "closed-form-deadline"]
    names += ["equal-risk"] if mode == "pooled" else []
    assert best >= max(cg.solve(problem, name).value for name in names)


def test_quantile_of_a_pooled_trace_is_its_smallest_deadline() -> None:
    times = cg.Empirical(np.random.default_rng(0).gamma(2.0, 1.0, size=6) + 0.2)
    system = cg.System(3, 1000, times, samples=3, cycles=1e-3)
    solution = cg.solve(cg.Problem(system, cg.Quantile(0.9)))
    assert best_on_steps(system, solution.value * (1 + 1e-12)) >= 0.9
    assert best_on_steps(system, solution.value * 0.98) < 0.9


def test_smoothed_times_are_a_distribution() -> None:
    steps = cg.Empirical(np.random.default_rng(0).lognormal(1, 0.7, size=300))
    smooth = SmoothedTimes(steps.values, steps.weights)
    t = np.geomspace(0.05, 200, 400)
    np.testing.assert_allclose(smooth.cdf(t) + smooth.sf(t), 1, atol=1e-14)
    np.testing.assert_allclose(smooth.ppf(smooth.cdf(t)), t, rtol=1e-9)
    grid = np.linspace(1.0, 4.0, 200_001)
    mass = integrate.simpson(smooth.pdf(grid), x=grid)
    assert mass == pytest.approx(float(smooth.cdf(4.0) - smooth.cdf(1.0)), rel=1e-7)
    middle = np.array([0.7, 2.2, 9.0])
    slope = (smooth.logpdf(middle + 1e-7) - smooth.logpdf(middle - 1e-7)) / 2e-7
    np.testing.assert_allclose(smooth.dlogpdf(middle), slope, rtol=1e-4)
    assert np.abs(smooth.cdf(steps.values) - np.cumsum(steps.weights)).max() < 0.02
    drawn = smooth.sample(200_000, 1, np.random.default_rng(1))
    assert smooth.mean() == pytest.approx(drawn.mean(), abs=4 * drawn.std() / 200_000**0.5)
    single = SmoothedTimes(np.array([2.0]), np.array([1.0]))
    assert float(single.ppf(0.5)) == pytest.approx(2.0, rel=1e-6)
