"""Expected runtime on step distributions, against enumeration of every outcome."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from cgcopt.design import budget_weights, work_of_partition
from cgcopt.errors import InvalidInputError, UnsupportedProblemError
from cgcopt.evaluation.certificates import partition_gradient
from cgcopt.evaluation.result import Method
from cgcopt.evaluation.rounds.runtime import expected_runtime as average_runtime
from cgcopt.evaluation.steps.brackets import bracketed_runtime
from cgcopt.evaluation.steps.coarsening import coarsened
from cgcopt.evaluation.steps.minorant import SmoothMinorant
from cgcopt.evaluation.steps.panels import Panels
from cgcopt.evaluation.steps.products import Products
from cgcopt.evaluation.steps.runtime import affordable_panels, expected_runtime
from cgcopt.system import System
from cgcopt.workers.empirical import Empirical
from cgcopt.workers.families import Exponential
from cgcopt.workers.scenarios import Scenarios


def outcomes(times: Empirical, workers: int) -> tuple[np.ndarray, np.ndarray]:
    """Every combination of the workers' times, sorted, and its probability."""
    index = np.array(list(itertools.product(range(times.values.size), repeat=workers)))
    return np.sort(times.values[index], axis=1), times.weights[index].prod(axis=1)


def enumerated(system: System, work: np.ndarray) -> float:
    times = system.worker_times
    assert isinstance(times, Empirical)
    rounds, chance = outcomes(times, system.workers)
    return float(chance @ (system.unit * rounds[:, ::-1] * work).max(axis=1))


@st.composite
def systems(draw: st.DrawFn) -> System:
    """Small ones: times in whole numbers give many ties, others none."""
    workers = draw(st.integers(1, 4))
    if draw(st.booleans()):
        values = draw(st.lists(st.integers(1, 9), min_size=1, max_size=5))
    else:
        values = draw(st.lists(st.floats(0.01, 100), min_size=1, max_size=5))
    weights = draw(st.lists(st.floats(0.01, 1), min_size=len(values), max_size=len(values)))
    times = Empirical([float(v) for v in values], weights)
    return System(workers, 10, times, samples=draw(st.integers(1, 5)))


def works(workers: int) -> st.SearchStrategy[np.ndarray]:
    """Of partitions with empty blocks, in whole numbers (ties) and in others."""
    block = st.one_of(st.just(0.0), st.integers(1, 4).map(float), st.floats(0.01, 4))
    blocks = st.lists(block, min_size=workers, max_size=workers)
    return blocks.filter(lambda x: sum(x) > 0).map(work_of_partition)


@given(st.data())
def test_value_and_subgradient_against_enumeration(data: st.DataObject) -> None:
    system = data.draw(systems())
    work = data.draw(works(system.workers))
    other = data.draw(works(system.workers))
    expected = enumerated(system, work)
    plain = expected_runtime(system, work)
    assert plain.value == pytest.approx(expected, rel=1e-13)
    assert plain.method is Method.EXACT
    assert plain.lower == plain.value == plain.upper
    result = expected_runtime(system, work, gradient=True)
    assert result.gradient is not None
    assert result.value == pytest.approx(expected, rel=1e-13)
    assert result.gradient @ work == pytest.approx(expected, rel=1e-13)
    assert enumerated(system, other) >= result.gradient @ other - 1e-12 * expected


@given(st.data())
def test_subgradient_is_the_derivative_where_empty_blocks_grow(data: st.DataObject) -> None:
    """At ties the largest level counts, which is right for an empty block that grows.

    Only one direction at a time can be so; the last block alone is empty here.
    """
    system = data.draw(systems().filter(lambda s: s.workers > 1))
    blocks = st.lists(st.floats(0.1, 4), min_size=system.workers - 1, max_size=system.workers - 1)
    partition = np.append(data.draw(blocks), 0.0)
    result = expected_runtime(system, work_of_partition(partition), gradient=True)
    assert result.gradient is not None
    step = 1e-7
    grown = partition.copy()
    grown[-1] += step
    rise = enumerated(system, work_of_partition(grown)) - result.value
    slope = partition_gradient(result.gradient)[-1]
    assert rise >= slope * step - 1e-12 * result.value
    # Equality of w_{N-1} and w_{N-2} is the only tie that matters when no two other products tie.
    products = np.outer(work_of_partition(partition)[:-1], Products(system, grown).values).ravel()
    if np.diff(np.sort(products)).min(initial=np.inf) > 1e-4:
        assert rise == pytest.approx(slope * step, rel=1e-3, abs=1e-12)


