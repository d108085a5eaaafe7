"""Help texts name values in words of a user, and wrong values are refused with what is allowed."""

from __future__ import annotations

import pytest

from cgcopt.cli import main
from cgcopt.cli.app import COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_values_and_not_types(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert main([command, "--help"]) == 0
    text = capsys.readouterr().out
    for type_name in ("<str>", "<int>", "<float>", "<bool>", "<path>", "<list"):
        assert type_name not in text
    assert "WORD" not in text
    assert "NUMBER" not in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["solve", "paper", "--gap", "1%"], "--gap = '1%': must be a number, without a unit"),
        (["solve", "paper", "--seed", "x"], "--seed = 'x': must be a whole number"),
        (["record", "--rounds", "3.5"], "--rounds = '3.5': must be a whole number"),
        (["plan", "d", "--schedule", "rot"], "--schedule = 'rot': must be one of same, rotated"),
        (["judge", "paper", "f", "--bound-seconds", "-1"], "must be a number of at least 0"),
        (["run"], "Missing argument 'INSTANCE|SOLUTION|PLAN'"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1
