"""The best completion probability against the deadline."""

from __future__ import annotations

import csv
import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.cli import main
from cgcopt.compare.results.curve import SCHEMES, Curve, deadline_curve, default_deadlines
from cgcopt.compare.results.row import Row
from cgcopt.compare.results.runs import Run
from cgcopt.compare.show.numbers import show_probability
from cgcopt.evaluation.density.quantile import runtime_quantile
from cgcopt.objective import CompletionProbability, ExpectedRuntime, Objective, Quantile
from cgcopt.options import Options
from cgcopt.problem import Problem

TIMES = cg.ShiftedExponential(rate=0.1, shift=1.0)
SYSTEM = cg.System(8, 4000, TIMES, samples=8)
QUICK = Options(starts=2, time_limit=5.0)

pytestmark = pytest.mark.usefixtures("no_rendering")


@pytest.fixture(scope="module")
def smooth() -> Curve:
    problem = Problem(SYSTEM, ExpectedRuntime(), "small")
    return deadline_curve(problem, default_deadlines(problem, 7, options=QUICK), options=QUICK)


@pytest.fixture(scope="module")
def steps() -> Curve:
    values = np.random.default_rng(5).gamma(3.0, 1.0, 8).round(2)
    system = cg.System(3, 100, cg.Empirical(values), samples=3)
    deadlines = np.geomspace(150.0, 500.0, 4)
    return deadline_curve(Problem(system, ExpectedRuntime(), "steps"), deadlines, options=QUICK)


@pytest.fixture
def instance(tmp_path: Path) -> str:
    return written(tmp_path, ExpectedRuntime())


