"""Averages, shares and quantiles over whole rounds, against plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgcopt.design import work_of_partition
from cgcopt.errors import UnsupportedProblemError
from cgcopt.evaluation.result import Method
from cgcopt.evaluation.rounds import runtimes as passes
from cgcopt.evaluation.rounds.probability import completion_probability
from cgcopt.evaluation.rounds.quantile import rank_of, runtime_quantile
from cgcopt.evaluation.rounds.runtime import expected_runtime
from cgcopt.evaluation.rounds.runtimes import round_runtimes
from cgcopt.system import System
from cgcopt.workers.families import Exponential
from cgcopt.workers.scenarios import Scenarios


@st.composite
def cases(draw: st.DrawFn) -> tuple[System, np.ndarray]:
    workers, rounds = draw(st.integers(1, 5)), draw(st.integers(1, 7))
    entry = st.one_of(st.integers(1, 4).map(float), st.floats(0.1, 10))
    row = st.lists(entry, min_size=workers, max_size=workers)
    times = draw(st.lists(row, min_size=rounds, max_size=rounds))
    return System(workers, 9, Scenarios(times), samples=draw(st.integers(1, 4))), draw(
        works(workers)
    )


def works(workers: int) -> st.SearchStrategy[np.ndarray]:
    block = st.one_of(st.just(0.0), st.integers(1, 4).map(float), st.floats(0.01, 4))
    blocks = st.lists(block, min_size=workers, max_size=workers)
    return blocks.filter(lambda x: sum(x) > 0).map(work_of_partition)


def looped(system: System, work: np.ndarray) -> list[float]:
    """The runtime of every round, written out."""
    times = system.worker_times
    assert isinstance(times, Scenarios)
    runtimes = []
    for row in times.times:
        fastest = sorted(row.tolist())
        runtimes.append(
            max(
                system.unit * fastest[system.workers - n - 1] * work[n]
                for n in range(system.workers)
            )
        )
    return runtimes


@given(cases())
def test_runtimes_average_and_shares_against_a_loop(case: tuple[System, np.ndarray]) -> None:
    system, work = case
    expected = looped(system, work)
    np.testing.assert_allclose(round_runtimes(system, work), expected, rtol=1e-14)
    average = expected_runtime(system, work)
    assert average.value == pytest.approx(math.fsum(expected) / len(expected), rel=1e-14)
    assert average.method is Method.SCENARIOS
    assert average.gradient is None
    middle = (min(expected) + max(expected)) / 2 * (1 + 1e-9)
    met = sum(runtime <= middle for runtime in expected)
    share = completion_probability(system, work, middle)
    assert share.value == met / len(expected)
    assert share.complement == (len(expected) - met) / len(expected)
    assert share.log_value == pytest.approx(math.log(met / len(expected)))


@given(cases(), st.data())
def test_subgradient_inequality_and_homogeneity(
    case: tuple[System, np.ndarray], data: st.DataObject
) -> None:
    system, work = case
    other = data.draw(works(system.workers))
    result = expected_runtime(system, work, gradient=True)
    assert result.gradient is not None
    assert result.gradient @ work == pytest.approx(result.value, rel=1e-13)
    value = expected_runtime(system, other).value
    assert value >= result.gradient @ other - 1e-13 * max(value, result.value)


@given(cases(), st.floats(0.001, 0.999))
def test_quantile_is_the_smallest_deadline_that_is_met_often_enough(
    case: tuple[System, np.ndarray], probability: float
) -> None:
    system, work = case
    found = runtime_quantile(system, work, probability, gradient=True)
    assert completion_probability(system, work, found.value).value >= probability
    before = np.nextafter(found.value, 0)
    assert completion_probability(system, work, before).value < probability
    assert found.gradient is not None
    assert found.gradient @ work == pytest.approx(found.value, rel=1e-13)


@given(st.integers(1, 500), st.integers(1, 500))
def test_rank_of_a_share_in_exact_arithmetic(part: int, count: int) -> None:
    """For ``q = m / K`` as it is rounded the rank is ``m``, though ``q K`` may be off."""
    part = min(part, count)
    assert rank_of(part / count, count) == part


def test_no_round_in_time_is_log_zero() -> None:
    system = System(1, 1, Scenarios([[1.0], [2.0]]))
    result = completion_probability(system, np.array([1.0]), 0.5)
    assert (result.value, result.complement, result.log_value) == (0.0, 1.0, -math.inf)
    assert completion_probability(system, np.array([1.0]), 1.0).value == 0.5


def test_compiled_and_plain_pass_agree_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    times = Scenarios(np.round(1 + rng.exponential(size=(9001, 11)), 2))
    system = System(11, 100, times, samples=11)
    work = 1 / times.sorted_times.mean(axis=0)[::-1]
    results = []
    for threshold in (0, 10**9):
        monkeypatch.setattr(passes, "TUNING", passes.PassTuning(compiled_from=threshold))
        results.append(expected_runtime(system, work, gradient=True))
    compiled, plain = results
    assert compiled.value == plain.value
    assert compiled.gradient is not None
    assert plain.gradient is not None
    np.testing.assert_allclose(compiled.gradient, plain.gradient, rtol=1e-13)
    expected = (times.times.shape[0], np.max(times.sorted_times[:, ::-1] * work, axis=1).mean())
    assert plain.value == pytest.approx(expected[1], rel=1e-13)
    assert round_runtimes(system, work).size == expected[0]


def test_equal_products_count_for_the_largest_level() -> None:
    """Both levels attain the maximum; the second does so with an empty block of its own."""
    system = System(2, 4, Scenarios([[2.0, 2.0]]), samples=2)
    result = expected_runtime(system, np.array([4.0, 4.0]), gradient=True)
    assert result.gradient is not None
    assert result.gradient.tolist() == [0.0, 2.0]


def test_other_worker_times_are_refused() -> None:
    system = System(2, 4, Exponential(rate=1.0))
    with pytest.raises(UnsupportedProblemError, match="scenarios"):
        expected_runtime(system, np.array([1.0, 2.0]))
