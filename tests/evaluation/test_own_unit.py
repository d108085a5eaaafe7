"""The unit of time does not matter: values near the ends of the range are those at scale 1."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.evaluation.own_unit import own_unit
from cgcopt.evaluation.simulation import simulate
from cgcopt.objective import Objective
from cgcopt.schedule import Schedule
from cgcopt.workers.base import WorkerTimes
from cgcopt.workers.start import RandomStart
from tests.turns import in_turns

RNG = np.random.default_rng(5)
VALUES, ROUNDS = RNG.lognormal(0.0, 0.7, 12), RNG.lognormal(0.0, 0.7, (9, 3))
FAST, SLOW = 1e-288, 1e288
SCALES = (FAST, 1e200, SLOW)

#: One model of every kind, at a scale.
MODELS: dict[str, Callable[[float], WorkerTimes]] = {
    "exponential": lambda c: cg.ShiftedExponential(1.0 / c, 0.5 * c),
    "pareto": lambda c: cg.Pareto(2.5, c, 0.2 * c),
    "groups": lambda c: cg.Groups([(2, cg.Gamma(2.0, c)), (1, cg.LogNormal(0.6, 2.0 * c))]),
    "start": lambda c: RandomStart(0.3 * c, cg.Weibull(1.5, c)),
    "start and times": lambda c: RandomStart(cg.LogNormal(0.5, c), cg.Exponential(2.0 / c)),
    "steps": lambda c: cg.Empirical(VALUES * c),
    "rounds": lambda c: cg.Scenarios(ROUNDS * c),
}
OBJECTIVES: dict[str, Callable[[float], Objective]] = {
    "mean": lambda c: cg.ExpectedRuntime(),
    "probability": lambda c: cg.CompletionProbability(23.0 * c),
    "quantile": lambda c: cg.Quantile(0.8),
    "tail": lambda c: cg.ConditionalValueAtRisk(0.6),
}
DESIGN = [14.0, 10.0, 6.0]


def problem_at(scale: float, model: str, objective: str) -> cg.Problem:
    return cg.Problem(cg.System(3, 30, MODELS[model](scale)), OBJECTIVES[objective](scale))


def in_scale(value: float, scale: float, problem: cg.Problem) -> float:
    return value / scale if problem.objective.time_power else value


@cache
def common(model: str, objective: str) -> cg.Solution:
    return cg.judge(problem_at(1.0, model, objective), DESIGN)


@in_turns(every=3, scale=SCALES, model=list(MODELS), objective=list(OBJECTIVES))
def test_values_and_bounds_are_those_at_scale_one(scale: float, model: str, objective: str) -> None:
    at_one = common(model, objective)
    if at_one.evaluation is not None and at_one.evaluation.method == "simulation":
        return  # other rounds are drawn
    problem = problem_at(scale, model, objective)
    found = cg.judge(problem, DESIGN)
    assert found.problem is problem
    assert in_scale(found.value, scale, problem) == pytest.approx(at_one.value, rel=1e-11)
    assert in_scale(found.bound, scale, problem) == pytest.approx(at_one.bound, rel=1e-11)
    alone = cg.evaluate(problem, DESIGN, gradient=True)
    assert alone.value == found.value
    reference = cg.evaluate(at_one.problem, DESIGN, gradient=True)
    if reference.gradient is not None:
        assert alone.gradient is not None
        rise = alone.gradient / (scale if problem.objective.time_power else 1.0)
        assert rise == pytest.approx(reference.gradient, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("model", "objective"),
    [
        ("exponential", "mean"),
        ("exponential", "probability"),
        ("groups", "mean"),
        ("start", "mean"),
        ("steps", "mean"),
        ("rounds", "mean"),
        ("rounds", "quantile"),
        ("exponential", "tail"),
    ],
)
def test_solving_reaches_what_it_reaches_at_scale_one(model: str, objective: str) -> None:
    options = cg.Options(gap=1e-5, time_limit=20)
    at_one = cg.solve(problem_at(1.0, model, objective), options=options)
    for scale in (FAST, SLOW):
        problem = problem_at(scale, model, objective)
        found = cg.solve(problem, options=options)
        assert found.problem is problem
        assert found.termination is at_one.termination
        assert found.status is at_one.status
        assert in_scale(found.value, scale, problem) == pytest.approx(at_one.value, rel=1e-5)
        assert in_scale(found.bound, scale, problem) == pytest.approx(at_one.bound, rel=1e-5)


@pytest.mark.parametrize("model", ["exponential", "steps", "rounds"])
def test_schedules_and_simulation_pass_the_same_door(model: str) -> None:
    two_levels = Schedule([20.0, 0.0, 10.0])
    for scale in SCALES:
        near, far = (problem_at(c, model, "mean") for c in (1.0, scale))
        expected, found = (cg.evaluate(problem, two_levels) for problem in (near, far))
        doubt = 6 * math.hypot(expected.standard_error, found.standard_error / scale)
        assert found.value / scale == pytest.approx(expected.value, rel=1e-11, abs=doubt)
        drawn = simulate(far, cg.Design(DESIGN), rounds=2000)
        exact = cg.evaluate(far, DESIGN).value
        assert abs(drawn.value - exact) < 6 * drawn.standard_error


def test_costs_and_limits_come_along() -> None:
    def problem(scale: float) -> cg.Problem:
        costs = cg.Costs(startup=scale, per_coordinate=0.1 * scale, per_message=0.5 * scale)
        system = cg.System(3, 30, cg.Gamma(2.0, scale), costs=costs)
        return cg.Problem(system, cg.ExpectedRuntime(), limits=cg.Limits(copies=2))

    at_one, far = (cg.solve(problem(c), gap=1e-5, time_limit=20) for c in (1.0, SLOW))
    assert far.value / SLOW == pytest.approx(at_one.value, rel=1e-5)
    assert far.bound / SLOW == pytest.approx(at_one.bound, rel=1e-5)


def test_a_refusal_names_the_given_times() -> None:
    problem = cg.Problem(cg.System(3, 30, cg.Pareto(0.5, SLOW)), cg.ExpectedRuntime())
    with pytest.raises(cg.CgcoptError, match=r"pareto\(shape=0.5, scale=1e\+288"):
        cg.evaluate(problem, DESIGN)


def test_seconds_stay_where_a_number_would_be_rounded_or_nothing_is_known_of_the_unit() -> None:
    for times in (cg.Empirical([1e-300, 1e-290, 1e300]), cg.Scenarios([[1e-320, 1e300, 1e300]])):
        problem = cg.Problem(cg.System(3, 30, times), cg.ExpectedRuntime())
        assert own_unit(problem) is None
    far = own_unit(cg.Problem(cg.System(3, 30, cg.Gamma(2.0, FAST)), cg.CompletionProbability(1.0)))
    assert far is not None
    assert math.isfinite(far.problem.objective.parameters[0])
