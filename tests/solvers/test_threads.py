"""The number of threads may differ from one run of a process to the next."""

from __future__ import annotations

import pytest

import cgcopt as cg
from cgcopt.objective import Objective

SYSTEM = cg.System(5, 100, cg.ShiftedExponential(rate=1e-3, shift=50.0))


@pytest.mark.parametrize(
    "objective",
    [
        cg.ConditionalValueAtRisk(0.9),
        cg.CompletionProbability(4e6 / 100),
        cg.Quantile(0.9),
        cg.ExpectedRuntime(),
    ],
    ids=lambda objective: str(objective.kind),
)
def test_own_methods_take_another_number_of_threads(objective: Objective) -> None:
    rounds = cg.Problem(SYSTEM, objective).sampled(30, seed=1)
    one, two = (cg.solve(rounds, "optimal", threads=threads) for threads in (1, 2))
    assert two.value == pytest.approx(one.value, rel=1e-6)
    assert two.gap == pytest.approx(one.gap, abs=1e-6)
    assert two.termination == one.termination


def test_a_search_with_limits_takes_another_number_of_threads() -> None:
    small = cg.System(3, 100, SYSTEM.worker_times)
    problem = cg.Problem(small, cg.ExpectedRuntime(), limits=cg.Limits(blocks=2))
    cg.solve(problem.sampled(30, seed=1), "highs", threads=2)
    values = [cg.solve(problem, "optimal", threads=threads).value for threads in (1, 2)]
    assert values[1] == pytest.approx(values[0], rel=1e-6)
