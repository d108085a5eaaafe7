"""The front door: every objective on every kind of worker times, and quantiles."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cgcopt.design import Design, budget_weights, work_of_partition
from cgcopt.errors import InvalidInputError, SolverError, UnsupportedProblemError
from cgcopt.evaluation.certificates import certify
from cgcopt.evaluation.evaluate import evaluate, evaluate_work, warm_up
from cgcopt.evaluation.quantile import runtime_quantile
from cgcopt.evaluation.result import Method
from cgcopt.evaluation.simulation import simulate
from cgcopt.objective import CompletionProbability, ExpectedRuntime, Objective, Quantile
from cgcopt.problem import Problem
from cgcopt.system import System
from cgcopt.workers.base import IndependentTimes, WorkerTimes
from cgcopt.workers.empirical import Empirical, Scenarios
from cgcopt.workers.families import (
    Exponential,
    Gamma,
    LogNormal,
    Pareto,
    ShiftedExponential,
    Weibull,
)

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


def crossing_reference(times: Exponential, scale: list[Any], t: Any) -> Any:
    """``P[tau <= t]`` by the recursion over levels in high precision (Exponential times only)."""
    workers = len(scale)
    # chance[m]: m workers have finished by the threshold of the level at hand.
    thresholds = [1 - mpmath.exp(-times.rate * t / a) if a else mpmath.mpf(1) for a in scale]
    levels = thresholds[::-1]
    chance = {0: mpmath.mpf(1)}
    before = mpmath.mpf(0)
    for k, p in enumerate(levels, start=1):
        after: dict[int, Any] = {}
        step = (p - before) / (1 - before) if before < 1 else mpmath.mpf(0)
        for done, weight in chance.items():
            for more in range(workers - done + 1):
                if done + more >= k:
                    term = mpmath.binomial(workers - done, more)
                    term *= step**more * (1 - step) ** (workers - done - more)
                    after[done + more] = after.get(done + more, 0) + weight * term
        chance, before = after, p
    return mpmath.fsum(chance.values())


@pytest.mark.parametrize("q", [1e-12, 1e-3, 0.5, 0.999, 1 - 1e-12])
def test_quantiles_of_the_exponential_in_high_precision(q: float) -> None:
    times = Exponential(rate=2.0)
    system = System(5, 100, times, samples=5)
    work = Design([0.0, 50.0, 20.0, 0.0, 30.0]).work
    found = runtime_quantile(system, work, q, gradient=True)
    with mpmath.workdps(60):
        scale = [mpmath.mpf(float(v)) for v in system.unit * work]
        target = mpmath.mpf(q)
        root = mpmath.findroot(
            lambda t: (
                mpmath.log(crossing_reference(times, scale, t) / target)
                if q < 0.5
                else mpmath.log((1 - crossing_reference(times, scale, t)) / (1 - target))
            ),
            (found.value * (1 - mpmath.mpf(10) ** -6), found.value * (1 + mpmath.mpf(10) ** -6)),
            solver="anderson",
            tol=1e-40,
        )
        assert abs(found.value / root - 1) < 1e-12
    assert found.gradient is not None
    assert found.gradient @ work == pytest.approx(found.value, rel=1e-12)
    step = 1e-5
    for level in (1, 2, 4):
        moved = []
        for sign in (1, -1):
            other = work.copy()
            other[level] *= 1 + sign * step
            moved.append(runtime_quantile(system, np.sort(other), q).value)
        difference = (moved[0] - moved[1]) / (2 * step * work[level])
        if work[level] != work[level - 1] and (level == 4 or work[level] != work[level + 1]):
            assert found.gradient[level] == pytest.approx(difference, rel=1e-5, abs=1e-9)


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


@given(st.data())
def test_step_quantiles_against_enumeration(data: st.DataObject) -> None:
    workers = data.draw(st.integers(1, 4))
    values = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=4, unique=True))
    times = Empirical([float(v) for v in values])
    block = st.integers(0, 3).map(float)
    work = data.draw(
        st.lists(block, min_size=workers, max_size=workers).filter(any).map(work_of_partition)
    )
    system = System(workers, 10, times, samples=workers)
    outcomes = np.array(list(itertools.product(times.values, repeat=workers)))
    runtimes = np.sort((np.sort(outcomes, axis=1)[:, ::-1] * work).max(axis=1))
    # All outcomes are equally likely: the quantile at m / count is the m-th runtime.
    rank = data.draw(st.integers(1, len(runtimes)))
    q = rank / len(runtimes)
    if q == 1:
        return
    found = runtime_quantile(system, work, q, gradient=True)
    assert found.value == pytest.approx(runtimes[rank - 1], rel=1e-14)
    assert found.method is Method.EXACT
    assert found.gradient is not None
    assert found.gradient @ work == pytest.approx(found.value, rel=1e-14)
    above = runtime_quantile(system, work, q + 1e-6 / len(runtimes))
    assert above.value == pytest.approx(runtimes[rank], rel=1e-14)


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
        runtime_quantile(problem_of(Slowed(), Quantile(0.5)).system, DESIGN.work, 0.5)
    with pytest.raises(InvalidInputError, match="probability"):
        runtime_quantile(problem_of(STEPS, Quantile(0.5)).system, DESIGN.work, 1.0)
    flat = problem_of(Gamma(shape=0.002, scale=1.0), Quantile(1e-9))
    with pytest.raises(SolverError, match="underflows"):
        evaluate(flat, DESIGN)


@pytest.mark.parametrize("times", [FAMILIES[0], STEPS, ROUNDS, Slowed()], ids=lambda t: t.label)
@pytest.mark.parametrize(
    "objective", [ExpectedRuntime(), CompletionProbability(1.0), Quantile(0.9)]
)
def test_warm_up_is_silent(times: WorkerTimes, objective: Objective) -> None:
    warm_up(problem_of(times, objective))


def test_the_front_door_imports_nothing_heavy() -> None:
    code = (
        "import sys, cgcopt.evaluation.evaluate, cgcopt.evaluation.certificates\n"
        "import cgcopt.solvers.rounding\n"
        "heavy = {'scipy', 'numba', 'pandas', 'highspy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
