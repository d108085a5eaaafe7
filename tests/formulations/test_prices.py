"""Prices: one set of numbers from four languages, the evaluation, and difference quotients."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.errors import InvalidInputError, UnsupportedProblemError
from cgcopt.evaluation.prices import Prices, prices_of
from cgcopt.formulations import Formulation, formulate

TIMES = cg.ShiftedExponential(rate=1e-3, shift=50.0)


def rounds_problem(coordinates: int = 300) -> cg.Problem:
    times = 50.0 + np.random.default_rng(4).exponential(1e3, (40, 5))
    system = cg.System(5, coordinates, cg.Scenarios(times), samples=7)
    return cg.Problem(system, cg.ExpectedRuntime())


def solved(formulation: Formulation) -> dict[str, Any]:
    """Each language's solved model."""
    import pyomo.environ as pyo
    from pyomo.contrib.solver.solvers.highs import Highs
    from scipy.optimize import linprog

    problem = formulation.to_cvxpy()
    problem.solve(solver="HIGHS")
    concrete = formulation.to_pyomo()
    concrete.dual = pyo.Suffix(direction=pyo.Suffix.IMPORT)
    Highs().solve(concrete)
    highs = formulation.to_highspy()
    highs.run()
    arguments = formulation.to_scipy().linprog_arguments()
    arguments.pop("integrality")
    result = linprog(**arguments, method="highs")
    return {"cvxpy": problem, "pyomo": concrete, "highspy": highs, "scipy": result}


def assert_same(prices: Prices, expected: Prices, rel: float = 1e-6) -> None:
    assert prices.budget == pytest.approx(expected.budget, rel=rel)
    assert prices.reduced == pytest.approx(expected.reduced, abs=rel * expected.budget)


def test_four_languages_and_the_evaluation_have_the_same_prices() -> None:
    problem = rounds_problem()
    formulation = formulate(problem, "relaxed")
    models = solved(formulation)
    design = formulation.design(models["highspy"])
    expected = prices_of(problem, design)
    assert expected is not None
    value = cg.evaluate(problem, design).value
    assert expected.budget == pytest.approx(value / 300, rel=1e-9)
    assert expected.reduced[~expected.used].min(initial=1.0) >= 0.0
    for language, model in models.items():
        prices = formulation.prices(model)
        assert_same(prices, expected)
        assert prices.reduced[prices.used] == pytest.approx(0.0, abs=1e-6 * value), language
    # A coordinate more costs what the price says.
    more = formulate(rounds_problem(303), "relaxed")
    highs = more.to_highspy()
    highs.run()
    gained = more.value(highs.getObjectiveValue()) - value
    assert gained == pytest.approx(3 * expected.budget, rel=1e-6)


def test_a_level_that_a_limit_closes_has_a_price() -> None:
    problem = rounds_problem()
    formulation = formulate(problem, "relaxed")
    model = formulation.to_highspy()
    names = list(model.getLp().col_names_)
    model.changeColBounds(names.index("x_4"), 0.0, 20.0)
    model.run()
    prices = formulation.prices(model)
    assert prices.reduced[4] < 0.0  # more coordinates there would save time
    tight = formulation.value(model.getObjectiveValue())
    model.changeColBounds(names.index("x_4"), 0.0, 20.01)
    model.run()
    saved = formulation.value(model.getObjectiveValue()) - tight
    assert saved == pytest.approx(0.01 * prices.reduced[4], rel=1e-4)


@pytest.mark.parametrize(
    ("objective", "costs", "limits"),
    [
        (cg.ExpectedRuntime(), cg.Costs(), cg.Limits(copies=3)),
        (cg.ExpectedRuntime(), cg.Costs(), cg.Limits(levels=[1])),
        (cg.ExpectedRuntime(), cg.Costs(10.0, 300.0), cg.Limits(levels=[0, 2, 4])),
        (cg.ConditionalValueAtRisk(0.87), cg.Costs(), cg.Limits()),
    ],
    ids=["copies", "one level", "costs and levels", "tail"],
)
def test_prices_within_limits_and_of_the_tail(
    objective: cg.Objective, costs: cg.Costs, limits: cg.Limits
) -> None:
    system = replace(rounds_problem().system, costs=costs)
    problem = cg.Problem(system, objective, limits=limits)
    formulation = formulate(problem, "relaxed")
    models = solved(formulation)
    design = formulation.design(models["highspy"])
    expected = prices_of(problem, design)
    assert expected is not None
    allowed = limits.allowed_levels(5)
    assert expected.reduced[allowed] == pytest.approx(0.0, abs=1e-6 * expected.budget)
    assert np.delete(expected.reduced, allowed).max(initial=-1.0) < 0.0
    for model in models.values():
        assert_same(formulation.prices(model), expected)
    value = cg.evaluate(problem, design).value
    assert expected.budget == pytest.approx((value - costs.startup) / 300, rel=1e-7)
    more = replace(problem, system=replace(system, coordinates=303))
    gained = cg.solve(more, "highs").value - value
    assert gained == pytest.approx(3 * expected.budget, rel=1e-5)


