"""Models of worker times against scipy.stats, mpmath and plain counting."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cgcopt.errors import InvalidInputError
from cgcopt.workers import (
    Empirical,
    Exponential,
    Gamma,
    LogNormal,
    Pareto,
    Scenarios,
    ShiftedExponential,
    Weibull,
    WorkerTimes,
    family_names,
    worker_times_from_dict,
)
from cgcopt.workers.location_scale import LocationScale

# (ours, scipy's frozen distribution)
CASES: list[tuple[LocationScale, Any]] = [
    (Exponential(2.5), stats.expon(scale=1 / 2.5)),
    (ShiftedExponential(1e-3, 50.0), stats.expon(loc=50.0, scale=1e3)),
    (ShiftedExponential(0.1, 0.0), stats.expon(scale=10.0)),
    (Weibull(0.6, 3.0), stats.weibull_min(0.6, scale=3.0)),
    (Weibull(1.0, 2.0, 0.5), stats.weibull_min(1.0, loc=0.5, scale=2.0)),
    (Weibull(7.5, 2.0, 0.5), stats.weibull_min(7.5, loc=0.5, scale=2.0)),
    (Gamma(0.4, 2.0), stats.gamma(0.4, scale=2.0)),
    (Gamma(1.0, 2.0, 1.0), stats.gamma(1.0, loc=1.0, scale=2.0)),
    (Gamma(3.5, 1e-4, 2e-3), stats.gamma(3.5, loc=2e-3, scale=1e-4)),
    (Gamma(400.0, 0.01), stats.gamma(400.0, scale=0.01)),
    (LogNormal(0.1, 27.0), stats.lognorm(0.1, scale=27.0)),
    (LogNormal(1.7, 2.0, 3.0), stats.lognorm(1.7, loc=3.0, scale=2.0)),
    (Pareto(2.5, 3.0), stats.pareto(2.5, scale=3.0)),
    (Pareto(0.8, 1.0, 2.0), stats.pareto(0.8, loc=2.0, scale=1.0)),
    (Pareto(40.0, 10.0, 5.0), stats.pareto(40.0, loc=5.0, scale=10.0)),
]
IDS = [times.label for times, _ in CASES]
TINY = [1e-300, 1e-100, 1e-30, 1e-12, 1e-5]
MIDDLE = [0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99]
both = pytest.mark.parametrize(("times", "reference"), CASES, ids=IDS)
each = pytest.mark.parametrize("times", [times for times, _ in CASES], ids=IDS)


def standard_tails(times: LocationScale, t: float) -> tuple[mp.mpf, mp.mpf]:
    """cdf and sf at 60 digits, at exactly the doubles that were given."""
    y = mp.mpf(t) - mp.mpf(times.shift)
    match times:
        case Exponential(rate) | ShiftedExponential(rate, _):
            x = y * mp.mpf(rate)
            return -mp.expm1(-x), mp.exp(-x)
        case Weibull(shape, scale, _):
            x = (y / mp.mpf(scale)) ** mp.mpf(shape)
            return -mp.expm1(-x), mp.exp(-x)
        case Gamma(shape, scale, _):
            x = y / mp.mpf(scale)
            lower = mp.gammainc(mp.mpf(shape), 0, x, regularized=True)
            return lower, mp.gammainc(mp.mpf(shape), x, mp.inf, regularized=True)
        case LogNormal(sigma, scale, _):
            x = mp.log(y / mp.mpf(scale)) / mp.mpf(sigma) / mp.sqrt(2)
            return mp.erfc(-x) / 2, mp.erfc(x) / 2
        case Pareto(shape, scale, _):
            x = mp.mpf(shape) * mp.log(y / mp.mpf(scale))
            return -mp.expm1(-x), mp.exp(-x)
    raise AssertionError(times)


def log_density(times: LocationScale, t: mp.mpf) -> mp.mpf:
    y = t - mp.mpf(times.shift)
    match times:
        case Exponential(rate) | ShiftedExponential(rate, _):
            return mp.log(rate) - rate * y
        case Weibull(a, scale, _):
            z = y / scale
            return mp.log(mp.mpf(a) / scale) + (mp.mpf(a) - 1) * mp.log(z) - z ** mp.mpf(a)
        case Gamma(a, scale, _):
            z = y / scale
            return (mp.mpf(a) - 1) * mp.log(z) - z - mp.loggamma(a) - mp.log(scale)
        case LogNormal(sigma, scale, _):
            normal = -(mp.log(y / scale) ** 2) / (2 * mp.mpf(sigma) ** 2)
            return normal - mp.log(y * sigma * mp.sqrt(2 * mp.pi))
        case Pareto(a, scale, _):
            return mp.log(mp.mpf(a) / scale) - (mp.mpf(a) + 1) * mp.log(y / scale)
    raise AssertionError(times)


# --- parametric families -----------------------------------------------------------------------


@both
def test_families_agree_with_scipy_over_the_bulk(times: LocationScale, reference: Any) -> None:
    q = np.array([1e-6, 1e-3, *MIDDLE, 0.999, 1 - 1e-6])
    t = reference.ppf(q)
    np.testing.assert_allclose(times.ppf(q), t, rtol=1e-9)
    np.testing.assert_allclose(times.isf(q), reference.isf(q), rtol=1e-9)
    np.testing.assert_allclose(times.cdf(t), reference.cdf(t), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(times.sf(t), reference.sf(t), rtol=1e-12)
    np.testing.assert_allclose(times.pdf(t), reference.pdf(t), rtol=1e-10)
    np.testing.assert_allclose(times.logpdf(t), reference.logpdf(t), rtol=1e-10, atol=1e-10)
    assert times.support == pytest.approx(reference.support())
    assert times.mean() == pytest.approx(reference.mean(), rel=1e-13)


@each
def test_tails_keep_their_relative_accuracy(times: LocationScale) -> None:
    with mp.workdps(60):
        for q in [*TINY, *MIDDLE]:
            for t in (float(times.ppf(q)), float(times.isf(q))):
                if t == times.support[0] or not math.isfinite(t):
                    continue  # the quantile is not representable beside the shift
                lower, upper = standard_tails(times, t)
                assert abs(float(times.cdf(t)) / lower - 1) < 5e-13
                assert abs(float(times.sf(t)) / upper - 1) < 5e-13


@each
def test_quantiles_invert_the_tails(times: LocationScale) -> None:
    # Measured on the time above the lower end, where tiny probabilities live; a shift costs the
    # digits that a double beside it cannot hold.
    origin, spacing = times.support[0], np.spacing(times.support[0])
    with mp.workdps(60):
        for q in [*TINY, *MIDDLE]:
            for t, side in ((float(times.ppf(q)), 0), (float(times.isf(q)), 1)):
                if t == origin or not math.isfinite(t):
                    continue
                tail = standard_tails(times, t)[side]
                # One unit in the last place of t moves the tail by this much.
                step = float(times.pdf(t)) * np.spacing(t) / q
                slack = 1e-12 + 4 * step + spacing * float(times.pdf(t)) / q
                assert abs(tail / mp.mpf(q) - 1) < slack


@each
def test_density_and_its_derivative(times: LocationScale) -> None:
    with mp.workdps(40):
        for q in [1e-12, *MIDDLE]:
            for t in (float(times.ppf(q)), float(times.isf(q))):
                if t == times.support[0]:
                    continue
                exact = log_density(times, mp.mpf(t))
                slope = mp.diff(lambda x: log_density(times, x), mp.mpf(t), h=mp.mpf(10) ** -25 * t)
                above = t - times.shift
                assert abs(float(times.logpdf(t)) - exact) < 3e-13
                assert abs(float(times.pdf(t)) / mp.exp(exact) - 1) < 3e-13
                assert abs(float(times.dlogpdf(t)) - slope) < 1e-11 * (abs(slope) + 1 / above)


@pytest.mark.parametrize("shape", [9.999, 10.0, 30.0, 1e3, 1e4])
def test_gamma_density_does_not_cancel_for_large_shapes(shape: float) -> None:
    times = Gamma(shape, 1.0)
    with mp.workdps(40):
        for t in shape * np.array([0.5, 0.71, 0.9, 0.999, 1.0, 1.001, 1.2, 1.29, 1.31, 2.0]):
            exact = log_density(times, mp.mpf(t))
            assert abs(float(times.logpdf(t)) - exact) < 1e-13 + 1e-15 * abs(exact)


@pytest.mark.parametrize("shape", [1e3, 1e4])
def test_gamma_tails_for_large_shapes(shape: float) -> None:
    times = Gamma(shape, 1.0)
    with mp.workdps(60):
        for q in [1e-100, 1e-15, 1e-3, 0.5]:
            for t in (float(times.ppf(q)), float(times.isf(q))):
                lower, upper = standard_tails(times, t)
                assert abs(float(times.cdf(t)) / lower - 1) < 2e-11
                assert abs(float(times.sf(t)) / upper - 1) < 2e-11


@each
def test_outside_and_at_the_ends_of_the_support(times: LocationScale) -> None:
    low = times.support[0]
    below = np.array([-1.0, -np.inf, np.nextafter(low, -np.inf)])
    assert times.cdf(below).tolist() == [0.0] * 3
    assert times.sf(below).tolist() == [1.0] * 3
    assert times.pdf(below).tolist() == [0.0] * 3
    assert times.logpdf(below).tolist() == [-np.inf] * 3
    assert np.isnan(times.dlogpdf(below)).all()
    assert float(times.cdf(low)) == 0.0
    assert float(times.sf(low)) == 1.0
    assert not np.isnan([times.pdf(low), times.logpdf(low), times.dlogpdf(low)]).any()
    assert float(times.cdf(np.inf)) == 1.0
    assert float(times.sf(np.inf)) == 0.0
    assert float(times.pdf(np.inf)) == 0.0
    assert times.ppf([0.0, 1.0]).tolist() == [low, np.inf]
    assert times.isf([0.0, 1.0]).tolist() == [np.inf, low]
    assert np.isnan(times.ppf([-0.1, 1.1, np.nan])).all()
    assert np.isnan(times.isf([-0.1, 1.1, np.nan])).all()
    assert np.isnan([times.cdf(np.nan), times.sf(np.nan), times.pdf(np.nan)]).all()


@each
def test_shapes_are_kept(times: LocationScale) -> None:
    t = times.ppf(np.linspace(0.1, 0.9, 6).reshape(2, 3))
    for method in (times.cdf, times.sf, times.pdf, times.logpdf, times.dlogpdf):
        assert method(t).shape == (2, 3)
        assert method(float(t[0, 0])).shape == ()
        assert method([]).shape == (0,)


@both
def test_samples_follow_the_distribution(times: LocationScale, reference: Any) -> None:
    draws = times.sample(400, 25, np.random.default_rng(11))
    assert draws.shape == (400, 25)
    assert stats.kstest(draws.ravel(), reference.cdf).pvalue > 1e-3
    again = times.sample(400, 25, np.random.default_rng(11))
    np.testing.assert_array_equal(draws, again)


def test_the_limits_of_the_density_at_the_lower_end() -> None:
    assert float(Exponential(2.0).pdf(0.0)) == 2.0
    assert float(Weibull(1.0, 4.0).pdf(0.0)) == 0.25
    assert float(Gamma(1.0, 4.0).pdf(0.0)) == 0.25
    assert float(Weibull(0.5, 1.0).pdf(0.0)) == math.inf
    assert float(Gamma(0.5, 1.0).pdf(0.0)) == math.inf
    assert float(Weibull(1.5, 1.0).pdf(0.0)) == 0.0
    assert float(LogNormal(1.0, 1.0).pdf(0.0)) == 0.0
    assert float(Pareto(3.0, 2.0).pdf(2.0)) == pytest.approx(1.5, rel=1e-15)


def test_families_contain_each_other() -> None:
    t = np.linspace(0.0, 30.0, 301)
    same = [Exponential(0.4), ShiftedExponential(0.4, 0.0), Weibull(1.0, 2.5), Gamma(1.0, 2.5)]
    for times in same[1:]:
        for method in ("cdf", "sf", "pdf", "logpdf", "dlogpdf"):
            np.testing.assert_allclose(
                getattr(times, method)(t), getattr(same[0], method)(t), rtol=1e-14
            )
        assert times.mean() == same[0].mean()
    a, b = same[:2]
    np.testing.assert_array_equal(
        a.sample(5, 3, np.random.default_rng(0)), b.sample(5, 3, np.random.default_rng(0))
    )


def test_means_and_tails_where_they_are_heavy() -> None:
    assert Pareto(1.0, 1.0).mean() == math.inf
    assert Pareto(0.5, 1.0, 3.0).mean() == math.inf
    assert Pareto(1.5, 2.0).mean() == pytest.approx(6.0)
    assert Pareto(1.5, 2.0).tail_index == 1.5
    assert Weibull(0.3, 1.0).tail_index == math.inf
    assert LogNormal(3.0, 1.0).tail_index == math.inf
    assert LogNormal(50.0, 1.0).mean() == math.inf  # beyond the range of doubles
    assert Weibull(0.001, 1.0).mean() == math.inf


@pytest.mark.parametrize("bad", [0, -1.0, math.nan, math.inf, True, "1", None, [1.0], 1j])
@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda v: Exponential(v), "rate"),
        (lambda v: ShiftedExponential(v, 1.0), "rate"),
        (lambda v: Weibull(v, 1.0), "shape"),
        (lambda v: Weibull(1.0, v), "scale"),
        (lambda v: Gamma(v, 1.0), "shape"),
        (lambda v: LogNormal(v, 1.0), "sigma"),
        (lambda v: Pareto(1.0, v), "scale"),
    ],
)
def test_bad_parameters_are_refused(build: Any, field: str, bad: Any) -> None:
    with pytest.raises(InvalidInputError, match=rf"^worker_times\.{field} = .*: must be ") as info:
        build(bad)
    assert "\n" not in str(info.value)


@pytest.mark.parametrize("bad", [-1e-9, math.nan, math.inf, False, "0"])
def test_bad_shifts_are_refused(bad: Any) -> None:
    for build in (
        lambda: ShiftedExponential(1.0, bad),
        lambda: Weibull(1.0, 1.0, bad),
        lambda: Gamma(1.0, 1.0, bad),
        lambda: LogNormal(1.0, 1.0, bad),
        lambda: Pareto(1.0, 1.0, bad),
    ):
        with pytest.raises(InvalidInputError, match=r"^worker_times\.shift = "):
            build()


@pytest.mark.parametrize("sizes", [(0, 3), (3, 0), (-1, 3), (2.5, 3), (True, 3)])
def test_bad_sample_sizes_are_refused(sizes: Any) -> None:
    rng = np.random.default_rng(0)
    for times in (Exponential(1.0), Empirical([1.0, 2.0])):
        with pytest.raises(InvalidInputError, match=r"^(rounds|workers) = "):
            times.sample(*sizes, rng)


def test_sums_of_step_distributions_are_kept_here_and_not_sent() -> None:
    times = Empirical([4.0, 1.0, 2.0, 1.0])
    sent = pickle.dumps(times)
    assert times.below.tolist() == [0.0, 0.5, 0.75, 1.0]
    assert times.above.tolist() == [1.0, 0.5, 0.25, 0.0]
    plain, ranked = times.inverse_integrals  # of steps 1, 2 and 4 high
    assert plain.tolist() == [0.0, 0.5, 1.0, 2.0]
    assert ranked.tolist() == [0.0, 0.125, 0.4375, 1.3125]
    assert pickle.dumps(times) == sent
    assert pickle.loads(sent) == times


@each
def test_families_are_values(times: LocationScale) -> None:
    assert pickle.loads(pickle.dumps(times)) == times
    assert hash(times) == hash(pickle.loads(pickle.dumps(times)))
    again = worker_times_from_dict(times.to_dict())
    assert again == times
    assert type(again) is type(times)
    assert times.label.startswith(times.family + "(")
    with pytest.raises(AttributeError):
        times.scale = 1.0  # type: ignore[misc]


def test_labels() -> None:
    assert ShiftedExponential(1e-3, 50).label == "shifted-exponential(rate=0.001, shift=50)"
    assert Exponential(2).label == "exponential(rate=2)"
    assert LogNormal(0.5, 3).label == "lognormal(sigma=0.5, scale=3, shift=0)"


def test_importing_the_models_brings_no_scipy() -> None:
    code = (
        "import sys, cgcopt.workers as w\n"
        "w.ShiftedExponential(1.0, 2.0).sf(3.0); w.Weibull(2.0, 1.0).isf(0.1)\n"
        "w.Empirical([1.0, 2.0]).cdf(1.5)\n"
        "print([m for m in ('scipy', 'pandas', 'numba', 'multiprocessing') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


# --- step distributions ------------------------------------------------------------------------

values_lists = st.lists(st.sampled_from([0.25, 0.5, 1.0, 1.5, 2.0, 7.0, 1e3]), min_size=1)


@given(values_lists)
def test_empirical_counts(values: list[float]) -> None:
    times = Empirical(values)
    n = len(values)
    for t in [0.1, 0.25, 0.3, 1.0, 1.999, 2.0, 7.0, 999.0, 1e3, 2e3]:
        assert float(times.cdf(t)) == sum(v <= t for v in values) / n
        assert float(times.sf(t)) == sum(v > t for v in values) / n
    assert times.values.tolist() == sorted(set(values))
    assert times.weights.tolist() == [values.count(v) / n for v in sorted(set(values))]
    assert times.mean() == pytest.approx(sum(values) / n, rel=1e-14)
    assert times.support == (min(values), max(values))


@given(values_lists, st.fractions(0, 1, max_denominator=60))
def test_empirical_quantiles_are_the_smallest_that_reach(values: list[float], q: Fraction) -> None:
    times = Empirical(values)
    n, distinct = len(values), sorted(set(values))
    reach = next(t for t in distinct if Fraction(sum(v <= t for v in values), n) >= q)
    leave = next(t for t in distinct if Fraction(sum(v > t for v in values), n) <= q)
    level = q.numerator / q.denominator  # rounded like the counts, so that ties are ties
    assert float(times.ppf(level)) == reach
    assert float(times.isf(level)) == leave


def test_empirical_weights() -> None:
    times = Empirical([5.0, 1.0, 3.0, 1.0], weights=[1, 2, 0, 1])
    assert times.values.tolist() == [1.0, 5.0]
    assert times.weights.tolist() == [0.75, 0.25]
    assert times == Empirical([1.0, 1.0, 1.0, 5.0])
    assert hash(times) == hash(Empirical([1.0, 1.0, 1.0, 5.0]))
    assert times != Empirical([1.0, 1.0, 5.0])
    assert worker_times_from_dict(times.to_dict()) == times
    assert worker_times_from_dict(Empirical([2.0, 2.0, 1.0]).to_dict()) == Empirical([1, 2, 2])
    assert len(repr(Empirical(np.arange(1.0, 1e4)))) < 80


def test_empirical_tails_are_summed_from_their_own_end() -> None:
    times = Empirical([1.0, 2.0, 3.0], weights=[1.0, 1e-20, 1e-30])
    assert float(times.sf(2.0)) == pytest.approx(1e-30, rel=1e-14, abs=0)
    assert float(times.sf(1.0)) == pytest.approx(1e-20, rel=1e-9, abs=0)
    assert float(times.isf(5e-21)) == 2.0


def test_empirical_out_of_range() -> None:
    times = Empirical([1.0, 2.0])
    assert np.isnan(times.ppf([-0.1, 1.1, np.nan])).all()
    assert np.isnan(times.isf([-0.1, 1.1, np.nan])).all()
    assert np.isnan(times.cdf(np.nan))
    assert times.ppf([0.0, 1.0]).tolist() == [1.0, 2.0]
    assert times.isf([0.0, 1.0]).tolist() == [2.0, 1.0]
    assert times.cdf([[0.0, np.inf]]).tolist() == [[0.0, 1.0]]


def test_empirical_samples() -> None:
    times = Empirical([1.0, 2.0, 4.0], weights=[5, 3, 2])
    draws = times.sample(5000, 4, np.random.default_rng(3))
    counts = [int((draws == v).sum()) for v in times.values]
    assert sum(counts) == draws.size
    assert stats.chisquare(counts, draws.size * times.weights).pvalue > 1e-3


def test_arrays_are_copies_and_read_only() -> None:
    given = np.array([[1.0, 2.0], [3.0, 4.0]])
    rounds, pooled = Scenarios(given), Empirical(given[0])
    given[0, 0] = 99.0
    assert rounds.times[0, 0] == 1.0
    assert pooled.values[0] == 1.0
    for array in (rounds.times, rounds.sorted_times, pooled.values, pooled.weights):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5.0


BAD_TIMES = [[], [0.0], [-1.0], [math.nan], [-math.inf], ["a"], [None], [True], [[1.0], [1.0, 2.0]]]


@pytest.mark.parametrize("bad", BAD_TIMES, ids=str)
def test_bad_times_are_refused(bad: list[Any]) -> None:
    with pytest.raises(InvalidInputError, match=r"^worker_times\.values"):
        Empirical(bad)
    with pytest.raises(InvalidInputError, match=r"^worker_times\.times"):
        Scenarios([bad] if bad != BAD_TIMES[-1] else bad)


@pytest.mark.parametrize("bad", [[1.0], [1.0, -1.0], [0.0, 0.0], [1.0, math.nan], ["a", "b"], 2.0])
def test_bad_weights_are_refused(bad: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"^worker_times\.weights"):
        Empirical([1.0, 2.0], bad)


def test_the_refused_entry_is_named() -> None:
    with pytest.raises(InvalidInputError, match=r"^worker_times\.times\[1, 0\] = -3\.0: must be"):
        Scenarios([[1.0, 2.0], [-3.0, 4.0]])


# --- whole rounds ------------------------------------------------------------------------------


def test_scenarios_are_drawn_whole() -> None:
    rounds = Scenarios([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    draws = rounds.sample(3000, 2, np.random.default_rng(5))
    np.testing.assert_array_equal(draws[:, 1], 10 * draws[:, 0])
    counts = np.bincount(draws[:, 0].astype(int))[1:]
    assert stats.chisquare(counts).pvalue > 1e-3
    with pytest.raises(InvalidInputError, match=r"^workers = 3: must be 2"):
        rounds.sample(1, 3, np.random.default_rng(0))


def test_scenarios_equality_and_tables() -> None:
    rounds = Scenarios([[1.0, 10.0], [2.0, 20.0]])
    assert rounds == Scenarios(np.array([[1, 10], [2, 20]]))
    assert rounds != Scenarios([[2.0, 20.0], [1.0, 10.0]])
    assert rounds != Empirical([1.0])
    assert hash(rounds) == hash(Scenarios([[1.0, 10.0], [2.0, 20.0]]))
    assert worker_times_from_dict(rounds.to_dict()) == rounds
    assert rounds.label == "scenarios(2 rounds x 2 workers)"
    assert pickle.loads(pickle.dumps(rounds)) == rounds


def test_drawn_scenarios_write_out_their_model() -> None:
    drawn = Scenarios.draw(Weibull(2.0, 3.0), rounds=50, workers=4, seed=9)
    table = drawn.to_dict()
    assert table["model"]["family"] == "weibull"
    assert "times" not in table
    assert worker_times_from_dict(table) == drawn
    assert drawn != Scenarios.draw(Weibull(2.0, 3.0), rounds=50, workers=4, seed=10)
    with pytest.raises(InvalidInputError, match=r"^seed = -1"):
        Scenarios.draw(Weibull(2.0, 3.0), 1, 1, seed=-1)


@settings(max_examples=20)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32))
def test_sorted_times_are_order_statistics(rounds: int, workers: int, seed: int) -> None:
    drawn = Scenarios.draw(Exponential(1.0), rounds, workers, seed)
    assert (np.diff(drawn.sorted_times, axis=1) >= 0).all()
    for row, ordered in zip(drawn.times, drawn.sorted_times, strict=True):
        assert sorted(row.tolist()) == ordered.tolist()


# --- the [worker_times] table ------------------------------------------------------------------


def message(table: Any) -> str:
    with pytest.raises(InvalidInputError) as info:
        worker_times_from_dict(table)
    assert "\n" not in str(info.value)
    return str(info.value)


def test_tables_with_errors_name_what_is_wrong() -> None:
    text = message({"family": "shifted-exponental", "rate": 1.0, "shift": 0.0})
    assert "worker_times.family = 'shifted-exponental'" in text
    assert "did you mean 'shifted-exponential'?" in text
    assert all(name in text for name in family_names())
    assert message({"rate": 1.0}).startswith("worker_times.family = (missing)")
    assert message({"family": ["gamma"]}).startswith("worker_times.family = ['gamma']")
    assert message(3).startswith("worker_times = 3")
    text = message({"family": "weibull", "shpae": 1.0, "scale": 1.0})
    assert text.startswith("worker_times.shpae = 1.0")
    assert "shape, scale, shift (did you mean 'shape'?)" in text
    text = message({"family": "shifted-exponential", "rate": 1.0})
    assert text.startswith("worker_times.shift = (missing)")
    assert "rate, shift" in text
    assert message({"family": "gamma", "shape": -1, "scale": 1}).startswith("worker_times.shape")
    assert message({"family": "trace"}).startswith("worker_times.path = (missing)")
    assert message({"family": "trace", "path": 3}).startswith("worker_times.path = 3")
    assert message({"family": "trace", "path": "x", "mode": "all"}).startswith("worker_times.mode")
    sampled = {"family": "sampled", "rounds": 2, "workers": 2, "seed": 1, "model": {"family": "?"}}
    assert message(sampled).startswith("worker_times.model.family = '?'")


def test_every_family_is_reachable() -> None:
    assert {times.family for times, _ in CASES} < set(family_names())
    model: WorkerTimes = worker_times_from_dict({"family": "pareto", "shape": 3, "scale": 2})
    assert model == Pareto(3.0, 2.0, 0.0)


@pytest.mark.parametrize(
    "values", [[1.0, True], [1, np.True_], (2.0, False), [[1.0, 2.0], [True, 3.0]]]
)
def test_truth_values_among_numbers_are_refused(values: Any) -> None:
    kind = Scenarios if isinstance(values[0], list) else Empirical
    with pytest.raises(InvalidInputError, match="not truth values"):
        kind(values)


def test_weights_whose_sum_is_infinite_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="whose sum is finite"):
        Empirical([1.0, 2.0], [1e308, 1e308])
