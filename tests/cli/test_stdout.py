"""Standard output holds the result, whatever a library prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cgcopt.solvers.adapters.base import OutsideSolver
from cgcopt.solvers.registry import all_solvers

OUTSIDE = sorted(
    cls.name for cls in all_solvers() if issubclass(cls, OutsideSolver) and cls.available()
)
#: The others take long to start, each in a process of its own.
QUICK = ("highs", "scipy-milp")
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


@pytest.mark.parametrize(
    "solver",
    [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in OUTSIDE],
)
def test_stdout_is_json_alone(solver: str, tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(
        "[system]\nworkers = 2\ncoordinates = 1000000\n"
        '[worker_times]\nfamily = "exponential"\nrate = 1.0\n'
        '[objective]\nkind = "completion-probability"\ndeadline = 2.0e6\n'
        if "scip-exact" in solver
        else "[system]\nworkers = 3\ncoordinates = 1000000\n"
        '[worker_times]\nfamily = "exponential"\nrate = 1.0\n'
    )
    command = [sys.executable, "-m", "cgcopt", "solve", str(tmp_path / "small.toml"), "--json"]
    command += ["--solver", solver, "--scenarios", "20", "--time-limit", "90"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["solver"] == solver
