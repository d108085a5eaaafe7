"""Completion probabilities and quantiles within limits, and with costs."""

import itertools

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.errors import UnsupportedProblemError
from cgcopt.objective import Sense
from tests.turns import in_turns

PAPER = cg.System(4, 40_000, cg.ShiftedExponential(rate=0.1, shift=1), samples=50)
TIMES = cg.LogNormal(sigma=0.6, scale=1, shift=0.2)
COSTS = cg.Costs(startup=30, per_coordinate=0.5, per_message=40)
OBJECTIVES = [cg.CompletionProbability(3000.0), cg.Quantile(0.9)]


def test_all_levels_allowed_is_the_published_setting():
    limits = cg.Limits(levels=range(4))
    problem = cg.Problem(PAPER, cg.CompletionProbability(10**6.8), limits=limits)
    assert cg.solve(problem, gap=1e-3).value == pytest.approx(0.696433, abs=2e-6)


@in_turns(every=2, costs={"free": cg.Costs(), "costs": COSTS}, objective=OBJECTIVES)
def test_two_blocks_against_all_pairs_of_levels(objective, costs):
    """Every pair of levels on a grid of shares, and a fine grid around the best of the best pairs."""
    system = cg.System(4, 1000, TIMES, samples=4, costs=costs)
    problem = cg.Problem(system, objective, limits=cg.Limits(blocks=2))
    sign = 1 if objective.kind == "quantile" else -1

    def loss(low, high, share):
        x = np.zeros(4)
        x[low], x[high] = 1000 * share, 1000 * (1 - share)
        return sign * cg.evaluate(problem, x).value

    coarse = sorted(
        (loss(low, high, share), low, high, share)
        for low, high in itertools.combinations(range(4), 2)
        for share in np.linspace(0, 1, 21)
    )
    best = min(
        loss(low, high, fine)
        for _, low, high, share in coarse[:4]
        for fine in np.clip(np.linspace(share - 0.05, share + 0.05, 21), 0, 1)
    )
    solution = cg.solve(problem)
    assert sign * solution.value <= best + 1e-9 * abs(best)
    assert sign * solution.value >= best - 2e-3 * abs(best)
    assert sign * solution.bound <= sign * solution.value
    assert solution.design.blocks <= 2


@in_turns(
    every=2,
    objective=OBJECTIVES,
    limits=[{"least": 0.3}, {"copies": 3}, {"boundaries": [130, 400, 550, 900, 1000]}],
)
def test_every_limit_is_kept(objective, limits):
    system = cg.System(5, 1000, TIMES, samples=5, costs=COSTS)
    problem = cg.Problem(system, objective, limits=cg.Limits(**limits))
    solution = cg.solve(problem, form="block")
    assert problem.limits.violation(solution.design.partition) == ""
    assert solution.design.is_integer
    assert solution.design.coordinates == 1000


def test_costs_on_rounds_are_refused():
    system = cg.System(3, 30, cg.Scenarios([[1.0, 2.0, 4.0]]), costs=COSTS)
    problem = cg.Problem(system, cg.Quantile(0.5), limits=cg.Limits(copies=2))
    with pytest.raises(UnsupportedProblemError, match="independent"):
        cg.solve(problem)


MEASURED = cg.Empirical(np.random.default_rng(3).lognormal(-0.4, 0.6, 12))
GRID = [np.array([a, b, 100.0 - a - b]) for a in range(0, 101, 10) for b in range(0, 101 - a, 10)]


@in_turns(
    every=2,
    objective=[cg.CompletionProbability(1.2), cg.Quantile(0.8)],
    limits={"none": cg.Limits(), "copies": cg.Limits(copies=2)},
)
def test_measured_starts_of_equal_workers_are_optimised(objective, limits):
    """No design of a grid is better."""
    system = cg.System(3, 100, cg.RandomStart(2e-3, MEASURED), samples=3)
    problem = cg.Problem(system, objective, limits=limits)
    found = cg.solve(problem)
    values = [cg.evaluate(problem, x).value for x in GRID if not limits.violation(x)]
    best = max(values) if objective.sense is Sense.MAXIMIZE else -min(values)
    value = found.value if objective.sense is Sense.MAXIMIZE else -found.value
    assert value >= best - 1e-9
    assert not limits.violation(found.partition)


def test_measured_times_with_costs_are_optimised():
    system = cg.System(3, 100, MEASURED, samples=3, costs=cg.Costs(startup=10, per_message=20))
    problem = cg.Problem(system, cg.CompletionProbability(180.0))
    best = max(cg.evaluate(problem, x).value for x in GRID)
    assert cg.solve(problem).value >= best - 1e-9
