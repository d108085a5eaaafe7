"""Limits on the command line: kept, shown, refused with the reason."""

import json

import pytest
from typer.testing import CliRunner

from cgcopt.cli.app import app

INSTANCE = """
[system]
workers = 6
coordinates = 100

[worker_times]
family = "shifted-exponential"
rate = 1e-3
shift = 50

[costs]
startup = 2.5
per_message = 1.0
"""


@pytest.fixture
def instance(tmp_path):
    file = tmp_path / "small.toml"
    file.write_text(INSTANCE, encoding="utf-8")
    return str(file)


def run(*words):
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "160"})


@pytest.mark.parametrize(
    ("words", "copies", "blocks"),
    [
        (["--copies", "3"], 3, 3),
        (["--blocks", "2"], 6, 2),
        (["--levels", "0, 2", "--least", "0.5"], 3, 2),
    ],
)
def test_solve_keeps_limits(instance, words, copies, blocks):
    result = run("solve", instance, "--json", *words)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["copies"] <= copies
    assert found["blocks"] <= blocks
    assert found["gap"] <= 1e-6


def test_solve_says_what_a_worker_stores(instance):
    result = run("solve", instance, "--copies", "4")
    assert "a worker stores 4 of 6 subsets" in result.stdout
    assert "copies=4" in result.stdout
    assert "startup=2.5 per_message=1" in result.stdout


def test_boundaries_come_from_a_file_of_sizes(instance, tmp_path):
    sizes = tmp_path / "sizes.txt"
    sizes.write_text("40\n25\n35\n", encoding="utf-8")
    result = run("solve", instance, "--json", "--boundaries", str(sizes))
    partition = [x for x in json.loads(result.stdout)["partition"] if x > 0]
    assert set(partition) <= {40, 25, 35, 65, 60, 100}
    sizes.write_text("40\n25\n", encoding="utf-8")
    refused = run("solve", instance, "--boundaries", str(sizes))
    assert isinstance(refused.exception, Exception) or refused.exit_code != 0


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--copies", "7"], "at most 6"),
        (["--levels", "a"], "levels apart by commas"),
        (["--levels", "4", "--copies", "2"], "below 2"),
    ],
)
def test_impossible_limits_are_refused(instance, words, reason):
    result = run("solve", instance, *words)
    assert result.exit_code != 0
    assert reason in str(result.exception) + result.output


def test_compare_shows_copies_and_blocks(instance):
    result = run("compare", instance, "--solvers", "optimal", "--blocks", "2")
    assert result.exit_code == 0, result.output
    assert "copies" in result.stdout
    assert "blocks" in result.stdout
