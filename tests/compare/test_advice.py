"""Advice: one judge on later rounds, a decision that does not chase noise, honest words."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.cli import main
from cgcopt.compare.results import advice, advice_rows
from cgcopt.compare.results.advice import AdviceSettings, advise
from cgcopt.compare.results.advice_candidates import advice_candidates
from cgcopt.compare.results.advice_result import Advice
from cgcopt.compare.results.designer import Candidate, Designer, Made
from cgcopt.compare.results.verdict import Contender, DecisionSettings, Kind, decide, nested_gain
from cgcopt.compare.results.yardstick import (
    DeadlineYardstick,
    MeanYardstick,
    QuantileYardstick,
    yardstick_of,
)
from cgcopt.compare.show.advice_text import advice_table, verdict
from cgcopt.instance import problem_of_trace
from cgcopt.objective import CompletionProbability
from cgcopt.workers.blocks import TimeBlocks

pytestmark = pytest.mark.usefixtures("few_restarts")

#: One block of designs; time must not decide what a test finds.
QUICK = AdviceSettings(blocks=TimeBlocks(0.5, 1, 3))
ENOUGH = 1e4
#: One of every kind; the others are the same machinery with other models.
ONE_OF_EACH = (
    "uncoded",
    "balanced shares",
    "leave out the slowest",
    "cyclic, 2 copies",
    "single level",
    "optimal, whole rounds",
    "rotated, whole rounds",
    "schedule, equal",
)


@contextlib.contextmanager
def only(*names: str) -> Iterator[None]:
    """Judge these candidates alone."""

    def chosen(problem: cg.Problem, latency: float | None = None) -> Iterator[object]:
        return (each for each in advice_candidates(problem, latency) if each[1].name in names)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cgcopt.compare.results.advice.advice_candidates", chosen)
        yield


def straggler(rounds: int = 32, workers: int = 3) -> cg.Trace:
    """The last worker takes three times as long, with hardly any noise."""
    times = np.random.default_rng(4).uniform(1.0, 1.02, (rounds, workers))
    times[:, -1] *= 3.0
    return cg.Trace(times)


@pytest.fixture(scope="module")
def found() -> Advice:
    with only(*ONE_OF_EACH):
        return advise(straggler(), settings=QUICK, seconds=ENOUGH)


def test_a_straggler_for_good_is_balanced_and_not_coded(found: Advice) -> None:
    assert found.verdict is Kind.BALANCE
    assert found.significant
    later = straggler().times[16:]
    assert found.row("uncoded").held_out == pytest.approx(later.max(axis=1).mean())
    # Shares 3 : 3 : 1 of three pieces.
    assert found.row("balanced shares").ratio_to_uncoded == pytest.approx(3 / 7, rel=0.03)
    light = (3 / (1 / later).sum(axis=1)).mean()
    assert found.row("speed of light").held_out == pytest.approx(light)
    assert all(row.held_out >= light for row in found.rows if not row.message)
    assert "balance the loads" in verdict(found)


def test_every_promise_stands_beside_what_was_held_out(found: Advice) -> None:
    for row in found.rows:
        assert math.isnan(row.promised) or not math.isnan(row.held_out), row.name


def test_what_is_sent_stands_beside_the_time(found: Advice) -> None:
    frame = found.frame().set_index("name")
    assert frame.loc["uncoded", "sent"] == 1.0
    assert frame.loc["cyclic, 2 copies", "sent"] == 2.0
    table = advice_table(found)
    sent = dict(zip(table["candidate"], table["sent / L"], strict=True))
    assert sent["cyclic, 2 copies"] == "2.00"


def test_it_reads_as_one_line(found: Advice) -> None:
    assert repr(found) == "<Advice trace: balance (balanced shares), significant>"
    assert found.judged is not None
    assert repr(found.judged) == f"<HeldOut 8 designs on {found.judged_rounds} rounds>"


def test_json_has_the_promised_keys(found: Advice) -> None:
    table = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    keys = {"verdict", "significant", "candidates", "speed_of_light", "rounds", "workers"}
    assert keys <= set(table)
    columns = {"name", "held_out", "standard_error", "ratio_to_uncoded", "copies", "blocks"}
    assert all(columns <= set(row) for row in table["candidates"])
    assert (table["rounds"], table["workers"]) == (32, 3)


def test_steady_workers_need_nothing() -> None:
    times = np.random.default_rng(2).uniform(1.0, 1.001, (32, 3))
    with only("uncoded", "balanced shares", "cyclic, 2 copies", "optimal, whole rounds"):
        found = advise(cg.Trace(times), settings=QUICK, seconds=ENOUGH)
    assert found.verdict is Kind.DO_NOT_CODE
    assert not found.significant
    assert verdict(found).startswith("Do not code")


@pytest.mark.slow
def test_all_candidates_are_judged() -> None:
    times = cg.Gamma(shape=50.0, scale=0.02).sample(24, 3, np.random.default_rng(5))
    times[:, 2] *= 3.0
    found = advise(cg.Trace(times), settings=QUICK, seconds=ENOUGH)
    assert (str(found.verdict), found.significant) == ("schedule", True)
    assert not any(row.message for row in found.rows)


def test_limits_hold_for_every_candidate() -> None:
    trace = straggler(24)
    problem = replace(problem_of_trace(trace, mode="rounds"), limits=cg.Limits(copies=2, blocks=1))
    names = {each.name for _, each in advice_candidates(problem)}
    assert not any("4 copies" in name or "2 blocks" in name for name in names)
    with only(*ONE_OF_EACH, "schedule, shares"):
        found = advise(trace, problem, settings=QUICK, seconds=ENOUGH)
    judged = [row for row in found.rows if not row.message]
    assert len(judged) >= 6
    assert all(row.copies <= 2 * (1 + 1e-6) for row in judged)
    assert all(math.isnan(row.blocks) or row.blocks <= 1 for row in judged)


def test_candidates_are_those_that_the_limits_allow() -> None:
    def names(copies: float | None, latency: float | None = None) -> set[str]:
        problem = problem_of_trace(straggler(), mode="rounds")
        limited = replace(problem, limits=cg.Limits(copies=copies))
        return {each.name for _, each in advice_candidates(limited, latency)}

    plain = {"uncoded", "balanced shares", "leave out the slowest"}
    assert names(1) == plain
    assert names(1, 0.01) == plain | {"dynamic"}
    assert set(ONE_OF_EACH) | {"cyclic, best copies", "optimal, whole rounds, 2 copies"} <= names(
        None
    )


def test_too_few_rounds_are_said() -> None:
    found = advise(cg.Trace([[1.0, 2.0]]))
    assert found.verdict is Kind.DO_NOT_CODE
    assert found.needed == 16
    assert not found.significant


def test_only_one_way_is_not_compared_with_itself() -> None:
    with only("uncoded"):
        found = advise(straggler(), settings=QUICK, seconds=ENOUGH)
    assert verdict(found).endswith("No other way is within the limits, or was judged.")


def test_an_interruption_while_hindsight_is_at_work_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judge = advice_rows.held_out

    def interrupted(*arguments: Any, title: str = "", **named: Any) -> Any:
        if title == "hindsight":
            raise KeyboardInterrupt
        return judge(*arguments, title=title, **named)

    monkeypatch.setattr(advice_rows, "held_out", interrupted)
    with only("uncoded", "balanced shares"):
        found = advise(straggler(), settings=QUICK, seconds=ENOUGH)
    assert found.verdict is Kind.BALANCE
    assert [row.name for row in found.bounds] == ["speed of light"]


def test_time_that_is_over_within_a_candidate_ends_the_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Four designs a candidate, ten seconds each, of sixty seconds."""
    now, given = [0.0], []

    def slow(self: Designer, candidate: Candidate) -> Made:
        limit = self.options.time_limit
        given.append(math.inf if limit is None else limit)
        now[0] += 10.0
        return make(self, candidate)

    make = Designer.make
    monkeypatch.setattr(Designer, "make", slow)
    monkeypatch.setattr(
        "cgcopt.compare.results.held_out.time", SimpleNamespace(monotonic=lambda: now[0])
    )
    with only("uncoded", "balanced shares", "cyclic, 2 copies"):
        found = advise(straggler(), seconds=60.0)
    assert now == [70.0]
    assert max(given[4:]) <= 20.0
    assert [row.name for row in found.rows] == ["uncoded"]
    assert any("after 1 of 3 candidates" in note for note in found.notes)


