"""Formulations: equivalence by brute force, points, strength, scale, files, algebra."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cgcopt as cg
from cgcopt.arrays import FloatArray
from cgcopt.design import Design, budget_weights
from cgcopt.errors import InvalidInputError, UnsupportedProblemError
from cgcopt.formulations import Formulation, formulate
from cgcopt.formulations.probability import ProbabilityFormulation
from cgcopt.formulations.scenarios import ScenarioFormulation
from cgcopt.problem import Form, Problem
from tests.turns import few_examples, in_turns

FORMS = list(Form)
TIMES = cg.ShiftedExponential(rate=1e-3, shift=50.0)


def times_of(seed: int, rounds: int, workers: int) -> FloatArray:
    return 50.0 + np.random.default_rng(seed).exponential(1e3, (rounds, workers))


def problem_of(
    objective: str,
    *,
    workers: int = 4,
    coordinates: int = 5,
    rounds: int = 8,
    seed: int = 0,
    unit: float = 1.0,
) -> Problem:
    """A small problem whose deadline lies where some designs meet some of the rounds."""
    times = times_of(seed, rounds, workers)
    system = cg.System(workers, coordinates, cg.Scenarios(times), cycles=unit * workers)
    if objective == "runtime":
        return Problem(system, cg.ExpectedRuntime())
    uniform = cg.Design(np.full(workers, coordinates / workers))
    slowest = system.unit * np.sort(times, axis=1)[:, ::-1] * uniform.work
    return Problem(system, cg.CompletionProbability(float(np.median(slowest.max(axis=1)))))


def scenario_formulation(problem: Problem, form: Form | str, **kind: Any) -> ScenarioFormulation:
    formulation = formulate(problem, form, **kind)
    assert isinstance(formulation, ScenarioFormulation)
    return formulation


def runtimes(problem: Problem, redundancies: tuple[int, ...]) -> FloatArray:
    """Runtime of every round, from the definition over coordinates, in the order given."""
    times = problem.system.worker_times
    assert isinstance(times, cg.Scenarios)
    s = np.array(redundancies)
    return problem.system.unit * (
        np.sort(times.times, axis=1)[:, problem.system.workers - 1 - s] * np.cumsum(s + 1)
    ).max(axis=1)


def worth(problem: Problem, tau: FloatArray) -> float:
    if isinstance(problem.objective, cg.CompletionProbability):
        return float((tau <= problem.objective.deadline).mean())
    return float(tau.mean())


def brute_force(problem: Problem) -> float:
    """Best value over all ``N^L`` redundancy vectors."""
    system = problem.system
    vectors = itertools.product(range(system.workers), repeat=system.coordinates)
    values = [worth(problem, runtimes(problem, s)) for s in vectors]
    return min(values) if isinstance(problem.objective, cg.ExpectedRuntime) else max(values)


def optimum(formulation: Formulation, *, relaxed: bool = False) -> tuple[float, Any]:
    highs = formulation.to_highspy()
    for name in ("mip_rel_gap", "mip_abs_gap"):
        highs.setOptionValue(name, 0.0)
    for name in ("primal_feasibility_tolerance", "mip_feasibility_tolerance"):
        highs.setOptionValue(name, 1e-9)
    if relaxed:
        highs.setOptionValue("solve_relaxation", True)
    highs.run()
    return formulation.value(highs.getObjectiveValue()), highs


KINDS = [
    (Form.COORDINATE, {"strong": True, "symmetry": True}),
    (Form.COORDINATE, {"strong": True, "symmetry": False}),
    (Form.COORDINATE, {"strong": False, "symmetry": True}),
    (Form.COORDINATE, {"strong": False, "symmetry": False}),
    (Form.COORDINATE, {"strong": True, "symmetry": False, "equivalence": False}),
    (Form.COORDINATE, {"strong": False, "symmetry": True, "equivalence": False}),
    (Form.BLOCK, {"strong": True}),
    (Form.BLOCK, {"strong": False}),
]


@in_turns(
    every=2,
    objective=["runtime", "probability"],
    size=[(1, 3, 4), (2, 5, 5), (3, 5, 1), (4, 4, 6), (3, 5, 7), (3, 4, 6)],
)
def test_coordinate_and_block_programs_reach_the_brute_force_optimum(
    objective: str, size: tuple[int, int, int]
) -> None:
    workers, coordinates, rounds = size
    problem = problem_of(
        objective, workers=workers, coordinates=coordinates, rounds=rounds, seed=workers
    )
    best = brute_force(problem)
    for form, kind in KINDS:
        formulation = formulate(problem, form, **kind)
        value, highs = optimum(formulation)
        assert value == pytest.approx(best, rel=1e-9, abs=1e-12), (form, kind)
        design = formulation.design(highs)
        assert design.is_integer
        assert cg.evaluate(problem, design).value == pytest.approx(best, rel=1e-12)


@pytest.mark.parametrize("objective", ["runtime", "probability"])
@pytest.mark.parametrize("seed", range(4))
def test_the_relaxed_program_bounds_the_block_program(objective: str, seed: int) -> None:
    problem = problem_of(objective, coordinates=30, rounds=12, seed=seed)
    relaxed, highs = optimum(formulate(problem, "relaxed"))
    block, _ = optimum(formulate(problem, "block"))
    if objective == "runtime":
        assert relaxed <= block * (1 + 1e-9)
        assert relaxed >= 0.9 * block
    else:
        assert relaxed >= block - 1e-12
    design = formulate(problem, "relaxed").design(highs)
    assert cg.evaluate(problem, design).value == pytest.approx(relaxed, rel=1e-9, abs=1e-12)


@in_turns(every=2, objective=["runtime", "probability"], form=FORMS, strong=[True, False])
@given(data=st.data())
@few_examples
def test_the_point_of_a_design_is_feasible_and_as_good_as_the_design(
    objective: str, form: Form, strong: bool, data: st.DataObject
) -> None:
    problem = problem_of(objective, workers=4, coordinates=6, rounds=9, seed=3)
    if form is Form.RELAXED:
        shares = data.draw(st.lists(st.floats(0, 1), min_size=4, max_size=4).filter(any))
        if not sum(shares) > 1e-3:
            shares = [1.0, 0.0, 0.0, 0.0]
        design = Design(np.array(shares) * (6 / sum(shares)))
    else:
        s = data.draw(st.lists(st.integers(0, 3), min_size=6, max_size=6))
        design = Design.from_redundancies(s, 4)
    formulation = scenario_formulation(problem, form, strong=strong)
    point = formulation.point(design)
    program = formulation.to_scipy()
    v = formulation.flatten(point)
    assert np.all(v >= program.bounds.lb - 1e-12)
    assert np.all(v <= program.bounds.ub + 1e-12)
    for name, constraint in program.constraints.items():
        row = constraint.A @ v
        assert np.all(row >= constraint.lb - 1e-9), name
        assert np.all(row <= constraint.ub + 1e-9), name
    value = formulation.value(program.sign * float(program.c @ v))
    assert value == pytest.approx(cg.evaluate(problem, design).value, rel=1e-12)
    back = formulation.design(point)
    np.testing.assert_allclose(back.partition, design.partition, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(formulation.flatten(formulation.unflatten(v)), v)


@pytest.mark.parametrize("form", [Form.COORDINATE, Form.BLOCK])
@pytest.mark.parametrize("objective", ["runtime", "probability"])
def test_strong_inequalities_tighten_the_linear_relaxation(objective: str, form: Form) -> None:
    if objective == "runtime" and form is Form.BLOCK:
        pytest.skip("the runtime of the blocks has no big-M")
    problem = problem_of(objective, coordinates=7, rounds=20, seed=5)
    alone = {"equivalence": False}
    strong, _ = optimum(formulate(problem, form, strong=True, **alone), relaxed=True)
    plain, _ = optimum(formulate(problem, form, strong=False, **alone), relaxed=True)
    exact, _ = optimum(formulate(problem, form))
    if objective == "runtime":
        assert plain * 1.05 < strong <= exact * (1 + 1e-9)
    else:
        assert exact - 1e-9 <= strong < plain - 0.01


@in_turns(every=2, objective=["runtime", "probability"], strong=[True, False])
def test_the_rows_of_the_blocks_lift_the_coordinates_to_their_relaxation(
    objective: str, strong: bool
) -> None:
    problem = problem_of(objective, coordinates=7, rounds=11, seed=5)
    lifted, _ = optimum(formulate(problem, "coordinate", strong=strong), relaxed=True)
    kind: dict[str, Any] = {"strong": strong, "equivalence": False}
    alone, _ = optimum(formulate(problem, "coordinate", **kind), relaxed=True)
    blocks, _ = optimum(formulate(problem, "block", strong=strong), relaxed=True)
    exact, _ = optimum(formulate(problem, "coordinate", **kind))
    tight = 1 + 1e-9
    if objective == "runtime":
        assert alone < lifted / 1.01
        assert blocks <= lifted * tight <= exact * tight**2
    else:
        assert alone > lifted + 0.01
        assert blocks * tight >= lifted >= exact / tight


@in_turns(
    every=4,
    program={
        "-".join([str(form), *(name for name in kind if kind[name])]): (form, kind)
        for form, kind in [*KINDS, (Form.RELAXED, {"strong": True})]
    },
    seed=range(4),
)
def test_leaving_out_worse_designs_keeps_the_optimum(
    program: tuple[Form, dict[str, bool]], seed: int
) -> None:
    form, kind = program
    problem = problem_of("probability", workers=3, coordinates=5, rounds=12, seed=seed)
    every = formulate(problem, form, **kind)
    assert isinstance(every, ProbabilityFormulation)
    design = every.quick_design()
    assert design is not None
    known = every.scenarios_met(design)
    assert known == round(12 * cg.evaluate(problem, design).value)
    fewer = scenario_formulation(problem, form, at_least=known, **kind)
    best, _ = optimum(every)
    assert best * 12 >= known - 1e-9
    value, highs = optimum(fewer)
    assert value == pytest.approx(best, abs=1e-9)
    assert cg.evaluate(problem, fewer.design(highs)).value == pytest.approx(best, abs=1e-9)
    assert optimum(fewer, relaxed=True)[0] <= optimum(every, relaxed=True)[0] + 1e-9
    # The design it rests on is in the model, a worse one is not.
    point = fewer.point(design)
    program = fewer.to_scipy()
    for name, constraint in program.constraints.items():
        row = constraint.A @ fewer.flatten(point)
        assert np.all(row <= constraint.ub + 1e-9), name
        assert np.all(row >= constraint.lb - 1e-9), name
    worst = Design([0.0, 0.0, 5.0])
    if every.scenarios_met(worst) < known:
        with pytest.raises(InvalidInputError, match=f"meets at least {known} scenarios"):
            fewer.point(worst)


def test_more_than_can_be_met_is_infeasible_or_refused() -> None:
    problem = problem_of("probability", workers=3, coordinates=5, rounds=12)
    solution = cg.solve(problem, "highs", form="block", raw={"formulation": {"at_least": 12}})
    assert solution.termination is cg.TerminationCondition.INFEASIBLE
    with pytest.raises(InvalidInputError, match=r"at_least = 13.*from 0 to 12"):
        formulate(problem, "block", at_least=13)
    slow = Problem(problem.system, cg.CompletionProbability(1e-6))
    assert formulate(slow, "block").quick_design() is None  # type: ignore[attr-defined]
    nothing = cg.solve(slow, "highs", form="block")
    assert (nothing.value, nothing.bound) == (0.0, 0.0)


@in_turns(
    every=3, form=[Form.BLOCK, Form.RELAXED], coordinates=[20_000, 1_000_000], unit=[1e-9, 1.0, 1e7]
)
def test_no_scale_of_the_system_troubles_the_program(
    unit: float, coordinates: int, form: Form
) -> None:
    reference = problem_of("runtime", workers=6, coordinates=coordinates, rounds=30)
    problem = problem_of("runtime", workers=6, coordinates=coordinates, rounds=30, unit=unit)
    formulation = formulate(problem, form)
    value, highs = optimum(formulation)
    expected, _ = optimum(formulate(reference, form))
    assert value / unit == pytest.approx(expected, rel=1e-9)
    design = formulation.design(highs)
    assert design.coordinates == pytest.approx(coordinates, rel=1e-9)
    assert cg.evaluate(problem, design).value == pytest.approx(value, rel=1e-9)


def test_whole_thresholds_decide_ties_as_the_evaluation_does() -> None:
    # t / (u T) is a whole number, or misses one by rounding, for many of these.
    times = np.array([[0.1, 0.3, 0.7], [0.2, 0.3, 0.6], [0.1, 0.2, 0.9]])
    system = cg.System(3, 12, cg.Scenarios(times), cycles=0.3)
    for deadline in (0.1 * 0.3 / 3 * 12, 0.9, 0.21, 0.063, 0.3):
        problem = Problem(system, cg.CompletionProbability(deadline))
        b = formulate(problem, "block").thresholds  # type: ignore[attr-defined]
        sorted_times = np.sort(times, axis=1)[:, ::-1]
        assert np.all(sorted_times * (system.unit * b) <= deadline)
        assert np.all(sorted_times * (system.unit * (b + 1)) > deadline)


def test_scenarios_out_of_reach_are_fixed_and_change_nothing() -> None:
    problem = problem_of("probability", workers=3, coordinates=5, rounds=10)
    times = np.vstack([problem.system.worker_times.times, np.full((2, 3), 1e9)])  # type: ignore[attr-defined]
    slow = Problem(problem.system.with_times(cg.Scenarios(times)), problem.objective)
    formulation = formulate(slow, "relaxed")
    assert formulation.reachable.sum() <= 10  # type: ignore[attr-defined]
    assert not formulation.reachable[-2:].any()  # type: ignore[attr-defined]
    before, _ = optimum(formulate(problem, "relaxed"))
    after, _ = optimum(formulation)
    assert after * 12 == pytest.approx(before * 10, rel=1e-12)


def test_a_scenario_is_out_of_reach_exactly_if_its_best_design_is_late() -> None:
    times = times_of(11, 40, 4)
    system = cg.System(4, 10, cg.Scenarios(times))
    v = budget_weights(4)
    fastest = np.array([10 / float(v @ (1 / row[::-1])) for row in np.sort(times, axis=1)])
    best_runtime = system.unit * fastest  # work inversely proportional to the order statistics
    deadline = float(np.median(best_runtime))
    formulation = formulate(Problem(system, cg.CompletionProbability(deadline)), "relaxed")
    np.testing.assert_array_equal(formulation.reachable, best_runtime <= deadline)  # type: ignore[attr-defined]


@given(seed=st.integers(0, 2**32 - 1), zero=st.integers(0, 8))
def test_every_array_of_duals_gives_a_valid_bound(seed: int, zero: int) -> None:
    problem = problem_of("runtime", workers=4, coordinates=50, rounds=8)
    formulation = scenario_formulation(problem, "relaxed")
    best, _ = optimum(formulation)
    duals = np.random.default_rng(seed).normal(size=(8, 4))
    duals[:zero] = 0.0
    bound = formulation.bound_of_duals(duals)
    assert math.isnan(bound) if zero == 8 else bound <= best * (1 + 1e-12)


def test_the_optimal_duals_close_the_gap() -> None:
    problem = problem_of("runtime", workers=5, coordinates=1000, rounds=50)
    formulation = scenario_formulation(problem, "relaxed")
    best, highs = optimum(formulation)
    duals = np.asarray(highs.getSolution().row_dual)[-250:].reshape(50, 5)
    assert formulation.bound_of_duals(duals) == pytest.approx(best, rel=1e-9)


def test_a_relaxed_point_past_its_thresholds_is_drawn_in() -> None:
    problem = problem_of("probability", workers=4, coordinates=1000, rounds=30, seed=2)
    formulation = formulate(problem, "relaxed")
    value, highs = optimum(formulation)
    point = formulation.read(highs)
    # As far off as a solver's default tolerance allows.
    bent = dict(point, x=point["x"] * (1 + 2e-7))
    straight = formulation.design(bent)
    assert cg.evaluate(problem, straight).value == pytest.approx(value, rel=1e-12)
    assert straight.coordinates == pytest.approx(1000, rel=1e-12)


# -- languages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("objective", ["runtime", "probability"])
@pytest.mark.parametrize("form", FORMS)
def test_columns_rows_and_components_have_names(objective: str, form: Form) -> None:
    formulation = scenario_formulation(problem_of(objective), form)
    lp = formulation.to_highspy().getLp()
    names = list(lp.col_names_)
    assert len(set(names)) == len(names) == lp.num_col_
    assert len(set(lp.row_names_)) == lp.num_row_
    assert {name.split("_")[0] for name in names} == set(formulation.variables)
    model = formulation.to_pyomo()
    for component in model.component_objects():
        constraint = component.ctype.__name__ == "Constraint"
        if component.dim() or not constraint:
            assert component.doc or component.ctype.__name__ == "Objective", component.name
    problem = formulation.to_cvxpy()
    assert problem.is_dpp()
    assert {variable.name() for variable in problem.variables()} == set(formulation.variables)
    assert all(constraint.label for constraint in problem.constraints)
    assert set(formulation.to_scipy().constraints) >= {"work"}


@pytest.mark.parametrize("language", ["cvxpy", "pyomo", "highspy"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("objective", ["runtime", "probability"])
def test_a_model_takes_the_point_of_a_design(objective: str, form: Form, language: str) -> None:
    problem = problem_of(objective, coordinates=6)
    formulation = scenario_formulation(problem, form)
    design = Design([1, 2, 0, 3])
    model = getattr(formulation, f"to_{language}")()
    formulation.warm_start(model, design)
    assert formulation.design(formulation.read(model)) == design
    if language == "cvxpy":
        assert all(np.all(c.violation() <= 1e-9) for c in model.constraints)
        value = formulation.value(model.objective.value)
        assert value == pytest.approx(cg.evaluate(problem, design).value)


@in_turns(every=2, objective=["probability", "runtime"], form=FORMS)
def test_x_counts_coordinates_in_every_language(objective: str, form: Form) -> None:
    from pyomo.contrib.solver.solvers.highs import Highs
    from scipy.optimize import milp

    problem = problem_of(objective, workers=3, coordinates=12, rounds=9, seed=1)
    formulation = scenario_formulation(problem, form)
    designs = []

    model = formulation.to_cvxpy()
    import cvxpy as cp

    (x,) = (variable for variable in model.variables() if variable.name() == "x")
    changed = cp.Problem(model.objective, [*model.constraints, x[2] <= 3, x[0] >= 5])
    changed.solve(solver="HIGHS")
    designs.append(formulation.design(changed))

    concrete = formulation.to_pyomo()
    concrete.x[2].setub(3)
    concrete.x[0].setlb(5)
    Highs().solve(concrete)
    designs.append(formulation.design(concrete))

    highs = formulation.to_highspy()
    names = list(highs.getLp().col_names_)
    highs.changeColBounds(names.index("x_2"), -highs.inf, 3.0)
    highs.changeColBounds(names.index("x_0"), 5.0, highs.inf)
    highs.run()
    designs.append(formulation.design(highs))

    program = formulation.to_scipy()
    start = list(formulation.variables).index("x")
    assert start == 0  # the first columns
    program.bounds.ub[2], program.bounds.lb[0] = 3.0, 5.0
    designs.append(formulation.design(milp(**program.milp_arguments())))

    values = [cg.evaluate(problem, design).value for design in designs]
    for design, value in zip(designs, values, strict=True):
        assert design.partition[2] <= 3.0 + 1e-6
        assert design.partition[0] >= 5.0 - 1e-6
        assert design.partition.sum() == pytest.approx(12, rel=1e-12)
        assert value == pytest.approx(values[0], rel=1e-6)


def test_x_counts_coordinates_in_the_algebraic_model() -> None:
    casadi = pytest.importorskip("casadi")
    assert casadi
    import pyomo.environ as pyo

    for share in (None, 0.9):
        formulation = formulate(exact_problem(TIMES, 3, share))
        model = formulation.to_pyomo()
        assert sum(pyo.value(model.x[n]) for n in range(3)) == pytest.approx(20_000)
        formulation.warm_start(model, Design([5000.0, 3000.0, 12_000.0]))
        assert [pyo.value(model.x[n]) for n in range(3)] == pytest.approx([5000, 3000, 12_000])


def test_values_that_a_pyomo_model_has_kept_are_no_solution_of_a_changed_one() -> None:
    import pyomo.environ as pyo

    system = cg.System(3, 12, cg.Scenarios([[1.0, 2.0, 4.0], [2.0, 3.0, 3.0]]))
    formulation = cg.formulate(cg.Problem(system, cg.ExpectedRuntime()), "block")
    model = formulation.to_pyomo()
    pyo.SolverFactory("appsi_highs").solve(model)
    kept = formulation.design(model)
    model.mine = pyo.Constraint(expr=model.x[int(kept.partition.argmax())] <= -1.0)
    with pytest.raises(InvalidInputError, match=r"violates mine.*is it infeasible"):
        formulation.design(model)
    model.mine.deactivate()
    assert formulation.design(model).partition.tolist() == kept.partition.tolist()


def test_a_model_says_that_it_is_infeasible_or_unbounded() -> None:
    import cvxpy as cp
    from scipy.optimize import milp

    formulation = scenario_formulation(problem_of("runtime"), "relaxed")
    model = formulation.to_cvxpy()
    (x,) = (variable for variable in model.variables() if variable.name() == "x")
    none = cp.Problem(model.objective, [*model.constraints, cp.sum(x) <= 1])
    none.solve(solver="HIGHS")
    with pytest.raises(InvalidInputError, match="'infeasible'"):
        formulation.design(none)
    endless = cp.Problem(cp.Maximize(model.objective.args[0]), model.constraints)
    endless.solve(solver="HIGHS")
    with pytest.raises(InvalidInputError, match="unbounded"):
        formulation.design(endless)
    highs = formulation.to_highspy()
    highs.changeColBounds(0, -highs.inf, -1.0)
    highs.run()
    with pytest.raises(InvalidInputError, match="'infeasible'"):
        formulation.design(highs)
    program = formulation.to_scipy()
    program.bounds.ub[0] = -1.0
    with pytest.raises(InvalidInputError, match="'infeasible'"):
        formulation.design(milp(**program.milp_arguments()))


def test_a_changed_parameter_of_the_pyomo_model_is_the_budget_of_its_design() -> None:
    from pyomo.contrib.solver.solvers.highs import Highs

    problem = problem_of("runtime", coordinates=40, rounds=10)
    formulation = formulate(problem, "block")
    model = formulation.to_pyomo()
    model.L = 60
    Highs().solve(model)
    assert formulation.design(model).coordinates == 60


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("objective", ["runtime", "probability"])
def test_a_formulation_prints_its_mathematics(objective: str, form: Form) -> None:
    text = str(formulate(problem_of(objective), form))
    assert "subject to" in text
    assert "\\" not in text
    assert "omega_n = w_n / 0.005" in text


def test_rows_have_the_same_names_in_every_language() -> None:
    for objective, form in itertools.product(("runtime", "probability"), FORMS):
        formulation = scenario_formulation(problem_of(objective), form)
        rows = formulation.to_highspy().getLp().row_names_
        highspy = {"_".join(p for p in name.split("_") if not p.isdigit()) for name in rows}
        scipy = {name.removesuffix(f"_{name[-1]}") for name in formulation.to_scipy().constraints}
        pyomo = {
            component.name for component in formulation.to_pyomo().component_objects(pyo_rows())
        }
        cvxpy = {
            row.label.removesuffix(f"_{row.label[-1]}")
            for row in formulation.to_cvxpy().constraints
        }
        assert highspy == scipy == pyomo
        assert cvxpy - {"reachable"} == highspy


def test_rows_and_columns_have_the_same_names_index_by_index() -> None:
    import pyomo.environ as pyo

    def flat(component: Any) -> str:
        return "".join("_" if c in "[," else c for c in component.name if c not in "] ")

    for objective, form in itertools.product(("runtime", "probability"), FORMS):
        formulation = scenario_formulation(problem_of(objective, coordinates=4), form)
        lp = formulation.to_highspy().getLp()
        model = formulation.to_pyomo()
        columns = {flat(variable) for variable in model.component_data_objects(pyo.Var)}
        assert columns == set(lp.col_names_), (objective, form)
        rows = {flat(row) for row in model.component_data_objects(pyo.Constraint)}
        assert rows == set(lp.row_names_), (objective, form)
        shapes = {v.name(): v.shape for v in formulation.to_cvxpy().variables()}
        assert shapes == dict(formulation.variables)
        names = list(formulation.variables)
        assert formulation.to_scipy().c.size == sum(
            int(np.prod(formulation.variables[name])) for name in names
        )


@pytest.mark.parametrize("form", ["relaxed", "block"])
def test_a_bound_on_the_last_level_has_its_effect_everywhere(form: str) -> None:
    """README's ``x[19] <= 500`` at the size that it speaks of."""
    import cvxpy as cp
    from pyomo.contrib.solver.solvers.highs import Highs
    from scipy.optimize import milp

    system = cg.System(20, 20_000, cg.Scenarios(times_of(3, 12, 20)))
    problem = Problem(system, cg.ExpectedRuntime())
    formulation = scenario_formulation(problem, form)
    free = formulation.to_highspy()
    free.run()
    assert formulation.design(free).partition[19] > 600
    designs = []
    model = formulation.to_cvxpy()
    (x,) = (variable for variable in model.variables() if variable.name() == "x")
    bounded = cp.Problem(model.objective, [*model.constraints, x[19] <= 500])
    bounded.solve(solver="HIGHS")
    designs.append(formulation.design(bounded))
    concrete = formulation.to_pyomo()
    concrete.x[19].setub(500)
    Highs().solve(concrete)
    designs.append(formulation.design(concrete))
    free.changeColBounds(list(free.getLp().col_names_).index("x_19"), 0.0, 500.0)
    free.run()
    designs.append(formulation.design(free))
    program = formulation.to_scipy()
    program.bounds.ub[19] = 500.0
    designs.append(formulation.design(milp(**program.milp_arguments())))
    values = [cg.evaluate(problem, design).value for design in designs]
    for design in designs:
        assert design.partition[19] == pytest.approx(500, rel=1e-6)
        assert design.coordinates == pytest.approx(20_000)
    assert values == pytest.approx([values[0]] * 4, rel=2e-4)