@given(st.data(), st.integers(1, 12))
def test_brackets_hold_the_exact_value_and_their_gradient_stays_a_minorant(
    data: st.DataObject, allowed: int
) -> None:
    system = data.draw(systems())
    work = data.draw(works(system.workers))
    other = data.draw(works(system.workers))
    expected = enumerated(system, work)
    result = expected_runtime(system, work, gradient=True, tolerance=0.0, max_panels=allowed)
    assert result.lower <= expected * (1 + 1e-14)
    assert result.upper >= expected * (1 - 1e-14)
    assert result.lower <= result.value <= result.upper
    assert (result.method is Method.EXACT) or result.lower < result.upper
    assert result.gradient is not None
    assert enumerated(system, other) >= result.gradient @ other - 1e-12 * expected


@given(st.data(), st.integers(1, 6))
def test_coarser_times_bound_the_runtime_of_every_design(data: st.DataObject, cells: int) -> None:
    system = data.draw(systems())
    work = data.draw(works(system.workers))
    times = system.worker_times
    assert isinstance(times, Empirical)
    low, high = coarsened(times, cells, "down"), coarsened(times, cells, "up")
    assert max(low.values.size, high.values.size) <= cells
    assert np.isin(low.values, times.values).all()
    assert np.isin(high.values, times.values).all()
    exact = enumerated(system, work)
    assert enumerated(system.with_times(low), work) <= exact * (1 + 1e-14)
    assert enumerated(system.with_times(high), work) >= exact * (1 - 1e-14)


def lumpy_trace(size: int) -> Empirical:
    """A narrow bulk, a second mode and a long tail, as measured times have."""
    rng = np.random.default_rng(7)
    bulk = 30 + rng.gamma(2.0, 1.0, size)
    slow = np.where(rng.random(size) < 0.1, rng.pareto(2.5, size) * 40, 0.0)
    return Empirical(np.round(bulk + slow, 3))


def balanced_work(times: Empirical, workers: int, coordinates: int) -> np.ndarray:
    rng = np.random.default_rng(8)
    means = np.sort(times.sample(2000, workers, rng), axis=1).mean(axis=0)
    work = 1 / means[::-1]
    return np.asarray(work * (coordinates / (budget_weights(workers) @ work)))


def test_brackets_shrink_onto_the_exact_value_of_a_trace() -> None:
    times = lumpy_trace(1500)
    system = System(12, 1000, times, samples=12)
    work = balanced_work(times, 12, 1000)
    exact = expected_runtime(system, work)
    assert exact.method is Method.EXACT
    widths = []
    for allowed in (50, 200, 800, 3200):
        found = expected_runtime(system, work, tolerance=0.0, max_panels=allowed)
        assert found.method is Method.BRACKET
        assert found.lower <= exact.value <= found.upper
        widths.append((found.upper - found.lower) / exact.value)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 1e-4
    for cells in (32, 256):
        down = expected_runtime(system.with_times(coarsened(times, cells, "down")), work)
        up = expected_runtime(system.with_times(coarsened(times, cells, "up")), work)
        assert down.value < exact.value < up.value
    assert up.value - down.value < 2e-3 * exact.value


@pytest.mark.parametrize("tolerance", [1e-3, 1e-5, 1e-7])
def test_brackets_are_as_narrow_as_asked_and_hold_the_exact_sum(tolerance: float) -> None:
    times = lumpy_trace(1500)
    system = System(12, 1000, times, samples=12)
    work = balanced_work(times, 12, 1000)
    exact = expected_runtime(system, work, tolerance=0.0, gradient=True)
    found = bracketed_runtime(system, work, tolerance=tolerance, max_panels=10**6)
    assert not found.exact
    assert found.lower <= exact.value <= found.upper <= found.lower * (1 + tolerance)
    assert found.gradient @ work == pytest.approx(found.lower, rel=1e-12)
    assert exact.gradient is not None
    # Every gradient is a minorant; at other designs the exact value is at least as large.
    for seed in range(5):
        other = work_of_partition(np.random.default_rng(seed).dirichlet(np.full(12, 0.3)) * 1000)
        there = bracketed_runtime(system, other, tolerance=1e-5, max_panels=10**6)
        assert there.lower >= found.gradient @ other or there.upper >= found.gradient @ other
        assert there.upper >= exact.gradient @ other
    # Errors are of second order: a hundredth of the width takes about ten times the panels.
    finer = bracketed_runtime(system, work, tolerance=tolerance / 100, max_panels=10**6)
    assert finer.grid.size < 20 * found.grid.size


