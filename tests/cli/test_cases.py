"""Files of measured times whose right outcomes are known, where they lie beside the source tree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cgcopt.cli import main

READ = {
    "wide_iteration1.csv": 8,
    "wide_semicolon_deccomma.csv": 8,
    "timeouts_1e9.csv": 6,
    "fl_long_hdr.csv": None,
}
REFUSED = {
    "wide_footer.csv": "mean",
    "wide_empty.csv": "--missing",
    "underscore.csv": "1_10.5",
}
COMMANDS = {
    "inspect": [],
    "solve": ["--time-limit", "5"],
    "compare": ["--solvers", "uncoded,optimal", "--time-limit", "5"],
    "advise": ["--time-limit", "8"],
}


def test_every_file_has_an_outcome(shared_cases: Path) -> None:
    assert {path.name for path in shared_cases.glob("*.csv")} == {*READ, *REFUSED}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_trace_is_refused_in_one_line(
    shared_cases: Path, capsys: pytest.CaptureFixture[str], name: str, command: str
) -> None:
    assert main([command, str(shared_cases / name), *COMMANDS[command], "--json"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert REFUSED[name] in said.err
    assert name in said.err


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", READ)
def test_what_is_a_trace_is_read(
    shared_cases: Path, capsys: pytest.CaptureFixture[str], name: str, command: str
) -> None:
    code = main([command, str(shared_cases / name), *COMMANDS[command], "--json"])
    said = capsys.readouterr()
    if READ[name] is None and code == 2:  # long form: pivoted, or what to type is said
        assert "--worker" in said.err
        return
    assert code == 0, said.err
    shown = json.loads(said.out)
    workers = READ[name]
    if command == "inspect" and workers is not None:
        assert len(shown["workers"]) == workers
    if command == "advise" and workers is not None:
        assert shown["workers"] == workers
