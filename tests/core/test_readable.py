"""What a user of Python sees: solutions in one line, as text and as HTML; the log; the solvers."""

from __future__ import annotations

import inspect
import logging
from html.parser import HTMLParser

import pytest

import cgcopt as cg
from cgcopt.solvers.registry import solver_names


@pytest.fixture(scope="module")
def solution() -> cg.Solution:
    times = cg.ShiftedExponential(rate=1e-3, shift=50)
    system = cg.System(workers=4, coordinates=100, worker_times=times)
    return cg.solve(cg.Problem(system, cg.ExpectedRuntime(), title="<b>small & odd</b>"))


def test_a_solution_is_one_line(solution: cg.Solution) -> None:
    text = repr(solution)
    assert len(text) < 160
    assert "\n" not in text
    assert "optimal, relaxed" in text
    assert f"{solution.value:.8g} s" in text
    assert "gap" in text


def test_a_summary_holds_every_fact_and_block(solution: cg.Solution) -> None:
    text = solution.summary()
    assert all(fact in text for fact in solution.facts().values())
    assert solution.facts()["storage"] == "a worker stores 4 of 4 subsets; 4 blocks"
    assert sum(x for _, x in solution.blocks()) == pytest.approx(100)


def test_html_escapes_names(solution: cg.Solution) -> None:
    html = solution._repr_html_()
    assert "<b>" not in html
    assert "&lt;b&gt;small &amp; odd" in html
    HTMLParser().feed(html)
    assert html.count("<tr>") == len(solution.facts()) + len(solution.blocks())


def test_a_solution_without_a_design_is_readable(solution: cg.Solution) -> None:
    nothing = cg.Solution(
        solution.problem,
        "highs",
        cg.Form.BLOCK,
        cg.TerminationCondition.TIME_LIMIT,
        cg.SolutionStatus.NONE,
    )
    assert repr(nothing) == "<Solution highs, block: none (time-limit)>"
    assert nothing.blocks() == []
    assert "value" not in nothing.facts()


def test_own_methods_tell_the_standard_logger(
    solution: cg.Solution, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="cgcopt"):
        cg.solve(solution.problem)
    assert any("gap" in record.getMessage() for record in caplog.records)


def test_verbose_shows_iterations_on_standard_error(
    solution: cg.Solution, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("cgcopt"), "propagate", False)
    cg.solve(solution.problem, verbose=True)
    shown = capfd.readouterr()
    assert "gap" in shown.err
    assert shown.out == ""
    cg.solve(solution.problem)
    assert capfd.readouterr().err == ""


def test_packages_are_functions_too(solution: cg.Solution) -> None:
    table = cg.solvers()
    assert list(table.index) == solver_names()
    assert table.loc["optimal", "quantile"] == "relaxed"
    assert list(inspect.signature(cg.compare).parameters)[:2] == ["problems", "solvers"]
    rows = cg.compare(solution.problem, ["uncoded"]).rows
    assert [row.solver for row in rows] == ["uncoded"]
