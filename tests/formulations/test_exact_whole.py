"""The exact problems in whole numbers: the algebraic model, SCIP, the own method, brute force."""

from __future__ import annotations

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.errors import UnsupportedProblemError
from cgcopt.formulations import formulate
from cgcopt.formulations.closed_runtime import closed_mean

#: What is slow.
BIG = [pytest.param(3, 20, marks=pytest.mark.slow)]
TIMES = cg.ShiftedExponential(rate=1e-3, shift=50.0)


def chance(workers: int, coordinates: int) -> cg.Problem:
    system = cg.System(workers, coordinates, TIMES)
    deadline = system.unit * workers * coordinates * 500.0
    return cg.Problem(system, cg.CompletionProbability(deadline))


@pytest.mark.parametrize(("workers", "coordinates"), [(2, 12), (3, 8), *BIG])
def test_scip_and_the_own_method_reach_the_best_of_all_designs(
    workers: int, coordinates: int
) -> None:
    pytest.importorskip("pyscipopt")
    problem = chance(workers, coordinates)
    values = []
    for first in range(coordinates + 1):
        for second in range(coordinates + 1 - first):
            rest = coordinates - first - second
            if workers == 2 and rest:
                continue
            values.append(cg.evaluate(problem, [first, second, rest][:workers]).value)
    best = max(values)
    outside = cg.solve(problem, "pyomo-scip-exact", form="block")
    own = cg.solve(problem, "optimal-integer", form="block")
    for solution in (outside, own):
        assert solution.value == pytest.approx(best, rel=1e-9)
        assert solution.bound >= best
        assert solution.gap <= 1e-4
        assert solution.design is not None
        assert solution.design.is_integer


@pytest.mark.parametrize(("workers", "coordinates"), [(2, 12), (3, 8), *BIG])
@pytest.mark.parametrize("times", [TIMES, cg.Exponential(2.0)], ids=["shifted", "exponential"])
def test_the_mean_in_whole_numbers_is_proven_by_scip(
    times: cg.WorkerTimes, workers: int, coordinates: int
) -> None:
    pytest.importorskip("pyscipopt")
    problem = cg.Problem(cg.System(workers, coordinates, times), cg.ExpectedRuntime())
    every = (
        [first, second, coordinates - first - second][:workers]
        for first in range(coordinates + 1)
        for second in range(coordinates + 1 - first)
        if workers > 2 or first + second == coordinates
    )
    best = min(cg.evaluate(problem, x).value for x in every)
    found = cg.solve(problem, "pyomo-scip-exact", form="block")
    assert found.value == pytest.approx(best, rel=1e-9)
    assert best * (1.0 - 1e-4) <= found.bound <= best


@pytest.mark.parametrize(("workers", "coordinates"), [(2, 12), (3, 15)])
def test_bonmin_finds_the_best_design_of_the_convex_program(
    workers: int, coordinates: int, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("casadi")
    problem = cg.Problem(cg.System(workers, coordinates, TIMES), cg.ExpectedRuntime())
    found = cg.solve(problem, "pyomo-bonmin", form="block")
    own = cg.solve(problem, "optimal-integer", form="block")
    assert found.value == pytest.approx(own.value, rel=1e-5)
    assert found.value >= own.bound
    assert capsys.readouterr().out == ""
    gamma = cg.Problem(problem.system.with_times(cg.Gamma(2.0, 1.0)), cg.ExpectedRuntime())
    with pytest.raises(UnsupportedProblemError, match="optimal-integer"):
        cg.solve(gamma, "pyomo-bonmin", form="block")


def test_scip_without_tangents_and_with_another_budget() -> None:
    pytest.importorskip("pyscipopt")
    from pyomo.contrib.solver.solvers.scip.scip_direct import ScipDirect

    problem = cg.Problem(cg.System(3, 10, TIMES), cg.ExpectedRuntime())
    formulation = formulate(problem, "block", strong=False)
    model = formulation.to_pyomo()
    assert len(model.tangent) == 0
    for coordinates in (10, 15):
        changed = formulation.update(model, coordinates=coordinates)
        found = ScipDirect().solve(model, rel_gap=1e-5, solver_options={"numerics/feastol": 1e-7})
        expected = cg.solve(changed.problem, "optimal-integer", form="block")
        assert changed.design(model).partition.tolist() == expected.partition.tolist()
        assert changed.value(found.objective_bound) == pytest.approx(expected.value, rel=1e-4)


def test_the_finite_sum_is_the_mean() -> None:
    for workers in (1, 2, 3, 5, 8):
        system = cg.System(workers, workers * 10, TIMES)
        work = np.cumsum(np.arange(1.0, workers + 1) * 10.0)
        exact = cg.evaluate(cg.Problem(system, cg.ExpectedRuntime()), [10.0] * workers).value
        found = system.unit * closed_mean(work, rate=1e-3, shift=50.0)
        assert found == pytest.approx(exact, rel=1e-9)


def test_other_means_are_refused_by_scip() -> None:
    pytest.importorskip("pyscipopt")
    for system in (cg.System(3, 10, cg.Weibull(0.7, 1.0)), cg.System(9, 10, TIMES)):
        problem = cg.Problem(system, cg.ExpectedRuntime())
        with pytest.raises(UnsupportedProblemError, match="optimal-integer"):
            cg.solve(problem, "pyomo-scip-exact", form="block")


@pytest.mark.parametrize("x", [[4, 1, 5], [0, 2, 8]])
def test_the_algebraic_models_have_the_exact_values(x: list[int]) -> None:
    import pyomo.environ as pyo

    system = cg.System(3, 10, TIMES)
    problems = (chance(3, 10), cg.Problem(system, cg.ExpectedRuntime()))
    for problem, rel in zip(problems, (1e-5, 1e-3), strict=True):
        formulation = formulate(problem, "block")
        model = formulation.to_pyomo()
        assert all(model.x[n].is_integer() for n in range(3))
        formulation.warm_start(model, cg.Design(x))
        expected = cg.evaluate(problem, x).value
        assert formulation.value(pyo.value(model.total)) == pytest.approx(expected, rel=rel)
        assert formulation.design(model).partition.tolist() == x
        assert "whole numbers" in str(formulation)
        assert "whole numbers" not in str(formulate(problem))
        with pytest.raises(UnsupportedProblemError, match="pyomo"):
            formulation.to_scipy()
    assert np.isfinite(expected)


def test_scip_leaves_the_design_that_it_starts_from(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyscipopt")
    told: list[list[float]] = []
    monkeypatch.setattr(
        "cgcopt.solvers.adapters.pyomo_scip_exact.report_incumbent",
        lambda partition: told.append(partition.tolist()),
    )
    for form in ("block", "relaxed"):
        cg.solve(chance(2, 10), "pyomo-scip-exact", form=form, gap=0.5)
    whole, relaxed = told
    assert sum(whole) == 10
    assert all(each.is_integer() for each in whole)
    assert sum(relaxed) == pytest.approx(10)
    assert min(relaxed) >= 0
