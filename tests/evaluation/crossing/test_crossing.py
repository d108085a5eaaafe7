"""Crossing probabilities against exact enumeration, high precision and closed forms."""

from __future__ import annotations

import itertools
import math
import tracemalloc
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf
from scipy.stats import binom

from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.crossing.crossing import (
    Crossing,
    crossing,
)
from cgcopt.evaluation.crossing.first_failures import (
    FirstFailures,
    first_failures,
    paired_derivatives,
)


@pytest.fixture(autouse=True, scope="module")
def _precision() -> Iterator[None]:
    with mp.workprec(300):
        yield


Thresholds = tuple[np.ndarray, np.ndarray]


def thresholds(p: np.ndarray) -> Thresholds:
    return np.asarray(p, dtype=float), 1.0 - np.asarray(p, dtype=float)


def exact(cdf: np.ndarray, sf: np.ndarray) -> list[Fraction]:
    """The effective 1 - p_k that the arguments stand for."""
    q = [
        Fraction(float(b)) if a > 0.5 else 1 - Fraction(float(a))
        for a, b in zip(cdf, sf, strict=True)
    ]
    return list(itertools.accumulate(reversed(q), max))[::-1]


def enumerate_counts(cdf: np.ndarray, sf: np.ndarray) -> Fraction:
    """P as the sum of the multinomial probabilities of all admissible cell counts."""
    n = len(cdf)
    edges = [Fraction(0), *(1 - q for q in exact(cdf, sf)), Fraction(1)]
    total = Fraction(0)
    for counts in itertools.product(range(n + 1), repeat=n):
        sums = list(itertools.accumulate(counts))
        if sums[-1] <= n and all(total >= k for k, total in enumerate(sums, start=1)):
            term = Fraction(math.factorial(n))
            cells = zip((*counts, n - sums[-1]), itertools.pairwise(edges), strict=True)
            for count, (a, b) in cells:
                term *= (b - a) ** count / math.factorial(count)
            total += term
    return total


