"""Schedules on rounds and on a circle: reference values, brute force, simulation, rotation."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cgcopt as cg
from cgcopt.evaluation.rounds.runtimes import round_runtimes
from cgcopt.evaluation.schedules.circle_kernel import walked_chance
from cgcopt.evaluation.schedules.round_kernel import fill_runtimes
from cgcopt.evaluation.schedules.rounds import runtimes_of, saved_by_rotation
from cgcopt.evaluation.schedules.two_level import (
    two_level_chances,
    two_level_probability,
    two_level_quantile,
    two_level_runtime,
)
from tests.turns import in_turns

K, I = np.meshgrid(np.arange(11), np.arange(4), indexing="ij")
TIMES = 1 + ((7 * K + 3 * I + K * K * I) % 11) / 2
PARTITION = [40, 10, 0, 50]
ROWS = np.array([[0.1, 1, 0, 1], [0.3, 0.5, 0, 1], [0.4, 0.5, 0, 1], [0.2, 0, 0, 1]])


@pytest.mark.parametrize(("cells", "mean"), [(1, 403.636363636), (2, 358.181818182), (4, 350.0)])
def test_reference_values_of_equal_work(cells, mean):
    assert runtimes_of(cg.Schedule(PARTITION, cells=cells), TIMES).mean() == pytest.approx(
        mean, abs=1e-9
    )


@pytest.mark.parametrize(("cells", "mean"), [(1, 407.818181818), (4, 354.0)])
def test_reference_values_of_unequal_work(cells, mean):
    schedule = cg.Schedule.from_fractions(PARTITION, ROWS, cells=cells)
    assert runtimes_of(schedule, TIMES).mean() == pytest.approx(mean, abs=1e-9)


def test_times_of_any_layout_share_one_compiled_kernel():
    schedule = cg.Schedule.from_fractions(PARTITION, ROWS, cells=4)
    costs = cg.Costs(startup=2.0, per_message=0.5)
    frozen = TIMES.copy()
    frozen.setflags(write=False)
    for times in (np.asfortranarray(TIMES), np.repeat(TIMES, 2, axis=1)[:, ::2], frozen):
        assert (runtimes_of(schedule, times) == runtimes_of(schedule, TIMES)).all()
        assert (runtimes_of(schedule, times, costs=costs) > runtimes_of(schedule, times)).all()
    assert len(fill_runtimes.signatures) == 1


def by_definition(schedule: cg.Schedule, times: np.ndarray) -> np.ndarray:
    """The formula, written out with sorting."""
    x, y, places = schedule.partition, schedule.work, schedule.places
    count = x.size
    ends = []
    for row in times:
        worst = 0.0
        for n in np.flatnonzero(x):
            for c in range(schedule.cells):
                done = y[:, :n].sum(axis=1) + y[:, n] * places[:, c] / schedule.cells
                worst = max(worst, float(np.sort(row * done)[count - 1 - n]))
        ends.append(worst)
    return np.array(ends)


@st.composite
def schedules(draw):
    count = draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    x = rng.dirichlet(np.full(count, 0.5)) * (rng.random(count) < 0.7)
    x[rng.integers(count)] += 0.1
    shares = rng.random(count) + 1e-3 if draw(st.booleans()) else None
    times = rng.integers(1, 5, (6, count)) if draw(st.booleans()) else rng.random((6, count)) + 0.01
    cells = draw(st.integers(1, 8))
    return cg.Schedule(x, shares, cells=cells), np.asarray(times, dtype=float)


@given(schedules())
def test_rounds_follow_the_definition(case):
    schedule, times = case
    assert np.allclose(runtimes_of(schedule, times), by_definition(schedule, times), rtol=1e-13)


@given(schedules())
def test_rotation_never_hurts(case):
    schedule, times = case
    # The two orders add the same work in two ways: rounding may differ.
    assert np.all(saved_by_rotation(schedule, times) >= -1e-14 * times.max())


@given(schedules(), st.sampled_from([1.0, 0.1, 50 / 3]))
def test_one_cell_and_equal_work_is_the_design_to_the_last_digit(case, unit):
    schedule, times = case
    count = schedule.workers
    design = cg.Design(schedule.partition)
    system = cg.System(count, 1, cg.Scenarios(times), samples=count, cycles=unit)
    ours = runtimes_of(cg.Schedule(design.partition, cells=1), times, system.unit)
    assert np.array_equal(ours, round_runtimes(system, design.work))


def test_threads_change_nothing():
    rng = np.random.default_rng(1)
    times = rng.random((40_000, 8))
    schedule = cg.Schedule(rng.dirichlet(np.ones(8)))
    one, two = (runtimes_of(schedule, times, threads=n) for n in (1, 2))
    assert np.array_equal(one, two)


def test_times_of_other_workers_are_refused():
    with pytest.raises(cg.InvalidInputError, match="rounds of 4 workers"):
        runtimes_of(cg.Schedule(PARTITION), np.ones((3, 5)))


def covered(lengths: tuple[int, ...]) -> bool:
    count = len(lengths)
    cells = {(i + k) % count for i, m in enumerate(lengths) for k in range(m)}
    return len(cells) == count


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("first", [0.0, 0.7])
def test_circle_against_all_lengths(count, first):
    times, last, deadline = cg.LogNormal(sigma=0.6, scale=1.0, shift=0.2), 0.4, 1.9
    done = times.cdf(deadline / np.maximum(first + np.arange(count + 1) * last, 1e-300))
    chance = done - np.append(done[1:], 0.0)
    lengths = itertools.product(range(count + 1), repeat=count)
    expected = math.fsum(math.prod(chance[m] for m in each) for each in lengths if covered(each))
    met, missed = two_level_chances(times, count, first, last, [deadline])
    assert met[0] == pytest.approx(expected, rel=1e-13)
    assert missed[0] == pytest.approx(1 - expected, rel=1e-13)
    late = 1 - done
    assert walked_chance(late, done) == pytest.approx(expected, rel=1e-13)


def system_of(count, times):
    return cg.System(count, 1000, times, samples=count)


def two_level(count, first):
    return cg.Schedule([1000 * first, *[0] * (count - 2), 1000 * (1 - first)])


@in_turns(
    every=3,
    first=[0.0, 0.3, 1.0],
    times={
        type(times).__name__: times
        for times in (
            cg.ShiftedExponential(rate=1e-3, shift=50),
            cg.LogNormal(sigma=0.6, scale=1.0, shift=0.2),
            cg.Pareto(shape=3.5, scale=1.0),
            cg.Weibull(shape=0.7, scale=2.0),
            cg.Empirical([1.0, 2.0, 2.5, 7.0]),
        )
    },
    count=[3, 5, 8],
)
def test_circle_against_simulation(count, times, first):
    system, schedule = system_of(count, times), two_level(count, first)
    rng = np.random.default_rng([count, int(10 * first)])
    ends = runtimes_of(schedule, times.sample(40_000, count, rng), system.unit)
    value = two_level_runtime(system, schedule).value
    assert abs(ends.mean() - value) < 4.5 * ends.std() / 200
    deadline = float(np.quantile(ends, 0.8)) * (1 + 1e-9)
    chance = two_level_probability(system, schedule, deadline)
    share = np.mean(ends <= deadline)
    assert abs(share - chance.value) < 4.5 * math.sqrt(share * (1 - share) + 1e-12) / 200
    assert chance.value + chance.complement == pytest.approx(1, abs=1e-14)
    quantile = two_level_quantile(system, schedule, chance.value * (1 - 1e-9)).value
    assert quantile <= deadline
    assert two_level_probability(system, schedule, quantile).value >= chance.value * (1 - 2e-9)


def test_level_0_alone_is_the_slowest_worker():
    system = system_of(5, cg.Exponential(rate=1.0))
    harmonic = sum(1 / k for k in range(1, 6))
    assert two_level_runtime(system, two_level(5, 1.0)).value == pytest.approx(
        1000 * harmonic, rel=1e-12
    )


@pytest.mark.parametrize(
    ("count", "share", "value"), [(10, 0.22, 0.8996558), (20, 0.24, 0.9997182)]
)
def test_completion_probability_in_the_published_setting(count, share, value):
    times = cg.ShiftedExponential(rate=0.1, shift=1)
    system = cg.System(count, 40_000, times, samples=50)
    x = np.zeros(count)
    x[[0, -1]] = 40_000 * np.array([share, 1 - share])
    result = two_level_probability(system, cg.Schedule(x), 10**6.5)
    assert result.value == pytest.approx(value, abs=5e-8)


def test_small_complements_keep_their_digits():
    """1 - P in 60 digits, by the same renewal argument and by subtraction from 1."""
    mpmath = pytest.importorskip("mpmath")
    count, first, last, deadline = 4, 2.0, 1.0, 100.0
    _, missed = two_level_chances(cg.Exponential(rate=1.0), count, first, last, [deadline])
    with mpmath.workdps(60):
        done = [
            1 - mpmath.exp(-mpmath.mpf(deadline) / (first + m * last)) for m in range(count + 1)
        ]
        chance = [a - b for a, b in itertools.pairwise([*done, mpmath.mpf(0)])]
        lengths = itertools.product(range(count + 1), repeat=count)
        met = mpmath.fsum(
            mpmath.fprod(chance[m] for m in each) for each in lengths if covered(each)
        )
        assert missed[0] == pytest.approx(float(1 - met), rel=1e-12)


def test_tiny_probabilities_keep_their_digits():
    count, first, last, deadline = 5, 1.0, 1.0, 0.02
    times = cg.Exponential(rate=1.0)
    met, _ = two_level_chances(times, count, first, last, [deadline])
    done = -np.expm1(-deadline / (first + np.arange(count + 1) * last))
    chance = -np.diff(done, append=0.0)
    lengths = itertools.product(range(count + 1), repeat=count)
    expected = math.fsum(math.prod(chance[m] for m in each) for each in lengths if covered(each))
    assert met[0] == pytest.approx(expected, rel=1e-12)
    assert met[0] < 1e-8


def test_infinite_means_are_refused():
    with pytest.raises(cg.CgcoptError, match="infinite"):
        two_level_runtime(system_of(3, cg.Pareto(shape=0.9, scale=1.0)), two_level(3, 0.5))
    assert two_level_runtime(system_of(3, cg.Pareto(shape=0.9, scale=1.0)), two_level(3, 0.0)).value


def test_other_schedules_are_refused():
    with pytest.raises(cg.CgcoptError, match="N cells and equal work"):
        two_level_runtime(
            system_of(3, cg.Exponential(rate=1.0)), cg.Schedule([500, 0, 500], cells=1)
        )


def test_a_file_and_back(tmp_path):
    for schedule in (cg.Schedule([40, 10, 0, 50]), cg.Schedule([40, 10, 0, 50], [1, 2, 3, 1])):
        schedule.save(tmp_path / "schedule.json")
        assert cg.Schedule.load(tmp_path / "schedule.json") == schedule
    (tmp_path / "other.json").write_text("[1, 2]")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    for name in ("other.json", "deep.json", "missing.json"):
        with pytest.raises(cg.InvalidInputError, match=name):
            cg.Schedule.load(tmp_path / name)


@pytest.mark.parametrize("scale", [1.0, 1.0 + 1e-15, 1.3, 1e7])
def test_two_levels_on_steps_do_not_depend_on_how_possible_runtimes_are_rounded(
    scale: float,
) -> None:
    """All rounds there are, one by one; ends and deadlines are possible runtimes."""
    values = np.random.default_rng(5).lognormal(0.0, 0.7, 7) * scale
    rounds = cg.Scenarios(np.array(list(itertools.product(values, repeat=3))))
    schedule = cg.Schedule([20.0, 0.0, 10.0])
    pooled, whole = (cg.System(3, 30, times) for times in (cg.Empirical(values), rounds))
    deadline = cg.evaluate(cg.Problem(whole, cg.Quantile(0.6)), schedule).value
    for objective in (cg.ExpectedRuntime(), cg.Quantile(0.6), cg.CompletionProbability(deadline)):
        found, expected = (
            cg.evaluate(cg.Problem(system, objective), schedule).value for system in (pooled, whole)
        )
        assert found == pytest.approx(expected, rel=1e-12)
