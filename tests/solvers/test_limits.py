"""Designs within limits and with costs: published ratios, brute force, every kind of worker times."""

import functools
import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

import cgcopt as cg
from cgcopt.errors import InfiniteMeanError, InvalidInputError, UnsupportedProblemError
from cgcopt.evaluation.certificates import certify
from tests.resnet50 import resnet50
from tests.turns import in_turns

PAPER = cg.System(20, 20_000, cg.ShiftedExponential(rate=1e-3, shift=50), samples=50)
TIMES = cg.LogNormal(sigma=0.6, scale=1, shift=0.2)
LOG_NORMAL = cg.System(12, 50_000, TIMES, samples=12)
COSTS = cg.Costs(startup=30, per_coordinate=0.5, per_message=40)
FREE_AND_COSTS = {"free": cg.Costs(), "costs": COSTS}
ROUNDS = np.random.default_rng(4).gamma(2.0, 1.0, (40, 4)) + 0.2


def solved(system, form="relaxed", gap=1e-6, solver=None, **limits):
    problem = cg.Problem(system, cg.ExpectedRuntime(), limits=cg.Limits(**limits))
    solution = cg.solve(problem, solver, form=form, gap=gap, time_limit=60)
    assert solution.design is not None, solution.message
    assert problem.limits.violation(solution.design.partition) == ""
    assert solution.bound <= solution.value
    return solution


@functools.cache
def unlimited(system):
    return cg.solve(cg.Problem(system, cg.ExpectedRuntime())).value


@pytest.mark.parametrize(
    ("system", "limits", "ratio"),
    [
        (PAPER, {"copies": 2}, 2.4045),
        pytest.param(PAPER, {"copies": 4}, 2.2253, marks=pytest.mark.slow),
        pytest.param(PAPER, {"copies": 8}, 2.0200, marks=pytest.mark.slow),
        (PAPER, {"copies": 16}, 1.6041),
        (PAPER, {"blocks": 1}, 1.4186),
        (PAPER, {"blocks": 2}, 1.1077),
        pytest.param(PAPER, {"blocks": 3}, 1.0722, marks=pytest.mark.slow),
        (LOG_NORMAL, {"copies": 2}, 1.2495),
        pytest.param(LOG_NORMAL, {"copies": 3}, 1.2045, marks=pytest.mark.slow),
        (LOG_NORMAL, {"copies": 5}, 1.1498),
        (LOG_NORMAL, {"blocks": 1}, 1.3364),
        (LOG_NORMAL, {"blocks": 2}, 1.1234),
        pytest.param(LOG_NORMAL, {"blocks": 3}, 1.0632, marks=pytest.mark.slow),
    ],
)
def test_price_of_a_limit(system, limits, ratio):
    limited = solved(system, **limits)
    assert limited.value / unlimited(system) == pytest.approx(ratio, abs=6e-5)
    assert limited.gap <= 1e-6


@pytest.mark.parametrize(
    ("blocks", "value"),
    [
        (1, 3290.86),
        (2, 2751.28),
        (3, 2654.13),
        pytest.param(4, 2627.44, marks=pytest.mark.slow),
        pytest.param(5, 2625.71, marks=pytest.mark.slow),
    ],
)
def test_messages_that_cost_time(blocks, value):
    system = cg.System(8, 1000, TIMES, samples=8, costs=COSTS)
    solution = solved(system, blocks=blocks)
    assert solution.value == pytest.approx(value, abs=0.006)
    assert np.count_nonzero(solution.design.partition) == blocks
    assert solution.gap <= 1e-6


