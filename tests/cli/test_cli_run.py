"""``cgcopt run``: what it refuses, and one short run on real processes."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

import cgcopt as cg
from cgcopt.cli import main

SYSTEM = cg.System(3, 100, cg.ShiftedExponential(rate=1e-3, shift=50.0), samples=3)


@pytest.fixture
def instance(tmp_path: Path) -> str:
    path = tmp_path / "small.toml"
    text = cg.instance_text(cg.Problem(SYSTEM, cg.ExpectedRuntime()))
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "svm"], "task = 'svm': must be one of: least-squares, softmax, network"),
        (["--rounds", "0"], "rounds = 0"),
        (["--against", "nothing"], "nothing"),
        (["--round-seconds", "0"], "round-seconds = 0"),
        (["--delays", "recorded"], "an instance with 3 workers"),
        (["--delays", "nowhere.csv"], "trace = 'nowhere.csv'"),
    ],
)
def test_refused(
    instance: str, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", instance, *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_plan_has_no_instance_to_compare_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cg.save_plan(cg.make_plan([1, 1]), tmp_path / "plan.npz")
    assert main(["run", str(tmp_path / "plan.npz"), "--against", "uncoded"]) == 2
    assert "it has no instance" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="the extra ray is not installed")
def test_a_run(instance: str, tmp_path: Path) -> None:
    # A process of its own: its standard output is JSON alone, Ray's included.
    import subprocess
    import sys

    out = tmp_path / "out"
    command = [sys.executable, "-m", "cgcopt", "run", instance, "--rounds", "3", "--json"]
    command += ["--against", "uncoded", "--round-seconds", "0.2", "--out", str(out)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    assert run.returncode == 0, run.stderr
    printed = json.loads(run.stdout)
    assert run.stderr == ""
    assert printed == json.loads((out / "run.json").read_text())
    assert printed["rounds"] == 3
    assert printed["predicted_mean"] == pytest.approx(0.2)
    assert printed["measured_mean"] > 0.1
    assert printed["max_decoding_error"] < 1e-10
    assert list(printed["against"]) == ["uncoded"]
    assert {path.name for path in out.iterdir()} == {
        "plan.npz",
        "rounds.csv",
        "rounds.png",
        "run.json",
    }
    assert cg.load_plan(out / "plan.npz").workers == 3
