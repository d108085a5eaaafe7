"""The store: rows found again by all they depend on, damaged and foreign files, full disks."""

from __future__ import annotations

import sqlite3
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from comparison_rows import made_row
from extra_solvers import extra_solvers

import cgcopt as cg
from cgcopt.compare.results import code
from cgcopt.compare.results.code import class_code, code_version, numerical_packages
from cgcopt.compare.results.compare import compare
from cgcopt.compare.results.keys import row_key
from cgcopt.compare.results.row import Row
from cgcopt.compare.results.store import Store
from cgcopt.options import Options
from cgcopt.problem import Form
from cgcopt.solvers.base import Solver

SYSTEM = cg.System(5, 200, cg.ShiftedExponential(rate=1e-3, shift=50.0), samples=5)
SMALL = cg.Problem(SYSTEM, cg.ExpectedRuntime(), title="small")
OPTIONS = Options(scenarios=40, time_limit=20.0)

PLUG_IN = """
from plugin_numbers.share import share
import numpy as np
import cgcopt as cg
from cgcopt.solvers.base import RUNTIME_RELAXED, Outcome, Role, Solver

class Shares(Solver):
    name, summary, role, solves = "shares", "shares", Role.ITERATIVE, RUNTIME_RELAXED

    def solve(self, problem, form, options):
        x = np.zeros(problem.system.workers)
        x[0] = share * problem.system.coordinates
        x[1] = problem.system.coordinates - x[0]
        return Outcome(cg.TerminationCondition.CONVERGED, x)
"""


def forget(*names: str) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in names]:
        del sys.modules[name]
    code._module_digest.cache_clear()


def load(folder: Path, share: float) -> type[Solver]:
    """Install a plug-in whose number stands in another file than its class, and import it."""
    package = folder / "plugin_numbers"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").write_text("")
    (package / "share.py").write_text(f"share = {share}  # {'x' * int(100 * share)}")
    (package / "solver.py").write_text(PLUG_IN)
    forget("plugin_numbers")
    from plugin_numbers.solver import Shares

    return Shares


def test_an_edited_plug_in_runs_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    values = []
    with Store(tmp_path / "rows.sqlite") as store:
        for share in (0.25, 0.25, 0.75):
            with extra_solvers(load(tmp_path, share)):
                (row,) = compare(SMALL, ["shares"], options=OPTIONS, store=store).rows
            values.append((row.value, len(store)))
    forget("plugin_numbers")
    assert values[0] == values[1]
    assert values[2][1] == 2
    assert values[2][0] != values[0][0]


def test_options_that_are_equal_have_one_key() -> None:
    one = Options(gap=np.float64(0.0), time_limit=60, threads=2.0, seed=np.int64(1), starts=None)  # type: ignore[arg-type]
    other = Options(gap=0, time_limit=60.0, threads=2, seed=1)
    assert one == other
    keys = {row_key(SMALL, "uncoded", [], Form.RELAXED, each) for each in (one, other)}
    assert len(keys) == 1
    types = [type(v) for v in (one.gap, one.time_limit, one.threads, one.seed, other.gap)]
    assert types == [float, float, int, int, float]


def test_classes_of_this_package_are_covered_by_its_version() -> None:
    assert class_code(cg.ShiftedExponential) == "cgcopt.workers.families.ShiftedExponential"
    assert class_code(type(SMALL)) == "cgcopt.problem.Problem"
    assert len(class_code(Foreign).split()) == 2


@dataclass(frozen=True)
class Foreign(cg.ShiftedExponential):
    """A model of times that somebody else wrote."""


def test_what_others_wrote_is_part_of_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    def key(problem: cg.Problem) -> str:
        return row_key(problem, "optimal", [], Form.RELAXED, OPTIONS)

    foreign = cg.Problem(SYSTEM.with_times(Foreign(1e-3, 50.0)), cg.ExpectedRuntime(), "small")
    limited = cg.Problem(SYSTEM, cg.ExpectedRuntime(), "small", cg.Limits(copies=3))
    before = [key(SMALL), key(foreign), key(limited)]
    assert len(set(before)) == 3
    monkeypatch.setattr(code, "_module_digest", lambda name: "edited")
    after = [key(SMALL), key(foreign), key(limited)]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]


def test_versions_of_what_calculates_are_part_of_the_code() -> None:
    packages = numerical_packages()
    assert {"numpy", "scipy", "numba", "highspy", "cvxpy", "pyomo"} <= set(packages)
    assert not {"rich", "typer", "matplotlib"} & set(packages)
    assert packages["sklearn"] == metadata.version("scikit-learn")
    assert all(f"{name} {version}" in code_version() for name, version in packages.items())


def filled(path: Path, count: int = 30) -> Path:
    with Store(path) as store:
        for number in range(count):
            store.put(str(number), made_row(value=1.0, message="m" * 500))
    return path


def put_all(store: Store, rows: dict[str, Row]) -> None:
    for key, row in rows.items():
        store.put(key, row)


def refusal(path: Path) -> str:
    with pytest.raises(cg.InvalidInputError) as caught:
        Store(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    text, other = tmp_path / "text", tmp_path / "other.sqlite"
    text.write_text("no database" * 1000)
    assert "file is not a database" in refusal(text)
    assert text.read_text() == "no database" * 1000
    with sqlite3.connect(other) as connection:
        connection.execute("create table rows (a, b)")
    connection.close()
    before = other.read_bytes()
    assert "must be a store of this version of cgcopt" in refusal(other)
    assert other.read_bytes() == before
    assert "unable to open" in refusal(tmp_path)


def test_a_damaged_store_is_refused(tmp_path: Path) -> None:
    path = filled(tmp_path / "rows.sqlite")
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xff" * 4096)
    assert "damaged" in (text := refusal(path)) or "malformed" in text
    path = filled(tmp_path / "cut.sqlite")
    with path.open("r+b") as file:
        file.truncate(size // 2)
    assert "damaged" in (text := refusal(path)) or "malformed" in text


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"value": 1}', "{", '"a"'])
def test_a_row_that_is_no_row_is_found_at_opening(tmp_path: Path, text: str) -> None:
    path = filled(tmp_path / "rows.sqlite", 2)
    with sqlite3.connect(path) as connection:
        connection.execute("update rows set row = ? where key = '1'", [text])
    connection.close()
    assert "the row of s on p is" in refusal(path)


def test_rows_that_a_full_disk_does_not_take_are_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "rows.sqlite"
    with Store(path) as store:
        store._connection.execute("pragma max_page_count = 3")
        rows = {
            str(number): made_row(value=float(number), message="m" * 500) for number in range(30)
        }
        with pytest.warns(RuntimeWarning, match="not kept in .*rows.sqlite: database or disk"):
            put_all(store, rows)
        found = [store.get(str(number)) for number in range(30)]
        assert [row and row.value for row in found] == list(map(float, range(30)))
        assert store.unsaved > 0
        kept = len(store)
    assert 0 < kept < 30
    with Store(path) as store:
        assert len(store) == kept
