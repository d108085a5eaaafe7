"""Arrays and numbers at the door: real numbers of a sensible size, wherever they enter."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import cgcopt as cg
from cgcopt._validate import did_you_mean, finite_number, whole_number
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.evaluate import evaluate_work
from cgcopt.schedule import Schedule

PROBLEM = cg.Problem(cg.System(2, 4, cg.Exponential(1.0), samples=2), cg.ExpectedRuntime())

DOORS: list[Callable[[Any], Any]] = [
    lambda a: cg.Design(a),
    lambda a: cg.Design.from_work(a),
    lambda a: cg.Empirical(a),
    lambda a: cg.Empirical([1.0, 2.0], a),
    lambda a: cg.Scenarios([a, a]),
    lambda a: cg.Scenarios(np.ma.stack([a, a]) if np.ma.isMaskedArray(a) else (a, a)),
    lambda a: cg.Trace([a, a]),
    lambda a: evaluate_work(PROBLEM, a),
    lambda a: cg.evaluate(PROBLEM, a),
    lambda a: Schedule(a),
    lambda a: Schedule([2.0, 2.0], a),
]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "bad",
    [
        np.array([2.0 + 1j, 2.0]),
        [2.0 + 1j, 2.0],
        np.ma.masked_array([2.0, 2.0], mask=[True, False]),
        np.array(["2026-01-01", "2026-01-02"], dtype="datetime64[D]"),
        np.array([2, 3], dtype="timedelta64[s]"),
        [True, True],
        ["2", "2"],
        [None, 2.0],
        [10**400, 2.0],
        [[2.0], [2.0, 3.0]],
        [{}, 2.0],
        "22",
        None,
    ],
    ids=range(13),
)
def test_what_is_no_array_of_numbers(door: Callable[[Any], Any], bad: Any) -> None:
    if bad is None and door is DOORS[3]:
        return  # weights may be left out
    if bad is None and door is DOORS[-1]:
        return  # so may the work
    with pytest.raises(InvalidInputError) as info:
        door(bad)
    text = str(info.value)
    assert "\n" not in text
    assert len(text) < 300


def test_numbers_in_other_clothes_are_taken() -> None:
    for good in (
        [1, 3],
        (1.0, 3.0),
        np.float32([1, 3]),
        [Fraction(1), Fraction(3)],
        [np.int8(1), 3],
    ):
        assert cg.Design(good).partition.tolist() == [1.0, 3.0]
    big = cg.Empirical([2**70, 1])
    assert big.values.tolist() == [1.0, 2.0**70]


@pytest.mark.parametrize(
    "value",
    [
        10**400,
        -(10**400),
        10**5000,
        1e400,
        float("nan"),
        "3",
        None,
        True,
        3 + 0j,
        np.bool_(True),
        np.timedelta64(1, "s"),
        np.datetime64("2026-01-01"),
        np.ma.masked,
    ],
    ids=lambda v: type(v).__name__,
)
def test_numbers_that_are_none(value: Any) -> None:
    for check in (
        lambda: finite_number("x", value, above=0),
        lambda: whole_number("x", value, least=1),
    ):
        with pytest.raises(InvalidInputError) as info:
            check()
        assert len(str(info.value)) < 200


def test_whole_numbers_end_somewhere() -> None:
    assert whole_number("x", 2**63 - 1, least=1) == 2**63 - 1
    assert whole_number("x", 1e12, least=1) == 10**12
    with pytest.raises(InvalidInputError, match="at most 9223372036854775807"):
        whole_number("x", 2**63, least=1)
    with pytest.raises(InvalidInputError, match="at most 7"):
        whole_number("x", Fraction(8), least=1, most=7)


def test_sizes_that_no_machine_has() -> None:
    with pytest.raises(InvalidInputError, match="times in all"):
        cg.Scenarios.draw(cg.Exponential(1.0), 10**9, 10, 0)
    with pytest.raises(InvalidInputError, match=r"system\.workers"):
        cg.System(10**12, 10**13, cg.Exponential(1.0))
    with pytest.raises(InvalidInputError, match=r"options\.scenarios"):
        cg.Options(scenarios=10**9)
    for field in ({"samples": 10**400}, {"cycles": 10**400}, {"coordinates": 10**400}):
        with pytest.raises(InvalidInputError):
            cg.System(
                **{"workers": 2, "coordinates": 2, "worker_times": cg.Exponential(1.0), **field}
            )


def test_many_names_are_counted_and_the_nearest_are_told() -> None:
    many = [f"runtime-{family}-n{n}" for family in ("gamma", "pareto") for n in range(20)]
    told = did_you_mean("runtime-gama-n7", many, listing="cgcopt library")
    assert told.startswith("one of 40 names (did you mean 'runtime-gamma-n7' or ")
    assert told.endswith("?), listed by `cgcopt library`")
    assert len(told) < 140
    begun = did_you_mean("runtime-par", many)
    assert begun.count("runtime-pareto") == 3
    assert did_you_mean("zzz", many).endswith("one of 40 names, such as " + ", ".join(many[:5]))


def test_few_names_are_all_told() -> None:
    assert did_you_mean("zzz", ["a", "b", "a"], listing="cgcopt library") == "one of a, b"
