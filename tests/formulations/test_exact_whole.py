"""The exact problems in whole numbers: the algebraic model, SCIP, the own method, brute force."""

from __future__ import annotations

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.errors import UnsupportedProblemError
from cgcopt.formulations import formulate

TIMES = cg.ShiftedExponential(rate=1e-3, shift=50.0)


def chance(workers: int, coordinates: int) -> cg.Problem:
    system = cg.System(workers, coordinates, TIMES)
    deadline = system.unit * workers * coordinates * 500.0
    return cg.Problem(system, cg.CompletionProbability(deadline))


@pytest.mark.parametrize(("workers", "coordinates"), [(2, 10), (2, 20), (3, 10), (3, 20)])
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


@pytest.mark.parametrize("x", [[4, 1, 5], [0, 2, 8]])
def test_the_algebraic_models_have_the_exact_values(x: list[int]) -> None:
    import pyomo.environ as pyo

    system = cg.System(3, 10, TIMES)
    problems = (chance(3, 10), cg.Problem(system, cg.ExpectedRuntime()))
    for problem, rel in zip(problems, (1e-5, 1e-4), strict=True):
        formulation = formulate(problem, "block")
        model = formulation.to_pyomo()
        assert all(model.x[n].is_integer() for n in range(3))
        formulation.warm_start(model, cg.Design(x))
        expected = cg.evaluate(problem, x).value
        assert formulation.value(pyo.value(model.total)) == pytest.approx(expected, rel=rel)
        assert formulation.design(model).partition.tolist() == x
        with pytest.raises(UnsupportedProblemError, match="pyomo"):
            formulation.to_scipy()
    assert np.isfinite(expected)
