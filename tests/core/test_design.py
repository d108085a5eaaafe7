"""Designs: three representations of one thing, and the sorting theorem."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cgcopt.design import (
    Design,
    budget_weights,
    largest_remainder,
    partition_of_redundancies,
    partition_of_work,
    redundancies_of_partition,
    sort_redundancies,
    work_of_partition,
)
from cgcopt.errors import InvalidInputError
from cgcopt.system import MAX_COORDINATES

MAX_WORKERS = 8

times = st.floats(1e-3, 1e3)
whole_partitions = st.lists(st.integers(0, 6), min_size=1, max_size=MAX_WORKERS).filter(any)
partitions = st.lists(
    st.one_of(st.just(0.0), st.floats(1e-6, 1e6)), min_size=1, max_size=40
).filter(any)


def coordinate_runtime(redundancies: list[int], worker_times: list[float]) -> float:
    """``max_l T_(N - s_l) sum_{j<=l} (s_j + 1)``, written out coordinate by coordinate."""
    fastest = sorted(worker_times)
    done, runtime = 0, 0.0
    for s in redundancies:
        done += s + 1
        runtime = max(runtime, fastest[len(fastest) - s - 1] * done)
    return runtime


def block_runtime(partition: np.ndarray, worker_times: list[float]) -> float:
    """``max_n T_(N-n) w_n``."""
    return float((np.sort(worker_times)[::-1] * work_of_partition(partition)).max())


@st.composite
def rounds(draw: st.DrawFn) -> tuple[list[int], list[float]]:
    workers = draw(st.integers(1, MAX_WORKERS))
    worker_times = draw(st.lists(times, min_size=workers, max_size=workers))
    return draw(st.lists(st.integers(0, workers - 1), min_size=1, max_size=12)), worker_times


@given(rounds())
def test_sorting_never_makes_a_round_slower(case: tuple[list[int], list[float]]) -> None:
    redundancies, worker_times = case
    ordered = sort_redundancies(redundancies).tolist()
    assert sorted(redundancies) == ordered
    slow = coordinate_runtime(redundancies, worker_times)
    assert coordinate_runtime(ordered, worker_times) <= slow * (1 + 1e-15)


@given(rounds())
def test_sorted_coordinates_and_their_blocks_take_the_same_time(
    case: tuple[list[int], list[float]],
) -> None:
    redundancies, worker_times = case
    design = Design.from_redundancies(redundancies, len(worker_times))
    expected = coordinate_runtime(sorted(redundancies), worker_times)
    assert block_runtime(design.partition, worker_times) == pytest.approx(expected, rel=1e-14)


def test_sorting_is_optimal_among_all_orders() -> None:
    worker_times = [1.0, 1.3, 2.0, 7.0]
    for redundancies in itertools.combinations_with_replacement(range(4), 4):
        best = min(
            coordinate_runtime(list(order), worker_times)
            for order in itertools.permutations(redundancies)
        )
        assert coordinate_runtime(list(redundancies), worker_times) == best


@given(partitions)
def test_partition_and_work_are_one_to_one(partition: list[float]) -> None:
    x = np.array(partition)
    w = work_of_partition(x)
    assert np.all(np.diff(w, prepend=0.0) >= 0)
    scale = w[-1]
    np.testing.assert_allclose(partition_of_work(w), x, rtol=1e-9, atol=1e-15 * scale)
    np.testing.assert_allclose(work_of_partition(partition_of_work(w)), w, rtol=1e-12)
    assert budget_weights(x.size) @ w == pytest.approx(x.sum(), rel=1e-12)


@pytest.mark.parametrize("workers", [1, 2, 3, 7, 50])
def test_budget_weights_in_exact_arithmetic(workers: int) -> None:
    """Applied to the work of a single block of one coordinate, the weights give 1."""
    v = [Fraction(1, (n + 1) * (n + 2)) for n in range(workers - 1)] + [Fraction(1, workers)]
    np.testing.assert_allclose(budget_weights(workers), [float(f) for f in v], rtol=1e-15)
    for level in range(workers):
        assert sum(v[n] * (level + 1) for n in range(level, workers)) == 1


@given(whole_partitions)
def test_redundancies_round_trip(partition: list[int]) -> None:
    s = redundancies_of_partition(partition)
    assert s.size == sum(partition)
    assert np.all(np.diff(s) >= 0)
    np.testing.assert_array_equal(partition_of_redundancies(s, len(partition)), partition)


@given(partitions, st.one_of(st.integers(1, 10**6), st.integers(1, MAX_COORDINATES)))
@example([1.0] * 37, MAX_COORDINATES)
@example([1.0, 1e-6, 3.0], MAX_COORDINATES)
@example([1e6] + [1e-6] * 39, MAX_COORDINATES - 1)
def test_largest_remainder_keeps_the_sum_and_moves_no_block_by_one(
    partition: list[float], coordinates: int
) -> None:
    x = np.array(partition) * (coordinates / sum(partition))
    rounded = largest_remainder(x, coordinates)
    assert sum(int(v) for v in rounded) == coordinates
    assert np.all(rounded >= 0)
    assert np.all(rounded == np.round(rounded))
    # Where double precision cannot tell 1 from nothing, a few units more are due to x itself.
    slack = 4 * np.spacing(x) * x.size
    assert np.all(np.abs(rounded - x) <= 1 + slack)


@given(whole_partitions)
def test_largest_remainder_leaves_whole_partitions_alone(partition: list[int]) -> None:
    np.testing.assert_array_equal(largest_remainder(partition, sum(partition)), partition)


def test_largest_remainder_prefers_large_remainders() -> None:
    assert largest_remainder([0.7, 0.6, 0.4, 0.3], 2).tolist() == [1, 1, 0, 0]
    assert largest_remainder([2.2, 2.9, 2.9], 8).tolist() == [2, 3, 3]


@given(whole_partitions)
def test_design_agrees_with_the_functions(partition: list[int]) -> None:
    design = Design(partition)
    assert design.workers == len(partition)
    assert design.coordinates == sum(partition)
    assert design.is_integer
    assert design == Design(np.array(partition, dtype=float))
    assert hash(design) == hash(Design(list(partition)))
    np.testing.assert_array_equal(Design.from_work(design.work).partition, partition)
    assert Design.from_redundancies(design.redundancies, design.workers) == design
    assert design.check(len(partition), sum(partition)) is design


def test_a_design_cannot_be_changed() -> None:
    source = np.array([1.0, 2.0])
    design = Design(source)
    source[0] = 5.0
    assert design.partition.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        design.partition[0] = 3.0


@pytest.mark.parametrize(
    "partition",
    [
        [],
        [[1.0, 2.0]],
        3.0,
        [1.0, -1e-9],
        [1.0, float("nan")],
        [1.0, float("inf")],
        [0.0, 0.0],
        ["one"],
        None,
        [1.0, None],
    ],
)
def test_bad_partitions_are_refused(partition: object) -> None:
    with pytest.raises(InvalidInputError, match=r"^partition = "):
        Design(partition)  # type: ignore[arg-type]


def test_bad_works_redundancies_and_sizes_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="work"):
        Design.from_work([2.0, 1.0])
    with pytest.raises(InvalidInputError, match="redundancies = 3"):
        Design.from_redundancies([0, 3], 3)
    with pytest.raises(InvalidInputError, match="redundancies"):
        Design.from_redundancies([0, 0.5], 3)
    with pytest.raises(InvalidInputError, match="redundancies"):
        Design.from_redundancies([], 3)
    with pytest.raises(InvalidInputError, match="partition"):
        redundancies_of_partition([0.5, 0.5])
    with pytest.raises(InvalidInputError, match="at most"):
        redundancies_of_partition([1e9])
    design = Design([1.0, 2.0])
    with pytest.raises(InvalidInputError, match="3 entries"):
        design.check(3, 3)
    with pytest.raises(InvalidInputError, match="sum 3"):
        design.check(2, 4)
