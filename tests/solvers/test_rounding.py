"""Rounding: exact sums, never worse than largest remainders, optimal on small cases."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgcopt.design import Design, budget_weights, largest_remainder
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.evaluation.order_statistics import order_statistic_means
from cgcopt.evaluation.result import Evaluation
from cgcopt.objective import CompletionProbability, ExpectedRuntime, Objective, Quantile, Sense
from cgcopt.problem import Problem
from cgcopt.solvers.rounding import whole
from cgcopt.solvers.rounding.whole import round_design
from cgcopt.system import MAX_COORDINATES, System
from cgcopt.workers.base import IndependentTimes, WorkerTimes
from cgcopt.workers.empirical import Empirical
from cgcopt.workers.families import LogNormal, Pareto, ShiftedExponential, Weibull
from cgcopt.workers.scenarios import Scenarios

FAMILIES = [
    ShiftedExponential(rate=1.0, shift=0.2),
    Weibull(shape=0.7, scale=1.0),
    LogNormal(sigma=1.0, scale=1.0),
    Pareto(shape=2.5, scale=1.0),
]


def steps_and_rounds(workers: int) -> list[WorkerTimes]:
    rng = np.random.default_rng(workers)
    return [
        Empirical(np.round(1 + rng.gamma(0.5, 2.0, 30), 1)),
        Scenarios(1 + rng.gamma(0.5, 2.0, (50, workers))),
    ]


def closed_form(system: System) -> Design:
    """``w_n`` proportional to ``1 / E[T_(N-n)]``: a fair relaxed design, not an optimal one."""
    times = system.worker_times
    if isinstance(times, IndependentTimes):
        means = order_statistic_means(times, system.workers)
    else:
        assert isinstance(times, Scenarios)
        means = times.sorted_times.mean(axis=0)
    work = 1 / means[::-1]
    return Design.from_work(work * (system.coordinates / (budget_weights(work.size) @ work)))


def partitions(coordinates: int, workers: int) -> Iterator[np.ndarray]:
    for bars in itertools.combinations(range(coordinates + workers - 1), workers - 1):
        yield np.diff((-1, *bars, coordinates + workers - 1)) - 1.0


def loss(problem: Problem, partition: np.ndarray) -> float:
    value = evaluate(problem, Design(partition)).value
    return value if problem.objective.sense is Sense.MINIMIZE else -value


def objectives(system: System) -> list[Objective]:
    usual = evaluate(Problem(system, ExpectedRuntime()), closed_form(system)).value
    return [ExpectedRuntime(), CompletionProbability(1.2 * usual), Quantile(0.9)]


@pytest.mark.parametrize(
    ("workers", "coordinates"),
    [
        (3, 4),
        pytest.param(3, 5, marks=pytest.mark.slow),
        pytest.param(4, 5, marks=pytest.mark.slow),
        pytest.param(5, 3, marks=pytest.mark.slow),
        pytest.param(4, 8, marks=pytest.mark.slow),
        pytest.param(5, 6, marks=pytest.mark.slow),
        pytest.param(8, 4, marks=pytest.mark.slow),
        pytest.param(4, 12, marks=pytest.mark.slow),
    ],
)
def test_finds_the_best_whole_design_of_small_systems(workers: int, coordinates: int) -> None:
    """Against all partitions, for continuous times and for the runtime on scenarios."""
    for times in [*FAMILIES, steps_and_rounds(workers)[1]]:
        system = System(workers, coordinates, times, samples=workers)
        relaxed = closed_form(system)
        chosen = objectives(system) if isinstance(times, IndependentTimes) else [ExpectedRuntime()]
        for objective in chosen:
            problem = Problem(system, objective)
            best = min(loss(problem, x) for x in partitions(coordinates, workers))
            found = round_design(problem, relaxed)
            assert loss(problem, found.partition) == pytest.approx(best, rel=1e-10)


@pytest.mark.parametrize(
    ("workers", "coordinates"),
    [
        (4, 6),
        *(pytest.param(*size, marks=pytest.mark.slow) for size in ((5, 8), (7, 40), (12, 18))),
    ],
)
def test_no_exchange_of_one_coordinate_improves_the_result(workers: int, coordinates: int) -> None:
    for times in [FAMILIES[2], *steps_and_rounds(workers)]:
        system = System(workers, coordinates, times, samples=workers)
        for objective in objectives(system):
            problem = Problem(system, objective)
            found = round_design(problem, closed_form(system)).partition
            value = loss(problem, found)
            for source, target in itertools.permutations(range(workers), 2):
                exchanged = found.copy()
                exchanged[source] -= 1
                exchanged[target] += 1
                if exchanged[source] >= 0:
                    assert loss(problem, exchanged) >= value - 1e-10 * abs(value)


@given(
    st.integers(0, 5),
    st.integers(0, 2),
    st.lists(st.floats(0, 1), min_size=6, max_size=6).filter(lambda x: sum(x) > 0.01),
    st.integers(1, 200),
    st.integers(0, 12),
)
def test_keeps_the_sum_and_never_loses_to_largest_remainders(
    model: int, kind: int, shape: list[float], coordinates: int, evaluations: int
) -> None:
    system = System(6, coordinates, [*FAMILIES, *steps_and_rounds(6)][model], samples=6)
    problem = Problem(system, objectives(system)[kind])
    relaxed = Design(np.array(shape) * (coordinates / sum(shape)))
    found = round_design(problem, relaxed, evaluations=evaluations)
    assert found.is_integer
    assert int(found.partition.sum()) == coordinates
    start = largest_remainder(relaxed.partition, coordinates)
    if evaluations == 0:
        assert found == Design(start)
    assert loss(problem, found.partition) <= loss(problem, start)


@pytest.mark.parametrize("coordinates", [10**9 + 7, 2**50 + 1, MAX_COORDINATES])
@pytest.mark.parametrize("workers", [3, 40])
def test_huge_models_keep_every_coordinate(coordinates: int, workers: int) -> None:
    for times in (FAMILIES[0], steps_and_rounds(workers)[1]):
        system = System(workers, coordinates, times, samples=workers)
        relaxed = closed_form(system)
        found = round_design(Problem(system, ExpectedRuntime()), relaxed)
        assert sum(int(v) for v in found.partition) == coordinates
        assert found.is_integer
        off = np.abs(found.partition - relaxed.partition)
        assert np.all(off <= 2 + 8 * workers * np.spacing(relaxed.partition))


def test_huge_models_are_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """One coordinate of 10^12 changes nothing that an evaluation could see."""
    calls = []

    def counted(problem: Problem, design: Design, *, gradient: bool = False) -> Evaluation:
        calls.append(design)
        return evaluate(problem, design, gradient=gradient)

    monkeypatch.setattr(whole, "evaluate", counted)
    for objective in (ExpectedRuntime(), Quantile(0.9)):
        calls.clear()
        system = System(10, 10**12, FAMILIES[0], samples=10)
        round_design(Problem(system, objective), closed_form(system))
        assert len(calls) <= 2


def test_respects_the_number_of_evaluations(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counted(problem: Problem, design: Design, *, gradient: bool = False) -> Evaluation:
        calls.append(design)
        return evaluate(problem, design, gradient=gradient)

    monkeypatch.setattr(whole, "evaluate", counted)
    system = System(8, 20, FAMILIES[1], samples=8)
    for objective in objectives(system):
        calls.clear()
        round_design(Problem(system, objective), closed_form(system), evaluations=7)
        assert len(calls) <= 7


def test_a_long_trace_is_searched_on_fewer_values() -> None:
    rng = np.random.default_rng(4)
    times = Empirical(np.round(1 + rng.gamma(0.5, 2.0, 3000), 5))
    assert times.values.size > 2000
    system = System(5, 12, times, samples=5)
    problem = Problem(system, ExpectedRuntime())
    relaxed = closed_form(system)
    found = evaluate(problem, round_design(problem, relaxed)).value
    sampled = Problem(
        system.with_times(Scenarios.draw(times, 20_000, 5, seed=1)), ExpectedRuntime()
    )
    best = evaluate(sampled, round_design(sampled, relaxed))
    assert found <= evaluate(problem, largest_remainder(relaxed.partition, 12)).value
    # Nearly the same problem, searched by cheap evaluations, ends at nearly the same value.
    assert found == pytest.approx(best.value, rel=0.01)


def test_one_worker_and_whole_designs() -> None:
    system = System(1, 7, FAMILIES[0])
    assert round_design(Problem(system, ExpectedRuntime()), [7.0]) == Design([7])
    wide = System(4, 7, FAMILIES[0], samples=4)
    problem = Problem(wide, ExpectedRuntime())
    best = round_design(problem, closed_form(wide))
    assert round_design(problem, best) == best


def test_bad_input() -> None:
    problem = Problem(System(3, 7, FAMILIES[0]), ExpectedRuntime())
    with pytest.raises(InvalidInputError, match="partition"):
        round_design(problem, [1.0, 2.0, 3.0])
    with pytest.raises(InvalidInputError, match="evaluations"):
        round_design(problem, [1.0, 2.0, 4.0], evaluations=-1)
