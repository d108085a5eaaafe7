"""The table beyond one order and equal work, copies, crossings, command and files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.cli import main
from cgcopt.compare.results.yardstick import yardstick_of
from cgcopt.compare.schedules.cases import Case, cases_of
from cgcopt.compare.schedules.copies import copies_table
from cgcopt.compare.schedules.table import schedule_table
from cgcopt.compare.show.schedule_tables import crossing_lines, readable, readable_copies
from cgcopt.evaluation.schedules.ends import Assignment, ends_of_rounds

pytestmark = pytest.mark.usefixtures("few_restarts", "no_rendering")


@pytest.fixture(scope="module")
def trace() -> cg.Trace:
    rng = np.random.default_rng(2)
    times = cg.ShiftedExponential(rate=1.0, shift=0.3).sample(80, 4, rng)
    times[:, 3] *= 3.0
    return cg.Trace(times)


@pytest.fixture(scope="module")
def short(trace: cg.Trace) -> cg.Trace:
    """Fewer rounds, where the numbers are not the point."""
    return cg.Trace(trace.times[:24])


def test_the_table_tells_the_story(trace: cg.Trace) -> None:
    table = schedule_table(cases_of([("mine", cg.Trace(trace.times[:, 1:]))]))
    ratios = {entry.method: entry.ratio for entry in table.entries}
    assert ratios["the same, rotated"] < ratios["certified, one order"] < 1
    assert ratios["equal work, rotated"] < ratios["certified, one order"]
    # A worker that is always slow: unequal work pays.
    assert ratios["unequal work, rotated"] < ratios["equal work, rotated"]
    assert ratios["auto, rotated"] <= ratios["equal work, rotated"]
    assert min(ratios, key=ratios.get) == "speed of light"
    shown = readable(table)["mine"]
    assert list(shown["method"]) == list(ratios)
    assert "request" in crossing_lines(table)[0]


@pytest.mark.parametrize(
    "assignment",
    [
        cg.Design([4.0, 3.0, 2.0, 1.0]),
        cg.Schedule([4.0, 3.0, 2.0, 1.0]),
        cg.Schedule([0.0, 10.0, 0.0, 0.0]),
        cg.Cyclic(2),
        cg.Dynamic(8, latency=0.1),
    ],
    ids=repr,
)
@pytest.mark.parametrize(
    "objective",
    [cg.ExpectedRuntime(), cg.Quantile(0.8), cg.CompletionProbability(30.0)],
    ids=lambda each: each.kind,
)
def test_ends_of_rounds_and_the_judge_agree(
    trace: cg.Trace, assignment: Assignment, objective: cg.ExpectedRuntime
) -> None:
    costs = cg.Costs(startup=0.2, per_message=0.05, per_coordinate=0.01)
    system = cg.System(4, 10, trace.rounds(), costs=costs)
    problem = cg.Problem(system, objective)
    ends = ends_of_rounds(assignment, system, trace.times)
    value = cg.judge(problem, assignment).value
    assert yardstick_of(objective).value(ends) == pytest.approx(value, rel=1e-12)
    if isinstance(objective, cg.ExpectedRuntime):
        case = Case("mine", trace.rounds(), trace.times, problem)
        assert case.mean(assignment) == value
        assert case.mean(assignment, most=7) == pytest.approx(ends[:7].mean(), rel=1e-12)


def test_the_crossing_is_where_both_are_equal(trace: cg.Trace) -> None:
    (case,) = cases_of([("mine", trace)])
    table = schedule_table([case], methods=["equal work, rotated"])
    (crossing,) = table.crossings
    system = case.problem.system
    uncoded = case.judged.max(axis=1).mean() / system.workers * system.workers
    ends = [
        cg.Dynamic(cells, crossing.latency * uncoded).runtimes(system, case.judged).mean()
        for cells in (4, 8, 16)
    ]
    static = table.entries[0].ratio * uncoded
    assert crossing.latency == 0 or min(ends) == pytest.approx(static, rel=0.01)


def test_copies(short: cg.Trace) -> None:
    (case,) = cases_of([("mine", cg.Trace(short.times[:, :3]))])
    table = copies_table(case)
    assert [row.copies for row in table.rows] == [1, 2, 3]
    assert table.rows[0].rotated == pytest.approx(1.0)
    for row in table.rows[1:]:
        assert row.rotated <= row.one_order
    assert list(readable_copies(table)["copies"]) == ["1", "2", "3"]


def test_the_command_writes_its_files(
    short: cg.Trace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.csv"
    cg.Trace(short.times[:12, :3]).write(file)
    out = tmp_path / "out"
    arguments = ["schedules", str(file), "--only-traces", "--copies", "--out", str(out), "--json"]
    arguments += ["--time-limit", "0.1"]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert {row["method"] for row in found["entries"]} >= {"auto, rotated", "speed of light"}
    names = {path.name for path in out.iterdir()}
    assert names == {
        "schedules.md",
        "schedules.csv",
        "crossings.csv",
        "schedules.png",
        "copies_1.png",
    }
