"""Output that cannot be written or shown, names that are hard to write, and what is never lost."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import pandas as pd
import pytest

import cgcopt as cg
from cgcopt.cli import main
from cgcopt.compare.results.store import Store
from cgcopt.library.known import library_table

SYSTEM = cg.System(5, 200, cg.ShiftedExponential(rate=1e-3, shift=50.0), samples=5)
SMALL = cg.Problem(SYSTEM, cg.ExpectedRuntime())
FILES = {"report.md", "results.csv", "partitions.csv", "results.tex", "values.png"}
SOLVERS = ["--solvers", "uncoded,closed-form-time"]
TRACE = cg.example_instances()["recorded"].parents[1] / "traces" / "recorded_8workers.csv"


pytestmark = pytest.mark.usefixtures("no_rendering")


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(cg.instance_text(SMALL))
    return path


def in_folder(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def closed_pipe() -> TextIO:
    reader, writer = os.pipe()
    os.close(reader)
    return io.TextIOWrapper(io.FileIO(writer, "w"), write_through=True)


def full_disk() -> TextIO:
    return io.TextIOWrapper(io.FileIO("/dev/full", "w"), write_through=True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("kind", ["json", "csv"])
def test_the_design_is_shown_where_its_file_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    full = tmp_path / f"full.{kind}"
    full.symlink_to("/dev/full")
    assert main(["solve", "paper", "--solver", "uncoded", "--out", str(full)]) == 1
    shown = capsys.readouterr()
    assert "stragglers tolerated" in shown.out
    assert "no space left on device" in shown.err
    assert [file.name for file in tmp_path.iterdir()] == [full.name]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("kind", ["tables", "json"])
@pytest.mark.parametrize(
    ("opened", "code", "line"),
    [
        (full_disk, 1, "error: standard output: no space left on device\n"),
        (closed_pipe, 0, ""),
        (lambda: None, 1, "error: standard output is closed: nothing was shown\n"),
    ],
)
def test_files_are_written_when_nobody_reads(
    instance: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    opened: Callable[[], TextIO | None],
    code: int,
    line: str,
    kind: str,
) -> None:
    out = tmp_path / "out"
    stream = opened()
    monkeypatch.setattr(sys, "stdout", stream)
    more = ["--json"] if kind == "json" else []
    assert main(["compare", str(instance), *SOLVERS, "--out", str(out), *more]) == code
    if stream is not None:
        stream.close()
    assert capsys.readouterr().err == line
    assert in_folder(out) == FILES | {"blocks_small.png", "results.sqlite"}


def test_a_terminal_of_few_letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = tmp_path / "Kölner Lauf.csv"
    shutil.copy(TRACE, trace)
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="ascii"))
    assert main(["compare", str(trace), "--replay", "--solvers", "uncoded,uniform"]) == 0
    text = shown.getvalue().decode("ascii")
    assert r"K\xf6lner Lauf: designed on" in text
    assert r"1.000 \xb1 0.000" in text


def test_a_disk_that_is_full(
    instance: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    out = tmp_path / "out"
    monkeypatch.setattr("cgcopt.compare.show.report.plot_values", full)
    assert main(["compare", str(instance), *SOLVERS, "--out", str(out)]) == 1
    captured = capsys.readouterr()
    assert "closed-form-time" in captured.out
    wanted = f"error: {out / 'values.png'} cannot be written: no space left on device\n"
    assert captured.err == wanted
    with Store(out / "results.sqlite") as store:
        assert len(store) == 2
    assert in_folder(out) == {"results.csv", "partitions.csv", "results.tex", "results.sqlite"}


def test_rows_that_the_disk_did_not_take_are_shown(
    instance: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepare = Store._prepare

    def small(self: Store) -> None:
        prepare(self)
        self._connection.execute("pragma max_page_count = 3")

    monkeypatch.setattr(Store, "_prepare", small)
    schemes = ["uncoded", "closed-form-time", "closed-form-frequency", "uniform", "tandon"]
    names = ",".join([*schemes, *(f"{name}:block" for name in schemes)])
    assert main(["compare", str(instance), "--solvers", names, "--out", str(tmp_path / "out")]) == 0
    captured = capsys.readouterr()
    assert all(captured.out.count(f" {name} ") == 2 for name in schemes)
    assert "not kept in" in captured.err
    assert captured.err.count("\n") == 1


def test_names_that_clash_or_are_markup(tmp_path: Path) -> None:
    names = ["a b", "a_b", "x", "x (2)", "50% $a_{b}$ | <i> `c` *d*", "caf\udce9"]
    for name in names:
        (tmp_path / f"{name}.toml").write_text(cg.instance_text(SMALL))
    paths = [str(tmp_path / f"{name}.toml") for name in [*names, "x"]]
    out = tmp_path / "out"
    solvers = "uncoded,closed-form-time,closed-form-time:block"
    assert main(["compare", *paths, "--solvers", solvers, "--out", str(out)]) == 0
    frame = pd.read_csv(out / "results.csv")
    titles = [*names[:-1], r"caf\udce9", "x (3)"]
    assert frame["problem"].drop_duplicates().tolist() == titles
    assert frame.groupby("problem").size().eq(3).all()
    designs = pd.read_csv(out / "partitions.csv")
    assert not designs.duplicated(["problem", "solver", "form", "n"]).any()
    assert len(designs) == 7 * 3 * 5
    assert len(list(out.glob("blocks_*.png"))) == 7
    report = (out / "report.md").read_text(encoding="utf-8")
    assert r"### 50% \$a\_{b}\$ \| \<i\> \`c\` \*d\*" in report
    for picture in out.glob("*.png"):
        assert f"({picture.name})" in report
    latex = (out / "results.tex").read_text(encoding="utf-8")
    assert r"\caption{50\% \$a\_\{b\}\$ | <i> `c` *d*}" in latex


def test_traces_of_one_name_and_named_solvers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / folder / "t.csv" for folder in ("a", "b")]
    for path in paths:
        path.parent.mkdir()
        path.write_text("".join(TRACE.read_text().splitlines(keepends=True)[:40]))
    out = tmp_path / "out"
    command = ["compare", *map(str, paths), "--replay", "--solvers", "uncoded,closed-form-time"]
    assert main([*command, "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "t: designed on" in shown
    assert "t (2): designed on" in shown
    assert "optimal" not in shown
    assert {"replay_t.csv", "replay_t_2.csv"} <= in_folder(out)
    frame = pd.read_csv(out / "replay_t_2.csv")
    assert set(frame["trace"]) == {"t (2)"}
    assert set(frame["design"]) == {"uncoded", "closed-form-time", "speed of light"}
    designs = frame[frame["design"] != "speed of light"]
    assert len(set(designs["model"])) == len(designs)  # one for every model


def test_forms_of_a_solver_on_a_curve(instance: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    names = "equal-risk,equal-risk:block"
    ends = ["--from", "2e5", "--to", "4e5", "--points", "2"]
    assert main(["curve", str(instance), "--solvers", names, *ends, "--out", str(out)]) == 0
    frame = pd.read_csv(out / "curve.csv")
    assert frame["form"].tolist() == ["relaxed", "block"] * 2
    whole = pd.read_csv(out / "designs.csv").query("form == 'block'")["coordinates"]
    assert (whole == whole.round()).all()
    assert "| equal-risk:block" in (out / "curve.md").read_text().replace("   ", " ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--solvers", "uncoded,uncoded"], "must be each named once (uncoded is not)"),
        (["--replay", "--jobs", "2"], "jobs = 2: must be left out beside --replay"),
        (["--split", "0.3"], "split = 0.3: must be left out without --replay"),
    ],
)
def test_what_would_count_for_nothing_is_refused(
    instance: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["compare", str(instance), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_nothing_found_is_a_failure(instance: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(instance), "--solvers", "equal-risk"]) == 1
    captured = capsys.readouterr()
    assert "equal-risk" in captured.out
    assert captured.err.startswith("error: nothing was found by equal-risk: solver 'equal-risk'")


def test_a_recording_that_lost_a_worker_is_kept_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = "stopped after 2 of 9 rounds: worker 0 ended with exit code -9"
    trace = cg.Trace([[1.0, 2.0], [2.0, 1.0]], comments=("measured", lost))
    monkeypatch.setattr("cgcopt.workers.record.record", lambda *_, **__: trace)
    out = tmp_path / "trace.csv"
    command = ["record", "--workers", "2", "--rounds", "9", "--out", str(out)]
    assert main(command) == 1
    assert capsys.readouterr().err == f"error: {lost}\n"
    assert cg.Trace.read(out) == trace
    assert main([*command, "--samples", "5", "--work-seconds", "1"]) == 2
    assert "work-seconds = 1.0: must be left out beside --samples" in capsys.readouterr().err


@pytest.mark.parametrize("width", [80, 100])
def test_numbers_and_names_of_the_library_are_whole_in_a_narrow_table(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["library"]) == 0
    shown = capsys.readouterr().out
    frame = library_table(None)
    assert all(len(line) <= width for line in shown.splitlines())
    assert "…" not in shown
    lines = {words[0]: words for words in map(str.split, shown.splitlines()) if words}
    for name, value in zip(frame["name"], frame["value"], strict=True):
        assert f"{value:.6g}" in lines[name]


def test_an_error_of_a_file_is_not_taken_for_one_of_standard_output() -> None:
    from cgcopt.cli import _where

    assert _where(FileNotFoundError(2, "No such file", "a.csv")) == "a.csv: no such file"
    assert _where(OSError(28, "No space left")) == "standard output: no space left"
    assert _where(OSError(24, "Too many open files")) == "too many open files"