class Reference:
    """Bolshev's recursion ``P_m = 1 - sum_k C(m,k) q_{k+1}^(m-k) P_k`` in fixed point.

    It subtracts, hence the many bits; the gradient is its adjoint.  (Shorack and Wellner,
    Empirical Processes with Applications to Statistics, section 9.3.)
    """

    def __init__(self, cdf: np.ndarray, sf: np.ndarray, extra_bits: float = 0.0) -> None:
        n = len(cdf)
        bits = 10 * n + 300 + 3 * math.ceil(extra_bits)
        one = 1 << bits
        q = exact(cdf, sf)
        below = [one]
        terms: list[list[int]] = [[]]
        for m in range(1, n + 1):
            row = [
                term * m * q[k].numerator // ((m - k) * q[k].denominator)
                for k, term in enumerate(terms[-1])
            ]
            row.append(m * one * q[m - 1].numerator // q[m - 1].denominator)
            terms.append(row)
            failures = sum(term * p for term, p in zip(row, below, strict=True)) >> bits
            below.append(one - failures)
        adjoint = [0] * n + [one]
        gradient = [0] * n
        for m in range(n, 0, -1):
            for k, term in enumerate(terms[m]):
                adjoint[k] -= term * adjoint[m] >> bits
                if q[k]:
                    slope = term * (m - k) * q[k].denominator // q[k].numerator
                else:
                    slope = m * one if m - k == 1 else 0
                gradient[k] += (slope * adjoint[m] >> bits) * below[k] >> bits
        self.probability = mpf(below[n]) / one
        self.complement = mpf(failures) / one
        self.gradient = [mpf(g) / one for g in gradient]


def relative(value: float, reference: mpf) -> float:
    value = mpf(float(value))
    return float(abs(value - reference) / abs(reference)) if reference else float(abs(value))


def assert_agrees(result: Crossing, reference: Reference, rtol: float = 1e-13) -> None:
    """All five outputs, entry by entry where they are in the range of normal numbers."""
    p = reference.probability
    log_p = mp.log(p) if p < 0.5 else mp.log1p(-reference.complement)
    loose = rtol + 1e-15 * abs(float(log_p))
    if p > mpf(10) ** -290:
        assert relative(result.probability, p) < loose
    else:
        assert result.probability < 1e-289
    if reference.complement > mpf(10) ** -250:
        assert relative(result.complement, reference.complement) < rtol
    else:
        assert result.complement < 1e-249
    assert abs(mpf(float(result.log_probability)) - log_p) <= rtol * abs(log_p)
    assert result.gradient is not None
    assert result.log_gradient is not None
    for slope, log_slope, expected in zip(
        result.gradient, result.log_gradient, reference.gradient, strict=True
    ):
        if mpf(10) ** -240 < expected / p < mpf(10) ** 300:
            assert relative(log_slope, expected / p) < rtol
        elif expected < mpf(10) ** -240 * p:
            assert log_slope < 1e-239
        if mpf(10) ** -240 < expected and p > mpf(10) ** -290:
            assert relative(slope, expected) < loose


def shapes(n: int) -> dict[str, Thresholds]:
    from scipy import stats

    k = np.arange(1, n + 1)
    rng = np.random.default_rng(n)
    tails = {z: stats.norm.sf(z) for z in (-2.0, -0.5, 1.0, 4.0, 7.5)}
    result = {
        f"equal level risk {z}": (
            stats.beta.isf(risk, k, n - k + 1),
            stats.beta.ppf(risk, n - k + 1, k),
        )
        for z, risk in tails.items()
    }
    result |= {
        "line": thresholds(np.minimum(1.0, k / n + 0.7 / math.sqrt(n))),
        "random": thresholds(np.sort(rng.random(n))),
        "not monotone": thresholds(0.4 + 0.6 * rng.random(n)),
        "square": thresholds((k / n) ** 2),
        "fifth power": thresholds(0.9 * (k / n) ** 5),
        "square root": thresholds(0.97 * np.sqrt(k / n)),
        "geometric": (10.0 ** (-(n - k) * 60 / n - 1), 1.0 - 10.0 ** (-(n - k) * 60 / n - 1)),
        "steps": thresholds(np.minimum(1.0, np.floor(10 * k / n + 2) / 11)),
        "low steps": thresholds(np.floor(10 * k / n + 1) / 12),
        "one small": thresholds(np.where(k == 1, 1e-200, 1.0)),
        "middle": thresholds(np.where(k <= n / 2, 0.3, 1.0)),
    }
    return result


SHAPES = sorted(shapes(2))


@pytest.mark.parametrize(
    "p",
    [[0.7], [0.25, 0.5], [0.5, 0.25, 0.75], [0.125, 0.125, 0.5, 1.0], [0.2, 0.3, 0.5, 0.7, 0.9]],
)
def test_reference_and_kernel_agree_with_enumeration(p: list[float]) -> None:
    cdf, sf = thresholds(np.array(p))
    truth = enumerate_counts(cdf, sf)
    reference = Reference(cdf, sf)
    assert relative(float(truth), reference.probability) < 1e-15
    result = crossing(cdf, sf)
    assert abs(Fraction(float(result.probability)) - truth) <= 4e-16 * truth
    assert abs(Fraction(float(result.complement)) - (1 - truth)) <= 4e-16 * (1 - truth)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [1, 2, 9, 60])
def test_agrees_with_high_precision(n: int, shape: str) -> None:
    cdf, sf = shapes(n)[shape]
    result = crossing(cdf, sf, gradient=True)
    bits = abs(float(result.log_probability)) / math.log(2.0)
    assert_agrees(result, Reference(cdf, sf, bits))


