"""Bounds against known values: which are thrown away, and which values may contradict which."""

from __future__ import annotations

import math

import pytest

from cgcopt.bounds import EXCESS, Known, excess, mirrored, refute, relative_gap
from cgcopt.objective import Sense
from cgcopt.problem import Form

MIN, MAX = Sense.MINIMIZE, Sense.MAXIMIZE


def test_a_bound_is_refuted_by_its_own_value_and_by_another_design() -> None:
    known = [
        Known("a", value=0.2, bound=0.1),
        Known("b", value=0.65, bound=0.7),
        Known("c", bound=0.5),
    ]
    wrong = refute(known, MAX)
    assert set(wrong) == {0, 2}
    assert wrong[0] == "bound 0.1 of a thrown away: the design of b reaches 0.65"
    assert refute([Known("a", value=0.2, bound=0.1)], MAX)[0].endswith("its own design reaches 0.2")


@pytest.mark.parametrize(("sense", "sign"), [(MIN, 1), (MAX, -1)])
def test_valid_bounds_and_rounding_stand(sense: Sense, sign: int) -> None:
    for off in (-0.5, -1e-9, 0.0, 0.9 * EXCESS):
        known = [Known("a", value=2.0), Known("b", bound=2.0 * (1 + sign * off))]
        assert refute(known, sense) == {}
    beyond = [Known("a", value=2.0), Known("b", bound=2.0 * (1 + sign * 2 * EXCESS))]
    assert set(refute(beyond, sense)) == {1}


def test_a_bound_on_whole_designs_is_not_refuted_by_a_relaxed_one() -> None:
    bound = Known("milp", form=Form.BLOCK, value=3.0, bound=3.0, whole=True)
    relaxed = Known("lp", form=Form.RELAXED, value=2.5, bound=2.5)
    assert refute([bound, relaxed], MIN) == {}
    whole = Known("lucky", form=Form.RELAXED, value=2.5, bound=2.5, whole=True)
    assert set(refute([bound, whole], MIN)) == {0}


def test_doubtful_values_contradict_only_beyond_their_doubt() -> None:
    claim = Known("a", bound=2.0)
    assert refute([claim, Known("b", value=1.9, doubt=0.2)], MIN) == {}
    assert refute([claim, Known("b", value=1.9, doubt=math.inf)], MIN) == {}
    assert set(refute([claim, Known("b", value=1.9, doubt=0.05)], MIN)) == {0}


def test_nothing_known_refutes_nothing() -> None:
    assert refute([], MIN) == {}
    assert refute([Known("a", bound=math.inf), Known("b", value=math.nan)], MAX) == {}
    assert excess(-math.inf, 1.0, MIN) == excess(math.inf, 1.0, MAX) == 0.0
    assert excess(0.0, 0.0, MIN) == 0.0


@pytest.mark.parametrize(("sense", "none_left"), [(MIN, math.inf), (MAX, -math.inf)])
def test_a_bound_that_leaves_no_design_is_refuted_by_any(sense: Sense, none_left: float) -> None:
    found = refute([Known("a", bound=none_left), Known("b", value=0.5, bound=0.5)], sense)
    assert set(found) == {0}
    assert "of a thrown away" in found[0]
    assert mirrored(none_left, 0.5, sense) == -none_left


@pytest.mark.parametrize("sense", [MIN, MAX])
def test_gaps_are_never_negative(sense: Sense) -> None:
    for value in (1e-300, 0.3, 1.0, 1e9):
        for off in (-0.5, -1e-7, -1e-13, 0.0, 1e-13, 1e-7, 1e-3, 0.5):
            gap = relative_gap(value, value * (1 + off), sense)
            assert gap >= 0
            contradicted = off > EXCESS if sense is MIN else off < -EXCESS
            assert math.isinf(gap) == contradicted


def test_a_bound_with_a_known_error_leaves_that_error_as_gap() -> None:
    bound = mirrored(2.0 + 2e-7, 2.0, MIN)
    assert relative_gap(2.0, bound, MIN) == pytest.approx(1e-7, rel=1e-6)
    assert mirrored(2.0 + 2e-14, 2.0, MIN) == 2.0  # by rounding alone
