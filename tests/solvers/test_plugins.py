"""A solver from outside: one file, one entry point, nothing else edited."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from importlib import metadata
from pathlib import Path

import pytest

from cgcopt.errors import InvalidInputError
from cgcopt.solvers import registry

SOLVER = '''
"""Half of the coordinates uncoded, half of them fully redundant."""

import math

import numpy as np

import cgcopt as cg
from cgcopt.problem import Form
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import Outcome, Role, Solver, tasks


class Halves(Solver):
    """Half and half."""

    name = "halves"
    summary = "half of the coordinates uncoded, half fully redundant"
    role = Role.SCHEME
    solves = tasks(cg.ExpectedRuntime, cg.CompletionProbability, forms=(Form.RELAXED,))
    tolerance = math.inf
    distribution = "cgcopt-halves"
    licence = "MIT"

    def solve(self, problem, form, options):
        """Share out."""
        x = np.zeros(problem.system.workers)
        x[0] += problem.system.coordinates / 2
        x[-1] += problem.system.coordinates / 2
        return Outcome(TerminationCondition.CONVERGED, x)
'''


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with an installed distribution, as pip leaves it."""
    folder = tmp_path / "site"
    facts = folder / "cgcopt_halves-3.1.dist-info"
    facts.mkdir(parents=True)
    (folder / "cgcopt_halves.py").write_text(SOLVER)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: cgcopt-halves\nVersion: 3.1\n")
    (facts / "entry_points.txt").write_text("[cgcopt.solvers]\nhalves = cgcopt_halves:Halves\n")
    return folder


def python(code: str, site: Path) -> str:
    """Run code in a fresh process that finds the distribution."""
    paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_package_outside_brings_a_solver(site: Path) -> None:
    out = python(
        """
        import cgcopt as cg
        from cgcopt.solvers.registry import find_solver, solver_names
        from cgcopt.problem import Form

        assert "halves" in solver_names()
        cls = find_solver("halves", cg.ExpectedRuntime(), Form.BLOCK)
        times = cg.Scenarios([[50.0, 300.0, 900.0, 4000.0], [80.0, 700.0, 800.0, 1200.0]])
        problem = cg.Problem(cg.System(4, 101, times), cg.ExpectedRuntime())
        solution = cg.solve(problem, "halves", form="block")
        better = cg.solve(problem, "single-level")
        assert solution.value > better.value
        assert 0 < solution.gap < 1
        print(cls.version(), solution.status, solution.partition.tolist())
        """,
        site,
    )
    assert out.split(maxsplit=2)[:2] == ["3.1", "feasible"]
    assert out.split(maxsplit=2)[2].strip() in ("[51.0, 0.0, 0.0, 50.0]", "[50.0, 0.0, 0.0, 51.0]")


def test_the_command_line_lists_and_runs_it(site: Path, tmp_path: Path) -> None:
    instance = tmp_path / "instance.toml"
    instance.write_text(
        '[system]\nworkers = 4\ncoordinates = 100\n[worker_times]\nfamily = "scenarios"\n'
        'times = [[1.0, 2.0, 3.0, 9.0]]\n[objective]\nkind = "expected-runtime"\n'
    )
    code = """
        import sys
        from cgcopt.cli import main
        for arguments in (["solvers"], ["solve", sys.argv[1], "--solver", "halves"]):
            assert main(arguments) == 0
            print("----", flush=True)
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(instance)],
        env={**os.environ, "PYTHONPATH": str(site), "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    listed, solved, rest = done.stdout.split("----\n")
    assert "halves" in listed
    assert "halves" in solved
    assert not rest


def test_a_name_that_is_taken_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    point = metadata.EntryPoint(
        "uncoded", "cgcopt.solvers.adapters.highs:Highs", registry.ENTRY_POINTS
    )
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    registry.all_solvers.cache_clear()
    try:
        with pytest.raises(InvalidInputError, match=r"solver.name = 'highs': must be unique"):
            registry.all_solvers()
    finally:
        monkeypatch.undo()
        registry.all_solvers.cache_clear()
    assert "highs" in registry.solver_names()
