"""Completion probabilities against mpmath, enumeration and simulation."""

from __future__ import annotations

import itertools
from typing import Any

import high_precision as reference
import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cgcopt as cg
from cgcopt.errors import InvalidInputError, UnsupportedProblemError
from cgcopt.evaluation.crossing.completion import completion_probabilities
from cgcopt.evaluation.crossing.thresholds import proportional_thresholds
from cgcopt.evaluation.density.probability import completion_probability
from cgcopt.evaluation.steps.probability import completion_probability as step_probability
from tests.turns import in_turns

FAMILIES = [
    cg.ShiftedExponential(rate=0.1, shift=1.0),
    cg.Exponential(rate=3.0),
    cg.Weibull(shape=0.5, scale=1.0),
    cg.Weibull(shape=2.0, scale=1.0, shift=0.7),
    cg.Gamma(shape=0.3, scale=1.0, shift=2.0),
    cg.Gamma(shape=5.0, scale=2.0),
    cg.LogNormal(sigma=0.3, scale=1.0, shift=1.0),
    cg.LogNormal(sigma=2.0, scale=1.0),
    cg.Pareto(shape=2.5, scale=1.0),
    cg.Pareto(shape=0.8, scale=1.0, shift=1.0),
]


def label(times: cg.ShiftedExponential) -> str:
    return times.label


def design(workers: int, coordinates: int = 100) -> cg.Design:
    """Every level is used, the middle ones more."""
    x = 1.0 + np.sin(np.pi * (np.arange(workers) + 0.5) / workers)
    return cg.Design(coordinates * x / x.sum())


@in_turns(every=3, times={times.label: times for times in FAMILIES}, workers=[1, 3, 8])
def test_value_and_gradient_agree_with_high_precision(times: Any, workers: int) -> None:
    system = cg.System(workers, 100, times, samples=3, cycles=0.5)
    w = design(workers).work
    longest = system.unit * float(np.max(w * times.isf(1.5 / (np.arange(workers) + 2.0))[::-1]))
    for share in (0.8, 1.0, 1.5):
        deadline = longest * share
        result = completion_probability(system, w, deadline, gradient=True)
        with mp.workdps(50):
            p, q = reference.probability(times, system.unit, [mp.mpf(v) for v in w], deadline)
            exact = []
            step = mp.mpf(10) ** -14  # complex step: the error is its square
            for n in range(workers):
                moved = [mp.mpc(v, step * v if i == n else 0) for i, v in enumerate(w)]
                change = mp.im(reference.probability(times, system.unit, moved, deadline)[0])
                exact.append(float(change / (step * w[n])))
        assert result.value == pytest.approx(float(p), rel=1e-11)
        assert result.complement == pytest.approx(float(q), rel=1e-11)
        assert result.log_value == pytest.approx(float(mp.log(p)), rel=1e-11, abs=1e-13)
        assert result.gradient == pytest.approx(exact, rel=1e-9, abs=1e-11 * np.abs(exact).max())


# With a shift, the rounding of the deadline alone moves such a P by percents.
@in_turns(
    every=2,
    target=[1e-30, 1e-12],
    times={times.label: times for times in FAMILIES if times.support[0] == 0.0},
)
def test_tiny_probability_and_tiny_complement(times: Any, target: float) -> None:
    """Deadlines at which ``P`` or ``1 - P`` is about ``target``, found by the reference."""
    workers = 12
    system = cg.System(workers, 100, times)
    w = design(workers).work
    u, exact_work = system.unit, [mp.mpf(v) for v in w]
    with mp.workdps(80):
        for side in (0, 1):
            low, high = times.support[0] * u * w[-1], u * w[-1] * float(times.isf(1e-60))
            for _ in range(60):
                middle = 0.5 * (low + high)
                value = reference.probability(times, u, exact_work, middle)[side]
                low, high = (middle, high) if (value < target) == (side == 0) else (low, middle)
                if 0.1 * target < value < 10 * target:
                    high = middle
                    break
            p, q = reference.probability(times, u, exact_work, high)
            tiny = (p, q)[side]
            assert 0.01 * target < tiny < 100 * target
            step = mp.mpf(high) * mp.mpf(10) ** -25
            rate = (reference.probability(times, u, exact_work, high + step)[side] - tiny) / step
            result = completion_probabilities(system, w, high, gradient=True)
            computed = (result.probability, result.complement)[side]
            assert float(computed) == pytest.approx(float(tiny), rel=1e-11)
            if side == 0:
                assert float(result.log_probability) == pytest.approx(float(mp.log(p)), rel=1e-12)
                assert result.log_gradient * float(p) == pytest.approx(result.gradient, rel=1e-10)
            # P depends on t / w alone: t dP/dt = -sum w_n dP/dw_n.
            flow = float(rate * high) * (1 if side == 0 else -1)
            assert -(w @ result.gradient) == pytest.approx(flow, rel=1e-9)