def test_panels_of_a_similar_design_are_a_good_start() -> None:
    times = lumpy_trace(1500)
    system = System(12, 1000, times, samples=12)
    work = balanced_work(times, 12, 1000)
    exact = expected_runtime(system, 1.001 * work, tolerance=0.0)
    first = bracketed_runtime(system, work, tolerance=1e-5, max_panels=10**6)
    again = bracketed_runtime(
        system, 1.001 * work, tolerance=1e-5, max_panels=10**6, grid=first.grid
    )
    assert again.lower <= exact.value <= again.upper <= again.lower * (1 + 1e-5)
    assert again.grid.size < 1.5 * first.grid.size


def test_split_panels_are_those_computed_at_once() -> None:
    times = lumpy_trace(1500)
    system = System(12, 1000, times, samples=12)
    products = Products(system, balanced_work(times, 12, 1000))
    ends = bracketed_runtime(
        system, balanced_work(times, 12, 1000), tolerance=1e-4, max_panels=10**6
    ).grid
    rng = np.random.default_rng(5)
    for share in (0.02, 0.5, 0.98):
        some = np.append(ends[:-1][rng.random(ends.size - 1) < share], ends[-1])
        split = Panels.between(products, some, None).split(products, ends, None)
        once = Panels.between(products, ends, None)
        assert np.array_equal(split.ends, ends)
        assert np.array_equal(split.single, once.single)
        assert np.array_equal(split.number, once.number)
        for name in ("lower", "upper", "expected"):
            right = getattr(once, name)
            assert getattr(split, name) == pytest.approx(right, rel=1e-11, abs=1e-14 * right.max())
        assert split.line_gradients(products)[0] == pytest.approx(
            once.line_gradients(products)[0], rel=1e-12
        )


@given(st.data(), st.integers(2, 12), st.sampled_from([0.0, 0.1, 1.0]))
def test_smooth_minorants_stay_below_the_expected_runtime(
    data: st.DataObject, allowed: int, spread: float
) -> None:
    system = data.draw(systems())
    work, near = data.draw(works(system.workers)), data.draw(works(system.workers))
    found = bracketed_runtime(system, work, tolerance=1e-2, max_panels=allowed)
    slope = SmoothMinorant.on_panels_of(found, system, spread=spread)(near).gradient
    for _ in range(3):
        other = data.draw(works(system.workers))
        exact = enumerated(system, other)
        assert slope @ other <= exact * (1 + 1e-12)


@pytest.mark.parametrize("spread", [0.0, 0.01])
@pytest.mark.parametrize("tolerance", [1e-6, 1e-9])
def test_smooth_minorants_on_very_fine_panels_stay_below(spread: float, tolerance: float) -> None:
    """Thousands of panels, worked off in batches, so narrow that averages of ``F`` are rounded."""
    times = Empirical(np.random.default_rng(4).lognormal(sigma=0.5, size=700))
    system = System(12, 1000, times, samples=12)
    work = balanced_work(times, 12, 1000)
    exact = expected_runtime(system, work, tolerance=0.0)
    assert exact.method is Method.EXACT
    found = bracketed_runtime(system, work, tolerance=tolerance, max_panels=10**6)
    tangent = SmoothMinorant.on_panels_of(found, system, spread=spread)(work)
    assert (np.diff(tangent.thresholds, axis=0) >= 0.0).all()
    assert tangent.chance.sum() == pytest.approx(1.0, abs=1e-12)
    assert exact.value * (1 - 1e-5) < tangent.gradient @ work <= exact.value * (1 + 1e-13)