@pytest.mark.slow
@pytest.mark.parametrize(
    "shape", ["equal level risk -0.5", "line", "equal level risk 7.5", "square"]
)
def test_agrees_with_high_precision_at_300_workers(shape: str) -> None:
    cdf, sf = shapes(300)[shape]
    result = crossing(cdf, sf, gradient=True)
    bits = abs(float(result.log_probability)) / math.log(2.0)
    assert_agrees(result, Reference(cdf, sf, bits))


GRID = st.integers(0, 16).map(lambda i: (i / 16, 1 - i / 16))
TINY = st.integers(2, 60).map(lambda e: (10.0**-e, 1 - 10.0**-e))
NEARLY_ONE = st.integers(2, 60).map(lambda e: (1 - 10.0**-e, 10.0**-e))
ANY = st.floats(0.0, 1.0).map(lambda p: (p, 1 - p))
POSITIVE = st.one_of(GRID, GRID, TINY, NEARLY_ONE, ANY).filter(lambda pair: pair[0] > 1e-60)


@settings(max_examples=3 * settings.default.max_examples)
@given(st.lists(POSITIVE, min_size=1, max_size=14))
def test_ties_steps_ones_and_disorder(pairs: list[tuple[float, float]]) -> None:
    cdf, sf = np.array(pairs).T
    result = crossing(cdf, sf, gradient=True)
    assert_agrees(result, Reference(cdf, sf, extra_bits=3000))


@given(
    st.lists(st.floats(1e-9, 1.0), min_size=10, max_size=400).map(np.array),
    st.floats(0.2, 4.0),
    st.floats(0.3, 1.0),
)
def test_both_sums_make_one(p: np.ndarray, power: float, scale: float) -> None:
    result = crossing(*thresholds(scale * np.sort(p) ** power))
    assert float(result.probability + result.complement) == pytest.approx(1.0, abs=1e-14)


@given(st.lists(GRID, min_size=1, max_size=40), st.integers(0, 39))
def test_grows_with_every_threshold(pairs: list[tuple[float, float]], index: int) -> None:
    cdf, _ = np.array(pairs).T
    higher = cdf.copy()
    higher[index % len(cdf)] = (1.0 + higher[index % len(cdf)]) / 2
    result = crossing(*thresholds(np.array([cdf, higher])))
    assert result.probability[0] <= result.probability[1] * (1 + 1e-14)
    assert result.complement[0] * (1 + 1e-14) >= result.complement[1]


def test_gradient_is_the_finite_difference() -> None:
    step = 2.0**-40
    p = np.round(np.sort(np.random.default_rng(3).random(9)) * 2**20) / 2**20
    gradient = crossing(*thresholds(p), gradient=True).gradient
    for k in range(9):
        move = step * (np.arange(9) == k)
        up, down = (Reference(*thresholds(p + sign * move)).probability for sign in (1, -1))
        assert relative(gradient[k], (up - down) / (2 * step)) < 1e-13


def test_gradient_at_a_tie_belongs_to_the_entry_that_attains_the_minimum() -> None:
    step = 2.0**-40
    p = np.array([0.25, 0.625, 0.5, 0.5, 0.75])
    gradient = crossing(*thresholds(p), gradient=True).gradient
    assert gradient[1] == gradient[2] == 0.0
    base = Reference(*thresholds(p)).probability
    for k, sign in itertools.product(range(5), (-1, 1)):
        moved = Reference(*thresholds(p + sign * step * (np.arange(5) == k))).probability
        assert float((moved - base) / (sign * step)) == pytest.approx(gradient[k], abs=1e-10)


