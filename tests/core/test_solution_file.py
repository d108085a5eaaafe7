"""Solutions in files: what is read is what was written."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.evaluation.schedules.baselines import Cyclic
from cgcopt.instance import example_instances
from cgcopt.solution import Solution, SolutionStatus, TerminationCondition
from cgcopt.solvers.base import Outcome
from tests.turns import in_turns

pytestmark = pytest.mark.usefixtures("few_restarts")

TIMES = cg.ShiftedExponential(rate=1e-3, shift=50.0)
SYSTEM = cg.System(3, 20, TIMES, samples=4)
PROBLEMS = {
    "runtime": cg.Problem(SYSTEM, cg.ExpectedRuntime(), title="three workers"),
    "probability": cg.Problem(SYSTEM, cg.CompletionProbability(deadline=3e4)),
    "quantile": cg.Problem(SYSTEM, cg.Quantile(probability=0.9)),
}


def same(a: Solution, b: Solution) -> bool:
    """All that a file keeps, compared through what it is written from."""
    return (
        json.dumps(a.to_dict()) == json.dumps(b.to_dict())
        and cg.instance_text(a.problem) == cg.instance_text(b.problem)
        and a.problem.name == b.problem.name
        and (a.partition is None) == (b.partition is None)
        and (a.partition is None or np.array_equal(a.partition, b.partition))
    )


@in_turns(every=2, form=["block", "relaxed"], name=PROBLEMS.keys())
def test_designs(name: str, form: str, tmp_path: Path) -> None:
    solution = cg.solve(PROBLEMS[name], form=form, time_limit=20)
    solution.save(tmp_path / "s.json")
    read = Solution.load(tmp_path / "s.json")
    assert same(read, solution)
    assert read.value == solution.value
    assert read.gap == solution.gap
    # Judging the design that was read gives the value that was written.
    assert read.design is not None
    assert cg.evaluate(read.problem, read.design).value == pytest.approx(read.value, rel=1e-9)


@pytest.mark.parametrize("solver", ["schedule", "two-level", "cyclic", "dynamic", "ferdinand-half"])
def test_schedules_and_schemes(solver: str, tmp_path: Path) -> None:
    problem = cg.Problem(cg.System(4, 100, TIMES, samples=4), cg.ExpectedRuntime())
    solution = cg.solve(problem, solver, scenarios=8)
    solution.save(tmp_path / "s.json")
    read = Solution.load(tmp_path / "s.json")
    assert same(read, solution)
    assert type(read.assignment) is type(solution.assignment)
    assert read.schedule == solution.schedule
    if solution.assignment is not None:
        # Files of earlier days say "run".
        text = (tmp_path / "s.json").read_text()
        (tmp_path / "s.json").write_text(text.replace('"assignment"', '"run"'))
        assert same(Solution.load(tmp_path / "s.json"), solution)


def test_the_old_name_of_an_assignment() -> None:
    found = cg.judge(PROBLEMS["runtime"], Cyclic(2))
    with pytest.warns(DeprecationWarning, match="assignment"):
        assert found.run is found.assignment
    with pytest.warns(DeprecationWarning, match="assignment"):
        outcome = Outcome(TerminationCondition.CONVERGED, run=Cyclic(2))
    assert outcome.assignment == Cyclic(2)


def test_a_trace_goes_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = cg.load_instance(example_instances()["recorded"])
    solution = cg.solve(problem, "closed-form-time")
    solution.save(tmp_path / "s.json")
    monkeypatch.chdir(tmp_path)  # no path in the file leads anywhere from here
    read = Solution.load("s.json")
    assert read.problem.system.worker_times.to_dict().get("path") is None
    assert read.design is not None
    assert cg.evaluate(read.problem, read.design).value == pytest.approx(solution.value, rel=1e-12)


def test_without_a_design(tmp_path: Path) -> None:
    system = replace(SYSTEM, costs=cg.Costs(startup=0.5))
    solution = Solution(
        replace(PROBLEMS["runtime"], system=system),
        "none",
        cg.Form.RELAXED,
        cg.TerminationCondition.TIME_LIMIT,
        SolutionStatus.NONE,
        message="nothing in time",
    )
    solution.save(tmp_path / "s.json")
    read = Solution.load(tmp_path / "s.json")
    assert same(read, solution)
    assert read.bound == -math.inf
    assert math.isnan(read.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(cg.InvalidInputError, match="no such file"):
        Solution.load(tmp_path / "none.json")
    path = tmp_path / "s.json"
    path.write_text("[1, 2]")
    with pytest.raises(cg.InvalidInputError, match="a solution with its problem"):
        Solution.load(path)
    path.write_text("{")
    with pytest.raises(cg.InvalidInputError, match="not json"):
        Solution.load(path)
    cg.solve(PROBLEMS["runtime"], "closed-form-time").save(path)
    table = json.loads(path.read_text())
    path.write_text(json.dumps({**table, "status": "perfect"}))
    with pytest.raises(cg.InvalidInputError, match="'perfect' is not a valid"):
        Solution.load(path)
    path.write_text(json.dumps({key: table[key] for key in table if key != "solver"}))
    with pytest.raises(cg.InvalidInputError, match="'solver'"):
        Solution.load(path)
    with pytest.raises(cg.InvalidInputError, match="a file that can be written"):
        cg.solve(PROBLEMS["runtime"], "closed-form-time").save(tmp_path)