def test_probability_beyond_the_range_of_doubles() -> None:
    system = cg.System(400, 4000, cg.Exponential(rate=1.0))
    w = design(400, 4000).work
    result = completion_probabilities(system, w, 1e-3 * system.unit * w[-1], gradient=True)
    assert result.probability == 0.0
    assert result.complement == 1.0
    assert -np.inf < result.log_probability < -745
    assert np.all(np.isfinite(result.log_gradient))
    assert not result.gradient.any()
    step = 1e-6
    up, down = (
        completion_probabilities(system, w, 1e-3 * system.unit * w[-1] * factor).log_probability
        for factor in (1 + step, 1 - step)
    )
    assert -(w @ result.log_gradient) == pytest.approx(float(up - down) / (2 * step), rel=1e-6)


@pytest.mark.parametrize("work", [[1.0, 2.5, 4.0], [0.0, 2.0, 5.0], [2.0, 2.0, 2.0], [0, 0, 3.0]])
def test_step_distribution_agrees_with_enumeration(work: list[float]) -> None:
    values, weights = np.array([1.0, 1.5, 4.0, 9.0]), np.array([0.4, 0.3, 0.2, 0.1])
    system = cg.System(3, 5, cg.Empirical(values, weights), samples=6)
    deadlines = np.unique(np.outer(values, work)) * system.unit
    result = completion_probabilities(system, work, deadlines)
    expected = np.zeros(deadlines.shape)
    for outcome in itertools.product(range(4), repeat=3):
        ordered = np.sort(values[list(outcome)])
        tau = system.unit * np.max(ordered[::-1] * work)
        expected += np.prod(weights[list(outcome)]) * (tau <= deadlines * (1 + 1e-14))
    assert result.probability == pytest.approx(expected, abs=1e-14)
    assert result.complement == pytest.approx(1 - expected, abs=1e-14)
    assert step_probability(system, work, float(deadlines[0]), gradient=True).gradient is None
    with pytest.raises(UnsupportedProblemError, match="density"):
        completion_probabilities(system, work, deadlines, gradient=True)


def test_deadline_equal_to_a_possible_runtime_is_kept() -> None:
    """Division may round below a time that the product reaches exactly."""
    rng = np.random.default_rng(1)
    values = np.sort(rng.random(50)) + 0.1
    times = cg.Empirical(values)
    system = cg.System(1, 10, times, samples=3, cycles=0.1)
    w = np.array([7.3])
    deadlines = system.unit * values * w
    kept = completion_probabilities(system, w, deadlines).probability
    assert kept == pytest.approx(np.arange(1, 51) / 50, rel=1e-14)


def test_agrees_with_simulation() -> None:
    times = cg.Gamma(shape=1.7, scale=2.0, shift=0.5)
    system = cg.System(20, 1000, times)
    w = design(20, 1000).work
    rng = np.random.default_rng(5)
    tau = system.unit * np.max(np.sort(times.sample(100_000, 20, rng))[:, ::-1] * w, axis=1)
    deadlines = np.quantile(tau, [0.02, 0.3, 0.9, 0.999])
    exact = completion_probabilities(system, w, deadlines)
    share = np.array([np.mean(tau <= t) for t in deadlines])
    error = np.sqrt(exact.probability * exact.complement / tau.size)
    assert np.all(np.abs(share - exact.probability) < 4 * error)


def test_empty_first_levels_put_no_constraint() -> None:
    """Levels 0 and 1 empty: the third fastest of four with ``w_2``, the fastest with ``w_3``."""
    times = cg.Exponential(rate=1.0)
    system = cg.System(4, 10, times, samples=4)
    result = completion_probability(system, [0.0, 0.0, 0.0, 2.0], 3.0, gradient=True)
    assert result.complement == pytest.approx(np.exp(-4 * 1.5), rel=1e-13)
    assert np.array_equal(result.gradient[:3], np.zeros(3))
    assert result.gradient[3] == pytest.approx(-4 * np.exp(-6.0) * 3.0 / 4.0, rel=1e-12)