def pyo_rows() -> Any:
    import pyomo.environ as pyo

    return pyo.Constraint


def test_a_parameter_of_the_cvxpy_problem_can_be_changed() -> None:
    problem = problem_of("runtime", coordinates=40, rounds=10).system
    formulation = formulate(Problem(problem, cg.ExpectedRuntime()), "block")
    model = formulation.to_cvxpy()
    (budget,) = model.parameters()
    budget.value = 60.0
    model.solve(solver="HIGHS", mip_rel_gap=0.0)
    larger = cg.System(4, 60, problem.worker_times, cycles=problem.cycles)
    expected, _ = optimum(formulate(Problem(larger, cg.ExpectedRuntime()), "block"))
    assert formulation.value(model.value) == pytest.approx(expected, rel=1e-9)
    assert formulation.design(model).coordinates == 60


def test_a_reader_may_add_a_constraint_and_map_the_point_back() -> None:
    import pyomo.environ as pyo
    from pyomo.contrib.solver.solvers.highs import Highs

    problem = problem_of("runtime", workers=6, coordinates=60, rounds=20)
    free, _ = optimum(formulate(problem, "block"))
    formulation = formulate(problem, "block")
    model = formulation.to_pyomo()
    model.used = pyo.Var(model.N, domain=pyo.Binary)
    model.opens = pyo.Constraint(model.N, rule=lambda m, n: m.x[n] <= 60 * m.used[n])
    model.few = pyo.Constraint(expr=pyo.quicksum(model.used[n] for n in model.N) <= 2)
    Highs().solve(model)
    design = formulation.design(model)
    assert np.count_nonzero(design.partition) <= 2
    value = cg.evaluate(problem, design).value
    pairs = []
    for i, j in itertools.combinations(range(6), 2):
        for share in range(61):
            x = np.zeros(6)
            x[i], x[j] = share, 60 - share
            pairs.append(cg.evaluate(problem, x).value)
    assert value == pytest.approx(min(pairs), rel=1e-9)
    assert value > free


