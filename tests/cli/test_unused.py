"""Options that count for nothing are said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cgcopt.cli import main


def notes_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main([*arguments, "--json"]) == 0
    notes: list[str] = json.loads(capsys.readouterr().out)["notes"]
    return notes


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--scenarios", "10"], ["--scenarios 10 counts for nothing: solver 'uncoded' draws no"]),
        (["--seed", "0"], ["--seed 0 counts for nothing: solver 'uncoded' makes no random choice"]),
        (["--threads", "1"], ["--threads 1 counts for nothing: solver 'uncoded' does not take"]),
        ([], []),
    ],
)
def test_an_option_that_a_formula_has_no_use_for(
    capsys: pytest.CaptureFixture[str], options: list[str], expected: list[str]
) -> None:
    notes = notes_of(capsys, "solve", "paper", "--solver", "uncoded", *options)
    assert [note[: len(begins)] for note, begins in zip(notes, expected, strict=True)] == expected


def test_options_that_count_are_not_remarked(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["solve", "paper", "--solver", "highs", "--scenarios", "5", "--seed", "1"]
    assert notes_of(capsys, *command) == []


def test_a_comparison_without_drawn_rounds_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["compare", "paper", "--solvers", "uncoded", "--scenarios", "5"]
    assert main(command) == 0
    said = "--scenarios 5 counts for nothing: no solver of the comparison draws rounds."
    assert said in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--seed", "3"],
            "--seed 3 counts for nothing: no solver of the comparison makes a random",
        ),
        (["--threads", "2"], "--threads 2 counts for nothing: no solver of the comparison takes"),
    ],
)
def test_a_comparison_of_formulas_has_no_use_for_them(
    capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    command = ["compare", "paper", "--solvers", "uncoded,single-level", *options]
    (note,) = notes_of(capsys, *command)
    assert note.startswith(said)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("compare paper --fresh", "fresh = True: must be left out without --out"),
        ("compare paper --seed 1 --seeds 1,2", "seed = 1: must be left out beside --seeds"),
        ("curve paper --tail --points 9", "points = 9: must be left out beside --tail"),
        ("curve paper --tail --solvers uncoded", "solvers = 'uncoded': must be left out beside"),
        ("reproduce --fresh", "fresh = True: must be left out without --out"),
        ("study none.toml --fresh", "fresh = True: must be left out without --out"),
        ("schedules --only-traces --scenarios 9", "scenarios = 9: must be left out beside --only-"),
        (
            "run paper --redesign-with optimal",
            "redesign-with = 'optimal': must be left out without",
        ),
    ],
)
def test_options_that_rule_each_other_out_are_refused(
    capsys: pytest.CaptureFixture[str], command: str, said: str
) -> None:
    assert main(command.split()) == 2
    assert said in capsys.readouterr().err


def test_a_replay_has_no_use_for_drawn_rounds(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text("w1,w2\n" + "1,2\n2,1\n3,1\n" * 4)
    command = ["compare", str(trace), "--replay", "--solvers", "uncoded", "--scenarios", "5"]
    assert "--scenarios 5 counts for nothing: a replay designs" in " ".join(
        notes_of(capsys, *command)
    )
