"""A quick part of the hostile inputs; all of them: ``python -m tests.fuzz.run``."""

from __future__ import annotations

import os

import pytest

from tests.fuzz.inputs import KINDS
from tests.fuzz.run import findings


@pytest.mark.skipif(os.name != "posix", reason="the watch over hangs needs signals")
@pytest.mark.parametrize("count", [8, pytest.param(25, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", list(KINDS))
def test_hostile_inputs_end_in_one_line(kind: str, count: int) -> None:
    first = list(KINDS).index(kind)
    found = findings(range(first, first + count * len(KINDS), len(KINDS)))
    assert [(f.fault, f.case.arguments, f.detail[-500:]) for f in found if f.fault] == []
