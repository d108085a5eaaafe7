"""The programs with limits and costs: one problem in four languages, one optimum, and the own method."""

import itertools
from dataclasses import replace

import highspy
import numpy as np
import pytest
from scipy.optimize import milp

import cgcopt as cg
from cgcopt.errors import UnsupportedProblemError
from tests.turns import in_turns

ROUNDS = np.random.default_rng(3).gamma(2.0, 1.0, (8, 4)) + 0.2
COSTS = cg.Costs(startup=3.0, per_coordinate=0.05, per_message=4.0)
LIMITS = {
    "copies": {"copies": 3},
    "blocks": {"blocks": 2},
    "least": {"least": 0.3},
    "levels": {"levels": [0, 3]},
    "boundaries": {"boundaries": [13, 20, 55, 60]},
    "all": {"copies": 3, "blocks": 2, "least": 0.2, "boundaries": [13, 20, 55, 60]},
}
KINDS = {
    "block-free": ("block", cg.Costs()),
    "block-costs": ("block", COSTS),
    "relaxed-costs": ("relaxed", COSTS),
    "relaxed-free": ("relaxed", cg.Costs()),
}


def problem_within(limits, costs):
    system = cg.System(4, 60, cg.Scenarios(ROUNDS), samples=4, costs=costs)
    return cg.Problem(system, cg.ExpectedRuntime(), limits=cg.Limits(**limits))


def solved(formulation, language):
    """The value and the design of one language, by HiGHS."""
    if language == "highspy":
        highs = formulation.to_highspy()
        highs.setOptionValue("mip_rel_gap", 1e-9)
        highs.run()
        assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        return formulation.value(highs.getObjectiveValue()), formulation.design(highs)
    if language == "cvxpy":
        model = formulation.to_cvxpy()
        value = model.solve(solver="HIGHS", mip_rel_gap=1e-9)
        return formulation.value(value), formulation.design(model)
    if language == "pyomo":
        import pyomo.environ as pyo

        model = formulation.to_pyomo()
        solver = pyo.SolverFactory("appsi_highs")
        solver.highs_options = {"mip_rel_gap": 1e-9}
        solver.solve(model)
        return formulation.value(pyo.value(model.total)), formulation.design(model)
    program = formulation.to_scipy()
    found = milp(
        program.c,
        integrality=program.integrality,
        bounds=program.bounds,
        constraints=list(program.constraints.values()),
        options={"mip_rel_gap": 1e-9},
    )
    return formulation.value(program.sign * found.fun), formulation.design(found.x)


@in_turns(every=4, kind=KINDS, limits=LIMITS)
def test_four_languages_and_the_own_method_agree(kind, limits):
    form, costs = kind
    problem = problem_within(limits, costs)
    formulation = cg.formulate(problem, form)
    own = cg.solve(problem, form=form)
    for language in ("highspy", "cvxpy", "pyomo", "scipy"):
        value, design = solved(formulation, language)
        cleaned = problem.limits.repaired(design.partition, tolerance=1e-6)
        assert problem.limits.violation(cleaned, tolerance=1e-6) == ""
        assert cg.evaluate(problem, cleaned).value == pytest.approx(value, rel=1e-5)
        assert own.bound <= value * (1 + 1e-6)
        if form == "relaxed":
            assert own.value == pytest.approx(value, rel=1e-5)


def test_block_form_against_all_designs():
    problem = problem_within({"blocks": 2, "least": 0.2}, COSTS)
    best = np.inf
    for low, high in itertools.combinations(range(4), 2):
        for count in range(61):
            x = np.zeros(4)
            x[low], x[high] = count, 60 - count
            if not problem.limits.violation(x):
                best = min(best, cg.evaluate(problem, x).value)
    value, _ = solved(cg.formulate(problem, "block"), "highspy")
    assert value == pytest.approx(best, rel=1e-7)


def test_the_point_of_a_design_keeps_all_rows():
    problem = problem_within({"blocks": 2, "boundaries": [20, 60]}, COSTS)
    formulation = cg.formulate(problem, "block")
    design = cg.Design([20, 0, 0, 40])
    point = formulation.point(design)
    flat = np.concatenate([np.ravel(point[name]) for name in formulation.variables])
    program = formulation.to_scipy()
    for name, rows in program.constraints.items():
        sides = rows.A @ flat
        assert np.all(sides >= np.asarray(rows.lb) - 1e-7), name
        assert np.all(sides <= np.asarray(rows.ub) + 1e-7), name
    assert formulation.value(program.c @ flat) == pytest.approx(cg.evaluate(problem, design).value)


