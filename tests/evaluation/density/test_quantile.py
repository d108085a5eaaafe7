"""Quantiles where the worker times have a density, against high precision."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgcopt.design import Design, work_of_partition
from cgcopt.evaluation.density.probability import completion_probability
from cgcopt.evaluation.density.quantile import runtime_quantile
from cgcopt.system import System
from cgcopt.workers.base import ContinuousTimes
from cgcopt.workers.families import (
    Exponential,
    Gamma,
    LogNormal,
    Pareto,
    ShiftedExponential,
    Weibull,
)


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


def families() -> st.SearchStrategy[ContinuousTimes]:
    """Families with ordinary, tiny and huge shapes, with and without a shift."""
    scale = st.floats(-3, 3).map(lambda e: 10.0**e)
    shift = st.one_of(st.just(0.0), scale)
    shape = st.floats(math.log(0.05), math.log(5)).map(math.exp)
    return st.one_of(
        st.builds(ShiftedExponential, rate=scale, shift=shift),
        st.builds(Weibull, shape=shape, scale=scale, shift=shift),
        st.builds(Gamma, shape=shape, scale=scale, shift=shift),
        st.builds(LogNormal, sigma=shape, scale=scale, shift=shift),
        st.builds(Pareto, shape=shape, scale=scale, shift=shift),
    )


def probabilities() -> st.SearchStrategy[float]:
    middle = st.floats(0.001, 0.999)
    ends = st.floats(-9, -3).map(lambda e: 10.0**e)
    return st.one_of(middle, ends, ends.map(lambda p: 1 - p))


def first_kept(system: System, work: np.ndarray, q: float) -> float:
    """The smallest number at which the completion probability is at least ``q``, by bisection."""

    def met(t: float) -> bool:
        found = completion_probability(system, work, t)
        if q <= 0.5:
            return found.value >= q
        return found.complement <= 1 - q

    low, high = -700.0, 700.0  # logarithms
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if met(math.exp(middle)) else (middle, high)
    below, above = math.exp(low) * (1 - 1e-11), math.exp(high) * (1 + 1e-11)
    while (middle := below + (above - below) / 2) not in (below, above):
        below, above = (below, middle) if met(middle) else (middle, above)
    return above


@given(families(), st.data())
def test_the_deadline_is_that_of_bisection_and_keeps_its_probability(
    times: ContinuousTimes, data: st.DataObject
) -> None:
    workers = data.draw(st.integers(1, 8))
    block = st.one_of(st.just(0.0), st.floats(0.1, 10))
    x = data.draw(st.lists(block, min_size=workers, max_size=workers).filter(any))
    system, work = System(workers, 10, times, samples=workers), work_of_partition(x)
    q = data.draw(probabilities())
    expected = first_kept(system, work, q)
    if not 1e-290 < expected < 1e290:
        return
    found = runtime_quantile(system, work, q).value
    assert found == pytest.approx(expected, rel=2e-12)
    # A hair later at the latest the probability is kept, a hair earlier it is not yet.
    later = completion_probability(system, work, found * (1 + 2e-12))
    earlier = completion_probability(system, work, found * (1 - 2e-12))
    assert later.value >= q * (1 - 1e-12)
    assert earlier.value <= q * (1 + 1e-12)


@pytest.mark.parametrize(
    "times",
    [Gamma(0.06, 1, 30), Gamma(0.05, 1, 1), Weibull(0.05, 1, 30), Gamma(0.01, 1, 1)],
    ids=lambda times: times.label,
)
@pytest.mark.parametrize("q", [0.01, 0.5, 0.9, 0.99, 0.999])
def test_most_of_the_mass_within_a_rounding_of_the_shift(times: ContinuousTimes, q: float) -> None:
    """The probability rises by much between neighbouring numbers: the first that keeps it counts."""
    system, work = System(6, 600, times), Design([100.0] * 6).work
    found = runtime_quantile(system, work, q).value
    assert completion_probability(system, work, found).value >= q * (1 - 1e-12)
    assert found == pytest.approx(first_kept(system, work, q), rel=1e-13)
