"""Completion offers what may be typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from cgcopt.cli.complete import (
    complete_form,
    complete_instance,
    complete_library,
    complete_solver,
    complete_solvers,
)


def test_instances_are_shipped_ones_and_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("paper2.toml", "pages.md", "pile.csv"):
        (tmp_path / name).touch()
    (tmp_path / "places").mkdir()
    monkeypatch.chdir(tmp_path)
    assert complete_instance("pa") == ["paper", "paper2.toml"]
    assert complete_instance("pi") == ["pile.csv"]
    assert complete_instance("pl") == ["places/"]
    assert complete_instance("places/") == []
    assert complete_instance("nowhere/") == []


def test_names_of_the_library_are_completed_once_something_is_typed() -> None:
    assert "recorded-pooled-runtime" in complete_instance("rec")
    assert not [name for name in complete_instance("") if name.startswith("recorded-")]
    assert complete_library("schedule-n4") == ["schedule-n4-k10"]


def test_solvers_and_forms() -> None:
    assert complete_solver("opt") == ["optimal", "optimal-integer"]
    assert complete_solvers("uncoded,opt") == ["uncoded,optimal", "uncoded,optimal-integer"]
    assert complete_form("") == ["relaxed", "block", "coordinate"]