def test_failures_are_left_out_of_a_mean_and_said() -> None:
    times = straggler().times.copy()
    times[3, 0] = np.inf
    with only("uncoded", "balanced shares"):
        found = advise(cg.Trace(times), settings=QUICK, seconds=ENOUGH)
    assert found.trace.round_count == 31
    assert "31 of 32 rounds" in found.notes[0]


def test_blocks_are_in_time_order_and_disjoint() -> None:
    for rounds in (2, 3, 7, 44, 301):
        blocks = TimeBlocks(0.5, 4, 3).of(rounds)
        edges = [(block.later.start, block.later.stop) for block in blocks]
        assert all(block.seen == slice(0, block.later.start) for block in blocks)
        assert all(a[1] == b[0] for a, b in itertools.pairwise(edges))
        assert edges[-1][1] == rounds
        assert all(a < b for a, b in edges)


def test_among_many_equals_none_is_chosen_too_often() -> None:
    # Forty ways that gain nothing: the best of them looks good by chance.
    rng, rule, false = np.random.default_rng(3), DecisionSettings(), 0
    for _ in range(100):
        plain = rng.gamma(20.0, 0.05, 40)
        ways = [Contender("uncoded", Kind.DO_NOT_CODE, 1, plain)]
        shared = rng.standard_normal(40)
        for i in range(40):
            noise = 0.02 * (shared + 0.5 * rng.standard_normal(40))
            kind = Kind.CYCLIC if i < 4 else Kind.CODE
            ways.append(Contender(f"way {i}", kind, 2, plain + noise))
        found = decide(ways, MeanYardstick(), rule)
        nested, _ = nested_gain(ways, (10, 10, 10, 10), MeanYardstick(), rule)
        false += found.significant and nested.size > 0
    assert false <= 10


