"""Bad input at the command line: one line on standard error, exit code 2, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cgcopt.cli import main
from cgcopt.cli.partitions import partition_of

INSTANCE = """
[system]
workers = {workers}
coordinates = {coordinates}
[worker_times]
family = "{family}"
rate = {rate}
shift = 50.0
[objective]
kind = "{kind}"
{extra}
"""
GOOD = {
    "workers": 4,
    "coordinates": 100,
    "family": "shifted-exponential",
    "rate": "1e-3",
    "kind": "expected-runtime",
    "extra": "",
}


@pytest.fixture
def instance(tmp_path: Path) -> str:
    return write_instance(tmp_path)


def write_instance(folder: Path, **entries: object) -> str:
    path = folder / "instance.toml"
    path.write_text(INSTANCE.format(**{**GOOD, **entries}), encoding="utf-8")
    return str(path)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that must be refused, and return its one line."""
    code = main(arguments)
    out, err = capsys.readouterr()
    assert code == 2, (code, out, err)
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"rate": "-1e-3"}, "error: worker_times.rate = -0.001: must be a finite number above 0"),
        ({"workers": 0}, "error: system.workers = 0: must be a whole number of at least 1"),
        ({"coordinates": 0}, "error: system.coordinates = 0: must be a whole number of at least 1"),
        ({"coordinates": 9.5}, "error: system.coordinates = 9.5: must be a whole number"),
        ({"family": "wiebull"}, "did you mean 'weibull'"),
        ({"extra": "speed = 3"}, "error: objective.speed = 3: must be absent"),
        ({"extra": "deadline = 3.0"}, "error: objective.deadline = 3.0: must be absent"),
        ({"kind": "completion-probability"}, "error: objective.deadline = None: must be given"),
        (
            {"kind": "fastest"},
            "error: objective.kind = 'fastest': must be one of: expected-runtime",
        ),
        ({"extra": "kind = 1"}, "must be a TOML file"),
    ],
)
@pytest.mark.parametrize("command", [("solve",), ("evaluate", "--partition", "1,2"), ("verify",)])
def test_bad_instances(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: tuple[str, ...],
    entries: dict[str, object],
    message: str,
) -> None:
    path = write_instance(tmp_path, **entries)
    assert message in refused(capsys, command[0], path, *command[1:])


@pytest.mark.parametrize("command", ["solve", "verify", "compare"])
def test_an_instance_that_does_not_exist(capsys: pytest.CaptureFixture[str], command: str) -> None:
    line = refused(capsys, command, "nowhere.toml")
    assert "instance = 'nowhere.toml': must be a TOML file that exists" in line
    assert "paper, recorded" in line


