"""The front door: every objective on every kind of worker times, and quantiles."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cgcopt.design import Design, budget_weights, work_of_partition
from cgcopt.errors import InvalidInputError, SolverError, UnsupportedProblemError
from cgcopt.evaluation.certificates import certify
from cgcopt.evaluation.density.quantile import runtime_quantile as density_quantile
from cgcopt.evaluation.evaluate import evaluate, evaluate_work, warm_up
from cgcopt.evaluation.result import Method
from cgcopt.evaluation.simulation import simulate
from cgcopt.evaluation.steps.quantile import runtime_quantile as steps_quantile
from cgcopt.objective import CompletionProbability, ExpectedRuntime, Objective, Quantile
from cgcopt.problem import Problem
from cgcopt.system import System
from cgcopt.workers.base import IndependentTimes, WorkerTimes
from cgcopt.workers.empirical import Empirical
from cgcopt.workers.families import (
    Exponential,
    Gamma,
    LogNormal,
    Pareto,
    ShiftedExponential,
    Weibull,
)
from cgcopt.workers.scenarios import Scenarios

FAMILIES = [
    ShiftedExponential(rate=1e-3, shift=50.0),
    Exponential(rate=2.0),
    Weibull(shape=0.6, scale=3.0, shift=1.0),
    Gamma(shape=2.5, scale=1.0),
    LogNormal(sigma=1.0, scale=2.0),
    Pareto(shape=2.5, scale=1.0, shift=0.5),
]
rng = np.random.default_rng(5)
STEPS = Empirical(np.round(1 + rng.gamma(0.5, 2.0, 200), 2))
ROUNDS = Scenarios(np.round(1 + rng.gamma(0.5, 2.0, (300, 6)), 2))


class Slowed(WorkerTimes):
    """Only sampling is possible: all workers of a round share a random factor."""

    def sample(self, rounds: int, workers: int, rng: np.random.Generator) -> np.ndarray:
        return (1 + rng.random((rounds, workers))) * (1 + rng.random((rounds, 1)))

    def to_dict(self) -> Mapping[str, Any]:
        return {"family": "slowed"}

    @property
    def label(self) -> str:
        return "slowed"


class Plain(IndependentTimes):
    """Exponential with rate 1, without a density."""

    _inner = Exponential(rate=1.0)

    def cdf(self, t: Any) -> np.ndarray:
        return self._inner.cdf(t)

    def sf(self, t: Any) -> np.ndarray:
        return self._inner.sf(t)

    def ppf(self, q: Any) -> np.ndarray:
        return self._inner.ppf(q)

    def isf(self, q: Any) -> np.ndarray:
        return self._inner.isf(q)

    def mean(self) -> float:
        return 1.0

    @property
    def support(self) -> tuple[float, float]:
        return (0.0, math.inf)

    def sample(self, rounds: int, workers: int, rng: np.random.Generator) -> np.ndarray:
        return rng.exponential(size=(rounds, workers))

    def to_dict(self) -> Mapping[str, Any]:
        return {"family": "plain"}

    @property
    def label(self) -> str:
        return "plain"


def problem_of(times: WorkerTimes, objective: Objective, workers: int = 6) -> Problem:
    return Problem(System(workers, 100, times, samples=workers), objective)


DESIGN = Design([10.0, 40.0, 20.0, 0.0, 20.0, 10.0])


@pytest.mark.parametrize("times", [*FAMILIES, STEPS, ROUNDS], ids=lambda t: t.label)
def test_every_objective_against_simulation(times: WorkerTimes) -> None:
    runtime = evaluate(problem_of(times, ExpectedRuntime()), DESIGN)
    assert runtime.method is not Method.SIMULATION
    for objective in (
        ExpectedRuntime(),
        CompletionProbability(runtime.value),
        Quantile(0.3),
        Quantile(0.97),
    ):
        problem = problem_of(times, objective)
        exact = evaluate(problem, DESIGN)
        drawn = simulate(problem, DESIGN, rounds=40_000)
        # A distribution with atoms has quantiles that no finite deviation describes.
        resolution = 0.05 * exact.value if isinstance(objective, Quantile) else 0.0
        smooth = times not in (STEPS, ROUNDS)
        slack = 4 * drawn.standard_error + (0.0 if smooth else resolution)
        assert abs(drawn.value - exact.value) < slack


@pytest.mark.parametrize("times", [*FAMILIES, STEPS, ROUNDS], ids=lambda t: t.label)
def test_runtime_is_homogeneous_of_degree_one(times: WorkerTimes) -> None:
    problem = problem_of(times, ExpectedRuntime())
    one = evaluate_work(problem, DESIGN.work, gradient=True)
    many = evaluate_work(problem, 37.0 * DESIGN.work, gradient=True)
    assert one.gradient is not None
    assert many.gradient is not None
    assert many.value == pytest.approx(37 * one.value, rel=1e-11)
    assert one.gradient @ DESIGN.work == pytest.approx(one.value, rel=1e-9)
    np.testing.assert_allclose(many.gradient, one.gradient, rtol=1e-8, atol=1e-10 * one.value)


@settings(max_examples=30)
@given(st.sampled_from([*FAMILIES, STEPS, ROUNDS]), st.data())
def test_runtime_is_convex_in_the_work(times: WorkerTimes, data: st.DataObject) -> None:
    problem = problem_of(times, ExpectedRuntime())
    block = st.one_of(st.just(0.0), st.floats(0.01, 1))
    blocks = st.lists(block, min_size=6, max_size=6).filter(any).map(work_of_partition)
    one, other, share = data.draw(blocks), data.draw(blocks), data.draw(st.floats(0, 1))
    chord = share * evaluate_work(problem, one).value
    chord += (1 - share) * evaluate_work(problem, other).value
    mixed = evaluate_work(problem, share * one + (1 - share) * other).value
    assert mixed <= chord * (1 + 1e-10)


def test_one_worker_in_closed_form() -> None:
    problem = problem_of(Gamma(shape=2.5, scale=1.0), ExpectedRuntime(), workers=1)
    assert evaluate(problem, [100.0]).value == pytest.approx(250.0, rel=1e-11)
    system = System(1, 10, Weibull(shape=0.5, scale=2.0))
    for q in (1e-6, 0.5, 1 - 1e-9):
        found = evaluate(Problem(system, Quantile(q)), [10.0])
        assert found.value == pytest.approx(20 * math.log1p(-q) ** 2, rel=1e-12)


@pytest.mark.parametrize("times", FAMILIES, ids=lambda t: t.label)
@pytest.mark.parametrize("q", [1e-9, 0.01, 0.5, 0.99, 1 - 1e-9])
def test_quantile_inverts_the_completion_probability(times: WorkerTimes, q: float) -> None:
    """To 1e-12 in the deadline: close to the earliest end ``P`` changes faster than that."""
    found = evaluate(problem_of(times, Quantile(q)), DESIGN).value
    for factor, early in ((1 - 1e-12, True), (1 + 1e-12, False)):
        at = evaluate(problem_of(times, CompletionProbability(found * factor)), DESIGN)
        assert at.complement is not None
        reached = at.value >= q if q < 0.5 else at.complement <= 1 - q
        assert reached is not early


def test_quantile_of_a_large_trace_is_where_the_probability_jumps() -> None:
    times = Empirical(np.round(1 + np.random.default_rng(1).gamma(0.5, 2.0, 5000), 4))
    for q in (0.001, 0.5, 0.999):
        found = evaluate(problem_of(times, Quantile(q)), DESIGN).value
        at = evaluate(problem_of(times, CompletionProbability(found)), DESIGN).value
        before = evaluate(
            problem_of(times, CompletionProbability(found * (1 - 1e-12))), DESIGN
        ).value
        assert before < q <= at


def test_times_without_a_density() -> None:
    dense, plain = Exponential(rate=1.0), Plain()
    for objective in (CompletionProbability(200.0), Quantile(0.9)):
        expected = evaluate(problem_of(dense, objective), DESIGN)
        found = evaluate(problem_of(plain, objective), DESIGN, gradient=True)
        assert found.value == pytest.approx(expected.value, rel=1e-12)
        assert found.gradient is None
    expected = evaluate(problem_of(dense, ExpectedRuntime()), DESIGN)
    found = evaluate(problem_of(plain, ExpectedRuntime()), DESIGN)
    assert found.method is Method.SIMULATION
    assert abs(found.value - expected.value) < 4 * found.standard_error


@pytest.mark.parametrize(
    "objective", [ExpectedRuntime(), CompletionProbability(250.0), Quantile(0.9)]
)
def test_models_that_can_only_be_sampled(objective: Objective) -> None:
    problem = problem_of(Slowed(), objective)
    found = evaluate(problem, DESIGN, gradient=True)
    assert found.method is Method.SIMULATION
    assert found.standard_error > 0
    assert found.gradient is None
    assert found.value == simulate(problem, DESIGN).value


@pytest.mark.parametrize("times", [STEPS, ROUNDS], ids=lambda t: t.label)
def test_piecewise_constant_probabilities_have_no_gradient(times: WorkerTimes) -> None:
    problem = problem_of(times, CompletionProbability(300.0))
    assert evaluate(problem, DESIGN, gradient=True).gradient is None


def test_the_published_instance() -> None:
    """The certified optimum at N = 10 is 2.338e7 in units of M b / N seconds."""
    system = System(10, 20_000, ShiftedExponential(rate=1e-3, shift=50), samples=50)
    problem = Problem(system, ExpectedRuntime())
    order = np.arange(1, 11)
    means = 50 + np.cumsum(1e3 / (11 - order))
    work = 1 / means[::-1]
    work *= 20_000 / (budget_weights(10) @ work)
    design = Design.from_work(work)
    scale = 10 / 50 / 1e7
    bound, _ = certify(problem, design)
    assert bound * scale <= 2.3385
    assert evaluate(problem, design).value * scale >= 2.3375


@pytest.mark.parametrize(
    ("partition", "words"),
    [
        ([100.0], "6 entries"),
        ([10.0] * 6, "sum 60"),
        ([120.0, -20.0, 0, 0, 0, 0], "at least 0"),
        ([math.nan] * 6, "finite"),
        ("abc", "list"),
    ],
)
def test_bad_partitions(partition: Any, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        evaluate(problem_of(STEPS, ExpectedRuntime()), partition)


@pytest.mark.parametrize(
    "work",
    [[1.0] * 5, [2.0, 1.0, 3.0, 4.0, 5.0, 6.0], [0.0] * 6, [math.inf] * 6, [-1.0] + [1.0] * 5],
)
def test_bad_works(work: list[float]) -> None:
    for times in (STEPS, ROUNDS, FAMILIES[0]):
        with pytest.raises(InvalidInputError, match="work"):
            evaluate_work(problem_of(times, ExpectedRuntime()), work)


def test_unknown_objectives_and_impossible_quantiles() -> None:
    class Unknown(Objective):
        kind = "unknown"

    for evaluation in (evaluate, simulate):
        with pytest.raises(UnsupportedProblemError, match="unknown"):
            evaluation(problem_of(STEPS, Unknown()), DESIGN)
    with pytest.raises(UnsupportedProblemError):
        density_quantile(problem_of(Slowed(), Quantile(0.5)).system, DESIGN.work, 0.5)
    with pytest.raises(InvalidInputError, match="probability"):
        steps_quantile(problem_of(STEPS, Quantile(0.5)).system, DESIGN.work, 1.0)
    flat = problem_of(Gamma(shape=0.002, scale=1.0), Quantile(1e-9))
    with pytest.raises(SolverError, match="underflows"):
        evaluate(flat, DESIGN)


@pytest.mark.parametrize("times", [FAMILIES[0], STEPS, ROUNDS, Slowed()], ids=lambda t: t.label)
@pytest.mark.parametrize(
    "objective", [ExpectedRuntime(), CompletionProbability(1.0), Quantile(0.9)]
)
def test_warm_up_is_silent_and_made_once(
    times: WorkerTimes, objective: Objective, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated = []

    def counted(*given: Any, **named: Any) -> Any:
        evaluated.append(given)
        return evaluate_work(*given, **named)

    monkeypatch.setattr("cgcopt.evaluation.evaluate._warm", set())
    monkeypatch.setattr("cgcopt.evaluation.evaluate.evaluate_work", counted)
    warm_up(problem_of(times, objective))
    assert evaluated
    evaluated.clear()
    warm_up(problem_of(times, objective))
    assert not evaluated


def test_the_front_door_imports_nothing_heavy() -> None:
    code = (
        "import sys, cgcopt.evaluation.evaluate, cgcopt.evaluation.certificates\n"
        "import cgcopt.solvers.rounding.whole\n"
        "heavy = {'scipy', 'numba', 'pandas', 'highspy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
