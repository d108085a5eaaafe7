"""Completion probabilities and quantiles within limits, and with costs."""

import itertools

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.errors import UnsupportedProblemError

PAPER = cg.System(10, 40_000, cg.ShiftedExponential(rate=0.1, shift=1), samples=50)
TIMES = cg.LogNormal(sigma=0.6, scale=1, shift=0.2)
COSTS = cg.Costs(startup=30, per_coordinate=0.5, per_message=40)
OBJECTIVES = [cg.CompletionProbability(3000.0), cg.Quantile(0.9)]


def test_all_levels_allowed_is_the_published_setting():
    limits = cg.Limits(levels=range(10))
    problem = cg.Problem(PAPER, cg.CompletionProbability(10**6.5), limits=limits)
    assert cg.solve(problem).value == pytest.approx(0.745596, abs=2e-6)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: objective.kind)
@pytest.mark.parametrize("costs", [cg.Costs(), COSTS], ids=["free", "costs"])
def test_two_blocks_against_all_pairs_of_levels(objective, costs):
    """A fine grid over the share of the first of two levels, for every pair."""
    system = cg.System(5, 1000, TIMES, samples=5, costs=costs)
    problem = cg.Problem(system, objective, limits=cg.Limits(blocks=2))
    sign = 1 if objective.kind == "quantile" else -1
    best = np.inf
    for low, high in itertools.combinations(range(5), 2):
        for share in np.linspace(0, 1, 101):
            x = np.zeros(5)
            x[low], x[high] = 1000 * share, 1000 * (1 - share)
            best = min(best, sign * cg.evaluate(problem, x).value)
    solution = cg.solve(problem)
    assert sign * solution.value <= best + 1e-9 * abs(best)
    assert sign * solution.value >= best - 2e-3 * abs(best)
    assert sign * solution.bound <= sign * solution.value
    assert solution.design.blocks <= 2


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: objective.kind)
@pytest.mark.parametrize(
    "limits", [{"copies": 3}, {"least": 0.3}, {"boundaries": [130, 400, 550, 900, 1000]}]
)
def test_every_limit_is_kept(objective, limits):
    system = cg.System(5, 1000, TIMES, samples=5, costs=COSTS)
    problem = cg.Problem(system, objective, limits=cg.Limits(**limits))
    solution = cg.solve(problem, form="block")
    assert problem.limits.violation(solution.design.partition) == ""
    assert solution.design.is_integer
    assert solution.design.coordinates == 1000


def test_costs_without_a_density_are_refused():
    system = cg.System(3, 30, cg.Empirical([1.0, 2.0, 4.0]), costs=COSTS)
    problem = cg.Problem(system, cg.Quantile(0.5), limits=cg.Limits(copies=2))
    with pytest.raises(UnsupportedProblemError, match="density"):
        cg.solve(problem)
