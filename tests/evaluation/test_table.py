"""The table of evaluations: every entry works, and a new objective is one registration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.compare.results.compare import compare, default_entrants
from cgcopt.errors import UnsupportedProblemError
from cgcopt.evaluation import table
from cgcopt.evaluation.certificates import certify
from cgcopt.evaluation.result import Certificate, Evaluation, Method
from cgcopt.evaluation.rounds.runtimes import round_runtimes
from cgcopt.evaluation.table import entry_of, register
from cgcopt.objective import Objective, Sense
from cgcopt.system import System
from cgcopt.workers.base import Times

RNG = np.random.default_rng(11)
ROUNDS = cg.Scenarios(1 + RNG.exponential(size=(60, 4)))
SYSTEM = System(4, 40, ROUNDS, samples=4)


@dataclass(frozen=True)
class MeanPower(Objective):
    """``E[tau**power]``: an objective that the package does not know."""

    power: float

    kind: ClassVar[str] = "mean-power"
    sense: ClassVar[Sense] = Sense.MINIMIZE
    unit: ClassVar[str] = ""


def mean_power(
    system: System, work: np.ndarray, power: float, *, gradient: bool = False
) -> Evaluation:
    value = float((round_runtimes(system, work) ** power).mean())
    return Evaluation.exact(value, Method.SCENARIOS)


def mean_of_power(
    system: System, work: np.ndarray, power: float, *, evaluation: Evaluation
) -> tuple[float, Certificate]:
    """``E[tau**p] >= E[tau]**p``, for the best expected runtime."""
    runtime = cg.Problem(system, cg.ExpectedRuntime())
    return certify(runtime, cg.Design.from_work(work))[0] ** power, Certificate.JENSEN


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "_TABLE", dict(table._TABLE))
    register(MeanPower, Times.SCENARIOS, evaluator=mean_power, bounder=mean_of_power)


def by_hand(partition: Any) -> float:
    """The mean square of the runtimes, written out."""
    work = np.cumsum(np.arange(1, 5) * np.asarray(partition))
    fastest = np.sort(ROUNDS.times, axis=1)[:, ::-1]
    return float(((fastest * work).max(axis=1) ** 2).mean())


@pytest.mark.usefixtures("registered")
def test_a_new_objective_is_evaluated_solved_and_compared() -> None:
    problem = cg.Problem(SYSTEM, MeanPower(2.0))
    x = [10.0, 10.0, 15.0, 5.0]
    assert cg.evaluate(problem, x).value == pytest.approx(by_hand(x), rel=1e-12)
    solution = cg.solve(problem, "single-level")
    singles = [by_hand(np.eye(4)[level] * 40) for level in range(4)]
    assert solution.value == pytest.approx(min(singles), rel=1e-12)
    assert solution.certificate is Certificate.JENSEN
    assert 0 < solution.gap < 1
    rows = compare([problem], ["uniform", "uncoded", "single-level"]).rows
    values = {row.solver: row.value for row in rows}
    assert values["uniform"] == pytest.approx(by_hand([10.0] * 4), rel=1e-12)
    assert values["uncoded"] == pytest.approx(singles[0], rel=1e-12)
    assert values["single-level"] == pytest.approx(min(singles), rel=1e-12)
    assert {"uniform", "single-level"} <= {entrant.solver for entrant in default_entrants(problem)}


@pytest.mark.usefixtures("registered")
def test_a_whole_design_is_found_by_rounding() -> None:
    problem = cg.Problem(SYSTEM.with_times(ROUNDS), MeanPower(2.0))
    solution = cg.solve(problem, "single-level", form="block")
    assert solution.partition is not None
    assert sorted(solution.partition) == [0, 0, 0, 40]


@pytest.mark.usefixtures("registered")
def test_kinds_without_an_entry_are_refused() -> None:
    problem = cg.Problem(SYSTEM.with_times(cg.Exponential(1.0)), MeanPower(2.0))
    with pytest.raises(UnsupportedProblemError, match="mean-power"):
        cg.evaluate(problem, [40.0, 0, 0, 0])


@pytest.mark.parametrize("key", list(table._TABLE), ids=lambda key: f"{key[0].kind}-{key[1]}")
def test_every_entry_leads_to_functions(key: tuple[type[Objective], Times]) -> None:
    objective, kind = key
    entry = table._TABLE[objective, kind]
    assert callable(entry.evaluate)
    assert entry.bound is None or callable(entry.bound)


@pytest.mark.parametrize("kind", list(Times))
def test_every_kind_evaluates_every_objective(kind: Times) -> None:
    for objective in (
        cg.ExpectedRuntime(),
        cg.CompletionProbability(1.0),
        cg.Quantile(0.5),
        cg.ConditionalValueAtRisk(0.5),
    ):
        assert entry_of(objective, kind).evaluate.__module__.startswith("cgcopt.evaluation.")


def test_bounds_of_models_that_are_only_sampled_are_trivial() -> None:
    from cgcopt.workers.base import WorkerTimes

    class Drawn(WorkerTimes):
        def sample(self, rounds: int, workers: int, rng: np.random.Generator) -> np.ndarray:
            return 1 + rng.random((rounds, workers))

        def to_dict(self) -> dict[str, Any]:
            return {"family": "drawn"}

        @property
        def label(self) -> str:
            return "drawn"

    system, design = SYSTEM.with_times(Drawn()), cg.Design([10.0] * 4)
    assert certify(cg.Problem(system, cg.ExpectedRuntime()), design) == (
        -math.inf,
        Certificate.NONE,
    )
    assert certify(cg.Problem(system, cg.CompletionProbability(99.0)), design) == (
        1.0,
        Certificate.TRIVIAL,
    )
    assert certify(cg.Problem(system, cg.Quantile(0.5)), design)[0] == -math.inf