@in_turns(every=3, objective=["runtime", "probability"], form=FORMS, suffix=[".lp", ".mps", ".nl"])
def test_files_hold_the_same_problem(
    objective: str, form: Form, suffix: str, tmp_path: Path
) -> None:
    pyscipopt = pytest.importorskip("pyscipopt")
    formulation = formulate(problem_of(objective, coordinates=5, rounds=6), form)
    path = formulation.write(tmp_path / f"model{suffix}")
    scip = pyscipopt.Model()
    scip.hideOutput()
    scip.readProblem(str(path))
    scip.optimize()
    expected, _ = optimum(formulation)
    assert formulation.value(scip.getObjVal()) == pytest.approx(expected, rel=1e-6)


@in_turns(every=2, form=FORMS, objective=["runtime", "probability"], strong=[True, False])
def test_the_mathematics_can_be_read(objective: str, form: Form, strong: bool) -> None:
    from matplotlib import mathtext

    formulation = formulate(problem_of(objective), form, strong=strong)
    text = formulation.latex()
    assert text.startswith(r"\begin{aligned}")
    assert text.endswith(r"\end{aligned}")
    assert formulation._repr_latex_() == f"$$\n{text}\n$$"
    parser = mathtext.MathTextParser("path")
    for line in text.splitlines()[1:-1]:
        cells = line.removesuffix(r" \\").replace(r"\;", " ").split("&")
        for cell in filter(str.strip, cells):
            cell = cell.replace(r"\textstyle", "").replace(r"\text{subject to}", r"\mathrm{s.t.}")
            assert parser.parse(f"${cell.strip()}$") is not None