def best_of_all_sets(system, most, least=0.0):
    """Minimise by SLSQP over every level set, with the public evaluator."""
    problem = cg.Problem(system, cg.ExpectedRuntime())
    n, total, best = system.workers, system.coordinates, np.inf
    for size in range(1, most + 1):
        for levels in itertools.combinations(range(n), size):
            chosen = list(levels)

            def value(share, chosen=chosen):
                x = np.zeros(n)
                x[chosen] = share * total / share.sum()
                return cg.evaluate(problem, x).value / total

            low = max(least, 1e-7)
            if size * low > 1:
                continue
            found = minimize(
                value,
                np.full(size, 1 / size),
                method="SLSQP",
                bounds=[(low, 1)] * size,
                constraints={"type": "eq", "fun": lambda share: share.sum() - 1},
                options={"ftol": 1e-13, "maxiter": 300},
            )
            best = min(best, value(found.x) * total)
    return best


@in_turns(every=2, costs=FREE_AND_COSTS, limit={"two": (2, None), "four": (4, 0.3)})
def test_level_sets_against_all_of_them(costs, limit):
    blocks, least = limit
    system = cg.System(4, 300, TIMES, samples=4, costs=costs)
    expected = best_of_all_sets(system, blocks, least or 0.0)
    solution = solved(system, blocks=blocks, least=least)
    assert solution.value == pytest.approx(expected, rel=1e-5)
    assert solution.bound <= expected * (1 + 1e-9)


@in_turns(
    every=3,
    times={
        "density": TIMES,
        "steps": cg.Empirical(ROUNDS.ravel()[:30]),
        "rounds": cg.Scenarios(ROUNDS),
    },
    costs=FREE_AND_COSTS,
    blocks=[None, 2],
)
def test_boundaries_against_all_of_them(times, costs, blocks):
    system = cg.System(4, 100, times, samples=4, costs=costs)
    ends = (13, 20, 55, 60, 91, 100)
    limits = cg.Limits(boundaries=ends, blocks=blocks)
    problem = cg.Problem(system, cg.ExpectedRuntime())
    values = []
    for counts in itertools.combinations_with_replacement((0, *ends), 3):
        x = np.diff((0, *counts, 100))
        if not limits.violation(x):
            values.append(cg.evaluate(problem, x).value)
    solution = solved(system, boundaries=ends, blocks=blocks)
    assert solution.value == pytest.approx(min(values), rel=1e-9)
    assert solution.gap <= 1e-6
    assert solution.design.is_integer


@pytest.mark.parametrize(
    "times",
    [TIMES, cg.Empirical(ROUNDS.ravel()[:30]), cg.Scenarios(ROUNDS)],
    ids=["density", "steps", "rounds"],
)
def test_certificates_hold_within_limits(times):
    """One evaluation bounds every design within the limits, and no more than those."""
    rng = np.random.default_rng(1)
    for costs in (cg.Costs(), COSTS):
        system = cg.System(4, 100, times, samples=4, costs=costs)
        limits = cg.Limits(levels=[1, 2])
        problem = cg.Problem(system, cg.ExpectedRuntime(), limits=limits)
        best = solved(system, levels=[1, 2])
        for _ in range(3):
            x = np.zeros(4)
            x[1:3] = rng.dirichlet([1, 1]) * 100
            bound, _ = certify(problem, cg.Design(x))
            assert bound <= best.value * (1 + 1e-12)
        bound, _ = certify(problem, best.design)
        slack = 40 if costs else 1e-4 * best.value
        if isinstance(times, cg.LogNormal):
            assert bound >= best.value - slack


def test_whole_numbers_within_limits():
    system = cg.System(8, 53, TIMES, samples=8, costs=COSTS)
    solution = solved(system, form="block", least=0.25)
    x = solution.design.partition
    assert x.sum() == 53
    assert np.all(x == np.round(x))
    assert x[x > 0].min() >= 0.25 * 53


def test_ends_of_the_tensors_of_a_real_network():
    sizes = resnet50()
    assert len(sizes) == 161
    assert sum(sizes) == 25_557_032
    system = cg.System(12, sum(sizes), TIMES, samples=12)
    free = cg.solve(cg.Problem(system, cg.ExpectedRuntime()))
    found = solved(system, gap=1e-3, boundaries=cg.boundaries_of_sizes(sizes))
    assert found.gap <= 1e-3
    assert found.value / free.value == pytest.approx(1.0290, abs=1e-3)


