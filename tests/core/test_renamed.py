"""The old name of a form works for one version more, and says so."""

from __future__ import annotations

import pytest

import cgcopt as cg
from cgcopt.formulations import formulate
from cgcopt.solvers.base import tasks


@pytest.fixture
def problem() -> cg.Problem:
    system = cg.System(3, 30, cg.ShiftedExponential(rate=1.0, shift=1.0))
    return cg.Problem(system, cg.ExpectedRuntime())


def test_solve_takes_the_old_keyword(problem: cg.Problem) -> None:
    with pytest.warns(DeprecationWarning, match="level is now called form"):
        solution = cg.solve(problem, "uniform", level="block")
    assert solution.form is cg.Form.BLOCK
    with pytest.warns(DeprecationWarning, match=r"Solution\.level is now called form"):
        assert solution.level is cg.Form.BLOCK


def test_formulate_takes_the_old_keyword(problem: cg.Problem) -> None:
    with pytest.warns(DeprecationWarning, match="level is now called form"):
        formulation = formulate(problem.sampled(3), level="block")
    assert formulation.form is cg.Form.BLOCK


def test_the_old_name_of_the_enumeration() -> None:
    with pytest.warns(DeprecationWarning, match=r"cgcopt\.Level is now called cgcopt\.Form"):
        assert cg.Level is cg.Form
    with pytest.warns(DeprecationWarning, match=r"cgcopt\.problem\.Level is now called Form"):
        from cgcopt.problem import Level
    assert Level is cg.Form


def test_warnings_point_at_the_caller(problem: cg.Problem) -> None:
    with pytest.warns(DeprecationWarning, match="form") as caught:
        cg.solve(problem, "uniform", level="block")
    assert caught[0].filename == __file__


def test_plugins_may_still_say_levels() -> None:
    with pytest.warns(DeprecationWarning, match="keyword levels is now called forms") as caught:
        old = tasks(cg.ExpectedRuntime, levels=(cg.Form.RELAXED,))
    assert caught[0].filename == __file__
    assert old == tasks(cg.ExpectedRuntime, forms=(cg.Form.RELAXED,))
    with pytest.raises(TypeError, match="forms"):
        tasks(cg.ExpectedRuntime)