@pytest.mark.parametrize(
    ("n", "level"),
    [
        pytest.param(n, level, marks=pytest.mark.slow if n > 1024 and level != 32 else [])
        for n in (1024, 4096)
        for level in (1, 3, 8, 32, 64, 124, 300)
    ],
)
def test_kolmogorov_smirnov(n: int, level: int) -> None:
    """p_k = (k-1)/n + e: the one-sided statistic; Birnbaum and Tingey (1951) give 1 - P."""
    p = np.minimum(1.0, (np.arange(n) + level) / n)
    result = crossing(*thresholds(p), gradient=True)

    def log_term(j: int) -> mpf:
        a, b = mpf(level + j) / n, mpf(n - level - j) / n
        return binomials[j] + (j - 1) * mp.log(a) + (n - j) * mp.log(b)

    binomials = [mpf(0)]
    for j in range(1, n + 1):
        binomials.append(binomials[-1] + mp.log(mpf(n - j + 1) / j))
    e = mpf(level) / n
    terms = [mp.exp(log_term(j)) for j in range(n - level)]
    complement = e * mp.fsum(terms)
    slope = -mp.fsum(terms) - e * mp.fsum(
        term * ((j - 1) / (mpf(level + j) / n) - (n - j) / (mpf(n - level - j) / n))
        for j, term in enumerate(terms)
    )
    assert relative(result.complement, complement) < 2e-13
    assert relative(result.probability, 1 - complement) < 2e-13
    assert relative(result.gradient[p < 1.0].sum(), slope) < 2e-13


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, 1),
        (900, 1),
        (2, 3),
        *(pytest.param(*line, marks=pytest.mark.slow) for line in ((3, 1), (1, 4))),
    ],
)
def test_line_that_ends_inside(a: int, b: int) -> None:
    """P = a (a + N b)^(N-1) for p_k = a + (k-1) b <= 1 (Abel); the gradient splits in two lines."""
    n, unit = 1024, 2.0**-12 if a * b > 1 else 2.0**-10
    p = unit * (a + b * np.arange(n))
    result = crossing(*thresholds(p), gradient=True)
    a, b = mpf(a) * unit, mpf(b) * unit
    log_p = mp.log(a) + (n - 1) * mp.log(a + n * b)
    assert relative(result.log_probability, log_p) < 1e-13
    if log_p > -600:
        assert relative(result.probability, mp.exp(log_p)) < 1e-12
    for k in range(1, n + 1):
        below = mp.log(a) + (k - 2) * mp.log(a + (k - 1) * b) if k > 1 else 0
        above = mp.log(b) + (n - k - 1) * mp.log((n - k + 1) * b) if k < n else 0
        ways = mp.log(n) + mp.log(mp.binomial(n - 1, k - 1))
        assert relative(result.log_gradient[k - 1], mp.exp(ways + below + above - log_p)) < 3e-13


@pytest.mark.parametrize("power", [0.5, 1.0, 1.3, 3.0, 6.0])
@pytest.mark.parametrize("n", [150, 4000])
def test_homogeneous_of_degree_n(n: int, power: float) -> None:
    """P(c p) = c^N P(p), hence sum_k p_k d log P/dp_k = N, however small P is."""
    p = 0.99 * (np.arange(1, n + 1) / n) ** power
    one, half = crossing(*thresholds(p), gradient=True), crossing(*thresholds(p / 2))
    assert float(p @ one.log_gradient) == pytest.approx(n, rel=1e-13)
    step = float(one.log_probability - half.log_probability)
    assert step == pytest.approx(n * math.log(2.0), rel=1e-13)


@pytest.mark.parametrize(
    ("n", "level", "p"),
    [
        (1000, 415, 0.25),
        (1000, 990, 2.0**-10),
        (300, 300, 1e-5),
        pytest.param(2000, 700, 0.5, marks=pytest.mark.slow),
        (50, 1, 1e-300),
    ],
)
def test_one_step_is_a_binomial_tail(n: int, level: int, p: float) -> None:
    """Only U_(level) is restricted; the derivative is its density."""
    cdf = np.where(np.arange(1, n + 1) <= level, p, 1.0)
    result = crossing(cdf, 1.0 - cdf, gradient=True)
    q = mpf(p)
    chance = mp.fsum(mp.binomial(n, j) * q**j * (1 - q) ** (n - j) for j in range(level, n + 1))
    missing = mp.fsum(mp.binomial(n, j) * q**j * (1 - q) ** (n - j) for j in range(level))
    density = level * mp.binomial(n, level) * q ** (level - 1) * (1 - q) ** (n - level)
    assert relative(result.log_probability, mp.log(chance)) < 1e-13
    assert relative(result.complement, missing) < 2e-13
    assert relative(result.log_gradient[level - 1], density / chance) < 2e-13
    assert np.count_nonzero(result.log_gradient[: level - 1]) == 0


