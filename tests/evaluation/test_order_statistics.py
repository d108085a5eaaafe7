"""Mean order statistics against closed forms, mpmath, enumeration and sum identities."""

from __future__ import annotations

import itertools
import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest

import cgcopt as cg
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.order_statistics import (
    order_statistic_inverse_means,
    order_statistic_means,
)
from tests.turns import in_turns

SIZES = [1, 2, 12, 200, 2000]


def label(times: Any) -> str:
    return str(times.label)


@pytest.mark.parametrize("workers", SIZES)
def test_shifted_exponential_closed_form(workers: int) -> None:
    means = order_statistic_means(cg.ShiftedExponential(rate=1e-3, shift=50.0), workers)
    spacings = 1e3 / np.arange(workers, 0, -1)
    assert means == pytest.approx(50.0 + np.cumsum(spacings), rel=1e-12)


@in_turns(every=4, shape=[0.3, 1.001, 1.1, 2.5, 40.0], workers=SIZES)
def test_pareto_closed_form(workers: int, shape: float) -> None:
    """``E[T_(k)] = prod_{m > N-k} m / (m - 1/a)``, infinite for ``a (N-k+1) <= 1``."""
    expected = []
    with mp.workdps(30):
        mean, e = mp.mpf(1), 1 / mp.mpf(shape)
        for left in range(workers, 0, -1):
            mean = mean * left / (left - e) if shape * left > 1 else mp.inf
            expected.append(float(mean))
    means = order_statistic_means(cg.Pareto(shape=shape, scale=1.0), workers)
    assert means == pytest.approx(expected, rel=1e-11)


@in_turns(every=3, power=[1, -1], shape=[2.0, 0.3, 0.5, 5.0, 1.0], workers=[1, 2, 12])
def test_weibull_closed_form(workers: int, shape: float, power: int) -> None:
    """Alternating sum, exact in high precision (Lieblein 1955)."""
    expected = []
    with mp.workdps(60):
        e = power / mp.mpf(shape)
        for k in range(1, workers + 1):
            if power < 0 and k * shape <= 1:
                expected.append(math.inf)
                continue
            if e > -1:
                total = mp.mpf(0)
                for i in range(k):
                    sign = (-1) ** (k - 1 - i) * math.comb(k - 1, i)
                    total += sign * mp.mpf(workers - i) ** (-1 - e)
                total *= mp.gamma(1 + e)
            else:  # the terms diverge one by one: integrate
                total = mp.quad(
                    lambda y, k=k: (
                        (1 - mp.exp(-y)) ** (k - 1) * mp.exp(-y * (workers - k + 1)) * y**e
                    ),
                    [0, 0.1, 1, 5, mp.inf],
                )
            expected.append(float(total * k * math.comb(workers, k)))
    function = order_statistic_means if power > 0 else order_statistic_inverse_means
    assert function(cg.Weibull(shape=shape, scale=1.0), workers) == pytest.approx(
        expected, rel=1e-10
    )


INVERSES = [
    (cg.Gamma(shape=5.0, scale=2.0), 1 / 8),
    (cg.Gamma(shape=1.2, scale=1.0), 1 / 0.2),
    (cg.LogNormal(sigma=2.0, scale=3.0), math.exp(2.0) / 3.0),
    (cg.LogNormal(sigma=0.3, scale=1.0), math.exp(0.045)),
    (cg.Weibull(shape=2.0, scale=1.0), math.gamma(0.5)),
    (cg.Pareto(shape=2.5, scale=2.0), 2.5 / 3.5 / 2.0),
    (cg.ShiftedExponential(rate=1.0, shift=1.0), float(mp.e * mp.e1(1))),
    (cg.ShiftedExponential(rate=1e-3, shift=50.0), float(1e-3 * mp.exp(0.05) * mp.e1(0.05))),
]
MEANS = [
    *(times for times, _ in INVERSES),
    cg.Gamma(shape=0.3, scale=1.0, shift=2.0),
    cg.Weibull(shape=0.5, scale=1.0, shift=0.3),
    cg.LogNormal(sigma=6.0, scale=1.0),
    cg.Pareto(shape=1.05, scale=1.0, shift=4.0),
]


