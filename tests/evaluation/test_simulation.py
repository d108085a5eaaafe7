"""Simulation: right within its own standard error, repeatable, bounded memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from cgcopt.design import Design
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation import simulation
from cgcopt.evaluation.result import Method
from cgcopt.evaluation.simulation import simulate, simulated_runtimes
from cgcopt.objective import CompletionProbability, ExpectedRuntime, Objective, Quantile
from cgcopt.problem import Problem
from cgcopt.system import System
from cgcopt.workers.base import WorkerTimes
from cgcopt.workers.families import Exponential
from cgcopt.workers.scenarios import Scenarios


class TwoKinds(WorkerTimes):
    """Half of the workers are twice as slow: independent, not identically distributed."""

    def sample(self, rounds: int, workers: int, rng: np.random.Generator) -> np.ndarray:
        scale = np.where(np.arange(workers) % 2, 2.0, 1.0)
        return rng.exponential(size=(rounds, workers)) * scale

    def to_dict(self) -> Mapping[str, Any]:
        return {"family": "two-kinds"}

    @property
    def label(self) -> str:
        return "two-kinds"


def uncoded(objective: Objective, workers: int = 4) -> tuple[Problem, np.ndarray]:
    """All at level 0: the runtime is the slowest worker's time, unit 1."""
    system = System(workers, 1, Exponential(rate=1.0), samples=workers)
    return Problem(system, objective), np.ones(workers)


def test_mean_of_the_slowest_of_four() -> None:
    """E = 1 + 1/2 + 1/3 + 1/4, variance 1 + 1/4 + 1/9 + 1/16 (Renyi's representation)."""
    problem, work = uncoded(ExpectedRuntime())
    found = simulate(problem, work, rounds=200_000)
    assert found.method is Method.SIMULATION
    assert found.standard_error == pytest.approx(
        math.sqrt((1 + 1 / 4 + 1 / 9 + 1 / 16) / 200_000), rel=0.02
    )
    assert abs(found.value - 25 / 12) < 4 * found.standard_error
    assert (found.lower, found.upper) == (0.0, math.inf)


def test_share_in_time() -> None:
    deadline = 2.0
    problem, work = uncoded(CompletionProbability(deadline))
    found = simulate(problem, work, rounds=200_000)
    exact = (1 - math.exp(-deadline)) ** 4
    assert abs(found.value - exact) < 4 * found.standard_error
    assert found.standard_error == pytest.approx(math.sqrt(exact * (1 - exact) / 200_000), rel=0.02)
    assert found.complement == pytest.approx(1 - found.value, abs=1e-15)
    assert (found.lower, found.upper) == (0.0, 1.0)


def test_no_certainty_from_rounds_that_all_agree() -> None:
    for deadline, share in ((1e-9, 0.0), (1e9, 1.0)):
        problem, work = uncoded(CompletionProbability(deadline))
        found = simulate(problem, work, rounds=100)
        assert found.value == share
        assert found.standard_error == pytest.approx(math.sqrt(1 / 102 * 101 / 102 / 100))


@pytest.mark.parametrize("probability", [0.02, 0.5, 0.99])
def test_quantile(probability: float) -> None:
    problem, work = uncoded(Quantile(probability))
    found = [simulate(problem, work, rounds=50_000, seed=seed) for seed in range(20)]
    exact = -math.log(1 - probability**0.25)
    assert all(abs(one.value - exact) < 4 * one.standard_error for one in found)
    # Asymptotic deviation sqrt(q (1 - q) / K) / density. An interval of 4 sqrt(K q (1 - q)) rounds
    # is itself off by the inverse root of their number, up to 11 % here, 2.4 % in the mean of 20.
    density = 4 * (1 - math.exp(-exact)) ** 3 * math.exp(-exact)
    asymptotic = math.sqrt(probability * (1 - probability) / 50_000) / density
    assert np.mean([one.standard_error for one in found]) == pytest.approx(asymptotic, rel=0.08)


def test_quantile_errors_cover_as_often_as_they_should() -> None:
    problem, work = uncoded(Quantile(0.9))
    exact = -math.log(1 - 0.9**0.25)
    scores = []
    for seed in range(200):
        found = simulate(problem, work, rounds=500, seed=seed)
        scores.append((found.value - exact) / found.standard_error)
    assert 0.85 < np.std(scores) < 1.15
    assert abs(np.mean(scores)) < 0.3


def test_too_few_rounds_for_a_quantile_error() -> None:
    problem, work = uncoded(Quantile(0.999))
    assert simulate(problem, work, rounds=100).standard_error == math.inf
    mean, work = uncoded(ExpectedRuntime())
    assert simulate(mean, work, rounds=1).standard_error == math.inf


def test_workers_that_differ() -> None:
    """The fastest of two, rates 1 and 1/2: exponential with rate 3/2."""
    system = System(2, 2, TwoKinds(), samples=2)
    found = simulate(Problem(system, ExpectedRuntime()), Design([0, 2]), rounds=100_000)
    assert abs(found.value - 4 / 1.5) < 4 * found.standard_error


def test_whole_rounds_are_drawn() -> None:
    """The two workers of a round are never fast together."""
    times = Scenarios([[1.0, 9.0], [9.0, 1.0], [5.0, 5.0]])
    system = System(2, 2, times, samples=2)
    found = simulate(Problem(system, ExpectedRuntime()), [2.0, 2.0], rounds=20_000)
    assert abs(found.value - 2 * (9 + 9 + 5) / 3) < 4 * found.standard_error


def test_pieces_do_not_change_the_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, work = uncoded(ExpectedRuntime())
    monkeypatch.setattr(simulation, "_TUNING", simulation._Tuning(chunk=40))
    pieces = list(simulated_runtimes(problem.system, work, rounds=1003, seed=5))
    assert [piece.size for piece in pieces] == [10] * 100 + [3]
    joined = np.concatenate(pieces)
    found = simulate(problem, work, rounds=1003, seed=5)
    assert found.value == pytest.approx(joined.mean(), rel=1e-13)
    assert found.standard_error == pytest.approx(joined.std(ddof=1) / math.sqrt(1003), rel=1e-12)


def test_equal_seeds_equal_results() -> None:
    problem, work = uncoded(ExpectedRuntime())
    first = simulate(problem, work, rounds=1000, seed=3).value
    assert simulate(problem, work, rounds=1000, seed=3).value == first
    assert simulate(problem, work, rounds=1000, seed=4).value != first


def test_rounds_must_be_counted() -> None:
    problem, work = uncoded(ExpectedRuntime())
    for rounds in (0, -1, 1.5):
        with pytest.raises(InvalidInputError, match="rounds"):
            simulate(problem, work, rounds=rounds)  # type: ignore[arg-type]
