"""The library of instances: written, solved from outside, read back and judged."""

from __future__ import annotations

import json
from pathlib import Path

import highspy
import numpy as np
import pytest

import cgcopt as cg
from cgcopt.cli import main
from cgcopt.errors import InvalidInputError
from cgcopt.formulations.solution_files import named_point, read_solution_file
from cgcopt.library.answers import read_answer
from cgcopt.library.catalogue import library, library_instance
from cgcopt.library.export import export_instance
from cgcopt.library.known import best_known, library_table
from tests.turns import in_turns

#: One of every kind of program that is written.
PROGRAMS = (
    "rounds-runtime-block-n5-l100-k50",
    "rounds-runtime-coordinate-n4-l20-k30",
    "rounds-probability-relaxed-n5-l20000-k40",
    "rounds-probability-block-n5-l1000000-k40",
    "rounds-probability-coordinate-n3-l12-k15",
    "limited-rounds-block-blocks2-n6-k40",
)


def test_names_and_problems_are_those_of_every_call() -> None:
    instances = library()
    assert len(instances) >= 60
    assert all(instance.problem.name == name for name, instance in instances.items())
    library.cache_clear()
    again = library()
    for name, instance in instances.items():
        assert cg.instance_text(again[name].problem) == cg.instance_text(instance.problem)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="runtime-pareto-n10"):
        library_instance("runtime-pareto-n11")


def test_what_is_known_is_possible() -> None:
    assert set(best_known()) <= set(library())
    table = library_table()
    assert list(table["name"]) == list(library())
    gaps = table["gap"].dropna()
    assert ((gaps >= 0) & (gaps < np.inf)).all()


def test_an_instance_file_says_the_same(tmp_path: Path) -> None:
    for name in ("costs-all-n20", "groups-4-4-2", "limited-tensors-n10", "schedule-n3-k6"):
        instance = library_instance(name)
        written = export_instance(instance, tmp_path)[0]
        again = cg.load_instance(written)
        assert cg.instance_text(again) == cg.instance_text(instance.problem)
        assert again.name == name


