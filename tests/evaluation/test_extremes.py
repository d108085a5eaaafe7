"""Extreme but finite parameters: a result or one line, never a warning or a traceback."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.errors import CgcoptError
from cgcopt.objective import Objective
from cgcopt.workers.base import WorkerTimes
from tests.turns import in_turns

SIZES = (1e-320, 1e-308, 1e-305, 1e-200, 1e-15, 1e15, 1e200, 1e290, 1e308)
SHAPES = (1e-300, 1e-10, 1e-3, 100.0, 1e15, 1e300)
RNG = np.random.default_rng(0)
OBJECTIVES = [
    cg.ExpectedRuntime(),
    cg.Quantile(0.9),
    cg.ConditionalValueAtRisk(0.9),
    cg.CompletionProbability(1.0),
    cg.CompletionProbability(1e-300),
    cg.CompletionProbability(1e300),
]


def models() -> list[WorkerTimes]:
    makers = [
        *(lambda v=v: cg.Exponential(v) for v in SIZES),
        *(lambda v=v, s=s: cg.ShiftedExponential(v, s) for v in SIZES for s in (1.0, 1e300)),
        *(lambda v=v, s=s: cg.Weibull(0.7, v, s) for v in SIZES for s in (0.0, 1.0)),
        *(lambda v=v, s=s: cg.Gamma(0.5, v, s) for v in SIZES for s in (0.0, 1e300)),
        *(lambda v=v, s=s: cg.LogNormal(1.0, v, s) for v in SIZES for s in (0.0, 1.0)),
        *(lambda v=v, s=s: cg.Pareto(2.0, v, s) for v in SIZES for s in (0.0, 1e-300)),
        *(
            lambda family=family, a=a: family(a, 1.0, 1.0)
            for family in (cg.Weibull, cg.Gamma, cg.LogNormal, cg.Pareto)
            for a in SHAPES
        ),
        lambda: cg.Empirical([1e-15, 1.0, 1e15]),
        lambda: cg.Empirical([1e-300, 1.0, 1e300]),
        lambda: cg.Empirical([1e-300, 1e300]),
        lambda: cg.Empirical([5e-324, 1.0]),
        lambda: cg.Empirical([5e-324, 1e308]),
        lambda: cg.Scenarios(10.0 ** RNG.uniform(-15, 15, (20, 3))),
        lambda: cg.Scenarios(10.0 ** RNG.uniform(-300, 300, (20, 3))),
        lambda: cg.Scenarios(np.full((3, 3), 1e308)),
        lambda: cg.Scenarios(np.full((3, 3), 5e-324)),
    ]
    found: list[WorkerTimes] = []
    for make in makers:
        try:
            found.append(make())
        except CgcoptError:
            continue
    return found


def attempted(function: Any, *args: Any, **options: Any) -> cg.Solution | str:
    """A solution, or the message with which it is refused."""
    try:
        found: cg.Solution = function(*args, **options)
    except CgcoptError as error:
        return str(error)
    return found


@pytest.mark.parametrize("stride", [5, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda o: f"{o.kind}{o.parameters}")
def test_a_value_and_a_gap_or_one_line(objective: Objective, stride: int) -> None:
    """Warnings are errors in the tests; objectives take turns over the models."""
    cases = list(itertools.product(models(), (30, 2**53)))[
        OBJECTIVES.index(objective) % 5 :: stride
    ]
    refused = 0
    for times, coordinates in cases:
        problem = cg.Problem(cg.System(3, coordinates, times), objective)
        third = float(coordinates // 3)
        found = attempted(cg.judge, problem, [coordinates - 2 * third, third, third])
        if isinstance(found, str):
            assert "\n" not in found
            refused += 1
        else:
            assert math.isfinite(found.value)
            assert found.gap >= 0
    assert refused < 0.5 * len(cases)


@in_turns(
    every=4,
    family={family.__name__: family for family in (cg.Weibull, cg.Gamma, cg.LogNormal, cg.Pareto)},
    scale=[1e-320, 1e-100, 1e100, 1e300],
)
def test_solving_does_not_warn(family: type, scale: float) -> None:
    system = cg.System(3, 30, family(1.5, scale, 0.0))
    for objective, solver in (
        (cg.ExpectedRuntime(), "optimal"),
        (cg.Quantile(0.5), "single-level"),
    ):
        found = attempted(cg.solve, cg.Problem(system, objective), solver, time_limit=2.0)
        message = found if isinstance(found, str) else found.message
        assert "Warning" not in message
        assert "\n" not in message


def test_a_value_beyond_the_range_is_said() -> None:
    times = cg.Empirical(np.linspace(1.0, 9.0, 50) * 1e305)
    problem = cg.Problem(cg.System(4, 100, times, samples=100), cg.ExpectedRuntime())
    found = attempted(cg.solve, problem, time_limit=2.0)
    assert "range of double precision" in (found if isinstance(found, str) else found.message)


def test_a_rate_near_the_end_of_the_range_is_solved_in_its_own_unit() -> None:
    slow, common = (
        cg.solve(cg.Problem(cg.System(4, 100, cg.Exponential(rate)), cg.ExpectedRuntime()))
        for rate in (1e-305, 1.0)
    )
    assert slow.status == common.status == "optimal"
    assert slow.value == pytest.approx(1e305 * common.value, rel=1e-6)


def test_step_times_whose_runtimes_round_to_nothing_are_said() -> None:
    problem = cg.Problem(cg.System(3, 20, cg.Empirical([5e-324, 1.0])), cg.ExpectedRuntime())
    found = attempted(cg.solve, problem, time_limit=5.0)
    message = found if isinstance(found, str) else found.message
    assert "possible runtimes from 0 to 1 s leave the range of double precision" in message


def test_groups_too_far_apart_are_said() -> None:
    groups = cg.Groups([(2, cg.Exponential(1e250)), (2, cg.Exponential(1e-250))])
    problem = cg.Problem(cg.System(4, 100, groups), cg.ExpectedRuntime())
    found = attempted(cg.solve, problem, time_limit=2.0)
    assert "too far apart for double" in (found if isinstance(found, str) else found.message)