def test_models_without_multipliers_are_refused() -> None:
    formulation = formulate(rounds_problem(), "relaxed")
    from scipy.optimize import milp

    result = milp(**formulation.to_scipy().milp_arguments())
    with pytest.raises(InvalidInputError, match="linprog"):
        formulation.prices(result)
    model = formulation.to_pyomo()
    formulation.warm_start(model, cg.Design([60.0] * 5))
    with pytest.raises(InvalidInputError, match="Suffix"):
        formulation.prices(model)
    with pytest.raises(UnsupportedProblemError, match="block form"):
        formulate(rounds_problem(), "block").prices(None)


@pytest.mark.parametrize(
    "problem",
    [
        cg.Problem(cg.System(4, 100, TIMES), cg.ExpectedRuntime()),
        cg.Problem(cg.System(4, 100, TIMES), cg.CompletionProbability(2e5)),
        cg.Problem(
            cg.System(4, 100, TIMES, costs=cg.Costs(startup=10.0, per_coordinate=30.0)),
            cg.ExpectedRuntime(),
        ),
        cg.Problem(cg.System(4, 100, TIMES), cg.Quantile(0.9)),
    ],
    ids=["runtime", "probability", "costs", "quantile"],
)
def test_prices_are_difference_quotients(problem: cg.Problem) -> None:
    x = np.array([40.0, 20.0, 10.0, 30.0])
    prices = prices_of(problem, cg.Design(x))
    assert prices is not None
    for n in range(4):
        ends = []
        for step in (1e-3, -1e-3):
            moved = x.copy()
            moved[n] += step
            scaled = replace(problem.system, coordinates=100)
            work = np.cumsum(np.arange(1.0, 5.0) * moved)
            ends.append(cg.evaluation.evaluate.evaluate_work(replace(problem, system=scaled), work))
        quotient = (ends[0].value - ends[1].value) / 2e-3
        assert prices.gradient[n] == pytest.approx(quotient, rel=1e-4)
    assert prices.budget == pytest.approx(float(prices.gradient @ x) / 100)
    if not problem.system.costs and problem.objective.unit:
        assert prices.budget == pytest.approx(cg.evaluate(problem, x).value / 100, rel=1e-6)


def test_solutions_carry_prices_of_one_sign() -> None:
    system = cg.System(6, 1000, TIMES)
    slow = cg.solve(cg.Problem(system, cg.ExpectedRuntime(), limits=cg.Limits(copies=3)))
    assert slow.prices is not None
    assert slow.prices.budget == pytest.approx(slow.value / 1000, rel=1e-6)
    gained = slow.prices.reduced[3:] / slow.prices.budget
    assert gained.max() < -0.1  # what the limit on the copies costs
    late = cg.solve(cg.Problem(system, cg.CompletionProbability(2.5e6)))
    assert late.prices is not None
    assert late.prices.budget < 0.0
    assert late.prices.reduced.max() <= 1e-5 * abs(late.prices.budget)
    counted = cg.Problem(
        replace(system, worker_times=cg.Empirical([1.0, 2.0])), late.problem.objective
    )
    assert cg.solve(counted, "uniform").prices is None


def test_the_command_line_prints_them(capsys: pytest.CaptureFixture[str]) -> None:
    from cgcopt.cli import main

    call = ["solve", "paper", "--solver", "closed-form-time", "--prices"]
    assert main(call) == 0
    shown = capsys.readouterr().out
    assert "lambda" in shown
    assert "dE/dx - lambda" in shown
    assert main([*call, "--json"]) == 0
    prices = json.loads(capsys.readouterr().out)["prices"]
    assert len(prices["levels"]) == 20
    assert prices["budget"] > 0


def test_rounding_of_a_reduced_cost_has_no_sign() -> None:
    gradient = np.array([0.1 + 0.2, 0.3, 0.5])
    prices = Prices(0.3, gradient, np.array([1.0, 1.0, 0.0]))
    assert gradient[0] != 0.3
    assert prices.reduced.tolist() == [0.0, 0.0, 0.2]
