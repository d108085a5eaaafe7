"""``cgcopt run``: what it takes and refuses without processes, and one short run on real ones."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from copy import copy
from importlib.util import find_spec
from pathlib import Path

import pytest
from training.virtual import VirtualEngine, in_place_of_ray

import cgcopt as cg
from cgcopt.cli import main
from cgcopt.training.engine import Event

SYSTEM = cg.System(3, 100, cg.ShiftedExponential(rate=1e-3, shift=50.0), samples=3)
needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="the extra ray is not installed")


@pytest.fixture
def instance(tmp_path: Path) -> str:
    path = tmp_path / "small.toml"
    text = cg.instance_text(cg.Problem(SYSTEM, cg.ExpectedRuntime()))
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture
def virtual(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers in this process, on a virtual clock."""
    in_place_of_ray(monkeypatch)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert main(["run", *arguments, "--rounds", "3", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


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


@pytest.mark.usefixtures("virtual")
def test_an_instance_a_solution_and_a_plan_give_the_same_run(
    instance: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    solution, plan = str(tmp_path / "solution.json"), str(tmp_path / "plan.npz")
    assert main(["solve", instance, "--out", solution]) == 0
    size = ["--samples", "1797", "--coordinates", "650"]
    assert main(["plan", solution, *size, "--out", plan]) == 0
    capsys.readouterr()
    found = [
        run(capsys, source, "--against", "uncoded,single-level")
        for source in (instance, solution, plan)
    ]
    for printed in found:
        assert printed["rounds"] == 3
        assert printed["max_decoding_error"] < 1e-10  # type: ignore[operator]
        assert printed["predicted_mean"] == pytest.approx(0.5)
        against = printed["against"]
        assert isinstance(against, dict)
        assert list(against) == ["uncoded", "single-level"]
        assert against["uncoded"]["predicted_mean"] > 0.5
        assert against["uncoded"]["measured_mean"] > 0
        assert printed["final_loss"] == pytest.approx(found[0]["final_loss"], rel=1e-9)
        assert printed["blocks"][0]["level"] == 0  # type: ignore[index]


@pytest.mark.usefixtures("virtual")
def test_a_plan_that_does_not_say_what_it_is_for(
    instance: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = str(tmp_path / "plan.npz")
    cg.save_plan(cg.make_plan([60, 0, 40]), plan)
    assert main(["run", plan, "--against", "uncoded"]) == 2
    assert "does not say what it was made for" in capsys.readouterr().err
    printed = run(capsys, plan)
    assert printed["predicted_mean"] is None
    assert printed["overhead"] is None
    assert "the plan has 100 coordinates and 3 units of data" in printed["notes"][0]  # type: ignore[index]
    printed = run(capsys, plan, "--against", "uncoded", "--delays", instance)
    assert list(printed["against"]) == ["uncoded"]  # type: ignore[call-overload]
    assert main(["run", plan, "--schedule", "rotated"]) == 2
    assert "schedule = 'rotated': must be left out beside a plan" in capsys.readouterr().err


@pytest.mark.usefixtures("virtual")
def test_what_is_kept(instance: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    printed = run(capsys, instance, "--against", "uncoded", "--out", str(out))
    assert printed == json.loads((out / "run.json").read_text())
    names = {"costs.toml", "plan.npz", "rounds.csv", "rounds.png", "run.json"}
    assert {path.name for path in out.iterdir()} == names
    plan = cg.load_plan(out / "plan.npz")
    assert plan.problem is not None
    assert plan.problem.system.workers == 3
    with (out / "rounds.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["plan"], row["round"]) for row in rows] == [
        (name, str(r)) for r in range(3) for name in ("optimal", "uncoded")
    ]
    costs = (out / "costs.toml").read_text()
    assert "[costs]" in costs
    (tmp_path / "with_costs.toml").write_text(Path(instance).read_text() + costs)
    priced = cg.load_instance(tmp_path / "with_costs.toml").system.costs.to_dict()
    model = printed["cost_model"]
    assert priced == {name: model[name] for name in priced}  # type: ignore[index]


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")
def test_interrupted_rounds_are_kept(
    instance: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stopped(VirtualEngine):
        """Is interrupted in the second round of the second plan."""

        def next(self, timeout: float) -> Event | None:
            if next(copy(self.rounds)) > 6:  # each plan has a round that is not measured
                signal.raise_signal(signal.SIGINT)
            return super().next(timeout)

    in_place_of_ray(monkeypatch, Stopped)
    out = tmp_path / "out"
    command = ["run", instance, "--rounds", "9", "--against", "uncoded", "--out", str(out)]
    assert main([*command, "--json"]) == 130
    printed, error = capsys.readouterr()
    assert error == "interrupted: what was found by then is shown\n"
    assert json.loads(printed)["rounds"] == 1
    assert (out / "rounds.csv").read_text().count("\n") >= 3
    assert json.loads((out / "run.json").read_text())["rounds"] == 1


@needs_ray
@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends Ctrl-C to a process")
def test_ctrl_c_on_processes_keeps_the_rounds_and_leaves_nothing(tmp_path: Path) -> None:
    import psutil

    system = cg.System(2, 100, cg.Scenarios([[1.0, 2.0], [2.0, 1.0], [1.5, 1.0]]))
    instance = tmp_path / "rounds.toml"
    instance.write_text(cg.instance_text(cg.Problem(system, cg.ExpectedRuntime())))
    out, temporary = tmp_path / "out", Path("/tmp") / f"t{os.getpid()}"
    temporary.mkdir()
    command = [sys.executable, "-m", "cgcopt", "run", str(instance), "--rounds", "1000"]
    command += ["--round-seconds", "0.1", "--out", str(out), "--json"]
    command += ["--against", "uncoded"]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    rounds = out / "rounds.csv"
    end = time.monotonic() + 120
    while running.poll() is None and not (rounds.exists() and rounds.read_text().count("\n") > 2):
        assert time.monotonic() < end, "no round for two minutes"
        time.sleep(0.05)
    processes = psutil.Process(running.pid).children(recursive=True)
    assert len(processes) >= 3
    running.send_signal(signal.SIGINT)
    printed, error = running.communicate(timeout=30)
    assert running.returncode == 130, error
    assert error.startswith("interrupted")
    assert error.count("\n") == 1
    kept = json.loads(printed)  # of the process, Ray's standard output included
    assert kept["rounds"] >= 1
    assert kept["predicted_mean"] == pytest.approx(0.1)
    assert kept["measured_mean"] > 0.05
    assert kept["max_decoding_error"] < 1e-10
    assert list(kept["against"]) == ["uncoded"]
    assert rounds.read_text().count("\n") > 2
    gone, alive = psutil.wait_procs(processes, timeout=5)
    assert not alive
    assert len(gone) == len(processes)
    assert list(temporary.iterdir()) == []
    temporary.rmdir()
