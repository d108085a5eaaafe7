"""Tables by kind of worker times: a new kind is one registration, of every method and formulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.errors import UnsupportedProblemError
from cgcopt.evaluation.dispatch import Table, times_as
from cgcopt.formulations import formulate
from cgcopt.formulations.builders import BUILDERS, Builders
from cgcopt.objective import Objective
from cgcopt.solution import TerminationCondition
from cgcopt.solvers import optimal_quantile, optimal_runtime
from cgcopt.solvers.base import Outcome
from cgcopt.workers.base import Times

GROUPS = cg.Groups([(1, cg.Exponential(1.0)), (2, cg.Exponential(2.0))])
SYSTEM = cg.System(3, 30, GROUPS, samples=3)


def test_an_entry_for_all_others() -> None:
    table: Table[str, int] = Table("no number", {"one": 1}, others=0)
    assert (table["one"], table["two"], "two" in table) == (1, 0, False)


def test_a_missing_entry_is_named_with_its_key() -> None:
    table: Table[type[Objective], int] = Table("no number", {})
    with pytest.raises(UnsupportedProblemError, match=r"^no number for quantile$"):
        table[cg.Quantile]


def test_the_model_of_a_system_is_asked_for_by_its_class() -> None:
    assert times_as(cg.Groups, SYSTEM, "needs groups, not") is GROUPS
    with pytest.raises(UnsupportedProblemError, match=r"^needs rounds, not 1 x exponential"):
        times_as(cg.Scenarios, SYSTEM, "needs rounds, not")


def test_a_method_for_a_kind_is_one_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = cg.Problem(SYSTEM.with_times(cg.Exponential(1.0)), cg.Quantile(0.9))
    form, options = cg.Form.RELAXED, cg.Options()
    known = dict(optimal_quantile.METHODS._entries)
    known.pop(Times.CONTINUOUS)
    monkeypatch.setattr(optimal_quantile.METHODS, "_entries", known)
    with pytest.raises(UnsupportedProblemError, match="for continuous"):
        optimal_quantile.OptimalQuantile().solve(problem, form, options)

    def uncoded(problem: cg.Problem, options: cg.Options) -> Outcome:
        return Outcome(TerminationCondition.CONVERGED, np.array([30.0, 0.0, 0.0]))

    optimal_quantile.METHODS.register(Times.CONTINUOUS, uncoded)
    found = optimal_quantile.OptimalQuantile().solve(problem, form, options)
    assert found.found.tolist() == [30.0, 0.0, 0.0]


def test_the_expected_runtime_of_every_kind_has_a_method() -> None:
    exact = optimal_runtime.OptimalRuntime.times - {Times.STARTED}  # which go the way of limits
    assert all(callable(optimal_runtime.METHODS[kind]) for kind in exact)
    independent = exact - {Times.SCENARIOS}
    assert all(kind in optimal_runtime.MINIMISERS for kind in independent)


def test_a_formulation_of_an_objective_is_one_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    system = SYSTEM.with_times(cg.Scenarios(np.ones((4, 3))))
    problem = cg.Problem(system, cg.Quantile(0.5))
    seen: list[Any] = []

    def builder(problem: cg.Problem, form: cg.Form, written: Any) -> Any:
        seen.append((form, written.strong))
        return "a program"

    monkeypatch.setattr(BUILDERS, "_entries", dict(BUILDERS._entries))
    BUILDERS._entries.pop(cg.Quantile)
    with pytest.raises(UnsupportedProblemError, match="no formulation"):
        formulate(problem)
    by_kind: Any = Table("none", {Times.SCENARIOS: builder})
    BUILDERS.register(cg.Quantile, Builders(by_kind, builder))
    assert formulate(problem, "block", strong=False) == "a program"
    assert seen == [(cg.Form.BLOCK, False)]
