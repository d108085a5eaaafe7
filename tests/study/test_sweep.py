"""Sweeps over the fields of a problem."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.study.fields import changed, place_of
from cgcopt.study.sweep import points_of

TIMES = cg.ShiftedExponential(rate=1e-3, shift=50.0)
SMALL = cg.Problem(cg.System(4, 100, TIMES), cg.ExpectedRuntime(), title="small")


def test_a_grid_is_every_combination_and_each_is_what_its_own_problem_gives() -> None:
    frame = cg.sweep(SMALL, ["uncoded"], workers=[3, 4], deadline=[1e5, 2e5])
    assert frame[["workers", "deadline"]].to_numpy().tolist() == [
        [3, 1e5],
        [3, 2e5],
        [4, 1e5],
        [4, 2e5],
    ]
    for line in frame.to_dict(orient="records"):
        system = cg.System(line["workers"], 100, TIMES)
        problem = cg.Problem(system, cg.CompletionProbability(line["deadline"]))
        assert line["value"] == cg.solve(problem, "uncoded").value
        assert (line["N"], line["objective"]) == (line["workers"], "completion-probability")


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        ({"coordinates": 7}, lambda p: p.system.coordinates == 7),
        ({"cycles": 2.5, "samples": 3}, lambda p: p.system.unit == 3 * 2.5 / 4),
        ({"rate": 0.5}, lambda p: p.system.worker_times == cg.ShiftedExponential(0.5, 50.0)),
        ({"worker_times.shift": 1}, lambda p: p.system.worker_times.shift == 1.0),
        ({"probability": 0.9}, lambda p: p.objective == cg.Quantile(0.9)),
        ({"copies": 2}, lambda p: p.limits == cg.Limits(copies=2)),
        ({"limits.levels": [0, 3]}, lambda p: p.limits == cg.Limits(levels=[0, 3])),
        ({"startup": 4.0}, lambda p: p.system.costs == cg.Costs(startup=4.0)),
        ({"costs": {"per_message": 1}}, lambda p: p.system.costs == cg.Costs(per_message=1)),
        ({"worker_times": cg.Exponential(2.0)}, lambda p: p.system.worker_times.rate == 2.0),
        (
            {"worker_times": {"family": "pareto", "shape": 2.5, "scale": 1.0}},
            lambda p: p.system.worker_times == cg.Pareto(shape=2.5, scale=1.0),
        ),
        (
            {"objective": {"kind": "quantile", "probability": 0.5}},
            lambda p: p.objective == cg.Quantile(0.5),
        ),
        ({"workers": np.int64(9)}, lambda p: p.system.workers == 9),
    ],
)
def test_every_field_can_be_changed(fields: dict[str, Any], seen: Any) -> None:
    assert seen(changed(SMALL, fields))
    assert len(points_of(SMALL, {name: [value] for name, value in fields.items()})) == 1


def test_parameters_of_groups_are_reached_by_their_place() -> None:
    groups = cg.Groups([(2, cg.Exponential(1.0)), (2, cg.Exponential(3.0))])
    problem = cg.Problem(cg.System(4, 100, groups), cg.ExpectedRuntime())
    other = changed(problem, {"worker_times.groups.1.rate": 7.0})
    assert other.system.worker_times.groups[1][1] == cg.Exponential(7.0)
    with pytest.raises(cg.InvalidInputError, match=r"worker_times\.groups\.5\.rate"):
        changed(problem, {"worker_times.groups.5.rate": 7.0})


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ({"from": 2, "to": 8, "step": 3}, [2, 5, 8]),
        ({"from": 1, "to": 100, "count": 3, "scale": "log"}, [1, 10, 100]),
        ({"from": 1, "to": 4, "count": 3}, [1, 2, 4]),
        (range(2, 4), [2, 3]),
        (5, [5]),
    ],
)
def test_ranges(given: Any, values: list[float]) -> None:
    assert [point.values["workers"] for point in points_of(SMALL, {"workers": given})] == values
    if isinstance(given, dict) and "step" not in given:
        found = [point.values["cycles"] for point in points_of(SMALL, {"cycles": given})]
        assert found == pytest.approx(np.array(found))
        assert found[0] == given["from"]
        assert found[-1] == given["to"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "at least one field"),
        ({"worker": [3]}, "did you mean 'workers'"),
        ({"workers": []}, "at least one value"),
        ({"workers": [0]}, "workers"),
        ({"workers": {"from": 1, "to": 5}}, "step or count"),
        ({"workers": {"from": 5, "to": 1, "step": 1}}, "rising"),
        ({"rate": {"from": 0, "to": 1, "count": 2, "scale": "log"}}, "above 0"),
        ({"rate": {"from": 0, "to": 1, "count": 2, "scale": "lin"}}, "scale"),
        ({"cycles": range(400), "rate": range(400)}, "at most 100000"),
        ({"objective": ["fast"]}, "objective"),
        ({"limits": [{"copy": 2}]}, "did you mean 'copies'"),
        ({"system.rate": [2]}, r"system\.rate"),
    ],
)
def test_what_cannot_be_swept_is_refused(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(cg.InvalidInputError, match=reason) as error:
        cg.sweep(SMALL, ["uncoded"], **fields)
    assert "\n" not in str(error.value)


def test_fields_that_share_a_name_with_a_result_are_told_apart() -> None:
    assert place_of(SMALL, "copies") == "limits.copies"
    frame = cg.sweep(SMALL, ["optimal"], copies=[1, 4])
    assert frame["limits.copies"].tolist() == [1, 4]
    assert frame["copies"].tolist()[0] == 1
    assert frame["value"].is_monotonic_decreasing
