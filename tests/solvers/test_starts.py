"""Which adapters start from a design: the solver itself says so in its log."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import cgcopt as cg
from cgcopt.problem import Form
from cgcopt.solvers.adapters.neutral_options import starts
from cgcopt.solvers.registry import find_solver

SYSTEM = cg.System(3, 8, cg.ShiftedExponential(rate=1e-3, shift=50.0))
PROBLEM = cg.Problem(SYSTEM, cg.ExpectedRuntime()).sampled(5, seed=0)
SAID = "MIP start solution is feasible"


@pytest.mark.parametrize("name", ["highs", "cvxpy-highs", "pyomo-highs"])
@pytest.mark.parametrize("form", ["block", "coordinate"])
def test_highs_says_that_it_starts_from_the_design(
    name: str, form: str, capfd: pytest.CaptureFixture[str]
) -> None:
    if not find_solver(name, PROBLEM.objective, Form(form)).available():
        pytest.skip(f"{name} is not installed")
    cg.solve(PROBLEM, name, form=form, verbose=True, raw={"start": [4.0, 2.0, 2.0]})
    written = "".join(capfd.readouterr())
    assert SAID in written
    assert starts()[name] == "in whole numbers"


def test_every_outside_solver_is_in_the_table_of_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "formulations.md").read_text(encoding="utf-8")
    for name, how in starts().items():
        assert f"| `{name}` | {how} |" in page, f"| `{name}` | {how} |"


@pytest.mark.slow
def test_a_script_that_shows_the_log_of_pyomo_ends(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import cgcopt as cg\n"
        "system = cg.System(2, 6, cg.Scenarios([[3.0, 1.0], [2.0, 5.0]]))\n"
        "problem = cg.Problem(system, cg.ExpectedRuntime())\n"
        "print(cg.solve(problem, 'pyomo-highs', form='block', verbose=True).value)\n"
    )
    with (tmp_path / "out").open("w") as out, (tmp_path / "log").open("w") as log:
        ended = subprocess.run([sys.executable, script], stdout=out, stderr=log, timeout=60)
    assert ended.returncode == 0
    assert float((tmp_path / "out").read_text()) == 6.75
    assert "HiGHS" in (tmp_path / "log").read_text()