@in_turns(every=5, workers=SIZES, times={label(times): times for times in MEANS})
def test_means_sum_to_n_times_the_mean(times: Any, workers: int) -> None:
    means = order_statistic_means(times, workers)
    assert np.all(np.diff(means) > 0)
    assert means.sum() == pytest.approx(workers * times.mean(), rel=1e-11)


@in_turns(
    every=5, workers=SIZES, case={label(times): (times, inverse) for times, inverse in INVERSES}
)
def test_inverse_means_sum_to_n_times_the_inverse_mean(
    case: tuple[Any, float], workers: int
) -> None:
    times, inverse = case
    means = order_statistic_inverse_means(times, workers)
    assert np.all(np.diff(means) < 0)
    assert means.sum() == pytest.approx(workers * inverse, rel=1e-11)


@pytest.mark.parametrize(
    ("times", "infinite"),
    [
        (cg.Exponential(rate=2.0), 1),
        (cg.Gamma(shape=0.3, scale=1.0), 3),
        (cg.Gamma(shape=0.5, scale=1.0), 2),
        (cg.Weibull(shape=0.1, scale=1e-6), 10),
        (cg.Gamma(shape=0.3, scale=1.0, shift=1e-3), 0),
        (cg.LogNormal(sigma=3.0, scale=1.0), 0),
    ],
    ids=str,
)
def test_which_inverse_means_are_infinite(times: Any, infinite: int) -> None:
    """With ``P(T <= t) ~ t**b`` the density of ``T_(k)`` is like ``t**(k b - 1)``."""
    means = order_statistic_inverse_means(times, 20)
    assert np.flatnonzero(np.isinf(means)).tolist() == list(range(infinite))
    assert np.all(np.isfinite(order_statistic_means(times, 20)))


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_step_distribution_agrees_with_enumeration(workers: int) -> None:
    values, weights = np.array([0.2, 1.0, 1.1, 30.0]), np.array([0.5, 0.1, 0.3, 0.1])
    expected, inverse = np.zeros(workers), np.zeros(workers)
    for outcome in itertools.product(range(4), repeat=workers):
        chance = np.prod(weights[list(outcome)])
        ordered = np.sort(values[list(outcome)])
        expected += chance * ordered
        inverse += chance / ordered
    times = cg.Empirical(values, weights)
    assert order_statistic_means(times, workers) == pytest.approx(expected, rel=1e-13)
    assert order_statistic_inverse_means(times, workers) == pytest.approx(inverse, rel=1e-13)


def test_large_step_distribution() -> None:
    rng = np.random.default_rng(3)
    times = cg.Empirical(rng.lognormal(size=1500))
    means = order_statistic_means(times, 500)
    assert np.all(np.diff(means) > 0)
    assert means.sum() == pytest.approx(500 * times.mean(), rel=1e-12)
    inverse = order_statistic_inverse_means(times, 500)
    assert inverse.sum() == pytest.approx(500 * np.mean(1 / times.values), rel=1e-12)
    assert order_statistic_means(cg.Empirical([2.0, 2.0]), 3).tolist() == [2.0, 2.0, 2.0]


def test_scenarios_are_averaged() -> None:
    rounds = cg.Scenarios([[3.0, 1.0], [2.0, 5.0], [4.0, 4.0]])
    assert order_statistic_means(rounds, 2) == pytest.approx([7 / 3, 4.0])
    assert order_statistic_inverse_means(rounds, 2) == pytest.approx(
        [1.75 / 3, (8 / 15 + 0.25) / 3]
    )
    with pytest.raises(InvalidInputError, match="workers"):
        order_statistic_means(rounds, 3)
    with pytest.raises(InvalidInputError, match="workers"):
        order_statistic_means(cg.Exponential(rate=1.0), 0)


def test_agrees_with_simulation() -> None:
    times = cg.LogNormal(sigma=1.0, scale=1.0, shift=0.5)
    sample = np.sort(times.sample(40_000, 20, np.random.default_rng(9)), axis=1)
    for function, draws in (
        (order_statistic_means, sample),
        (order_statistic_inverse_means, 1 / sample),
    ):
        error = draws.std(axis=0) / math.sqrt(len(draws))
        assert np.all(np.abs(draws.mean(axis=0) - function(times, 20)) < 4 * error)
