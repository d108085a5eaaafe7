"""Evaluations carry what they have: a variant for each, and ``None`` for the rest."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.evaluation.result import (
    Evaluation,
    Probability,
    ProbabilityWithGradient,
    WithGradient,
)
from cgcopt.objective import Objective
from cgcopt.workers.base import WorkerTimes

CONTINUOUS = cg.Gamma(shape=2.0, scale=1.0)
STEPS = cg.Empirical([1.0, 2.0, 5.0])
ROUNDS = cg.Scenarios([[1.0, 2.0, 5.0], [2.0, 2.0, 3.0]])
DESIGN = [10.0, 10.0, 10.0]


@pytest.mark.parametrize(
    ("times", "objective", "plain", "with_gradient"),
    [
        (CONTINUOUS, cg.ExpectedRuntime(), Evaluation, WithGradient),
        (STEPS, cg.ExpectedRuntime(), Evaluation, WithGradient),
        (ROUNDS, cg.ExpectedRuntime(), Evaluation, WithGradient),
        (CONTINUOUS, cg.Quantile(0.5), Evaluation, WithGradient),
        (STEPS, cg.Quantile(0.5), Evaluation, WithGradient),
        (ROUNDS, cg.Quantile(0.5), Evaluation, WithGradient),
        (CONTINUOUS, cg.CompletionProbability(99.0), Probability, ProbabilityWithGradient),
        (STEPS, cg.CompletionProbability(99.0), Probability, Probability),
        (ROUNDS, cg.CompletionProbability(99.0), Probability, Probability),
    ],
)
def test_the_variant_says_what_there_is(
    times: WorkerTimes, objective: Objective, plain: type, with_gradient: type
) -> None:
    problem = cg.Problem(cg.System(3, 30, times, samples=3), objective)
    for asked, expected in ((False, plain), (True, with_gradient)):
        found = cg.evaluate(problem, DESIGN, gradient=asked)
        assert type(found) is expected
        assert (found.gradient is not None) == isinstance(found, WithGradient)
        assert (found.complement is not None) == isinstance(found, Probability)
        assert (found.log_value is not None) == isinstance(found, Probability)
        assert found.lower <= found.value <= found.upper


def test_simulated_probabilities_are_probabilities() -> None:
    system = cg.System(3, 30, CONTINUOUS, samples=3)
    found = cg.simulate(cg.Problem(system, cg.CompletionProbability(99.0)), DESIGN, rounds=100)
    assert type(found) is Probability
    assert found.value + found.complement == pytest.approx(1.0)


def test_a_variant_cannot_leave_out_what_it_promises() -> None:
    found = Evaluation.exact(1.0, "exact", gradient=np.ones(2))  # type: ignore[arg-type]
    assert type(found) is WithGradient
    with pytest.raises(TypeError, match="gradient"):
        WithGradient(1.0, "exact", 1.0, 1.0)  # type: ignore[call-arg,arg-type]
    with pytest.raises(TypeError, match="complement"):
        Probability(1.0, "exact", 1.0, 1.0)  # type: ignore[call-arg,arg-type]
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.value = 2.0  # type: ignore[misc]