def test_log_probability_of_minus_eleven_thousand() -> None:
    n = 1000
    result = crossing(np.full(n, 1e-5), np.full(n, 1.0 - 1e-5), gradient=True)
    assert float(result.log_probability) == pytest.approx(n * math.log(1e-5), rel=1e-14)
    assert float(result.probability) == 0.0
    assert float(result.complement) == 1.0
    assert result.log_gradient[-1] == pytest.approx(n / 1e-5, rel=1e-13)


def test_simulation_agrees() -> None:
    rng = np.random.default_rng(7)
    p = np.minimum(1.0, np.arange(1, 13) / 12 + 0.15)
    inside = (np.sort(rng.random((200_000, 12)), axis=1) <= p).all(axis=1)
    error = inside.std() / math.sqrt(len(inside))
    assert abs(inside.mean() - float(crossing(*thresholds(p)).probability)) < 4 * error


def test_subnormal_threshold() -> None:
    result = crossing([5e-324, 1.0], [1.0, 0.0], gradient=True)
    assert float(result.log_probability) == pytest.approx(
        math.log(2.0) + math.log(5e-324), rel=1e-14
    )
    assert float(result.probability) == 1e-323
    assert result.gradient.tolist() == pytest.approx([2.0, 1e-323], rel=1e-13)
    tail = crossing([1e-310, 0.5], [1.0, 0.5], gradient=True)
    assert tail.gradient.tolist() == pytest.approx([1.0, 2e-310], rel=1e-12)


@pytest.mark.parametrize("n", [1, 2, 30, 1500])
def test_certain(n: int) -> None:
    result = crossing(np.ones(n), np.zeros(n), gradient=True)
    assert float(result.probability) == 1.0
    assert float(result.complement) == 0.0
    assert float(result.log_probability) == 0.0
    np.testing.assert_allclose(result.gradient, n * (np.arange(n) == n - 1), rtol=1e-13)


def test_zero_thresholds() -> None:
    p = np.array([[0.0, 0.5, 0.75], [0.0, 0.0, 0.75], [0.25, 0.5, 0.75], [0.5, 0.5, 0.0]])
    result = crossing(*thresholds(p), gradient=True)
    assert result.probability[[0, 1, 3]].tolist() == [0.0, 0.0, 0.0]
    assert result.complement[[0, 1, 3]].tolist() == [1.0, 1.0, 1.0]
    assert np.isneginf(result.log_probability[[0, 1, 3]]).all()
    pair = crossing(*thresholds(p[0, 1:])).probability
    np.testing.assert_allclose(result.gradient[0], [3 * pair, 0.0, 0.0], rtol=1e-14)
    assert not result.gradient[[1, 3]].any()
    assert result.log_gradient[0].tolist() == [np.inf, 0.0, 0.0]
    assert result.log_gradient[1].tolist() == [0.0, np.inf, 0.0]
    alone = crossing(*thresholds(p[2]), gradient=True)
    np.testing.assert_array_equal(result.gradient[2], alone.gradient)


