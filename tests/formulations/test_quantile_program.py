"""The shortest deadline that enough scenarios keep, as a program, against the own method."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import milp

import cgcopt as cg
from cgcopt.errors import InvalidInputError, UnsupportedProblemError
from cgcopt.problem import Form
from cgcopt.solvers.registry import all_solvers
from tests.turns import in_turns

NAMES = ("highs", "scipy-milp", "cvxpy-highs", "pyomo-highs", "pyomo-scip")


def problem_of(
    seed: int, q: float, rounds: int = 12, workers: int = 3, length: int = 8
) -> cg.Problem:
    times = 0.2 + np.random.default_rng(seed).exponential(size=(rounds, workers))
    return cg.Problem(cg.System(workers, length, cg.Scenarios(times)), cg.Quantile(q))


@pytest.mark.parametrize("form", list(Form))
def test_outside_solvers_agree_with_the_own_method(form: Form) -> None:
    problem = problem_of(1, 0.7, rounds=9, length=6)
    own = cg.solve(problem, form=form)
    able = {cls.name for cls in all_solvers() if cls.available()}
    found = {name: cg.solve(problem, name, form=form) for name in NAMES if name in able}
    assert len(found) >= 4
    values = {name: solution.value for name, solution in found.items()}
    assert values == pytest.approx(dict.fromkeys(values, own.value), rel=1e-6)
    for solution in found.values():
        assert own.value * (1 - 1e-4) <= solution.bound <= own.value * (1 + 1e-9)


@in_turns(every=2, form=list(Form), q=[0.1, 0.5, 0.9, 0.99])
def test_strong_and_plain_rows_have_one_optimum(form: Form, q: float) -> None:
    problem = problem_of(2, q, rounds=8, length=6)
    found = []
    for strong in (True, False):
        formulation = cg.formulate(problem, form, strong=strong)
        highs = formulation.to_highspy()
        highs.run()
        found.append(formulation.value(highs.getObjectiveValue()))
        value = cg.evaluate(problem, formulation.design(highs)).value
        assert value == pytest.approx(found[-1], rel=1e-5)
    assert found[0] == pytest.approx(found[1], rel=1e-5)
    assert found[0] == pytest.approx(cg.solve(problem, form=form).value, rel=1e-5)


@pytest.mark.parametrize("form", list(Form))
def test_models_hold_the_point_of_a_design(form: Form) -> None:
    problem = problem_of(6, 0.6, rounds=10, length=6)
    best = cg.solve(problem, "highs", form=form)
    formulation = cg.formulate(problem, form)
    vector = formulation.flatten(formulation.point(best.design))
    program = formulation.to_scipy()
    worth = formulation.value(float(program.c @ vector))
    assert worth == pytest.approx(best.value, rel=1e-9)
    for row in program.constraints.values():
        reached = row.A @ vector
        assert (reached >= row.lb - 1e-6).all()
        assert (reached <= row.ub + 1e-6).all()
    assert "tau_n w_n <= t" in str(formulation)


def test_the_strong_rows_are_tighter() -> None:
    problem = problem_of(7, 0.8, rounds=40, workers=5, length=100)
    known = 1.05 * cg.solve(problem).value
    bounds = []
    for strong in (True, False):
        program = cg.formulate(problem, strong=strong, at_most=known).to_scipy()
        arguments = {**program.milp_arguments(), "integrality": np.zeros(program.c.size)}
        bounds.append(milp(**arguments).fun)
    assert bounds[0] > 1.02 * bounds[1]


def test_what_is_refused() -> None:
    problem = problem_of(8, 0.8, rounds=10)
    poor = cg.Design([0, 0, 8])
    formulation = cg.formulate(problem, "block", at_most=cg.solve(problem, form="block").value)
    with pytest.raises(InvalidInputError, match="a quantile of at most"):
        formulation.point(poor)
    exact = cg.Problem(cg.System(3, 8, cg.Exponential(rate=1.0)), cg.Quantile(0.8))
    with pytest.raises(UnsupportedProblemError, match="quantile is formulated on scenarios"):
        cg.formulate(exact)


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("limits", [cg.Limits(), cg.Limits(blocks=2)], ids=["free", "blocks"])
def test_a_row_that_spoils_the_quantile_binds_and_is_not_infeasible(
    form: Form, limits: cg.Limits
) -> None:
    if limits and form is Form.COORDINATE:
        return
    problem = replace(problem_of(9, 0.7, rounds=6, length=6), limits=limits)
    formulation = cg.formulate(problem, form)
    worth = {}
    for most in (6.0, 1.0):
        highs = formulation.to_highspy()
        for level in (1, 2):
            _, column = highs.getColByName(f"x_{level}")
            highs.changeColBounds(column, 0.0, most)
        highs.run()
        design = formulation.design(highs)
        assert (design.partition[1:] <= most + 1e-6).all()
        worth[most] = cg.evaluate(problem, design).value
        assert worth[most] == pytest.approx(formulation.value(highs.getObjectiveValue()), rel=1e-5)
    assert worth[1.0] > 1.01 * worth[6.0]
