"""Without matplotlib: tables and reports are written, and one line names the extra."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cgcopt.cli import main
from cgcopt.compare.show.drawing import require_matplotlib

HINT = "matplotlib, which draws pictures, is not installed; install it with: pip install 'cgcopt[plots]'"

INSTANCE = """
[system]
workers = 3
coordinates = 30

[worker_times]
family = "exponential"
rate = 1.0
"""

STUDY = """
title = "Small"
instance = "small.toml"
solvers = ["uncoded", "closed-form-time"]

[sweep]
workers = [2, 3]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    (tmp_path / "small.toml").write_text(INSTANCE)
    (tmp_path / "study.toml").write_text(STUDY)
    rounds = ("0.1,0.4,0.2", "0.3,0.1,0.2", "0.2,0.2,0.6", "0.5,0.3,0.1")
    (tmp_path / "times.csv").write_text("w0,w1,w2\n" + "".join(f"{line}\n" for line in rounds * 5))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "report"),
    [
        ("compare small.toml --solvers uncoded,closed-form-time", "report.md"),
        ("curve small.toml --solvers uncoded --points 3", "curve.md"),
        ("tradeoff small.toml", "tradeoff.md"),
        pytest.param("advise times.csv", "advice.md", marks=pytest.mark.slow),
        ("study study.toml", "study.md"),
    ],
)
def test_reports_are_written(
    folder: Path, capsys: pytest.CaptureFixture[str], command: str, report: str
) -> None:
    assert main([*command.split(), "--out", "out"]) == 0
    shown = capsys.readouterr()
    assert shown.err.splitlines() == [f"pictures are left out: {HINT}"]
    text = (folder / "out" / report).read_text(encoding="utf-8")
    assert f"is left out: {HINT})" in text
    assert "![" not in text
    assert {file.suffix for file in (folder / "out").iterdir()} & {".png", ".pdf", ".svg"} == set()


@pytest.mark.parametrize(
    "command", ["inspect times.csv --out times.png", "plan small.toml --picture plan.svg"]
)
def test_a_picture_that_is_asked_for_is_refused_before_the_work(
    folder: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert main(command.split()) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == f"error: {HINT}\n"


def test_no_table_needs_matplotlib(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "times.csv"]) == 0
    assert main(["plan", "small.toml"]) == 0
    assert capsys.readouterr().err == ""


def test_what_is_missing_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    require_matplotlib()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"cgcopt\[plots\]"):
        require_matplotlib()
