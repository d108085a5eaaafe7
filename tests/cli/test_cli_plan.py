"""``cgcopt plan``: from an instance or a solution to a file that can be carried out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import cgcopt as cg
from cgcopt.cli import main

SYSTEM = cg.System(4, 100, cg.ShiftedExponential(rate=1e-3, shift=50.0), samples=40)


@pytest.fixture
def instance(tmp_path: Path) -> str:
    path = tmp_path / "small.toml"
    text = cg.instance_text(cg.Problem(SYSTEM, cg.ExpectedRuntime()))
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_plan_of_an_instance(
    instance: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, picture = tmp_path / "plan.npz", tmp_path / "plan.png"
    assert main(["plan", instance, "--out", str(out), "--picture", str(picture)]) == 0
    printed = capsys.readouterr().out
    assert "small: 4 workers, 100 coordinates, 40 units of data" in printed
    plan = cg.load_plan(out)
    solution = cg.solve(cg.Problem(SYSTEM, cg.ExpectedRuntime()))
    assert abs(plan.deployed - solution.partition).max() <= 1.0
    assert picture.stat().st_size > 1000


def test_solve_feeds_plan(
    instance: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    solution, out = tmp_path / "solution.json", tmp_path / "plan.npz"
    assert main(["solve", instance, "--integer", "--out", str(solution)]) == 0
    capsys.readouterr()
    command = ["plan", str(solution), "--schedule", "rotated", "--out", str(out), "--json"]
    assert main([*command, "--samples", "80", "--boundaries", "10,20,30,40,50,60,70,80,90"]) == 0
    printed = json.loads(capsys.readouterr().out)
    partition = json.loads(solution.read_text())["partition"]
    plan = cg.load_plan(out)
    assert plan.partition.tolist() == partition
    assert printed["samples"] == plan.samples == 80
    assert printed["storage"] == plan.storage.tolist()
    assert [block["coordinates"] % 10 for block in printed["blocks"]] == [0] * len(plan.blocks)
    assert plan.cells == 4


@pytest.mark.usefixtures("few_restarts_here")
def test_plan_of_a_schedule(tmp_path: Path) -> None:
    solution = cg.solve(cg.Problem(SYSTEM, cg.ExpectedRuntime()), "schedule", scenarios=25)
    schedule = solution.schedule
    assert schedule is not None
    path, out = tmp_path / "schedule.json", tmp_path / "plan.npz"
    solution.save(path)
    assert main(["plan", str(path), "--out", str(out)]) == 0
    plan = cg.load_plan(out)
    used = schedule.partition > 0
    assert plan.fractions[:, used] == pytest.approx(schedule.fractions[:, used])
    assert plan.cells == 4
    assert main(["plan", str(path), "--schedule", "same", "--out", str(out)]) == 0
    assert cg.load_plan(out).cells == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.json"], "solution = 'nowhere.json'"),
        (["paper", "--out", "plan.txt"], "a file name that ends in .npz"),
        (["paper", "--boundaries", "a,b"], "boundaries = 'a,b'"),
        (["paper", "--schedule", "random"], "'random'"),
    ],
)
def test_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