def written(folder: Path, objective: Objective) -> str:
    path = folder / f"{objective.kind}.toml"
    path.write_text(cg.instance_text(Problem(SYSTEM, objective)), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", ["smooth", "steps"])
def test_best_curve_rises_and_lies_above_every_scheme(
    name: str, request: pytest.FixtureRequest
) -> None:
    curve: Curve = request.getfixturevalue(name)
    best = [row.value for row in curve.of("optimal")]
    assert all(0 <= low <= high <= 1 for low, high in pairwise(best))
    assert best[0] < 0.1
    assert best[-1] > 0.99
    assert curve.solvers == ("optimal", *SCHEMES)
    for scheme in SCHEMES:
        rows = curve.of(scheme)
        assert all(row.value <= top + 1e-12 for row, top in zip(rows, best, strict=True))
        # No design gets worse with more time.
        assert [row.value for row in rows] == sorted(row.value for row in rows)


def test_values_are_those_of_the_designs(smooth: Curve) -> None:
    """The quantile of a design at its own probability is the deadline."""
    for deadline, row in zip(smooth.deadlines, smooth.of("optimal"), strict=True):
        work = np.cumsum(np.array(row.partition) * np.arange(1, 9))
        assert math.fsum(row.partition) == pytest.approx(4000)
        assert runtime_quantile(SYSTEM, work, row.value).value == pytest.approx(deadline, rel=1e-9)
        assert row.value + row.solution.complement == pytest.approx(1.0)


def test_uncoded_against_its_formula(smooth: Curve) -> None:
    for deadline, row in zip(smooth.deadlines, smooth.of("uncoded"), strict=True):
        each = deadline / (SYSTEM.unit * 4000) - 1.0
        expected = (-math.expm1(-0.1 * each)) ** 8 if each > 0 else 0.0
        assert row.value == pytest.approx(expected, rel=1e-10)


def test_default_ends_are_quantiles_of_the_best_designs(smooth: Curve) -> None:
    best = smooth.of("optimal")
    assert best[0].value == pytest.approx(0.01, rel=1e-4)
    assert best[-1].solution.complement == pytest.approx(0.001, rel=1e-4)
    ratios = np.diff(np.log(smooth.deadlines))
    assert ratios == pytest.approx(np.full(6, ratios[0]))


def test_a_neighbours_design_takes_the_place_of_a_worse_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a solver that only knows one design the curve still rises: designs are carried over."""
    from cgcopt.solvers import optimal_probability
    from cgcopt.solvers.base import Outcome

    good = optimal_probability.OptimalProbability.solve
    deadlines = [3.0e5, 3.3e5, 3.6e5]

    def forgetful(self: Any, problem: Problem, form: Any, options: Options) -> Outcome:
        assert isinstance(problem.objective, CompletionProbability)
        if problem.objective.deadline != deadlines[1]:
            x = np.zeros(8)
            x[0] = 4000
            return Outcome(cg.TerminationCondition.CONVERGED, partition=x)
        return good(self, problem, form, options)

    monkeypatch.setattr(optimal_probability.OptimalProbability, "solve", forgetful)
    problem = Problem(SYSTEM, ExpectedRuntime(), "small")
    curve = deadline_curve(problem, deadlines, ["optimal", "uncoded"], options=QUICK)
    first, middle, last = curve.of("optimal")
    assert first.partition == middle.partition == last.partition
    assert first.value < middle.value < last.value
    assert [row.message for row in (first, middle, last)] == [
        "design of a neighbouring deadline",
        "",
        "design of a neighbouring deadline",
    ]
    assert all(
        a.value > b.value for a, b in zip(curve.of("optimal"), curve.of("uncoded"), strict=True)
    )


@pytest.mark.usefixtures("no_rendering")
def test_command_writes_tables_and_a_picture(
    instance: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ["curve", instance, "--points", "2", "--starts", "2", "--out", str(out)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "closed-form-deadline" in printed
    assert (out / "curve.png").read_bytes().startswith(b"\x89PNG")
    with (out / "curve.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 2 * (1 + len(SCHEMES))
    with (out / "designs.csv").open(encoding="utf-8") as file:
        shares = [float(line["coordinates"]) for line in csv.DictReader(file)]
    # Tandon's scheme is no partition; every other design spends all coordinates.
    assert sum(shares) == pytest.approx(4000 * 2 * len(SCHEMES))
    report = (out / "curve.md").read_text(encoding="utf-8")
    assert f"cgcopt curve {instance} --points 2 --starts 2 --out {out}" in report


@pytest.mark.parametrize(
    "objective", [CompletionProbability(4e5), Quantile(0.9)], ids=lambda objective: objective.kind
)
def test_every_objective_is_taken_for_its_system(
    objective: Objective, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, objective)
    arguments = [
        "--from",
        "3e5",
        "--to",
        "5e5",
        "--points",
        "3",
        "--solvers",
        "single-level,uncoded",
    ]
    assert main(["curve", path, *arguments, "--json"]) == 0
    points = json.loads(capsys.readouterr().out)["points"]
    assert [point["deadline"] for point in points[::2]] == pytest.approx([3e5, 15e10**0.5, 5e5])
    assert {point["solver"] for point in points} == {"single-level", "uncoded"}
    assert main(["curve", path, *arguments, "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "curve.png").exists()


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["--points", "1"], "points"),
        (["--from", "-1"], "from"),
        (["--from", "2e5", "--to", "1e5"], "to"),
        (["--solvers", "nobody"], "solver"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], field: str, instance: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["curve", instance, *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {field} = ")
    assert error.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_refused_before_the_work(
    instance: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("computed")

    monkeypatch.setattr("cgcopt.compare.results.curve.default_deadlines", never)
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main(["curve", instance, "--out", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err.startswith("error: out = ")


def test_a_solver_without_a_value_is_named(
    instance: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The closed form for runtimes does not treat deadlines."""
    arguments = ["--from", "3e5", "--to", "5e5", "--points", "2"]
    assert main(["curve", instance, *arguments, "--solvers", "closed-form-time"]) == 1
    assert "closed-form-time: solver 'closed-form-time' does not solve" in capsys.readouterr().out
    both = "uncoded,closed-form-time"
    assert main(["curve", instance, *arguments, "--solvers", both]) == 0


def test_probabilities_as_texts() -> None:
    assert show_probability(0.0, 1.0) == "0"
    assert show_probability(1.0, 1e-12) == "1-1.0e-12"
    assert show_probability(math.nan, math.nan) == "-"


def test_an_interrupted_command_has_the_curve_of_the_deadlines_that_were_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = Problem(SYSTEM, ExpectedRuntime())
    whole = deadline_curve(problem, [3e4, 4e4, 5e4], ["optimal", "uncoded"])
    made: list[int] = []
    row = Run.row

    def five_times(run: Run) -> Row:
        made.append(1)
        if len(made) > 5:
            raise KeyboardInterrupt
        return row(run)

    monkeypatch.setattr(Run, "row", five_times)
    monkeypatch.setattr("cgcopt.process.stopping.commanded", lambda: True)
    monkeypatch.setattr("cgcopt.process.stopping.finishing", lambda: None)
    part = deadline_curve(problem, [3e4, 4e4, 5e4], ["optimal", "uncoded"])
    assert part.deadlines == (3e4, 4e4)
    assert [row.value for row in part.rows] == [row.value for row in whole.rows[:4]]
    made[:] = [1] * 5
    with pytest.raises(KeyboardInterrupt):
        deadline_curve(problem, [3e4, 4e4], ["uncoded"])
