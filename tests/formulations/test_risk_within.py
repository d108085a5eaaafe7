"""Quantiles and conditional values at risk within limits and with costs, against all designs."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.optimize import milp

import cgcopt as cg
from cgcopt.errors import UnsupportedProblemError
from cgcopt.formulations import Formulation
from tests.turns import in_turns

L = 9
ROUNDS = np.random.default_rng(5).gamma(2.0, 1.0, (7, 3)) + 0.2
COSTS = cg.Costs(startup=3.0, per_coordinate=0.5, per_message=4.0)
LIMITS: dict[str, dict[str, Any]] = {
    "copies": {"copies": 2},
    "blocks": {"blocks": 2},
    "least": {"least": 0.4},
    "levels": {"levels": [0, 2]},
    "boundaries": {"boundaries": [4, 6, 9]},
    "none": {},
}
KINDS = (cg.Quantile(0.7), cg.ConditionalValueAtRisk(0.7))


def problem_within(
    objective: cg.Objective, limits: dict[str, Any], costs: cg.Costs = COSTS
) -> cg.Problem:
    system = cg.System(3, L, cg.Scenarios(ROUNDS), samples=3, costs=costs)
    return cg.Problem(system, objective, limits=cg.Limits(**limits))


def solved(formulation: Formulation, language: str) -> tuple[float, cg.Design]:
    return run(formulation, getattr(formulation, f"to_{language}")(), language)


def run(formulation: Formulation, model: Any, language: str) -> tuple[float, cg.Design]:
    if language == "scipy":
        model = milp(**model.milp_arguments(), options={"mip_rel_gap": 0.0})
        value = model.fun
    elif language == "cvxpy":
        model.solve(solver="HIGHS", mip_rel_gap=0.0)
        value = model.value
    elif language == "pyomo":
        from pyomo.contrib.solver.solvers.highs import Highs

        value = Highs().solve(model, rel_gap=0.0).incumbent_objective
    else:
        model.setOptionValue("mip_rel_gap", 0.0)
        model.run()
        value = model.getObjectiveValue()
    return formulation.value(value), formulation.design(model)


def best_of_all(problem: cg.Problem) -> float:
    designs = [
        (a, b, L - a - b) for a, b in itertools.product(range(L + 1), repeat=2) if a + b <= L
    ]
    kept = [x for x in designs if not problem.limits.violation(x)]
    return min(cg.evaluate(problem, x).value for x in kept)


@in_turns(every=2, objective=dict(zip(("quantile", "tail"), KINDS, strict=True)), limits=LIMITS)
def test_four_languages_find_the_best_of_all_designs(
    objective: cg.Objective, limits: dict[str, Any]
) -> None:
    problem = problem_within(objective, limits)
    expected = best_of_all(problem)
    for language, strong in zip(
        ("highspy", "cvxpy", "pyomo", "scipy", "highspy"), (True,) * 4 + (False,), strict=True
    ):
        formulation = cg.formulate(problem, "block", strong=strong)
        value, design = solved(formulation, language)
        assert value == pytest.approx(expected, rel=1e-6), (language, strong)
        assert cg.evaluate(problem, design).value == pytest.approx(expected, rel=1e-6)
        assert not problem.limits.violation(design.partition)


@pytest.mark.parametrize("objective", KINDS, ids=["quantile", "tail"])
def test_the_relaxed_form_is_below_and_costs_alone_are_rows_too(objective: cg.Objective) -> None:
    problem = problem_within(objective, {}, cg.Costs(startup=2.0, per_coordinate=0.5))
    formulation = cg.formulate(problem, "relaxed")
    assert "z" not in formulation.variables
    value, design = solved(formulation, "highspy")
    assert cg.evaluate(problem, design).value == pytest.approx(value, rel=1e-6)
    assert value <= best_of_all(problem) * (1 + 1e-9)
    for language in ("cvxpy", "pyomo", "scipy"):
        assert solved(formulation, language)[0] == pytest.approx(value, rel=1e-6)
    text = str(formulation)
    assert "beta" in text
    assert "theta in units of" in text


@pytest.mark.parametrize("objective", KINDS, ids=["quantile", "tail"])
def test_the_point_of_a_design_is_a_start(objective: cg.Objective) -> None:
    problem = problem_within(objective, {"blocks": 2, "least": 0.2})
    formulation = cg.formulate(problem, "block")
    _, best = solved(formulation, "highspy")
    point = formulation.flatten(formulation.point(best))
    program = formulation.to_scipy()
    for name, row in program.constraints.items():
        reached = row.A @ point
        assert (reached >= row.lb - 1e-6).all(), name
        assert (reached <= row.ub + 1e-6).all(), name
    worth = formulation.value(float(program.c @ point))
    assert worth == pytest.approx(cg.evaluate(problem, best).value, rel=1e-9)


@pytest.mark.parametrize("language", ["cvxpy", "pyomo", "highspy"])
@pytest.mark.parametrize("objective", KINDS, ids=["quantile", "tail"])
def test_limits_costs_and_probability_are_parameters(
    objective: cg.Objective, language: str
) -> None:
    formulation = cg.formulate(problem_within(objective, {"blocks": 2}), "block")
    model = getattr(formulation, f"to_{language}")()
    if language == "cvxpy":
        assert model.is_dpp()
    values = []
    changes: list[dict[str, Any]] = [
        {"costs": cg.Costs(per_coordinate=2.0, per_message=1.0)},
        {"limits": cg.Limits(copies=2, least=0.4)},
        {"probability": 0.9, "coordinates": 12},
        {"limits": cg.Limits(), "costs": COSTS, "probability": 0.7, "coordinates": L},
    ]
    for change in changes:
        formulation = formulation.update(model, **change)
        value, design = run(formulation, model, language)
        anew = cg.formulate(formulation.problem, "block")
        assert value == pytest.approx(solved(anew, "highspy")[0], rel=1e-6), change
        assert cg.evaluate(formulation.problem, design).value == pytest.approx(value, rel=1e-6)
        values.append(value)
    assert values[-1] == pytest.approx(best_of_all(formulation.problem), rel=1e-6)
    assert len({round(value, 6) for value in values}) == 4


@pytest.mark.parametrize("name", ["highs", "scipy-linprog", "cvxpy-clarabel", "pyomo-highs"])
@pytest.mark.parametrize(
    "objective", [cg.ExpectedRuntime(), KINDS[1]], ids=["expected runtime", "tail"]
)
def test_multipliers_prove_a_linear_program_with_costs(objective: cg.Objective, name: str) -> None:
    costs = cg.Costs(startup=1.0, per_coordinate=0.5)
    found = cg.solve(problem_within(objective, {"copies": 2}, costs), name)
    assert found.gap < 1e-6
    assert found.certificate is cg.Certificate.CUTTING_PLANES


def test_a_cost_per_message_is_no_part_of_a_linear_program() -> None:
    problem = problem_within(cg.ExpectedRuntime(), {})
    with pytest.raises(UnsupportedProblemError, match="per message"):
        cg.solve(problem, "scipy-linprog")
