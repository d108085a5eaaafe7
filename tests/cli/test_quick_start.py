"""What a command need not wait for: other commands, and solvers that it does not ask for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cgcopt.cli.commands
from cgcopt.cli.app import COMMANDS


def modules_after(code: str) -> set[str]:
    code = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split("\n")[-2].split())


def test_every_command_has_its_file() -> None:
    (folder,) = cgcopt.cli.commands.__path__
    assert {path.stem for path in Path(folder).glob("[a-z]*.py")} == set(COMMANDS)


def test_a_command_imports_no_other_one() -> None:
    found = modules_after("from cgcopt.cli import main\nmain(['solvers', '--help'])")
    commands = {name for name in found if name.startswith("cgcopt.cli.commands.")}
    assert commands == {"cgcopt.cli.commands.solvers"}


def test_a_solver_is_found_without_the_others() -> None:
    found = modules_after(
        "import cgcopt.solvers.solve\n"
        "from cgcopt import example_instances, load_instance\n"
        "from cgcopt.problem import Form\n"
        "from cgcopt.solvers.registry import find_solver\n"
        "problem = load_instance(example_instances()['paper'])\n"
        "find_solver('optimal', problem.objective, Form.RELAXED)().prepare(problem, Form.RELAXED)"
    )
    assert "cgcopt.solvers.optimal_runtime" in found
    assert not {"cgcopt.solvers.schedule", "cgcopt.solvers.global_probability"} & found
    # What other worker times, limits, files of times and outside solvers need is left alone too.
    parts = (
        "evaluation.steps.panels",
        "formulations.builders",
        "solvers.limited.optimum",
        "solvers.rounding.whole",
        "workers.reading.read",
    )
    assert not {f"cgcopt.{name}" for name in parts} & found
