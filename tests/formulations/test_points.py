"""A formulation takes the points that evaluation takes, and refuses the others in the same words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cgcopt as cg
from cgcopt.errors import InvalidInputError
from cgcopt.formulations import Formulation, formulate
from cgcopt.problem import Form, Problem
from cgcopt.solvers.judge import judge

WORKERS, COORDINATES = 3, 60


def problem_of(objective: str, *, drawn: bool) -> Problem:
    times = cg.ShiftedExponential(rate=1.0, shift=1.0)
    system = cg.System(WORKERS, COORDINATES, times)
    aim: Any = cg.ExpectedRuntime() if objective == "runtime" else cg.CompletionProbability(150.0)
    problem = Problem(system, aim)
    return problem.sampled(6, seed=1) if drawn else problem


FORMULATIONS = {
    f"{objective}, {form}, {'rounds' if drawn else 'exact'}": formulate(
        problem_of(objective, drawn=drawn), form
    )
    for objective in ("runtime", "probability")
    for form, drawn in ((Form.RELAXED, True), (Form.BLOCK, True), (Form.RELAXED, False))
}
each_formulation = pytest.mark.parametrize("name", FORMULATIONS)


def said(function: Any) -> str:
    """What a function refuses, or nothing."""
    try:
        function()
    except InvalidInputError as error:
        return str(error)
    return ""


def both(formulation: Formulation, x: Any) -> tuple[str, str, str]:
    """What the formulation, evaluation and the judge say of blocks."""
    problem = formulation.problem
    point = formulation.point(cg.Design([20, 20, 20])) if "x" in formulation.variables else {}
    return (
        said(lambda: formulation.design({**point, "x": x})),
        said(lambda: cg.evaluate(problem, x)),
        said(lambda: judge(problem, x)),
    )


@each_formulation
@given(
    shares=st.lists(st.floats(0.0, 1.0), min_size=WORKERS, max_size=WORKERS).filter(any),
    off=st.sampled_from([0.0, *(s * 10.0**-e for e in range(2, 15) for s in (-1, 1))]),
    below=st.sampled_from([0.0, *(10.0**-e for e in range(2, 15))]),
    level=st.integers(0, WORKERS - 1),
)
def test_bent_points_are_taken_or_refused_alike(
    name: str, shares: list[float], off: float, below: float, level: int
) -> None:
    x = np.array(shares) / sum(shares) * COORDINATES * (1.0 + off)
    if below:
        x[(level + 1) % WORKERS] += x[level] + below * COORDINATES
        x[level] = -below * COORDINATES
    answers = set(both(FORMULATIONS[name], x))
    assert len(answers) == 1, answers
    refused = answers.pop()
    worst = max(abs(off), below)
    if worst <= 9e-7:
        assert not refused
    if worst > 1.1e-6:
        assert refused.startswith("partition = ")


@each_formulation
@pytest.mark.parametrize(
    "x",
    [
        [60, 0, 0],
        np.array([0, 0, 60]),
        np.array([20, 20, 20], dtype=np.int8),
        [0.0, 59.5, 0.5],
        [60.0, 0.0],
        [15.0] * 4,
        [],
        [[20.0, 20.0, 20.0]],
        60.0,
        [float("nan"), 30.0, 30.0],
        [float("inf"), 30.0, 30.0],
        [1e308, 1e308, 1e308],
        [-1e308, 1e308, 60.0],
        [0.0, 0.0, 0.0],
        [20 + 1j, 20.0, 20.0],
        ["20", "20", "20"],
        [True, True, True],
        [None, 30.0, 30.0],
        [10**400, 0, 0],
        np.ma.masked_array([20.0, 20.0, 20.0], mask=[0, 1, 0]),
        np.array(["2026-01-01"] * 3, dtype="datetime64[D]"),
    ],
    ids=str,
)
def test_odd_points_are_taken_or_refused_alike(name: str, x: Any) -> None:
    answers = set(both(FORMULATIONS[name], x))
    assert len(answers) == 1, answers
    assert "\n" not in answers.pop()


@pytest.mark.parametrize("objective", ["runtime", "probability"])
def test_the_order_of_the_coordinates_does_not_matter_and_each_has_a_level(objective: str) -> None:
    problem = problem_of(objective, drawn=True)
    formulation = formulate(problem, "coordinate")
    point = formulation.point(cg.Design([10, 20, 30]))
    mixed = np.random.default_rng(3).permutation(point["z"])
    assert formulation.design({**point, "z": mixed}) == cg.Design([10, 20, 30])
    for broken in (np.zeros_like(mixed), np.full_like(mixed, np.nan), mixed[:-1], mixed * 1j):
        with pytest.raises(InvalidInputError, match=r"^point\.z = "):
            formulation.design({**point, "z": broken})


@each_formulation
def test_a_point_without_its_variables_is_refused_by_name(name: str) -> None:
    formulation = FORMULATIONS[name]
    with pytest.raises(InvalidInputError, match=r"^point = "):
        formulation.design({"nothing": np.ones(6)})
