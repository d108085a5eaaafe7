"""Small inputs whose right outcomes are known, where they lie beside the source tree."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import cgcopt as cg
from cgcopt.compare.results.compare import compare
from cgcopt.instance import load_instance
from cgcopt.solution import SolutionStatus, TerminationCondition
from cgcopt.solvers.base import Solver, Task
from cgcopt.solvers.registry import all_solvers
from cgcopt.workers.base import Times


def who(form: cg.Form) -> list[type[Solver]]:
    task = Task(cg.CompletionProbability, form)
    return [cls for cls in all_solvers() if task in cls.solves and Times.SCENARIOS in cls.times]


def check(problem: cg.Problem, cls: type[Solver], form: cg.Form, best: float) -> None:
    if not cls.available():
        pytest.skip(f"{cls.name} is not installed")
    solution = cg.solve(problem, cls(), form=form, time_limit=20, threads=1)
    assert solution.bound >= best - 1e-9
    assert solution.gap >= 0.0
    if solution.termination is TerminationCondition.OPTIMAL:
        assert solution.value == pytest.approx(best)
        assert solution.status is SolutionStatus.OPTIMAL


@pytest.mark.parametrize("cls", who(cg.Form.BLOCK), ids=lambda cls: cls.name)
def test_many_coordinates_in_blocks(cls: type[Solver], shared_cases: Path) -> None:
    check(load_instance(shared_cases / "false_bound" / "L1e6.toml"), cls, cg.Form.BLOCK, 0.6)


@pytest.mark.slow
@pytest.mark.parametrize("form", [cg.Form.BLOCK, cg.Form.COORDINATE])
@pytest.mark.parametrize("cls", who(cg.Form.BLOCK), ids=lambda cls: cls.name)
def test_workers_that_timed_out(cls: type[Solver], form: cg.Form, shared_cases: Path) -> None:
    if Task(cg.CompletionProbability, form) not in cls.solves:
        pytest.skip(f"{cls.name} has no {form} form")
    check(load_instance(shared_cases / "false_bound" / "timeouts.toml"), cls, form, 0.45)


def test_no_row_of_a_comparison_has_a_gap_of_another_one(shared_cases: Path) -> None:
    problem = load_instance(shared_cases / "false_bound" / "L1e6.toml")
    who = ["highs:block", "scipy-milp:block", "uncoded:block"]
    frame = compare(problem, who, options=cg.Options(time_limit=20)).frame()
    gaps = dict(zip(frame["solver"], frame["gap"], strict=True))
    assert gaps["highs"] == gaps["scipy-milp"] == pytest.approx(0.0, abs=1e-9)
    assert gaps["uncoded"] > 0.0


def test_very_long_times_close_their_gap(shared_cases: Path) -> None:
    problem = load_instance(shared_cases / "timeouts_1e9.toml")
    solution = cg.solve(problem, "optimal", time_limit=60)
    assert solution.gap <= 1e-6
    assert solution.value == pytest.approx(6280.91, abs=0.01)


@pytest.mark.slow
def test_a_time_limit_of_scip_is_kept(shared_cases: Path) -> None:
    pytest.importorskip("pyscipopt")
    problem = load_instance(shared_cases / "time_limit" / "L1e7.toml")
    started = time.perf_counter()
    solution = cg.solve(problem, "pyomo-scip", form="block", time_limit=5)
    assert time.perf_counter() - started < 15.0
    assert solution.seconds.build + solution.seconds.solve < 5 * 1.1 + 2
    assert solution.gap >= 0.0