# -- refusals -------------------------------------------------------------------------------------


def test_bad_requests_are_refused_by_name() -> None:
    problem = problem_of("runtime")
    with pytest.raises(InvalidInputError, match=r"form = 'blocks'.*coordinate, block, relaxed"):
        formulate(problem, "blocks")
    quantile = Problem(cg.System(4, 100, TIMES), cg.Quantile(0.9))
    with pytest.raises(UnsupportedProblemError, match="quantile is formulated on scenarios"):
        formulate(quantile, "relaxed")
    large = Problem(cg.System(4, 10**6, cg.Scenarios(times_of(0, 8, 4))), cg.ExpectedRuntime())
    with pytest.raises(InvalidInputError, match=r"coordinates = 1000000.*at most 62500"):
        formulate(large, "coordinate")
    exact = Problem(cg.System(4, 100, TIMES), cg.ExpectedRuntime())
    with pytest.raises(UnsupportedProblemError, match="coordinate form is formulated on scenarios"):
        formulate(exact, "coordinate")
    pooled = Problem(cg.System(4, 100, cg.Empirical([1.0, 2.0])), cg.ExpectedRuntime())
    with pytest.raises(InvalidInputError, match="a distribution with a density, or Scenarios"):
        formulate(pooled, "relaxed")


def test_bad_points_are_refused_by_name(tmp_path: Path) -> None:
    formulation = formulate(problem_of("runtime", coordinates=6), "block")
    point = formulation.point(Design([1, 2, 0, 3]))
    with pytest.raises(InvalidInputError, match=r"sum 7\.0.: must be a partition of 6"):
        formulation.design({**point, "x": np.array([1.0, 2.0, 0.0, 4.0])})
    with pytest.raises(InvalidInputError, match="at least 0"):
        formulation.design({**point, "x": np.array([-1.0, 4.0, 0.0, 3.0])})
    with pytest.raises(InvalidInputError, match="at least 0"):
        formulation.design({**point, "x": np.array([np.nan, 4.0, 0.0, 3.0])})
    with pytest.raises(InvalidInputError, match="vector of 16 numbers"):
        formulation.design([1.0, 2.0])
    with pytest.raises(InvalidInputError, match="whole numbers in the block form"):
        formulation.point(Design([1.5, 1.5, 0.0, 3.0]))
    with pytest.raises(InvalidInputError, match="4 entries, one for each level"):
        formulation.point(Design([6.0]))
    with pytest.raises(InvalidInputError, match="was it solved"):
        formulation.design(formulation.to_cvxpy())
    with pytest.raises(InvalidInputError, match="was it solved"):
        formulation.design(formulation.to_pyomo())
    with pytest.raises(InvalidInputError, match="was it solved"):
        formulation.design(formulation.to_highspy())
    with pytest.raises(InvalidInputError, match="cvxpy, pyomo, highspy"):
        formulation.design(object())
    with pytest.raises(InvalidInputError, match="or a model of cvxpy, pyomo"):
        formulation.warm_start(formulation.to_scipy(), Design([1, 2, 0, 3]))
    with pytest.raises(InvalidInputError, match=r"ending in \.lp or \.mps or \.nl"):
        formulation.write(tmp_path / "model.txt")
    with pytest.raises(InvalidInputError, match="writable"):
        formulation.write(tmp_path / "absent" / "model.lp")