def test_a_design_takes_little_memory_beside_a_long_trace() -> None:
    times = Empirical(np.random.default_rng(8).lognormal(sigma=0.5, size=500_000))
    system = System(4, 100, times, samples=4)
    work = work_of_partition([10.0, 20.0, 30.0, 40.0])
    found = bracketed_runtime(system, work, tolerance=1e-3, max_panels=1000)
    with taken() as beside:
        again = bracketed_runtime(system, work, tolerance=1e-3, max_panels=1000)
    assert again.upper == found.upper
    assert beside[0] < times.values.nbytes
    with taken() as beside:
        SmoothMinorant.on_panels_of(found, system, spread=0.2)(work)
    assert beside[0] < 4 * times.values.nbytes


@contextmanager
def taken() -> Iterator[list[int]]:
    """Bytes that were held at most inside, beyond those before."""
    most: list[int] = []
    tracemalloc.start()
    try:
        yield most
        most.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def test_smooth_minorants_are_smooth_and_close() -> None:
    """The gradient of the exact sum jumps between neighbouring designs, that of the minorant does not."""
    times = lumpy_trace(1500)
    system = System(12, 1000, times, samples=12)
    work = balanced_work(times, 12, 1000)
    found = bracketed_runtime(system, work, tolerance=1e-5, max_panels=10**6)
    smooth = SmoothMinorant.on_panels_of(found, system)
    assert found.lower * (1 - 1e-5) < smooth(work).gradient @ work <= found.upper
    changes = []
    for step in (1e-5, 2e-5):
        near = work * (1 + step * np.linspace(-1, 1, 12))
        changes.append(smooth(near).gradient - smooth(work).gradient)
    scale = np.abs(changes[1]).max()
    assert changes[1] == pytest.approx(2 * changes[0], abs=0.1 * scale)


@pytest.mark.parametrize("workers", [12, pytest.param(60, marks=pytest.mark.slow)])
@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_curvature_of_a_smooth_minorant(workers: int, spread: float) -> None:
    times = lumpy_trace(1500)
    system = System(workers, 1000, times, samples=12)
    work = balanced_work(times, workers, 1000)
    found = bracketed_runtime(system, work, tolerance=1e-5, max_panels=10**6)
    smooth = SmoothMinorant.on_panels_of(found, system, spread=spread)
    curvature = smooth(work).curvature()
    off = curvature[~np.eye(workers, dtype=bool)]
    assert (off <= 0).all()
    assert curvature == pytest.approx(curvature.T, rel=1e-12)
    assert curvature @ work == pytest.approx(np.zeros(workers), abs=1e-12 * np.abs(curvature).max())
    check_curvature(smooth, work, curvature)


def test_curvature_where_modes_are_narrow_and_far_apart() -> None:
    """Most workers lie between two thresholds that follow each other."""
    rng = np.random.default_rng(3)
    modes = [middle * (1 + 0.01 * rng.normal(size=400)) for middle in (1.0, 2.0, 5.0)]
    times = Empirical(np.concatenate(modes))
    system = System(60, 1000, times, samples=60)
    work = balanced_work(times, 60, 1000)
    found = bracketed_runtime(system, work, tolerance=1e-5, max_panels=10**6)
    smooth = SmoothMinorant.on_panels_of(found, system, spread=0.2)
    check_curvature(smooth, work, smooth(work).curvature())


def check_curvature(smooth: SmoothMinorant, work: np.ndarray, curvature: np.ndarray) -> None:
    """Compare with differences of the gradient."""
    rng = np.random.default_rng(1)
    for _ in range(3):
        step = 1e-6 * work * rng.normal(size=work.size)
        change = (smooth(work + step).gradient - smooth(work - step).gradient) / 2
        error = (change - curvature @ step) * work
        assert np.linalg.norm(error) < 0.15 * np.linalg.norm(change * work)


def test_minorants_do_not_depend_on_threads() -> None:
    times = lumpy_trace(3000)
    system = System(40, 1000, times, samples=12)
    work = balanced_work(times, 40, 1000)
    found = bracketed_runtime(system, work, tolerance=1e-6, max_panels=10**6, threads=1)
    again = bracketed_runtime(system, work, tolerance=1e-6, max_panels=10**6, threads=2)
    assert (found.lower, found.upper) == (again.lower, again.upper)
    one, two = (
        SmoothMinorant.on_panels_of(found, system, threads=threads)(work) for threads in (1, 2)
    )
    assert np.array_equal(one.gradient, two.gradient)
    assert np.array_equal(one.curvature(), two.curvature())