def test_batches_and_threads_change_nothing() -> None:
    rng = np.random.default_rng(11)
    p = np.minimum(1.0, np.arange(1, 121) / 120 + rng.uniform(0.0, 0.4, (3, 4, 1)))
    p[1, 2, :2] = 0.0
    one = crossing(*thresholds(p), gradient=True, threads=1)
    assert one.probability.shape == one.complement.shape == one.log_probability.shape == (3, 4)
    assert one.gradient.shape == one.log_gradient.shape == p.shape
    for other in (
        crossing(*thresholds(p), gradient=True, threads=3),
        crossing(*thresholds(p), gradient=True),
    ):
        for name in ("probability", "complement", "log_probability", "gradient", "log_gradient"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for index in np.ndindex(3, 4):
        alone = crossing(*thresholds(p[index]), gradient=True)
        assert alone.probability == one.probability[index]
        np.testing.assert_array_equal(alone.log_gradient, one.log_gradient[index])
    value = crossing(*thresholds(p))
    assert not hasattr(value, "gradient")
    assert not hasattr(value, "log_gradient")
    np.testing.assert_array_equal(value.probability, one.probability)
    assert crossing(np.empty((0, 3)), np.empty((0, 3)), gradient=True).gradient.shape == (0, 3)


def test_memory_is_linear() -> None:
    def peak(n: int) -> int:
        cdf, sf = thresholds(np.arange(1, n + 1) / n)
        crossing(cdf, sf, gradient=True)
        tracemalloc.start()
        crossing(cdf, sf, gradient=True)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    assert peak(8000) < 8000 * 8 * 50


@pytest.mark.parametrize(
    ("cdf", "sf", "field"),
    [
        (0.5, 0.5, "cdf"),
        ([], [], "cdf"),
        ([0.5, 0.5], [0.5], "sf"),
        ([0.5, math.nan], [0.5, 0.5], "cdf"),
        ([0.5, 0.5], [0.5, math.nan], "sf"),
        ([0.5, 1.5], [0.5, 0.0], "cdf"),
        ([-0.1, 0.5], [1.0, 0.5], "cdf"),
        ([0.5, 0.5], [0.5, -0.5], "sf"),
        ([0.2, 0.5], [0.5, 0.5], "sf"),
        ([0.2, math.inf], [0.8, 0.5], "cdf"),
    ],
)
def test_bad_input_is_refused(cdf: object, sf: object, field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        crossing(cdf, sf)
    assert caught.value.field == field


@pytest.mark.parametrize("threads", [0, -1, 1.5])
def test_bad_threads_are_refused(threads: object) -> None:
    with pytest.raises(InvalidInputError, match="threads"):
        crossing([0.5], [0.5], threads=threads)


@pytest.mark.parametrize("n", [200, 300, 1000])
@pytest.mark.parametrize("kinds", [1, 2, 3])
def test_thresholds_that_round_to_one_are_told_apart(n: int, kinds: int) -> None:
    """The largest point alone counts there: ``1 - P = N (1 - p_N)``."""
    left = np.repeat([1e-17, 1e-19, 1e-20][:kinds], -(-n // kinds))[:n]
    result = crossing(1.0 - left, left, gradient=True)
    assert float(result.complement) == pytest.approx(n * left[-1], rel=1e-12, abs=0.0)
    assert result.gradient[-1] == pytest.approx(n, rel=1e-12)
    assert np.abs(result.gradient[:-1]).max() < 1e-10


def rising(rng: np.random.Generator, rows: int, workers: int, ends: float) -> np.ndarray:
    """Thresholds that rise along both axes, with ties, up to one."""
    steps = rng.random((rows, workers)) ** 3 * (rng.random((rows, workers)) < 0.7)
    p = np.cumsum(np.cumsum(steps, axis=0), axis=1)
    return np.minimum(p * (ends / p.max()), 1.0)


def telescoped(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Chances of a first failure as differences of crossing probabilities of mixed thresholds."""
    n = low.size
    mixed = np.array([np.concatenate((low[:k], high[k:])) for k in range(n + 1)])
    return np.asarray(-np.diff(crossing(mixed, 1 - mixed).probability))


@pytest.mark.parametrize("workers", [1, 2, 7, 40])
@pytest.mark.parametrize("ends", [1.0, 1.7])
def test_first_failures_against_differences_of_probabilities(workers: int, ends: float) -> None:
    rng = np.random.default_rng(workers)
    p = rising(rng, 12, workers, ends)
    found = first_failures(p, 1 - p)
    before = np.vstack((np.zeros(workers), p[:-1]))
    whole = crossing(p, 1 - p, gradient=True)
    assert found.probability == pytest.approx(whole.probability, rel=1e-12)
    assert found.complement == pytest.approx(whole.complement, rel=1e-12)
    for v in range(12):
        assert found.chance[v] == pytest.approx(telescoped(before[v], p[v]), abs=1e-13)
        rise = p[v] - before[v]
        series = found.leading[v] * rise + found.second[v] * rise**2 / 2
        assert (series <= found.chance[v] * (1 + 1e-12) + 1e-300).all()
    inside = (p[:, 0] > 0)[:, None] & (p < 1)
    assert whole.gradient is not None
    scale = whole.gradient.max()
    assert found.derivative[inside] == pytest.approx(whole.gradient[inside], abs=1e-12 * scale)


def test_series_of_a_small_rise() -> None:
    """The two leading terms are the first two of an expansion in the rise."""
    rng = np.random.default_rng(3)
    low = np.sort(rng.random(9)) * 0.5 + 0.4
    errors = []
    for rise in (1e-2, 1e-3):
        rows = np.vstack((low, low + rise))
        found = first_failures(rows, 1 - rows)
        series = found.leading[1] * rise + found.second[1] * rise**2 / 2
        errors.append(np.abs(found.chance[1] - series).max())
    assert errors[1] < 2e-3 * errors[0]


def test_curvature_of_a_single_threshold() -> None:
    rng = np.random.default_rng(4)
    p = np.sort(rng.random(8)) * 0.6 + 0.3
    found = first_failures(p[None], 1 - p[None])
    for k in range(8):
        step = 0.25 * (np.append(p, 1.0)[k + 1] - p[k])
        moved = p + step * np.outer([0, 1, 2], np.eye(8)[k])
        values = crossing(moved, 1 - moved).probability
        # P is a polynomial in one threshold: concave, steepest at the lower end.
        drop = found.derivative[0, k] * step - found.curvature[0, k] * step**2 / 2
        assert values[1] - values[0] >= drop * (1 - 1e-12) - 1e-15
        assert values[1] - values[0] <= found.derivative[0, k] * step * (1 + 1e-12)
        tiny = 1e-6 * np.eye(8)[k]
        slopes = [crossing(p + j * tiny, 1 - p - j * tiny, gradient=True) for j in (0, 1)]
        assert slopes[0].gradient is not None
        assert slopes[1].gradient is not None
        fall = (slopes[0].gradient[k] - slopes[1].gradient[k]) / 1e-6
        assert found.curvature[0, k] == pytest.approx(fall, rel=1e-4, abs=1e-6)


def test_a_huge_jump_of_many_thresholds() -> None:
    """From all at ``q`` to all at one: the number below ``q`` is binomial."""
    for workers, q in ((20, 0.5), (1000, 0.001), (1000, 0.2), (1000, 0.999)):
        rows = np.repeat([[q], [1.0]], workers, axis=1)
        found: FirstFailures = first_failures(rows, 1 - rows)
        chances = binom.pmf(np.arange(workers), workers, q)
        assert found.chance[1] == pytest.approx(chances, rel=1e-11, abs=1e-100)


def test_first_failures_do_not_depend_on_threads() -> None:
    p = rising(np.random.default_rng(5), 50, 30, 1.2)
    one, two = first_failures(p, 1 - p, threads=1), first_failures(p, 1 - p, threads=2)
    for name in FirstFailures.__dataclass_fields__:
        assert np.array_equal(getattr(one, name), getattr(two, name))


def test_rough_first_failures_are_a_little_smaller() -> None:
    rng = np.random.default_rng(6)
    middle = np.minimum((np.arange(200) + 1) / 200 + rng.uniform(0.0, 0.1, (30, 200)), 1.0)
    p = np.maximum.accumulate(np.sort(middle, axis=1), axis=0)
    exact, rough = first_failures(p, 1 - p), first_failures(p, 1 - p, rough=True)
    for name in ("chance", "leading", "second"):
        ours, right = getattr(rough, name), getattr(exact, name)
        assert (ours <= right * (1 + 1e-13)).all()
        assert ours == pytest.approx(right, rel=1e-6, abs=1e-7 * right.max())
    assert not np.array_equal(rough.chance, exact.chance)


@pytest.mark.parametrize("workers", [2, 9, 60, 400])
def test_paired_derivatives_against_differences_of_the_gradient(workers: int) -> None:
    rng = np.random.default_rng(workers)
    middle = (np.arange(workers) + 1) / workers + 0.7 / np.sqrt(workers)
    p = np.sort(np.minimum(middle + rng.uniform(0, 0.5 / workers, (3, workers)), 0.999), axis=1)
    p -= np.linspace(1e-4, 0, workers) / workers  # no ties at the end
    check_pairs(p, rng)


@pytest.mark.parametrize("workers", [40, 150, 400])
def test_paired_derivatives_across_long_intervals(workers: int) -> None:
    """Narrow modes of the worker times: hundreds of points between neighbouring thresholds."""
    rng = np.random.default_rng(workers)
    k = np.arange(workers)
    p = np.where(k < 0.4 * workers, 0.42 + 0.01 * k / workers, 0.93 + 0.05 * k / workers)
    check_pairs(np.sort(p + rng.uniform(0, 1e-3, (3, workers)), axis=1), rng)


def check_pairs(p: np.ndarray, rng: np.random.Generator) -> None:
    """Compare with differences of the gradient."""
    workers = p.shape[1]
    rise, before, after = rng.random((3, 3, workers))
    gradient = crossing(p, 1 - p, gradient=True).gradient
    assert gradient is not None
    found = paired_derivatives(p, gradient, rise, gradient * before, gradient * after)
    below = np.flatnonzero((p < 0.99).all(axis=0))[1:]
    columns = below[:: max(below.size // 10, 1)]
    step = 1e-6 / workers
    for k in columns:
        moved = step * np.eye(workers)[k]
        up = crossing(p + moved, 1 - p - moved, gradient=True).gradient
        down = crossing(p - moved, 1 - p + moved, gradient=True).gradient
        assert up is not None
        assert down is not None
        mixed = (up - down)[:, :k] / (2 * step)
        weights = rise[:, :k] * after[:, [k]] + before[:, :k] * rise[:, [k]]
        right = (mixed * weights).sum(axis=0)
        assert found[:k, k] == pytest.approx(right, rel=0.03, abs=1e-3 * found.max())
    assert not found[np.tril_indices(workers)].any()


def test_paired_derivatives_leave_out_what_is_negligible_and_do_not_depend_on_threads() -> None:
    p = rising(np.random.default_rng(7), 50, 30, 1.2)
    gradient = crossing(p, 1 - p, gradient=True).gradient
    assert gradient is not None
    weights = np.random.default_rng(8).random((3, 50, 30))
    weights[1:] *= gradient
    one = paired_derivatives(p, gradient, *weights, threads=1)
    assert np.array_equal(one, paired_derivatives(p, gradient, *weights, threads=2))
    less = paired_derivatives(p, gradient, *weights, least=0.1)
    assert (less <= one).all()
    assert less.sum() < one.sum()
    assert not paired_derivatives(p, gradient, *weights, least=1e9).any()