def test_mathematics_names_what_binds():
    text = cg.formulate(problem_within({"blocks": 2, "least": 0.1}, COSTS), "relaxed").latex()
    assert r"\sum_n z_n \leq 2" in text
    assert r"\gamma" in text
    assert r"\sigma" in text
    free = cg.formulate(problem_within({"copies": 3}, cg.Costs()), "relaxed")
    assert free.linear
    assert "z_n" not in free.latex()


def test_what_is_not_formulated_is_refused():
    rounds = cg.System(4, 60, cg.Scenarios(ROUNDS), costs=COSTS)
    exact = cg.System(4, 60, cg.Exponential(rate=1.0), costs=COSTS)
    for objective in (cg.ExpectedRuntime(), cg.CompletionProbability(50.0)):
        for system, form in ((rounds, "coordinate"), (exact, "relaxed")):
            with pytest.raises(UnsupportedProblemError, match="limits and costs are formulated on"):
                cg.formulate(cg.Problem(system, objective), form)


@in_turns(every=4, kind=KINDS, limits=LIMITS)
def test_probabilities_in_four_languages(kind, limits):
    form, costs = kind
    runtime = problem_within(limits, costs)
    deadline = cg.solve(runtime).value
    problem = replace(runtime, objective=cg.CompletionProbability(deadline))
    formulation = cg.formulate(problem, form)
    values = []
    for language in ("highspy", "cvxpy", "pyomo", "scipy"):
        value, design = solved(formulation, language)
        cleaned = problem.limits.repaired(design.partition, tolerance=1e-6)
        assert problem.limits.violation(cleaned, tolerance=1e-6) == ""
        values.append(value)
    assert values == pytest.approx([values[0]] * 4, abs=1e-6)
    solution = cg.solve(problem, "highs", form=form, time_limit=20)
    assert solution.bound == pytest.approx(values[0], abs=1e-9)
    rng = np.random.default_rng(2)
    for x in rng.dirichlet(np.full(4, 0.4), 200) * 60:
        x[x < 6] = 0.0
        x *= 60 / x.sum()
        if not problem.limits.violation(x) and form == "relaxed":
            assert cg.evaluate(problem, x).value <= values[0] + 1e-9


def test_mathematics_of_a_deadline():
    problem = problem_within({"blocks": 2}, COSTS)
    text = cg.formulate(replace(problem, objective=cg.CompletionProbability(50.0)), "block").latex()
    assert r"\max" in text
    assert r"M_{k,n} (1 - y_k)" in text
    assert r"\sum_n z_n \leq 2" in text


@pytest.mark.parametrize("solver", ["highs", "scipy-milp"])
def test_outside_solvers_within_limits(solver):
    problem = problem_within({"blocks": 2}, COSTS)
    own = cg.solve(problem)
    solution = cg.solve(problem, solver, time_limit=20)
    assert solution.value == pytest.approx(own.value, rel=1e-5)
    assert solution.bound <= own.value * (1 + 1e-6)


@in_turns(
    every=2, objective=[cg.ExpectedRuntime(), cg.CompletionProbability(200.0)], name=LIMITS.keys()
)
def test_columns_are_in_the_order_of_the_variables(objective, name):
    problem = replace(problem_within(LIMITS[name], COSTS), objective=objective)
    formulation = cg.formulate(problem, "block")
    expected = [
        "_".join((variable, *map(str, at)))
        for variable, shape in formulation.variables.items()
        for at in np.ndindex(*shape)
    ]
    highs = formulation.to_highspy()
    assert list(highs.getLp().col_names_) == expected
    x = (
        np.array([0.0, 0.0, 60.0, 0.0])
        if "levels" not in LIMITS[name]
        else np.array([60.0, 0, 0, 0])
    )
    design = cg.Design(x)
    formulation.warm_start(highs, design)
    highs.setOptionValue("mip_max_nodes", 0)
    highs.run()
    expected_value = cg.evaluate(problem, design).value
    sign = 1 if objective.sense == "minimize" else -1
    found = formulation.value(highs.getInfo().objective_function_value)
    assert sign * found <= sign * expected_value + 1e-6 * abs(expected_value)
