"""Comparisons of solver objects and of classes in files, over seeds, with the facts of the problems."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.compare.results.entrant import Entrant
from cgcopt.compare.results.store import Store
from cgcopt.compare.show.results_as_text import comparison_table, summary_table
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import RUNTIME_RELAXED, Outcome, Role, Solver

SYSTEM = cg.System(5, 200, cg.ShiftedExponential(rate=1e-3, shift=50.0), samples=5)
SMALL = Problem(SYSTEM, cg.ExpectedRuntime(), title="small")
OPTIONS = Options(scenarios=40, time_limit=20.0)

FILE = """
import numpy as np
import cgcopt as cg
from cgcopt.solvers.base import RUNTIME_RELAXED, Outcome, Role, Solver

class Shares(Solver):
    name, summary, role, solves = "shares", "shares", Role.ITERATIVE, RUNTIME_RELAXED

    def solve(self, problem, form, options):
        x = np.zeros(problem.system.workers)
        x[0] = SHARE * problem.system.coordinates
        x[1] = problem.system.coordinates - x[0]
        return Outcome(cg.TerminationCondition.CONVERGED, x)
"""


class Drawn(Solver):
    """Shares drawn by the seed; of as many levels as the object says."""

    name, summary, role = "drawn", "drawn shares", Role.ITERATIVE
    solves = RUNTIME_RELAXED

    def __init__(self, levels: int = 2) -> None:
        self.levels = levels

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        x = np.zeros(problem.system.workers)
        x[: self.levels] = np.random.default_rng(options.seed).dirichlet(np.ones(self.levels))
        return Outcome(TerminationCondition.CONVERGED, x * problem.system.coordinates)


def write(folder: Path, share: float) -> str:
    path = folder / "mine.py"
    path.write_text(FILE.replace("SHARE", repr(share)))
    return f"{path}:Shares"


def test_objects_and_classes_take_part() -> None:
    renamed = Drawn(3)
    renamed.name = "drawn-3"  # type: ignore[misc]
    rows = cg.compare(SMALL, [Drawn, renamed, "uncoded"], options=OPTIONS).rows
    assert [row.solver for row in rows] == ["drawn", "drawn-3", "uncoded"]
    assert [np.count_nonzero(row.partition) for row in rows] == [2, 3, 1]
    assert rows[0].role == "iterative method"


def test_an_object_of_a_problem_that_it_does_not_solve_is_a_row_that_says_so() -> None:
    problem = Problem(SYSTEM, cg.Quantile(0.9))
    (row,) = cg.compare(problem, [Drawn()], options=OPTIONS).rows
    assert row.message == "solver 'drawn' does not solve quantile at the relaxed form"


def test_every_seed_is_a_row() -> None:
    comparison = cg.compare(SMALL, [Drawn(), "uncoded"], seeds=range(3), options=OPTIONS)
    frame = comparison.frame()
    assert len(frame) == 6
    drawn = frame[frame["solver"] == "drawn"]
    assert sorted(drawn["seed"]) == [0, 1, 2]
    assert drawn["value"].nunique() == 3
    for seed, value in zip(drawn["seed"], drawn["value"], strict=True):
        assert value == cg.solve(SMALL, Drawn(), seed=seed).value
    assert frame["value"].is_monotonic_increasing
    assert "seed" in comparison_table(comparison)


def test_the_store_knows_the_fields_and_the_source_of_an_object(tmp_path: Path) -> None:
    with Store(tmp_path / "rows.sqlite") as store:
        counts = []
        for solvers in ([Drawn(2)], [Drawn(2)], [Drawn(3)]):
            cg.compare(SMALL, solvers, options=OPTIONS, store=store)
            counts.append(len(store))
        values = []
        for share in (0.25, 0.25, 0.5):
            (row,) = cg.compare(SMALL, [write(tmp_path, share)], options=OPTIONS, store=store).rows
            values.append(row.partition[0])
            counts.append(len(store))
    assert counts == [1, 1, 2, 3, 3, 4]
    assert values == [50.0, 50.0, 100.0]


def test_a_class_of_a_file_is_sent_by_the_name_of_its_file(tmp_path: Path) -> None:
    entrant = Entrant.parse(write(tmp_path, 0.25) + ":block")
    assert (entrant.solver, entrant.form) == ("shares", Form.BLOCK)
    (tmp_path / "entrant").write_bytes(pickle.dumps(entrant.own))
    code = (
        f"import pickle; own = pickle.load(open({str(tmp_path / 'entrant')!r}, 'rb')); "
        "print(own.solver.name, own.path)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["shares", str(tmp_path / "mine.py")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nowhere.py:Shares", "no such file"),
        ("{folder}/mine.py:Other", "Shares"),
        ("{folder}/broken.py", "ZeroDivisionError"),
        ("{folder}/empty.py", "none"),
        ("{folder}/mine.py:Shares:round", "relaxed"),
    ],
)
def test_what_is_no_solver_is_refused_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    write(tmp_path, 0.25)
    (tmp_path / "broken.py").write_text("1 / 0")
    (tmp_path / "empty.py").write_text("import cgcopt.solvers.base")
    with pytest.raises(cg.InvalidInputError, match=reason) as error:
        cg.compare(SMALL, [text.format(folder=tmp_path)])
    assert "\n" not in str(error.value)


def test_things_that_are_no_solvers_are_refused() -> None:
    for given in (3, int, Solver, None):
        with pytest.raises(cg.InvalidInputError, match="solvers"):
            cg.compare(SMALL, [given])  # type: ignore[list-item]
    for seeds in ([], [1, 1], [-1], "12", 3):
        with pytest.raises(cg.InvalidInputError, match="seeds"):
            cg.compare(SMALL, ["uncoded"], seeds=seeds)  # type: ignore[arg-type]


def test_frames_say_what_the_problems_are() -> None:
    other = cg.System(4, 100, cg.Weibull(shape=0.7, scale=1.0), costs=cg.Costs(startup=2.0))
    problems = [SMALL, Problem(other, cg.CompletionProbability(50.0), limits=cg.Limits(copies=3))]
    frame = cg.compare(problems, ["uncoded"], options=OPTIONS).frame()
    first, second = frame.to_dict(orient="records")
    assert (first["N"], first["L"], first["family"]) == (5, 200, "shifted-exponential")
    assert first["parameters"] == "rate=0.001, shift=50"
    assert (first["rate"], first["shift"]) == (1e-3, 50.0)
    assert (second["shape"], second["deadline"]) == (0.7, 50.0)
    assert (second["copies"], second["limit_copies"], second["startup"]) == (1, 3, 2.0)


def test_own_gaps_stand_beside_ours_and_a_summary_covers_all_problems() -> None:
    problems = [SMALL, Problem(SYSTEM, cg.ExpectedRuntime(), title="twin")]
    comparison = cg.compare(problems, ["highs", "optimal", "uncoded"], options=OPTIONS)
    frame = comparison.frame().set_index(["problem", "solver"])
    highs = frame.loc[("small", "highs")]
    assert highs["own_gap"] == highs["sample_gap"] < 1e-6  # on the rounds that it drew
    assert highs["gap"] > highs["own_gap"]
    table = comparison_table(comparison.of("small")).set_index("solver")
    assert table.loc["highs", "own gap"]
    assert not table.loc["optimal", "own gap"]
    assert list(table.index) == ["optimal", "highs", "uncoded"]
    summary = comparison.summary().set_index("solver")
    assert summary.loc["optimal", ["runs", "designs", "proven", "best"]].tolist() == [2, 2, 2, 2]
    assert summary.loc["uncoded", "best"] == 0
    ratio = frame.loc[("small", "uncoded"), "value"] / frame.loc[("small", "optimal"), "value"]
    assert summary.loc["uncoded", "mean_ratio"] == pytest.approx(ratio)
    assert summary_table(comparison)["solver"].tolist()[0] == "optimal"
