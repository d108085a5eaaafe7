"""Files of measured times on the command line: in place of an instance, with options of reading."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cgcopt.cli import main

TIMES = np.round(1 + np.random.default_rng(4).gamma(2.0, 0.5, (30, 4)), 4)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "wide.csv"
    rows = [f"{r + 1}," + ",".join(map(repr, row)) for r, row in enumerate(TIMES.tolist())]
    path.write_text("\n".join(["iteration,a,b,c,d", *rows]))
    return path


@pytest.fixture
def long(tmp_path: Path) -> Path:
    path = tmp_path / "long.csv"
    rows = [
        f"{r};{w};{float(1e3 * TIMES[r, k])!r}" for r in range(30) for k, w in enumerate("abcd")
    ]
    path.write_text("\n".join(["x;y;z", *rows]))
    return path


LONG = ("--round", "x", "--worker", "y", "--time", "z", "--unit", "ms")


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, object]:
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert main([str(argument) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_solve(trace: Path, long: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uncoded = run(capsys, "solve", trace, "--solver", "uncoded", "--mode", "rounds")
    assert uncoded["value"] == pytest.approx(TIMES.max(axis=1).mean(), rel=1e-12)
    notes = " ".join(uncoded["notes"])
    assert "left out: 'iteration'" in notes
    assert "in-sample" in notes
    same = run(capsys, "solve", long, "--solver", "uncoded", "--mode", "rounds", *LONG)
    assert same["value"] == pytest.approx(uncoded["value"], rel=1e-12)


def test_the_objective_of_a_trace(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = ("--mode", "rounds", "--coordinates", "500", "--solver", "uncoded")
    slowest = TIMES.max(axis=1)
    kept = run(capsys, "solve", trace, *told, "--deadline", "2.5")
    assert kept["value"] == pytest.approx(np.mean(slowest <= 2.5), abs=1e-12)
    late = run(capsys, "solve", trace, *told, "--quantile", "0.5")
    assert late["value"] == pytest.approx(np.sort(slowest)[14], rel=1e-12)
    assert "beside --deadline" in refused(
        capsys, "solve", trace, "--deadline", "2", "--quantile", "0.5"
    )


def test_compare_and_evaluate(trace: Path, long: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = run(capsys, "compare", trace, "--solvers", "uncoded", "--mode", "rounds")
    assert rows["results"][0][0]["value"] == pytest.approx(TIMES.max(axis=1).mean(), rel=1e-12)
    assert "left out: 'iteration'" in rows["notes"][0]
    judged = run(
        capsys, "evaluate", long, *LONG, "--partition", "20000,0,0,0", "--mode", "rounds",
        "--bound-seconds", "0",
    )  # fmt: skip
    assert judged["value"] == pytest.approx(TIMES.max(axis=1).mean(), rel=1e-12)


def test_fit(long: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(capsys, "fit", long, *LONG)
    assert result["rounds_fitted"] == 15
    assert result["reading"]["unit"] == "ms"


def test_options_that_do_not_apply_are_refused(
    trace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "unit = 'ms': must be left out" in refused(capsys, "solve", "paper", "--unit", "ms")
    assert "deadline" in refused(capsys, "evaluate", "paper", "--partition", "1", "--deadline", "2")
    assert "mode = 'both'" in refused(capsys, "solve", trace, "--mode", "both")
    assert "coordinates = 0" in refused(capsys, "solve", trace, "--coordinates", "0")
    assert "columns of the file" in refused(capsys, "solve", trace, "--columns", "a,q")


def test_files_of_the_same_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        names.append(tmp_path / folder / "t.csv")
        lines = ["a,b", *(f"{x!r},{y!r}" for x, y in TIMES[:8, :2].tolist())]
        names[-1].write_text("\n".join(lines))
    rows = run(capsys, "compare", *names, "--solvers", "uncoded")["results"][0]
    assert sorted(row["problem"] for row in rows) == ["t", "t (2)"]
