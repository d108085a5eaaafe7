"""A unit of time is a unit: worker times near the ends of the range give the same designs and values."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import cgcopt as cg

FAMILIES: dict[str, Callable[[float], cg.WorkerTimes]] = {
    "exponential": lambda scale: cg.Exponential(1 / scale),
    "shifted": lambda scale: cg.ShiftedExponential(1 / scale, scale),
    "weibull": lambda scale: cg.Weibull(0.7, scale),
    "gamma": lambda scale: cg.Gamma(2.0, scale, scale),
    "lognormal": lambda scale: cg.LogNormal(sigma=0.7, scale=scale),
    "pareto": lambda scale: cg.Pareto(2.5, scale),
}
SCALES = [2.0**-960, 2.0**664, 2.0**960]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("family", FAMILIES)
def test_evaluations_scale(family: str, scale: float) -> None:
    objectives = [cg.ExpectedRuntime(), cg.ConditionalValueAtRisk(0.9), cg.Quantile(0.9)]
    for objective in objectives:
        for costs in (0.0, 0.5):
            found = []
            for unit in (1.0, scale):
                paid = cg.Costs(startup=costs * unit, per_message=costs * unit)
                system = cg.System(5, 100, FAMILIES[family](unit), costs=paid)
                problem = cg.Problem(system, objective)
                found.append(cg.evaluate(problem, [60, 20, 10, 6, 4]).value / unit)
            assert found[1] == pytest.approx(found[0], rel=1e-11)


@pytest.mark.parametrize("scale", [1e-290, 1e-288, 1e288])
@pytest.mark.parametrize("family", FAMILIES)
def test_optima_close_their_gap(family: str, scale: float) -> None:
    system = cg.System(5, 100, FAMILIES[family](scale))
    solution = cg.solve(cg.Problem(system, cg.ExpectedRuntime()), time_limit=30.0)
    assert solution.gap <= 1e-6
    assert solution.termination == "converged"


def test_a_bound_with_costs_is_scaled_back() -> None:
    times = cg.ShiftedExponential(rate=1e288, shift=1e-288)
    system = cg.System(4, 100, times, costs=cg.Costs(startup=1e-287, per_message=1e-288))
    solution = cg.solve(cg.Problem(system, cg.ExpectedRuntime()), time_limit=30.0)
    assert solution.gap <= 1e-6