def partitions(workers, total):
    """All designs in whole numbers."""
    for bars in itertools.combinations(range(total + workers - 1), workers - 1):
        x = np.diff((-1, *bars, total + workers - 1)) - 1
        yield x.astype(float)


@in_turns(
    every=4,
    limits=[{"copies": 3}, {"blocks": 2}, {"least": 0.3}, {"copies": 3, "blocks": 2}],
    times={
        "density": TIMES,
        "rounds": cg.Scenarios(ROUNDS),
        "start": cg.RandomStart(1.0, cg.Exponential(0.1)),
    },
    costs=FREE_AND_COSTS,
)
def test_whole_numbers_within_limits_against_all_of_them(times, costs, limits):
    system = cg.System(4, 11, times, samples=4, costs=costs)
    kept = cg.Limits(**limits)
    problem = cg.Problem(system, cg.ExpectedRuntime(), limits=kept)
    values = [cg.evaluate(problem, x).value for x in partitions(4, 11) if not kept.violation(x)]
    solution = cg.solve(problem, "optimal-integer", form="block", gap=1e-6)
    assert kept.violation(solution.design.partition) == ""
    assert solution.design.is_integer
    assert solution.value == pytest.approx(min(values), rel=1e-6)
    assert solution.bound <= min(values) * (1 + 1e-9)
    assert solution.gap <= 1e-6


def test_a_time_limit_keeps_what_was_found():
    system = cg.System(50, 20_000, cg.ShiftedExponential(rate=1e-3, shift=50), samples=50)
    problem = cg.Problem(system, cg.ExpectedRuntime(), limits=cg.Limits(blocks=5))
    solution = cg.solve(problem, time_limit=0.3)
    assert solution.seconds.solve < 4.0
    assert np.count_nonzero(solution.design.partition) <= 5
    assert solution.bound <= solution.value


def test_levels_without_a_mean_are_refused():
    system = cg.System(4, 100, cg.Pareto(shape=0.4, scale=1.0))
    with pytest.raises(InfiniteMeanError, match="expected runtime is infinite"):
        solved(system, copies=2)


def test_a_design_outside_the_limits_is_not_judged():
    problem = cg.Problem(LOG_NORMAL, cg.ExpectedRuntime(), limits=cg.Limits(copies=3))
    with pytest.raises(InvalidInputError, match="level 11 is used"):
        cg.judge(problem, [0] * 11 + [50_000])


def test_methods_that_cannot_keep_a_limit_say_so():
    problem = cg.Problem(LOG_NORMAL, cg.ExpectedRuntime(), limits=cg.Limits(blocks=3))
    with pytest.raises(UnsupportedProblemError, match="cannot keep the limit blocks"):
        cg.solve(problem, "projected-subgradient")


@pytest.mark.parametrize(
    "limits",
    [{"copies": 1}, {"copies": 6}, {"levels": [0, 2, 3, 6]}, {"levels": [1, 5], "copies": 4}],
)
def test_fewer_levels_of_rounds_are_a_smaller_problem(limits):
    """The small problem has the optimum of the general method, which counts a cost of next to nothing."""
    rounds = cg.Scenarios(np.random.default_rng(8).gamma(2.0, 1.0, (60, 7)) + 0.2)
    system = cg.System(7, 300, rounds, samples=21, cycles=0.5)
    small = solved(system, **limits)
    general = solved(replace(system, costs=cg.Costs(startup=1e-12)), **limits)
    assert small.value == pytest.approx(general.value, rel=2e-6)
    assert small.gap <= 1e-6
    problem = cg.Problem(system, cg.ExpectedRuntime(), limits=cg.Limits(**limits))
    planes = cg.solve(problem, "cutting-plane")
    assert planes.value == pytest.approx(small.value, rel=1e-9)