def test_two_values_and_a_thousand_workers() -> None:
    """All at one level: the runtime is an order statistic of a binomial count."""
    slow = 0.003
    times = Empirical([1.0, 10.0], [1 - slow, slow])
    system = System(1000, 1000, times, samples=1000)
    for level in (0, 2, 5):
        work = np.where(np.arange(1000) < level, 0.0, 1000.0 * (level + 1))
        late = float(binom.sf(level, 1000, slow))
        expected = 1000.0 * (level + 1) * (1 + 9 * late)
        found = expected_runtime(system, work, gradient=True)
        assert found.value == pytest.approx(expected, rel=1e-12)
        assert found.gradient is not None
        assert found.gradient @ work == pytest.approx(expected, rel=1e-12)


def test_trace_against_simulation() -> None:
    times = lumpy_trace(1500)
    system = System(12, 1000, times, samples=12)
    work = balanced_work(times, 12, 1000)
    result = expected_runtime(system, work, gradient=True)
    drawn = Scenarios.draw(times, 100_000, 12, seed=1)
    sample = system.with_times(drawn)
    average = average_runtime(sample, work, gradient=True)
    runtimes = (system.unit * np.sort(drawn.times, axis=1)[:, ::-1] * work).max(axis=1)
    error = runtimes.std() / np.sqrt(runtimes.size)
    assert abs(average.value - result.value) < 4 * error
    assert result.gradient is not None
    assert average.gradient is not None
    # Each entry is an average of 0 or u T_(N-n); its deviation is at most the root mean square.
    slowest = system.unit * times.values[-1]
    spread = np.sqrt(slowest * average.gradient / runtimes.size)
    assert np.all(np.abs(average.gradient - result.gradient) < 4 * spread + 1e-12)


def test_products_that_cannot_contribute_are_left_out() -> None:
    """One worker in a thousand million is slow: the far end of the range hardly matters."""
    times = Empirical([1.0, 1e6], [1.0, 1e-9])
    system = System(3, 3, times, samples=3)
    work = np.array([3.0, 3.0, 3.0])
    # 1 - P = 1 - (1 - q)^3, times 1e6 - 1, plus 1; q = 1e-9 / (1 + 1e-9).
    q = 1e-9 / (1 + 1e-9)
    expected = 3 * (1 + (1e6 - 1) * (3 * q - 3 * q**2 + q**3))
    assert expected_runtime(system, work).value == pytest.approx(expected, rel=1e-14)
    result = expected_runtime(system, work, gradient=True)
    assert result.value == pytest.approx(expected, rel=1e-14)


def test_one_worker_is_the_mean() -> None:
    times = Empirical([1.0, 2.0, 5.0], [2, 1, 1])
    result = expected_runtime(System(1, 4, times), np.array([4.0]), gradient=True)
    assert result.value == pytest.approx(4 * times.mean(), rel=1e-15)
    assert result.gradient == pytest.approx([times.mean()], rel=1e-15)


def test_bad_arguments() -> None:
    times = Empirical([1.0, 2.0])
    with pytest.raises(InvalidInputError, match="max_panels"):
        expected_runtime(System(1, 4, times), np.array([4.0]), max_panels=0)
    with pytest.raises(InvalidInputError, match="tolerance"):
        expected_runtime(System(1, 4, times), np.array([4.0]), tolerance=-1.0)
    with pytest.raises(InvalidInputError, match="cells"):
        coarsened(times, 0, "down")
    with pytest.raises(InvalidInputError, match="rounding"):
        coarsened(times, 1, "nearest")  # type: ignore[arg-type]
    with pytest.raises(UnsupportedProblemError, match="step distribution"):
        expected_runtime(System(1, 4, Exponential(1.0)), np.array([4.0]))
    assert affordable_panels(5000) >= 1


def test_products_that_differ_in_the_last_digit() -> None:
    """0.1 * 3 and 0.3 are neighbouring numbers, and so are many products of such values."""
    values = np.arange(1, 12) / 10
    system = System(3, 10, Empirical(values), samples=3)
    for partition in itertools.product(range(3), repeat=3):
        if not any(partition):
            continue
        work = work_of_partition(partition)
        result = expected_runtime(system, work)
        assert result.value == pytest.approx(enumerated(system, work), rel=1e-13)
