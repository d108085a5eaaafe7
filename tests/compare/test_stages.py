"""The steps from uncoded to the speed of light: order, numbers, sentences, pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from comparison_rows import made_row

import cgcopt as cg
from cgcopt.compare.results.compare import compare
from cgcopt.compare.results.comparison import Comparison
from cgcopt.compare.results.replay import replay
from cgcopt.compare.schedules.stages import stages_of, stages_of_replay
from cgcopt.compare.show.report import Report
from cgcopt.compare.show.stages import (
    plot_replayed_round,
    plot_stages,
    schedules_of,
    stages_sentence,
    stages_table,
)
from cgcopt.options import Options

ORDER = [
    "uncoded",
    "the paper's optimum",
    "the same design, rotated",
    "the best schedule",
    "speed of light",
]
SOLVERS = ["two-level", "cyclic", "optimal", "uncoded", "dynamic", "rotated"]
OPTIONS = Options(scenarios=60, time_limit=20.0)


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    system = cg.System(5, 200, cg.ShiftedExponential(rate=1e-3, shift=50.0), samples=5)
    problem = cg.Problem(system, cg.ExpectedRuntime(), title="small")
    return compare(problem, SOLVERS, options=OPTIONS)


@pytest.fixture(scope="module")
def replayed():
    times = cg.ShiftedExponential(rate=1.0, shift=0.3).sample(80, 4, np.random.default_rng(2))
    return replay(cg.Trace(times), SOLVERS, title="mine", options=OPTIONS)


def test_the_order_is_that_of_the_story_whatever_the_order_of_the_rows(comparison) -> None:
    stages = stages_of(comparison)
    assert [step.name for step in stages.steps] == ORDER
    values = [step.value for step in stages.steps]
    assert values == sorted(values, reverse=True)
    proven = stages.steps[1]
    assert 0 <= proven.gap < 1e-5
    assert list(stages_table(stages)["step"]) == ORDER
    rows = {row.solver: row for row in comparison.rows}
    assert stages.steps[3].value == rows["two-level"].value
    assert {stage.solver for stage in stages.uncoded} == {"cyclic", "dynamic"}


def test_the_simple_thing_is_said_to_win_where_it_does(comparison) -> None:
    stages = stages_of(comparison)
    best = stages.best_schedule.value
    faster = {stage.solver for stage in stages.uncoded if stage.value < best}
    assert {stage.solver for stage in stages.faster} == faster
    assert "on request" in stages_sentence(stages)
    assert "wins here" in stages_sentence(stages)
    slow = replace(stages, uncoded=tuple(replace(s, value=9 * best) for s in stages.uncoded))
    assert "slower than the best schedule" in stages_sentence(slow)


def test_without_an_optimum_there_are_no_steps(comparison) -> None:
    rows = tuple(row for row in comparison.rows if row.solver != "optimal")
    assert stages_of(Comparison(rows, OPTIONS)) is None
    assert stages_of(Comparison((), OPTIONS)) is None


def test_chances_rise() -> None:
    late = {"objective": "completion-probability"}
    found = {"uncoded": 0.1, "optimal": 0.7, "two-level": 0.8, "dynamic": 0.75}
    rows = tuple(made_row(name, value=value, bound=1.0, **late) for name, value in found.items())
    stages = stages_of(Comparison(rows, OPTIONS))
    assert [step.value for step in stages.steps] == [0.1, 0.7, 0.8]
    assert stages.rising
    assert not stages.faster
    assert list(stages_table(stages)["1 - P"]) == ["0.900", "0.300", "0.200"]


def test_a_cost_a_message_takes_the_promise_away(comparison) -> None:
    stages = stages_of(comparison)
    promise = "never slower, in any round"
    assert promise in set(stages_table(stages)["what holds"])
    assert promise not in set(stages_table(replace(stages, per_message=0.1))["what holds"])


def test_replays_are_told_on_rounds_held_out(replayed) -> None:
    stages = stages_of_replay(replayed)
    assert [step.name for step in stages.steps] == ORDER
    rows = {(row.design, row.model): row.held_out for row in replayed.rows}
    assert stages.steps[1].value == rows["optimal", "whole rounds"]
    assert stages.steps[4].value == rows["speed of light", "none"]


@pytest.mark.usefixtures("no_rendering")
def test_pictures_and_report(comparison, replayed, tmp_path: Path) -> None:
    shown = schedules_of(replayed)
    assert list(shown) == ["one order", "the same, rotated", "best schedule"]
    assert shown["one order"].cells == 1
    plot_replayed_round(replayed, tmp_path / "round.png")
    plot_stages([stages_of(comparison)], tmp_path / "steps.png")
    report = Report(comparison, replays=[replayed])
    names = [path.name for path in report.write(tmp_path)]
    assert {"steps.csv", "steps.png", "round_mine.png", "values.png"} <= set(names)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    places = [text.index(f"| {name} ") for name in ORDER]
    assert places == sorted(places)
    assert text.index("## In five steps") < text.index("## All solvers")


def test_a_replay_shows_what_workers_send(replayed) -> None:
    frame = replayed.frame().set_index("design")
    assert frame.loc["two-level", "sent"] == 1
    assert frame.loc["cyclic", "sent"] == frame.loc["cyclic", "copies"] > 1