def test_errors_of_quantiles_and_deadlines() -> None:
    rng = np.random.default_rng(5)
    errors = [QuantileYardstick(0.5).error(rng.exponential(size=400)) for _ in range(20)]
    # Of the median of n exponential times: 1/sqrt(n).
    assert np.mean(errors) == pytest.approx(1 / 20, rel=0.15)
    ends = rng.exponential(size=10_000)
    stick = yardstick_of(CompletionProbability(math.log(2)))
    assert stick.error(ends) == pytest.approx(0.5 / 100, rel=0.1)
    gain = DeadlineYardstick(1.0).gain(np.zeros(50), np.full(50, 2.0))
    assert (gain.size, gain.error) == (1.0, 0.0)


def test_command_writes_a_design_that_plan_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "times.csv", tmp_path / "out"
    straggler(20).write(path)
    arguments = ["advise", str(path), "--out", str(out), "--plan", "--blocks", "1", "--json"]
    arguments += ["--time-limit", "1000"]
    with only("uncoded", "balanced shares", "optimal, whole rounds"):
        assert main(arguments) == 0
    table = json.loads(capsys.readouterr().out)
    assert table["verdict"] == "balance"
    names = {"advice.md", "advice.csv", "advice.png", "design.json", "plan.npz"}
    assert names == {file.name for file in out.iterdir()}
    assert main(["plan", str(out / "design.json"), "--json"]) == 0
    # The slow worker does a seventh of the work.
    work = np.array(json.loads(capsys.readouterr().out)["work"], dtype=float)
    assert work[-1] / work.sum() == pytest.approx(1 / 7, abs=0.02)


def test_uncoded_order_has_no_plan_and_the_best_code_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "times.csv", tmp_path / "out"
    times = np.random.default_rng(4).exponential(1.0, (40, 3)) + 0.1
    cg.Trace(times).write(path)
    arguments = ["advise", str(path), "--out", str(out), "--plan", "--copies", "2", "--blocks", "1"]
    with only("uncoded", "cyclic, best copies", "optimal, whole rounds"):
        assert main([*arguments, "--time-limit", "1000"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "in cyclic order ('cyclic, best copies')" in said
    assert "hold the best of them, 'optimal, whole rounds', not 'cyclic, best copies'" in said
    assert main(["plan", str(out / "design.json")]) == 2
    assert "coded.json" in capsys.readouterr().err
    assert cg.load_plan(out / "plan.npz").workers == 3
    assert main(["plan", str(out / "coded.json"), "--json"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--costs", "nothing"], "costs = 'nothing'"),
        (["--time-limit", "-1"], "time-limit = -1.0: must be a finite number above 0"),
        (["--costs", "startup=x"], "costs.startup = 'x'"),
        (["--latency", "-1"], "latency = -1.0"),
        (["--plan"], "plan = True"),
        (["--mode", "pooled"], "mode = 'pooled'"),
    ],
)
def test_bad_arguments(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    path = tmp_path / "times.csv"
    straggler(20).write(path)
    assert main(["advise", str(path), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_few_rounds_are_not_believed_and_gains_are_shares_of_uncoded(found: Advice) -> None:
    """Seven held-out rounds that all gain half: more rounds are asked for, and no gain exceeds 100 %."""
    plain = np.tile([1.0, 1.2, 1.1, 1.3], 2)[:7]
    ways = [Contender("uncoded", Kind.DO_NOT_CODE, 1, plain)]
    ways += [Contender("optimal", Kind.CODE, 3, 0.4 * plain + np.linspace(0.0, 0.01, 7))]
    decision = decide(ways, MeanYardstick(), DecisionSettings())
    assert decision.chosen.kind is Kind.DO_NOT_CODE
    needed = advice._needed(decision, MeanYardstick(), AdviceSettings(), 7)
    assert needed == 16
    trace = cg.Trace(found.trace.times[:14])
    few = verdict(replace(found, trace=trace, decision=decision, needed=needed, significant=False))
    assert "'optimal', gains 59.6 % ± 0.2 %" in few
    assert "about 16 rounds would be needed" in few