# -- exact problems -------------------------------------------------------------------------------

FAMILIES = [
    cg.Exponential(rate=1e-3),
    cg.ShiftedExponential(rate=1e-3, shift=50.0),
    cg.Weibull(shape=1.5, scale=1e3, shift=20.0),
    cg.Pareto(shape=3.0, scale=100.0),
]


def exact_problem(times: Any, workers: int, share: float | None = None) -> Problem:
    system = cg.System(workers, 20_000, times, samples=50)
    if share is None:
        return Problem(system, cg.ExpectedRuntime())
    uniform = cg.Design(np.full(workers, 20_000 / workers))
    quantile = cg.evaluate(Problem(system, cg.Quantile(share)), uniform).value
    return Problem(system, cg.CompletionProbability(quantile))


@pytest.mark.parametrize("share", [None, 0.2, 0.9, 0.999])
@pytest.mark.parametrize("times", [*FAMILIES, cg.Gamma(shape=3.0, scale=100.0)], ids=str)
def test_gradients_of_the_exact_programs_are_difference_quotients(
    times: Any, share: float | None
) -> None:
    formulation = formulate(exact_problem(times, 5, share))
    program = formulation.to_scipy()
    v = program.start + 0.01 * np.arange(5) / 5
    _, gradient = program.value_and_gradient(v)
    step = 1e-5
    for i in range(5):
        e = np.zeros(5)
        e[i] = step
        ahead, behind = (program.value_and_gradient(v + sign * e)[0] for sign in (1, -1))
        assert gradient[i] == pytest.approx((ahead - behind) / (2 * step), rel=1e-6, abs=1e-8)
    design = formulation.design({next(iter(formulation.variables)): program.start})
    at_start = formulation.value(program.value_and_gradient(program.start)[0])
    assert at_start == pytest.approx(cg.evaluate(formulation.problem, design).value, rel=1e-9)