@pytest.mark.parametrize(
    ("partition", "message"),
    [
        ("50,50", "partition = '2 entries': must be 4 entries, one for each level"),
        ("50,50,0,0,0", "partition = '5 entries': must be 4 entries"),
        ("50,50,1,0", "partition = 'sum 101.0': must be a partition of 100 coordinates"),
        ("150,-50,0,0", "partition = -50.0: must be finite numbers of at least 0"),
        ("nan,100,0,0", "partition = nan: must be finite numbers of at least 0"),
        ("inf,0,0,0", "partition = inf: must be finite numbers"),
        ("0,0,0,0", "must be numbers with a positive sum"),
        ("a,b,c,d", "partition = 'a,b,c,d': must be a file, or numbers"),
        ("", "partition = '': must be a file, or numbers"),
        ("no_such_file.csv", "partition = 'no_such_file.csv': must be a file"),
        (".", "must be a file, or numbers x0,x1,... (one for each level) (is a directory)"),
    ],
)
def test_bad_partitions(
    instance: str, capsys: pytest.CaptureFixture[str], partition: str, message: str
) -> None:
    assert message in refused(capsys, "evaluate", instance, "--partition", partition)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "nothing here",
        "[]",
        '{"value": 3}',
        '{"partition": null}',
        "n,coordinates\n0,many\n",
        '["a", "b", "c", "d"]',
        "[[25, 25], [25, 25]]",
        "[25, 25, 25, NaN]",
        "n,coordinates\n0,25\n1,25\n1,25\n3,25\n",  # a level twice
        "n,coordinates\n0,25\n1,\n2,50\n3,25\n",
        "n,coordinates\n0,25\n,25\n2,25\n3,25\n",
        "n,coordinates\n0,25\n1.5,25\n2,25\n3,25\n",
        "n,coordinates\n0,25\n1,25\n2,25\n4,25\n",
        "25,,50,25",
        "2_5,25,25,25",
        "[" * 100_000,
        "[" + "9" * 5000 + ", 1, 1, 1]",
        "[1e999, 0, 0, 0]",
        "[" + "9" * 400 + ", 0, 0, 0]",
        "n,coordinates\n0," + "9" * 200_000 + "\n",
    ],
)
def test_bad_partition_files(
    instance: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    file = tmp_path / "partition.txt"
    file.write_text(content, encoding="utf-8")
    assert "partition = " in refused(capsys, "evaluate", instance, "--partition", str(file))


def test_a_column_of_levels_counts(instance: str, tmp_path: Path) -> None:
    for content in (
        "n,coordinates\n0,40\n1,30\n2,20\n3,10\n",
        "n,coordinates\n2,20\n0,40\n3,10\n1,30\n",
        "level;coordinates\n3;10\n2;20\n1;30\n0;40\n",
        "coordinates,share,n\n10,0.1,3\n20,0.2,2\n30,0.3,1\n40,0.4,0\n",
    ):
        file = tmp_path / "partition.csv"
        file.write_text(content, encoding="utf-8")
        assert partition_of(str(file)).partition.tolist() == [40.0, 30.0, 20.0, 10.0]
    file.write_text("n,coordinates\n2,20\n0,80\n", encoding="utf-8")
    assert partition_of(str(file), 4).partition.tolist() == [80.0, 0.0, 20.0, 0.0]


def test_columns_of_a_partition_file_that_count_for_nothing_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "p.csv"
    file.write_text("x;y\n5;1\n3;2\n", encoding="utf-8")
    assert partition_of(str(file)).partition.tolist() == [5.0, 3.0]
    assert "coordinates of 'x'; left out: 'y'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("n,x,x\n0,40,1\n1,60,1\n", "partition = 'x': must be different in every column"),
        ("n,a,b\n0,40,1\n1,60,1\n", "must be one column coordinates or x or size"),
        ("coordinates;x\n40;1\n60;1\n", "must be one column coordinates or x or size"),
        ("n,level,x\n0,1,1\n1,0,1\n", "must be one column of levels"),
        ("[40, 30, 20, true]", "not truth values"),
    ],
)
def test_partition_files_that_can_be_read_in_two_ways(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    file = tmp_path / "p.csv"
    file.write_text(text)
    assert main(["evaluate", "paper", "--partition", str(file)]) == 2
    assert said in capsys.readouterr().err


def test_a_partition_file_that_is_no_text(
    instance: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "partition.bin"
    file.write_bytes(b"\xff\xfe\x80")
    assert "(not UTF-8 text)" in refused(capsys, "evaluate", instance, "--partition", str(file))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--solver", "hihgs"], "did you mean 'highs'"),
        (["--solver", "equal-risk"], "does not solve expected-runtime"),
        (["--form", "blocks"], "form = 'blocks': must be one of: coordinate, block, relaxed"),
        (["--integer", "--form", "relaxed"], "form = 'relaxed': must be block"),
        (["--scenarios", "0"], "scenarios = 0: must be a whole number of at least 1"),
        (["--seed", "-1"], "seed = -1: must be a whole number of at least 0"),
        (["--gap", "1"], "gap = 1.0: must be a finite number of at least 0 and below 1"),
        (["--time-limit", "0"], "time_limit = 0.0: must be a finite number above 0"),
        (["--threads", "0"], "threads = 0: must be a whole number of at least 1"),
        (["--option", "presolve"], "option = 'presolve': must be NAME=VALUE"),
        (["--option", "=off"], "option = '=off': must be NAME=VALUE"),
        (["--seed", "many"], "--seed"),
        (["--no-such-option"], "No such option"),
        (["--out", "design.xls"], "out = 'design.xls': must be a file name that ends in .csv or"),
        (
            ["--out", "no/such/folder/x.csv"],
            "out = 'no/such/folder/x.csv': must be a file that can",
        ),
    ],
)
def test_bad_arguments_of_solve(
    instance: str, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert message in refused(capsys, "solve", instance, *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--gap", "LONG"],
        ["--seed", "0xLONG"],
        ["--form", "LONG"],
        ["--LONG"],
        ["LONG"],
    ],
)
def test_long_arguments_are_not_repeated_whole(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [argument.replace("LONG", "x" * 5000) for argument in arguments]
    assert main(["solve", "paper", *arguments]) == 2
    assert len(capsys.readouterr().err) < 600


def test_arguments_that_are_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert "INSTANCE" in refused(capsys, "solve")
    assert "--partition" in refused(capsys, "evaluate", "paper")
    assert "No such command" in refused(capsys, "slove", "paper")


def test_output_is_tried_before_anything_is_computed(
    instance: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("computed before the output was tried")

    monkeypatch.setattr("cgcopt.solvers.solve.solve", never)
    monkeypatch.setattr("cgcopt.compare.results.compare.compare", never)
    file = tmp_path / "file"
    file.write_text("not a folder")
    assert "out = " in refused(capsys, "solve", instance, "--out", str(file / "x.csv"))
    assert "out = " in refused(capsys, "compare", instance, "--out", str(file))
    assert "out = " in refused(capsys, "compare", instance, "--out", str(file / "below"))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_output_without_permission(
    instance: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    assert "permission denied" in refused(capsys, "compare", instance, "--out", str(locked))
    assert "permission" in refused(capsys, "solve", instance, "--out", str(locked / "x.csv"))


def test_a_store_that_is_something_else(
    instance: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "results.sqlite").write_text("surely not a database, but long enough to be one")
    line = refused(capsys, "compare", instance, "--solvers", "uncoded", "--out", str(tmp_path))
    assert "must be an SQLite file" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--solvers", "uncoded,hihgs"], "solver = 'hihgs': must be one of"),
        (["--solvers", ""], "solver = '': must be one of"),
        (["--solvers", "uncoded:blocks"], "form of uncoded = 'blocks': must be one of"),
        (["--replay"], "must be trace: measured rounds are needed here"),
    ],
)
def test_bad_arguments_of_compare(
    instance: str, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert message in refused(capsys, "compare", instance, *arguments)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        ("", "it is empty"),
        ("round,a,b\n", "rows of times below the header"),
        ("round,a,b\n0,1.0,nan\n", "b = (missing): must be a finite number of seconds > 0"),
        ("round,a,b\n0,1.0\n", "number of fields = 2: must be 3"),
        ("round,a,b\n0,1.0,0\n", "b = 0.0: must be a finite number of seconds > 0"),
        ("0,1.0,2.0\n1,1.0,2.0\n", "is the header line missing?"),
        ("round,a\n0,1.0\n", "at least 4 times"),
    ],
)
def test_bad_traces(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, message: str
) -> None:
    file = tmp_path / "trace.csv"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    assert message in refused(capsys, "fit", str(file))


