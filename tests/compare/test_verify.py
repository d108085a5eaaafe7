"""Verification: what is called ok, what fails, what stays open, and what is said to be unchecked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.compare.agreement import compare_solutions
from cgcopt.compare.check import Check, Outcome
from cgcopt.compare.verify import verify
from cgcopt.compare.verify_run import VerifyRun
from cgcopt.compare.witness import best_over_all_vectors, with_middling_deadline
from cgcopt.options import Options
from cgcopt.problem import Form
from cgcopt.solution import SolutionStatus, TerminationCondition

SYSTEM = cg.System(3, 30, cg.ShiftedExponential(rate=1e-3, shift=50.0), samples=3)
RUNTIME = cg.Problem(SYSTEM, cg.ExpectedRuntime(), title="runtime")
LATE = cg.Problem(SYSTEM, cg.CompletionProbability(3e4), title="late")
OPTIONS = Options(scenarios=10, time_limit=20.0)
DESIGN = [15.0, 10.0, 5.0]


def solution(value: float, bound: float, name: str = "s", **changes: Any) -> cg.Solution:
    """A solution of a completion probability with this value and bound."""
    found = cg.judge(LATE, DESIGN, form=Form.RELAXED, solver=name)
    assert found.evaluation is not None
    ends = {"value": value, "lower": value, "upper": value}
    changed = {"evaluation": replace(found.evaluation, **ends), "bound": bound, **changes}
    return replace(found, **changed)


def compared(own: cg.Solution | None, other: cg.Solution, *, method: bool = True) -> Outcome:
    return compare_solutions("t", own, other, method=method, tolerance=1e-6).outcome


def test_a_worse_value_is_never_ok() -> None:
    better = solution(0.7167, 0.9)
    worse = solution(0.7, 0.9)
    assert compared(worse, better) is Outcome.FAILED
    assert compared(better, worse) is Outcome.FAILED
    check = compare_solutions("t", worse, better, method=True, tolerance=1e-6)
    assert "s is worse" in check.detail
    assert compared(better, better) is Outcome.PASSED
    # Our design for the exact problem is not meant for the scenarios.
    assert compared(worse, better, method=False) is Outcome.OPEN


@pytest.mark.parametrize("ended", ["time-limit", "iteration-limit"])
def test_a_run_that_ended_early_decides_nothing(ended: str) -> None:
    early = solution(0.6, 0.9, termination=TerminationCondition(ended))
    nothing = replace(early, design=None, evaluation=None, status=SolutionStatus.NONE)
    full = solution(0.7, 0.8)
    assert compared(full, early) is Outcome.OPEN
    assert compared(early, full) is Outcome.OPEN
    assert compared(full, nothing) is Outcome.OPEN
    broken = replace(nothing, termination=TerminationCondition.ERROR, message="it broke")
    assert compared(full, broken) is Outcome.FAILED


def test_a_wrong_bound_fails() -> None:
    assert compared(solution(0.7, 0.9), solution(0.7, 0.65)) is Outcome.FAILED
    thrown = solution(0.7, 1.0, termination=TerminationCondition.NUMERICAL_ERROR, message="away")
    assert compared(solution(0.7, 0.9), thrown) is Outcome.FAILED


def test_without_an_own_method_nothing_is_checked() -> None:
    assert compared(None, solution(0.7, 0.8)) is Outcome.NOT_CHECKED


@pytest.mark.parametrize("deadline", [False, True])
def test_all_vectors_against_all_partitions(deadline: bool) -> None:
    system = cg.System(3, 4, SYSTEM.worker_times, samples=3)
    problem = cg.Problem(system, cg.ExpectedRuntime()).sampled(12, 5)
    if deadline:
        problem = with_middling_deadline(problem)
    values = [
        cg.evaluate(problem, np.array([a, b, 4 - a - b], dtype=float)).value
        for a in range(5)
        for b in range(5 - a)
    ]
    best = max(values) if deadline else min(values)
    assert best_over_all_vectors(problem) == pytest.approx(best, rel=1e-12)
    if deadline:
        assert 0 < best < 1


def test_every_solver_that_was_asked_for_is_named() -> None:
    quantile = cg.Problem(replace(SYSTEM, workers=2), cg.Quantile(0.8), title="quantile")
    asked = ["highs", "scipy-slsqp", "scipy-trust-constr", "scipy-linprog"]
    for problem in (RUNTIME, quantile):
        found = verify(problem, outside=asked, options=OPTIONS)
        text = " ".join(check.name for check in found.checks)
        assert all(name in text for name in asked)
        assert found.passed
        assert found.counts["ok"] >= 8
        assert sum(check.seconds for check in found.checks) > 0.05
    unchecked = [check.name for check in found.checks if check.outcome is Outcome.NOT_CHECKED]
    assert unchecked == ["scipy-linprog against our methods"]
    assert any("at the quantile" in check.name and "slsqp" in check.name for check in found.checks)


def test_the_forms_are_compared_where_they_differ() -> None:
    for problem in (RUNTIME, LATE):
        found = verify(problem, outside=["scipy-milp"], options=OPTIONS)
        (check,) = (check for check in found.checks if "best of all vectors" in check.name)
        values = check.values
        assert check.outcome is Outcome.PASSED
        assert values["coordinate"] == pytest.approx(values["vectors"], rel=1e-6)
        assert abs(values["relaxed"] - values["block"]) > 1e-3 * values["relaxed"]


def test_on_rounds_exact_solvers_are_said_to_be_left_out() -> None:
    rounds = RUNTIME.sampled(10, 3)
    found = verify(rounds, outside=["highs", "scipy-slsqp"], options=OPTIONS)
    reasons = {check.name: check.detail for check in found.checks}
    assert "times that are continuous" in reasons["scipy-slsqp against our methods"]
    assert found.passed


def test_names_of_solvers_are_checked() -> None:
    with pytest.raises(cg.InvalidInputError, match="did you mean 'highs'"):
        verify(RUNTIME, outside=["higs"])
    with pytest.raises(cg.InvalidInputError, match="each named once"):
        verify(RUNTIME, outside=["highs", "highs"])


def test_a_random_start_is_checked_as_far_as_it_can_be() -> None:
    """No table of seconds per cycle holds its rounds: what needs one is named, the rest checked."""
    times = cg.RandomStart(1e-3, cg.LogNormal(sigma=0.6, scale=0.64))
    system = cg.System(4, 100, times, samples=4)
    problem = cg.Problem(system, cg.ExpectedRuntime(), limits=cg.Limits(copies=3, blocks=2))
    result = verify(problem, options=OPTIONS)
    assert result.passed
    outcomes = {check.name: check.outcome for check in result.checks}
    assert outcomes["optimal design: exact value against simulation"] is Outcome.PASSED
    assert outcomes["Outside solvers agree with our method on the same scenarios"] is (
        Outcome.NOT_CHECKED
    )


def test_checks_that_had_ended_are_kept_at_an_interruption(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def quick(run: VerifyRun) -> Iterator[Check]:
        """Ends."""
        yield Check("quick", Outcome.PASSED, "1 = 1")

    def stopped(run: VerifyRun) -> Iterator[Check]:
        """Is stopped."""
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr("cgcopt.compare.verify.CHECKS", (quick, stopped, quick))
    first, last = verify(RUNTIME).checks
    assert first.name == "quick"
    assert (last.outcome, last.detail) == (Outcome.NOT_CHECKED, "interrupted after 1 check")
    monkeypatch.setattr("cgcopt.compare.verify.CHECKS", (stopped, quick))
    with pytest.raises(KeyboardInterrupt):
        verify(RUNTIME)