@in_turns(every=2, name=PROGRAMS)
def test_a_program_is_solved_from_outside_and_judged(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    instance = library_instance(name)
    written = {path.suffix: path for path in export_instance(instance, tmp_path)}
    assert set(written) == {".toml", ".lp", ".mps", ".nl"}
    # The search of one takes a second and a half, and the other file is read like those of its kin.
    slow = name == "rounds-runtime-coordinate-n4-l20-k30"
    for suffix in (".mps",) if slow else (".lp", ".mps"):
        highs = highspy.Highs()
        highs.silent()
        highs.setOptionValue("time_limit", 20.0)
        highs.readModel(str(written[suffix]))
        highs.run()
        solved = tmp_path / f"{name}{suffix}.sol"
        highs.writeSolution(str(solved), 0)
        table = tmp_path / f"{name}{suffix}.txt"
        highs.writeSolution(str(table), 1)
        raw, shown = read_solution_file(solved), read_solution_file(table)
        assert shown.values == pytest.approx(raw.values, rel=1e-4, abs=1e-6)
        assert shown.objective == pytest.approx(raw.objective)
        assert main(["judge", name, str(solved), "--bound-seconds", "0", "--json"]) == 0
        judged = json.loads(capsys.readouterr().out)
        assert judged["claim_holds"]
        assert judged["value"] == pytest.approx(judged["claimed"], rel=1e-6)


def test_the_file_of_a_schedule_is_read(tmp_path: Path) -> None:
    instance = library_instance("schedule-n3-k6")
    written = {path.suffix: path for path in export_instance(instance, tmp_path)}
    highs = highspy.Highs()
    highs.silent()
    highs.setOptionValue("mip_rel_gap", 0.3)
    highs.setOptionValue("time_limit", 20.0)
    highs.readModel(str(written[".lp"]))
    highs.run()
    solved = tmp_path / "answer.sol"
    highs.writeSolution(str(solved), 0)
    answer = read_answer(instance.problem, solved, schedule=True)
    value = cg.evaluate(instance.problem, answer.design).value
    # A solver that stopped early may claim less than its point is worth.
    assert answer.claimed / 1.05 <= value <= answer.claimed * (1 + 1e-6)


def test_scip_reads_the_program_and_its_answer_is_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pyscipopt = pytest.importorskip("pyscipopt")
    name = "rounds-runtime-block-n5-l100-k50"
    written = {path.suffix: path for path in export_instance(library_instance(name), tmp_path)}
    model = pyscipopt.Model()
    model.hideOutput()
    model.readProblem(str(written[".mps"]))
    model.optimize()
    solved = tmp_path / "scip.sol"
    model.writeBestSol(str(solved))
    assert main(["judge", name, str(solved), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "optimal"


def test_a_claim_that_is_too_good_is_called_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "small.toml").write_text(
        "[system]\nworkers = 2\ncoordinates = 6\n"
        '[worker_times]\nfamily = "scenarios"\ntimes = [[3.0, 1.0], [2.0, 5.0]]\n'
    )
    claim = tmp_path / "claim.sol"
    claim.write_text("objective value: 0.1\nx_0 3\nx_1 3\n")
    assert main(["judge", str(tmp_path / "small.toml"), str(claim)]) == 1
    assert "more than its point is worth" in capsys.readouterr().out
    claim.write_text("x_0 3\nx_1 3\n")
    assert main(["judge", str(tmp_path / "small.toml"), str(claim)]) == 0
    claim.write_text("x_0 3\nx_1 4\n")
    assert main(["judge", str(tmp_path / "small.toml"), str(claim)]) == 2
    assert "a partition of 6 coordinates" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        "# Objective value = 7\nx_0 1\nx_1 2.5e+00\n",
        "solution status: optimal solution found\nobjective value:   7\nx_0  1 \t(obj:0)\n"
        "x_1 2.5 (obj:1)\n",
        "Optimal - objective value 7.00000000\n      0 x_0    1    0\n**    1 x_1    2.5   0\n",
        "Model status\nOptimal\n\n# Primal solution values\nFeasible\nObjective 7\n# Columns 2\nx_0 1\n"
        "x_1 2.5\n# Rows 1\nbudget 6\n",
        '<?xml version="1.0"?><CPLEXSolution><header objectiveValue="7"/><variables>'
        '<variable name="x_0" index="0" value="1"/><variable name="x_1" index="1" value="2.5"/>'
        "</variables></CPLEXSolution>",
    ],
    ids=["gurobi", "scip", "cbc", "highs", "cplex"],
)
def test_files_of_other_solvers(text: str, tmp_path: Path) -> None:
    path = tmp_path / "answer.sol"
    path.write_text(text)
    found = read_solution_file(path)
    assert found.objective == 7.0
    assert found.values == {"x_0": 1.0, "x_1": 2.5}


def test_amples_file_counts_variables(tmp_path: Path) -> None:
    (tmp_path / "model.col").write_text("x[1]\nx[0]\n")
    path = tmp_path / "model.sol"
    path.write_text("solved\n\nOptions\n3\n1\n1\n0\n1\n1\n2\n2\n0.25\n3.0\n4.0\nobjno 0 0\n")
    found = read_solution_file(path)
    assert named_point(found.values, {"x": (2,)})["x"].tolist() == [4.0, 3.0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "lines of a variable"),
        ("Model status\nInfeasible\n", "infeasible"),
        ("<xml", "XML"),
        ("q_0 1\n", "a variable of the model"),
        ("x_7 1\n", "an entry of x"),
    ],
)
def test_what_is_no_answer_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "answer.sol"
    path.write_text(text)
    with pytest.raises(InvalidInputError, match=said):
        named_point(read_solution_file(path).values, {"x": (2,)})


def test_the_command_lists_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["library", "schedule", "--json"]) == 0
    names = [line["name"] for line in json.loads(capsys.readouterr().out)["instances"]]
    assert names == ["schedule-n3-k6", "schedule-n4-k10", "schedule-n10-k200"]
    assert main(["library", "schedule-n3", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "library.csv").exists()
    assert (tmp_path / "schedule-n3-k6.mps").exists()
    assert main(["library", "nothing"]) == 2