@in_turns(every=3, times=FAMILIES, workers=[1, 2, 5], share=[None, 0.5, 0.999])
def test_the_algebraic_model_has_the_exact_value(
    times: Any, workers: int, share: float | None
) -> None:
    import pyomo.environ as pyo

    problem = exact_problem(times, workers, share)
    formulation = formulate(problem)
    design = Design(np.full(workers, 20_000 / workers))
    model = formulation.to_pyomo()
    formulation.warm_start(model, design)
    for constraint in model.component_data_objects(pyo.Constraint):
        residual = pyo.value(constraint.body) - pyo.value(constraint.lower)
        assert abs(residual) <= 1e-12, constraint.name
    value = formulation.value(pyo.value(model.total))
    exact = cg.evaluate(problem, design)
    assert value == pytest.approx(exact.value, rel=1e-6 if share is None else 1e-11)
    if share == 0.999:  # also where 1 - P is what counts
        assert pyo.value(model.missed) == pytest.approx(exact.complement, rel=1e-9)
    assert formulation.design(model).partition == pytest.approx(design.partition)


def test_what_has_no_such_model_says_so() -> None:
    formulation = formulate(exact_problem(cg.LogNormal(sigma=0.5, scale=100.0), 3))
    with pytest.raises(UnsupportedProblemError, match="elementary distribution function"):
        formulation.to_pyomo()
    with pytest.raises(UnsupportedProblemError, match="highspy, which takes linear models only"):
        formulation.to_highspy()
    with pytest.raises(UnsupportedProblemError, match="cvxpy"):
        formulation.to_cvxpy()
    with pytest.raises(InvalidInputError, match=r"ending in \.nl"):
        formulation.write("model.mps")


def test_an_empty_first_block_survives_the_logarithm() -> None:
    problem = exact_problem(TIMES, 4, 0.9)
    formulation = formulate(problem)
    design = Design([0.0, 5000.0, 5000.0, 10_000.0])
    back = formulation.design(formulation.point(design))
    np.testing.assert_allclose(back.partition, design.partition, rtol=1e-9, atol=1e-9)
    assert back.partition[0] == 0.0


def test_a_row_of_the_user_holds_where_a_point_misses_a_threshold_by_tolerance() -> None:
    import pyomo.environ as pyo
    from pyomo.contrib.solver.solvers.highs import Highs

    times = cg.ShiftedExponential(rate=1e-3, shift=50.0)
    problem = cg.Problem(cg.System(3, 12, times), cg.CompletionProbability(1.5e4))
    formulation = cg.formulate(problem.sampled(8, seed=0), "relaxed")
    model = formulation.to_pyomo()
    model.mine = pyo.Constraint(expr=model.x[2] <= 2.0)
    value = Highs().solve(model).incumbent_objective
    design = formulation.design(model)
    assert design.partition[2] <= 2.0 + 1e-6
    worth = cg.evaluate(formulation.problem, design).value
    assert worth == pytest.approx(formulation.value(value))
