"""Raw options of own solvers: known names, right kinds."""

from dataclasses import fields, is_dataclass

import pytest

import cgcopt as cg
from cgcopt.compare.results.compare import compare
from cgcopt.errors import InvalidInputError
from cgcopt.solvers.base import Role
from cgcopt.solvers.registry import all_solvers

SYSTEM = cg.System(4, 40, cg.ShiftedExponential(rate=1e-3, shift=50), samples=4)
RUNTIME = cg.Problem(SYSTEM, cg.ExpectedRuntime())
PROBABILITY = cg.Problem(SYSTEM, cg.CompletionProbability(1e5))


@pytest.mark.parametrize(
    "solver",
    [
        "optimal",
        "uncoded",
        "closed-form-time",
        "cutting-plane",
        "balanced",
        "leave-out",
        "rotated",
        "two-level",
    ],
)
def test_solvers_without_raw_options_take_none(solver: str) -> None:
    with pytest.raises(InvalidInputError, match=r"options.raw\['alpha'\] = 3: must be absent"):
        cg.solve(RUNTIME, solver, raw={"alpha": 3})


@pytest.mark.parametrize(
    ("solver", "raw", "message"),
    [
        ("projected-subgradient", {"iteration": 5}, "did you mean 'iterations'"),
        ("projected-subgradient", {"iterations": 2.5}, "a whole number of at least 1"),
        ("projected-subgradient", {"batch": "many"}, "a whole number of at least 1"),
        ("projected-subgradient", {"settings": "publisht"}, "did you mean 'published'"),
        ("tandon", {"alpha": 0.5}, "of at least 1"),
        ("tandon", {"beta": 6}, "one of alpha"),
        ("cyclic", {"copy": 2}, "did you mean 'copies'"),
        ("cyclic", {"copies": 0}, "a whole number of at least 1"),
        ("dynamic", {"latency": -1.0}, "at least 0"),
        ("dynamic", {"cell": 4}, "did you mean 'cells'"),
        ("schedule", {"rotation": True}, "did you mean 'rotated'"),
    ],
)
def test_unknown_and_ill_typed_options_are_refused(solver: str, raw: dict, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        cg.solve(RUNTIME, solver, raw=raw)


@pytest.mark.parametrize(
    ("solver", "raw", "message"),
    [
        ("global", {"nodes": 0}, "at least 1"),
        ("global", {"complement_gap": 1.5}, "below 1"),
        ("successive-convex", {"proximal": -1}, "at least 0"),
        ("successive-convex", {"solver": "GUROBI"}, "one of CLARABEL, SCS"),
    ],
)
def test_the_same_for_the_completion_probability(solver: str, raw: dict, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        cg.solve(PROBABILITY, solver, raw=raw)


def test_settings_take_effect() -> None:
    solution = cg.solve(RUNTIME, "projected-subgradient", raw={"iterations": 3, "batch": 7})
    assert (solution.details["iterations"], solution.details["batch"]) == (3, 7)


def test_settings_are_frozen_dataclasses_with_checked_fields() -> None:
    declared = {cls.settings for cls in all_solvers() if cls.settings is not None}
    assert len(declared) >= 4
    for settings in declared:
        assert is_dataclass(settings)
        assert settings.__dataclass_params__.frozen  # type: ignore[attr-defined]
        assert all("check" in field.metadata for field in fields(settings))
    adapters = {cls for cls in all_solvers() if cls.role is Role.ADAPTER}
    assert {cls for cls in all_solvers() if cls.settings is None} == adapters


def test_a_comparison_gives_each_solver_what_it_takes() -> None:
    options = cg.Options(raw={"iterations": 3}, time_limit=5)
    comparison = compare(RUNTIME, ["uncoded", "projected-subgradient"], options=options)
    assert all(row.value > 0 for row in comparison.rows)
    with pytest.raises(InvalidInputError, match="taken by one of the solvers"):
        compare(RUNTIME, ["uncoded", "uniform"], options=options)
