"""One problem, written four times, in four languages: one optimum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.formulations import Formulation, formulate
from cgcopt.formulations.probability import ProbabilityFormulation
from cgcopt.formulations.scenarios import ScenarioFormulation
from cgcopt.problem import Form, Problem
from tests.turns import in_turns

#: Relative agreement of LPs, which are solved to vertices, and of MILPs.
LINEAR, WHOLE = 1e-9, 1e-6

INSTANCES = {
    "paper": cg.ShiftedExponential(rate=1e-3, shift=50.0),
    "heavy tail": cg.Pareto(shape=2.5, scale=3e-7),
    "tiny spread": cg.Gamma(shape=400.0, scale=1e4),
}


def problem_of(
    objective: str,
    form: Form,
    times: cg.workers.base.WorkerTimes,
    coordinates: int = 20_000,
    rounds: int = 12,
) -> Problem:
    workers = 5
    if form is Form.COORDINATE:
        workers, coordinates, rounds = 3, 5, 6
    system = cg.System(workers, coordinates, times, samples=50)
    problem = Problem(system, cg.ExpectedRuntime()).sampled(rounds, seed=7)
    if objective == "runtime":
        return problem
    uniform = cg.Design(np.full(workers, coordinates / workers))
    deadline = cg.evaluate(Problem(problem.system, cg.Quantile(0.4)), uniform).value
    return Problem(problem.system, cg.CompletionProbability(deadline))


def by_highspy(formulation: Formulation) -> tuple[float, Any]:
    model = formulation.to_highspy()
    model.setOptionValue("mip_rel_gap", 0.0)
    model.run()
    return model.getObjectiveValue(), model


def by_scipy(formulation: Formulation) -> tuple[float, Any]:
    from scipy.optimize import milp

    program = formulation.to_scipy()
    result = milp(**program.milp_arguments(), options={"mip_rel_gap": 0.0})
    return program.sign * result.fun, result


def by_cvxpy(formulation: Formulation) -> tuple[float, Any]:
    problem = formulation.to_cvxpy()
    problem.solve(solver="HIGHS", mip_rel_gap=0.0)
    return problem.value, problem


def by_pyomo(formulation: Formulation) -> tuple[float, Any]:
    from pyomo.contrib.solver.solvers.highs import Highs

    model = formulation.to_pyomo()
    return Highs().solve(model, rel_gap=0.0).incumbent_objective, model


def by_pyomo_and_scip(formulation: Formulation) -> tuple[float, Any]:
    pytest.importorskip("pyscipopt")
    from pyomo.contrib.solver.solvers.scip.scip_direct import ScipDirect

    assert isinstance(formulation, ScenarioFormulation)
    model = formulation.leave_out_blocks(formulation.to_pyomo())
    return ScipDirect().solve(model, rel_gap=0.0).incumbent_objective, model


WAYS = [by_highspy, by_scipy, by_cvxpy, by_pyomo, by_pyomo_and_scip]


@in_turns(
    every=len(INSTANCES),
    name=INSTANCES.keys(),
    objective=["runtime", "probability"],
    kind=["strong", "plain", "known"],
    form=list(Form),
)
def test_four_languages_agree(name: str, objective: str, form: Form, kind: str) -> None:
    problem = problem_of(objective, form, INSTANCES[name])
    formulation = formulate(problem, form, strong=kind != "plain")
    if kind == "known":
        if not isinstance(formulation, ProbabilityFormulation):
            pytest.skip("only for completion probabilities")
        design = formulation.quick_design()
        assert design is not None
        formulation = formulate(problem, form, at_least=formulation.scenarios_met(design))
    relative = LINEAR if formulation.form is Form.RELAXED and objective == "runtime" else WHOLE
    check(problem, formulation, relative)


@in_turns(
    every=3,
    coordinates=[20, 10**6, 10**9],
    form=[Form.BLOCK, Form.RELAXED],
    objective=["runtime", "probability"],
)
def test_four_languages_agree_at_every_number_of_coordinates(
    objective: str, form: Form, coordinates: int
) -> None:
    problem = problem_of(objective, form, INSTANCES["paper"], coordinates, rounds=10)
    check(problem, formulate(problem, form), WHOLE)


def check(problem: Problem, formulation: Formulation, relative: float) -> None:
    values = {}
    for way in WAYS:
        objective_value, model = way(formulation)
        values[way.__name__] = formulation.value(objective_value)
        worth = cg.evaluate(problem, formulation.design(model)).value
        # The design is worth what the model says of it.
        assert worth == pytest.approx(values[way.__name__], rel=1e-6, abs=1e-12), way.__name__
    for value in values.values():
        assert value == pytest.approx(values["by_highspy"], rel=relative, abs=1e-12), values


def interior_point(formulation: Formulation) -> float:
    problem = formulation.to_cvxpy()
    problem.solve(solver="CLARABEL", tol_gap_rel=1e-10, tol_feas=1e-10)
    return formulation.value(problem.value)


@pytest.mark.parametrize("name", INSTANCES)
def test_another_kind_of_method_finds_the_same_linear_optimum(name: str) -> None:
    formulation = formulate(problem_of("runtime", Form.RELAXED, INSTANCES[name]), "relaxed")
    expected = formulation.value(by_highspy(formulation)[0])
    assert interior_point(formulation) == pytest.approx(expected, rel=1e-7)


@in_turns(
    every=3,
    share=[None, 0.5, 0.99],
    times=[
        cg.Exponential(rate=1e-3),
        cg.ShiftedExponential(rate=1e-3, shift=50.0),
        cg.Weibull(shape=1.5, scale=1e3, shift=20.0),
        cg.Pareto(shape=3.0, scale=100.0),
    ],
    workers=[1, 3],
)
def test_the_algebraic_and_the_smooth_program_agree(
    share: float | None, times: Any, workers: int
) -> None:
    pytest.importorskip("casadi")
    system = cg.System(workers, 20_000, times, samples=50)
    problem = Problem(system, cg.ExpectedRuntime())
    if share is not None:
        uniform = cg.Design(np.full(workers, 20_000 / workers))
        deadline = cg.evaluate(Problem(system, cg.Quantile(share)), uniform).value
        problem = Problem(system, cg.CompletionProbability(deadline))
    smooth = cg.solve(problem, "scipy-slsqp")
    algebraic = cg.solve(problem, "pyomo-ipopt")
    assert algebraic.value == pytest.approx(smooth.value, rel=1e-7)
    if share is not None:
        assert algebraic.evaluation is not None
        assert smooth.evaluation is not None
        complement = smooth.evaluation.complement
        assert algebraic.evaluation.complement == pytest.approx(complement, rel=1e-6)
