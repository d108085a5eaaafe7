"""Schedules as a mixed-integer program: four languages, brute force, and the method."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.formulations.points import write_values
from cgcopt.formulations.schedules.runtime import ScheduleRuntime

K, I = np.meshgrid(np.arange(11), np.arange(4), indexing="ij")
TIMES = 1 + ((7 * K + 3 * I + K * K * I) % 11) / 2


NO_COSTS = cg.Costs()


def problem_of(rounds: int, workers: int, costs: cg.Costs = NO_COSTS) -> cg.Problem:
    times = cg.Scenarios(TIMES[:rounds, :workers])
    system = cg.System(workers, 12, times, samples=workers, costs=costs)
    return cg.Problem(system, cg.ExpectedRuntime())


def by_highspy(formulation: ScheduleRuntime) -> tuple[float, Any]:
    model = formulation.to_highspy()
    model.setOptionValue("mip_rel_gap", 0.0)
    model.run()
    return model.getObjectiveValue(), model


def by_scipy(formulation: ScheduleRuntime) -> tuple[float, Any]:
    from scipy.optimize import milp

    result = milp(**formulation.to_scipy().milp_arguments(), options={"mip_rel_gap": 0.0})
    return result.fun, result


def by_cvxpy(formulation: ScheduleRuntime) -> tuple[float, Any]:
    problem = formulation.to_cvxpy()
    problem.solve(solver="HIGHS", mip_rel_gap=0.0)
    return problem.value, problem


def by_pyomo(formulation: ScheduleRuntime) -> tuple[float, Any]:
    from pyomo.contrib.solver.solvers.highs import Highs

    model = formulation.to_pyomo()
    return Highs().solve(model, rel_gap=0.0).incumbent_objective, model


@pytest.mark.parametrize("work", ["equal", "full"])
@pytest.mark.parametrize(
    ("rotated", "costs"),
    [(True, NO_COSTS), (False, NO_COSTS), (True, cg.Costs(1.5, 0.4, 0.3))],
)
def test_four_languages_have_one_optimum(work, rotated, costs):
    problem = problem_of(3, 2, costs)
    formulation = cg.formulate_schedule(problem, work=work, rotated=rotated)
    values = []
    for solved in (by_highspy, by_scipy, by_cvxpy, by_pyomo):
        objective, model = solved(formulation)
        values.append(formulation.value(objective))
        schedule = formulation.schedule(model)
        assert cg.evaluate(problem, schedule).value == pytest.approx(values[-1], rel=1e-6)
    assert values == pytest.approx([values[0]] * 4, rel=1e-7)


def test_x_counts_coordinates():
    model = cg.formulate_schedule(problem_of(3, 2), work="equal").to_cvxpy()
    x = next(each for each in model.variables() if each.name() == "x")
    import cvxpy as cp

    model = cp.Problem(model.objective, [*model.constraints, x[0] <= 1])
    model.solve(solver="HIGHS")
    assert x.value == pytest.approx([1.0, 11.0], abs=1e-6)


@pytest.mark.parametrize("work", ["equal", pytest.param("full", marks=pytest.mark.slow)])
def test_with_costs_the_method_reaches_what_is_proven(work):
    problem = problem_of(4, 3, cg.Costs(1.0, 0.3, 0.2))
    formulation = cg.formulate_schedule(problem, work=work)
    best = formulation.value(by_highspy(formulation)[0])
    found = cg.solve(problem, "schedule", raw={"work": work})
    assert best * (1 - 1e-7) <= found.value <= best * 1.01


@pytest.mark.slow
@pytest.mark.parametrize(("rounds", "work"), [(6, "equal"), (3, "full")])
def test_four_workers_from_the_own_schedule(rounds, work):
    problem = problem_of(rounds, 4)
    formulation = cg.formulate_schedule(problem, work=work)
    found = cg.solve(problem, "schedule", raw={"work": work})
    model = formulation.to_highspy()
    write_values(model, formulation.point(found.schedule))
    model.run()
    bound = formulation.bound(model.getInfo().mip_dual_bound)
    assert bound <= found.value <= bound * 1.01


@pytest.mark.usefixtures("few_restarts_here")
@pytest.mark.parametrize(("rounds", "workers", "work"), [(3, 3, "equal"), (4, 2, "full")])
def test_the_method_reaches_what_is_proven(rounds, workers, work):
    problem = problem_of(rounds, workers)
    formulation = cg.formulate_schedule(problem, work=work)
    best = formulation.value(by_highspy(formulation)[0])
    found = cg.solve(problem, "schedule", raw={"work": work})
    assert best * (1 - 1e-7) <= found.value <= best * 1.01


def test_no_partition_on_a_grid_is_better():
    problem = problem_of(4, 3)
    formulation = cg.formulate_schedule(problem, work="equal")
    best = formulation.value(by_highspy(formulation)[0])
    grid = [
        cg.evaluate(problem, cg.Schedule([a, b, 12 - a - b])).value
        for a in range(13)
        for b in range(13 - a)
    ]
    assert min(grid) >= best * (1 - 1e-9)
    assert min(grid) <= best * 1.1


def test_one_order_and_equal_work_is_the_block_program():
    problem = problem_of(5, 3)
    formulation = cg.formulate_schedule(problem, work="equal", rotated=False)
    value = formulation.value(by_highspy(formulation)[0])
    assert value == pytest.approx(cg.solve(problem).value, rel=1e-6)


def test_a_schedule_is_a_feasible_point():
    problem = problem_of(4, 3)
    formulation = cg.formulate_schedule(problem)
    schedule = cg.Schedule([4.0, 2.0, 6.0], [1.0, 2.0, 1.5])
    point = formulation.point(schedule)
    assert formulation.value(point["theta"].sum()) == pytest.approx(
        cg.evaluate(problem, schedule).value
    )
    program = formulation.to_scipy()
    vector = formulation.flatten(point)
    for constraint in program.constraints.values():
        inside = constraint.A @ vector
        assert np.all(inside >= constraint.lb - 1e-9)
        assert np.all(inside <= constraint.ub + 1e-9)


def test_latex_and_refusals():
    problem = problem_of(3, 2)
    assert r"p_{i,c} / C" in cg.formulate_schedule(problem).latex()
    with pytest.raises(cg.InvalidInputError, match="work = 'some': must be full or equal"):
        cg.formulate_schedule(problem, work="some")
    with pytest.raises(cg.CgcoptError, match="no formulation of schedules for quantile"):
        cg.formulate_schedule(cg.Problem(problem.system, cg.Quantile(0.5)))
    system = cg.System(2, 12, cg.Exponential(rate=1.0))
    with pytest.raises(cg.InvalidInputError, match=r"problem.sampled\(10\)"):
        cg.formulate_schedule(cg.Problem(system, cg.ExpectedRuntime()))