def test_deadlines_at_the_ends() -> None:
    system = cg.System(3, 10, cg.ShiftedExponential(rate=1.0, shift=1.0), samples=3)
    w = np.array([1.0, 2.0, 4.0])
    result = completion_probabilities(system, w, [-1.0, 0.0, 3.9, 4.0, np.inf], gradient=True)
    assert result.probability.tolist() == [0.0, 0.0, 0.0, 0.0, 1.0]
    assert result.complement.tolist() == [1.0, 1.0, 1.0, 1.0, 0.0]
    assert not result.gradient.any()
    assert completion_probability(system, np.zeros(3), 1e-9).value == 1.0


def test_batches_over_deadlines_and_designs_are_the_single_results() -> None:
    system = cg.System(6, 50, cg.Weibull(shape=1.5, scale=1.0))
    works = np.stack([design(6, 50).work, np.arange(1, 7) * 9.0])
    deadlines = np.array([[5.0], [9.0], [20.0]])
    batch = completion_probabilities(system, works, deadlines, gradient=True, threads=1)
    assert batch.probability.shape == (3, 2)
    assert batch.gradient.shape == (3, 2, 6)
    for i, j in itertools.product(range(3), range(2)):
        single = completion_probability(system, works[j], float(deadlines[i, 0]), gradient=True)
        assert single.value == pytest.approx(batch.probability[i, j], rel=1e-13)
        assert single.gradient == pytest.approx(batch.gradient[i, j], rel=1e-12)


@given(
    scale=st.sampled_from([1e-6, 1.0, 1e12]),
    workers=st.integers(1, 30),
    share=st.floats(0.3, 3.0),
    family=st.sampled_from(FAMILIES),
)
def test_probability_depends_on_deadline_over_work_and_falls_with_work(
    scale: float, workers: int, share: float, family: Any
) -> None:
    system = cg.System(workers, 1000, family)
    w = design(workers).work
    deadline = share * system.unit * w[-1] * float(family.ppf(0.6))
    here = completion_probabilities(system, w, deadline, gradient=True)
    far = completion_probabilities(system, w * scale, deadline * scale)
    assert float(far.probability) == pytest.approx(float(here.probability), rel=1e-9)
    assert float(here.probability + here.complement) == pytest.approx(1.0, abs=1e-13)
    assert np.all(here.gradient <= 0.0)
    more = completion_probabilities(system, w * 1.01, deadline)
    assert float(more.complement) >= float(here.complement) * (1 - 1e-12)


def test_thousand_workers() -> None:
    system = cg.System(1000, 10**12, cg.LogNormal(sigma=0.5, scale=1e-3))
    w = design(1000, 10**12).work
    deadlines = system.unit * w[-1] * 1e-3 * np.array([0.15, 0.25, 0.3, 0.4, 1.0])
    result = completion_probabilities(system, w, deadlines, gradient=True)
    assert result.probability + result.complement == pytest.approx(np.ones(5), abs=1e-12)
    assert np.all(np.diff(result.log_probability) >= 0)
    assert np.ptp(result.probability) > 0.1


def test_counting_deadlines_from_the_shift_changes_nothing() -> None:
    times = cg.Gamma(shape=2.0, scale=1.0, shift=3.0)
    scale = np.array([1.0, 2.0, 5.0])
    t = np.array([17.0, 25.0])
    plain = proportional_thresholds(times, scale, t, derivative=True)
    moved = proportional_thresholds(
        cg.Gamma(shape=2.0, scale=1.0), scale, t - 15.0, shift=3.0, derivative=True
    )
    assert moved.finished == pytest.approx(plain.finished, rel=1e-13)
    assert moved.derivative == pytest.approx(plain.derivative, rel=1e-13)


def test_bad_input_is_refused() -> None:
    system = cg.System(2, 10, cg.Exponential(rate=1.0))
    for work in ([1.0], [1.0, 2.0, 3.0], [-1.0, 2.0], [1.0, np.nan], [1.0, np.inf]):
        with pytest.raises(InvalidInputError, match="work"):
            completion_probability(system, work, 1.0)
    with pytest.raises(InvalidInputError, match="deadline"):
        completion_probability(system, [1.0, 2.0], float("nan"))
    rounds = cg.System(2, 10, cg.Scenarios([[1.0, 2.0], [2.0, 1.0]]))
    with pytest.raises(UnsupportedProblemError, match="independent"):
        completion_probability(rounds, [1.0, 2.0], 1.0)
