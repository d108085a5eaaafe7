"""Standard output holds the result, whatever a library prints."""

from __future__ import annotations

import ctypes
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
import typer
from training.virtual import in_place_of_ray

from cgcopt.cli import main
from cgcopt.cli.app import COMMANDS, _function, app
from cgcopt.solvers.adapters.base import OutsideSolver
from cgcopt.solvers.registry import all_solvers

OUTSIDE = sorted(
    cls.name for cls in all_solvers() if issubclass(cls, OutsideSolver) and cls.available()
)
PRINTS = """
import ctypes, os, sys
from cgcopt.process.streams import library_output, result_output

def library():
    ctypes.CDLL(None).printf(b"buffered\\n")
    os.write(1, b"written\\n")

with result_output():
    library()
    print("first")
    with library_output(log=False):
        library()
        print("second")
        with library_output(log=False):
            library()
    with library_output(log=True):
        library()
        print("a log")
    print("third")
"""


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def test_stdout_of_libraries_goes_elsewhere() -> None:
    run = [sys.executable, "-c", PRINTS]
    done = subprocess.run(run, capture_output=True, text=True, check=True, env=environment())
    assert done.stdout.split() == ["first", "second", "third"]
    assert "a log" in done.stderr


def test_stdout_of_a_process_is_json_alone(tmp_path: Path) -> None:
    """HiGHS in a process of its own, as a command runs it."""
    (tmp_path / "small.toml").write_text(
        "[system]\nworkers = 2\ncoordinates = 1000000\n"
        '[worker_times]\nfamily = "scenarios"\ntimes = [[3.0, 1.0], [2.0, 5.0]]\n'
    )
    command = [sys.executable, "-m", "cgcopt", "solve", str(tmp_path / "small.toml"), "--json"]
    command += ["--solver", "highs", "--time-limit", "90"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["solver"] == "highs"
    assert sum(found["partition"]) == pytest.approx(1_000_000)


EXPONENTIAL = '[worker_times]\nfamily = "exponential"\nrate = 1.0\n'
#: What every command with ``--json`` is run on; ``FOLDER`` holds the files below.
SMALL = {
    "solve": "FOLDER/small.toml --solver uniform",
    "evaluate": "FOLDER/small.toml --partition 5,10,5",
    "verify": "FOLDER/tiny.toml --scenarios 5",
    "compare": "FOLDER/small.toml --solvers uniform,uncoded --out FOLDER/compared",
    "study": "FOLDER/study.toml --out FOLDER/studied",
    "curve": "FOLDER/small.toml --solvers uncoded --points 2 --starts 1 --out FOLDER/curve",
    "schedules": "FOLDER/trace.csv --only-traces --time-limit 0.1 --out FOLDER/schedules",
    "tradeoff": "FOLDER/small.toml --gap 0.1 --time-limit 5 --out FOLDER/tradeoff",
    "reproduce": "--quick --out FOLDER/reproduced",
    "plan": "FOLDER/small.toml --out FOLDER/plan.npz",
    "run": "FOLDER/small.toml --rounds 2 --out FOLDER/run",
    "inspect": "FOLDER/trace.csv --out FOLDER/inspected.png",
    "advise": "FOLDER/trace.csv --time-limit 0.5 --out FOLDER/advice",
    "fit": "FOLDER/trace.csv",
    "library": "rounds-runtime-coordinate-n4-l20-k30 --out FOLDER/library",
    "judge": "FOLDER/small.toml FOLDER/answer.csv --bound-seconds 0",
    "solvers": "",
}
#: Commands that compute for longer than the others.
LONGER = ("reproduce",)


def commands_with_json() -> list[str]:
    group: Any = typer.main.get_command(app)
    context = group.make_context("cgcopt", [], resilient_parsing=True)
    made = {name: group.get_command(context, name) for name in COMMANDS}
    return [
        name
        for name, command in made.items()
        if any("--json" in parameter.opts for parameter in command.params)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.toml").write_text(f"[system]\nworkers = 3\ncoordinates = 20\n{EXPONENTIAL}")
    (tmp_path / "tiny.toml").write_text(f"[system]\nworkers = 2\ncoordinates = 4\n{EXPONENTIAL}")
    (tmp_path / "study.toml").write_text('instance = "small.toml"\nsolvers = ["uniform"]\n')
    (tmp_path / "answer.csv").write_text("5,10,5\n")
    times = "\n".join(f"{1 + k % 3},{2 + k % 5}" for k in range(16))
    (tmp_path / "trace.csv").write_text(f"w1,w2\n{times}\n")
    return tmp_path


@contextmanager
def standard_output_in(path: Path) -> Iterator[None]:
    """Let descriptor 1, and with it Python's standard output, be a file."""
    sys.stdout.flush()
    kept, python = os.dup(1), sys.stdout
    with path.open("wb") as file:
        os.dup2(file.fileno(), 1)
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding="utf-8")
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stdout = python
        os.dup2(kept, 1)
        os.close(kept)


def a_library_prints() -> None:
    ctypes.CDLL(None).printf(b"buffered by a library\n")
    os.write(1, b"written by a library\n")


def json_of(arguments: list[str], file: Path) -> Any:
    """What a command writes on descriptor 1, while a library prints there before it starts."""

    def noisy(name: str) -> Any:
        function = _function(name)

        @wraps(function)
        def command(*given: Any, **named: Any) -> Any:
            a_library_prints()
            try:
                return function(*given, **named)
            finally:
                a_library_prints()

        return command

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cgcopt.cli.app._function", noisy)
        with standard_output_in(file):
            code = main([*arguments, "--json"])
    assert code in (0, 1)
    return json.loads(file.read_text(encoding="utf-8"))


def test_every_command_with_json_is_tried() -> None:
    assert set(commands_with_json()) == set(SMALL)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] if name in LONGER else []) for name in SMALL],
)
@pytest.mark.usefixtures("no_rendering", "few_restarts_here")
def test_json_alone_on_descriptor_1(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "run":
        pytest.importorskip("sklearn", reason="the data of the task come from scikit-learn")
    in_place_of_ray(monkeypatch)
    arguments = SMALL[name].replace("FOLDER", str(folder)).split()
    assert isinstance(json_of([name, *arguments], folder / "stdout"), dict)


#: One of every outside package, each of which has a way of its own to print.
PRINTING = ("cvxpy-clarabel", "highs", "pyomo-ipopt", "pyomo-scip", "scipy-milp", "uno")


@pytest.mark.parametrize(
    "solver",
    [
        pytest.param(solver, marks=[] if solver in PRINTING else pytest.mark.slow)
        for solver in OUTSIDE
    ],
)
def test_json_alone_beside_a_library(solver: str, folder: Path) -> None:
    instance = folder / "tiny.toml"
    if "scip-exact" in solver:
        with instance.open("a") as file:
            file.write('[objective]\nkind = "completion-probability"\ndeadline = 6.0\n')
    arguments = ["solve", str(instance), "--solver", solver, "--scenarios", "5"]
    arguments += ["--integer"] if "bonmin" in solver else []
    assert json_of(arguments, folder / "stdout")["solver"] == solver