def test_bad_arguments_of_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "trace.csv"
    file.write_text("round,a,b\n0,1.0,2.0\n1,1.5,2.5\n2,1.2,3.0\n3,1.1,2.2\n", encoding="utf-8")
    assert "holdout = 1.5" in refused(capsys, "fit", str(file), "--holdout", "1.5")
    out = ["--out", str(tmp_path / "x.toml")]
    assert "family = 'wiebull'" in refused(capsys, "fit", str(file), "--family", "wiebull", *out)
    assert "coordinates = 0" in refused(capsys, "fit", str(file), "--coordinates", "0", *out)
    assert "workers = 0" in refused(capsys, "fit", str(file), "--workers", "0", *out)
    assert "must be a file name that ends in .toml" in refused(
        capsys, "fit", str(file), "--out", str(tmp_path / "x.csv")
    )
    assert not (tmp_path / "x.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workers", "0", "--rounds", "3"], "workers = 0: must be a whole number of at least 1"),
        (["--workers", "2", "--rounds", "0"], "rounds = 0: must be a whole number of at least 1"),
        (["--workers", "2", "--rounds", "3", "--work-seconds", "-1"], "work_seconds = -1.0"),
    ],
)
def test_bad_arguments_of_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert message in refused(capsys, "record", *arguments, "--out", str(tmp_path / "t.csv"))
    assert not (tmp_path / "t.csv").exists()


def test_an_infinite_mean_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "heavy.toml"
    path.write_text(
        "[system]\nworkers = 3\ncoordinates = 9\n"
        '[worker_times]\nfamily = "pareto"\nshape = 0.9\nscale = 1.0\n',
        encoding="utf-8",
    )
    assert "infinite" in refused(capsys, "evaluate", str(path), "--partition", "3,3,3")
    assert "infinite" in refused(capsys, "solve", str(path), "--solver", "uncoded")


def test_json_says_nothing_on_standard_output_when_refused(
    capsys: pytest.CaptureFixture[str], instance: str
) -> None:
    refused(capsys, "solve", instance, "--solver", "nobody", "--json")


def test_the_process_ends_with_the_exit_code() -> None:
    """A good end is that of a process in ``test_stdout.py``."""
    command = [sys.executable, "-m", "cgcopt", "solve", "nowhere"]
    bad = subprocess.run(command, capture_output=True, text=True)
    assert (bad.returncode, bad.stdout, bad.stderr.count("\n")) == (2, "", 1)
