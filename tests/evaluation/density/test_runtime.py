"""Expected runtime of continuous models against mpmath, closed forms and simulation."""

from __future__ import annotations

from typing import Any

import high_precision as reference
import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import cgcopt as cg
from cgcopt.design import budget_weights
from cgcopt.errors import (
    InfiniteMeanError,
    InvalidInputError,
    SolverError,
    UnsupportedProblemError,
)
from cgcopt.evaluation.crossing import completion
from cgcopt.evaluation.density.by_panels import by_panels
from cgcopt.evaluation.density.by_trapezoids import by_trapezoids
from cgcopt.evaluation.density.normalised import NormalisedRuntime
from cgcopt.evaluation.density.quadrature import integrate, trapezoids
from cgcopt.evaluation.density.runtime import expected_runtime
from cgcopt.evaluation.order_statistics import order_statistic_means
from tests.turns import in_turns

FAMILIES = [
    cg.ShiftedExponential(rate=1e-3, shift=50.0),
    cg.ShiftedExponential(rate=1.0, shift=1000.0),
    cg.Exponential(rate=3.0),
    cg.Weibull(shape=0.5, scale=1.0),
    cg.Weibull(shape=0.5, scale=1.0, shift=0.3),
    cg.Weibull(shape=2.0, scale=1.0),
    cg.Weibull(shape=2.0, scale=1.0, shift=2.0),
    cg.Gamma(shape=0.3, scale=1.0),
    cg.Gamma(shape=0.3, scale=1.0, shift=2.0),
    cg.Gamma(shape=5.0, scale=1.0),
    cg.Gamma(shape=5.0, scale=1.0, shift=1.0),
    cg.LogNormal(sigma=0.3, scale=1.0),
    cg.LogNormal(sigma=0.3, scale=1.0, shift=1.0),
    cg.LogNormal(sigma=2.0, scale=1.0),
    cg.LogNormal(sigma=2.0, scale=1.0, shift=1.0),
    cg.Pareto(shape=2.5, scale=1.0),
    cg.Pareto(shape=2.5, scale=1.0, shift=1.0),
    cg.Pareto(shape=1.1, scale=1.0),
]


def label(times: Any) -> str:
    return str(times.label)


def designs(times: Any, workers: int) -> dict[str, NDArray[np.float64]]:
    """Cumulative works of rather different kinds."""
    n = np.arange(workers)
    rng = np.random.default_rng(workers)
    sparse = np.where(rng.random(workers) < 0.4, rng.random(workers), 0.0)
    sparse[workers // 2] = 1.0
    return {
        "balanced": 1 / order_statistic_means(times, workers)[::-1],
        "linear": n + 1.0,
        "uniform": np.cumsum(n + 1.0),
        "sparse": np.cumsum(sparse * (n + 1)),
        "wide": np.cumsum(10.0 ** rng.uniform(-12, 0, workers)),
    }


LABELLED = {label(times): times for times in FAMILIES}


def system_of(times: Any, workers: int, coordinates: int = 1000) -> cg.System:
    return cg.System(workers, coordinates, times, samples=7, cycles=0.3)


@pytest.mark.parametrize("chosen", [1, pytest.param(5, marks=pytest.mark.slow)])
@in_turns(every=3, workers=[1, 2, 4], times=LABELLED)
def test_value_agrees_with_high_precision(times: Any, workers: int, chosen: int) -> None:
    """On designs of all kinds, which take turns where one of them is chosen."""
    system = system_of(times, workers)
    kinds = list(designs(times, workers).items())
    first = (FAMILIES.index(times) + workers) % 5
    for name, w in (kinds + kinds)[first : first + chosen]:
        with mp.workdps(22):
            exact = reference.runtime(times, system.unit, [mp.mpf(v) for v in w])
        value = expected_runtime(system, w).value
        assert value == pytest.approx(float(exact), rel=1e-10), name


@pytest.mark.slow
@pytest.mark.parametrize("times", FAMILIES, ids=label)
def test_value_agrees_with_high_precision_for_twelve_workers(times: Any) -> None:
    system = system_of(times, 12)
    for name in ("balanced", "sparse"):
        w = designs(times, 12)[name]
        with mp.workdps(22):
            exact = reference.runtime(times, system.unit, [mp.mpf(v) for v in w], (0.04,))
        assert expected_runtime(system, w).value == pytest.approx(float(exact), rel=1e-10), name


@pytest.mark.parametrize("chosen", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "times",
    [
        times if place % 2 else pytest.param(times, marks=pytest.mark.slow)
        for place, times in enumerate(FAMILIES)  # at odd places the reference is cheaper
    ],
    ids=label,
)
def test_gradient_agrees_with_high_precision(times: Any, chosen: int) -> None:
    """Complex step through the reference; a balanced design and an empty block take turns."""
    workers = 3
    system = system_of(times, workers)
    kinds = [designs(times, workers)["balanced"], np.array([0.0, 2.0, 3.0])]
    first = FAMILIES.index(times) % 2
    for w in (kinds + kinds)[first : first + chosen]:
        exact = []
        with mp.workdps(40):
            step = mp.mpf(10) ** -12
            for n in np.flatnonzero(w > 0.0):
                moved = [mp.mpc(v, step * v if i == n else 0) for i, v in enumerate(w)]
                change = mp.im(reference.runtime(times, system.unit, moved))
                exact.append(float(change / (step * w[n])))
        gradient = expected_runtime(system, w, gradient=True).gradient
        assert gradient is not None
        error = np.abs(gradient[w > 0.0] - exact).max()
        assert error < 1e-9 * np.abs(exact).max()
        assert not gradient[w == 0.0].any()


def test_the_reference_settles() -> None:
    """The step of the reference's own rule does not matter."""
    times = cg.Gamma(shape=5.0, scale=1.0)
    with mp.workdps(22):
        w = [mp.mpf(v) for v in (1, 2, 4, 4)]
        reference.runtime(times, 1.0, w, (0.06, 0.04))
        reference.runtime(cg.Pareto(shape=1.1, scale=1.0), 1.0, w, (0.06, 0.045))


@in_turns(every=4, workers=[1, 2, 12, 200], times=LABELLED)
def test_single_level_is_an_order_statistic(times: Any, workers: int) -> None:
    """All coordinates at level ``n``: ``tau = u (n + 1) L T_(N-n)``, and only ``w_n`` matters."""
    system = system_of(times, workers)
    means = order_statistic_means(times, workers)
    for level in sorted({0, workers // 2, workers - 1}):
        x = np.zeros(workers)
        x[level] = 1000.0
        w = cg.Design(x).work
        result = expected_runtime(system, w, gradient=True)
        value = system.unit * w[level] * means[workers - 1 - level]
        assert result.value == pytest.approx(value, rel=1e-10)
        assert result.gradient is not None
        assert result.gradient[level] == pytest.approx(value / w[level], rel=1e-9)
        rest = np.delete(result.gradient, level)
        assert np.abs(rest).max(initial=0.0) < 1e-9 * result.gradient[level]


@in_turns(every=3, workers=[2, 20, 100], times=LABELLED)
def test_homogeneity(times: Any, workers: int) -> None:
    """``g . w = f`` ties two integrals together, that of ``1 - P`` and that of ``dP/dw``."""
    system = system_of(times, workers)
    for name, w in designs(times, workers).items():
        result = expected_runtime(system, w, gradient=True)
        assert result.gradient is not None
        assert result.gradient.min() >= 0.0
        assert result.gradient @ w == pytest.approx(result.value, rel=1e-9), name


@pytest.mark.parametrize("shape", [2.2, 4.0])
@pytest.mark.parametrize("workers", [200, 300])
def test_the_tail_of_many_workers(shape: float, workers: int) -> None:
    """Far out all thresholds are 1 in double precision, and what they leave to it counts."""
    times = cg.Pareto(shape=shape, scale=1.0)
    system, w = system_of(times, workers), designs(times, workers)["balanced"]
    result = expected_runtime(system, w, gradient=True)
    assert result.gradient is not None
    assert result.gradient @ w == pytest.approx(result.value, rel=1e-12)
    panels = by_panels(NormalisedRuntime.of(times, w / w[-1]), False, None)
    value = system.unit * w[-1] * (times.support[0] + panels[0])
    assert result.value == pytest.approx(value, rel=1e-12)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> dict[bool, int]:
    """How many probabilities are asked of the kernel, with (True) and without gradient."""
    counts = {True: 0, False: 0}
    kernel = completion.crossing

    def counted(cdf: Any, sf: Any, **options: Any) -> Any:
        counts[bool(options.get("gradient"))] += len(cdf)
        return kernel(cdf, sf, **options)

    monkeypatch.setattr(completion, "crossing", counted)
    return counts


@pytest.mark.parametrize(
    ("times", "most"),
    [
        (cg.ShiftedExponential(rate=1e-3, shift=50.0), 80),
        pytest.param(cg.Weibull(shape=0.7, scale=1.0, shift=0.1), 80, marks=pytest.mark.slow),
        pytest.param(cg.LogNormal(sigma=1.0, scale=1.0), 80, marks=pytest.mark.slow),
        pytest.param(cg.LogNormal(sigma=2.0, scale=1.0), 80, marks=pytest.mark.slow),
        pytest.param(cg.Pareto(shape=2.5, scale=1.0), 80, marks=pytest.mark.slow),
        (cg.Pareto(shape=1.1, scale=1.0), 195),  # panels
    ],
    ids=str,
)
def test_thousand_workers(times: Any, most: int, calls: dict[bool, int]) -> None:
    """Value, gradient and certificate within some eighty evaluations of the probability."""
    system = cg.System(1000, 10**12, times)
    w = designs(times, 1000)["balanced"]
    w *= 1e12 / (budget_weights(1000) @ w)
    result = expected_runtime(system, w, gradient=True)
    assert result.gradient is not None
    assert result.gradient @ w == pytest.approx(result.value, rel=1e-10)
    assert calls[False] <= 12
    assert calls[True] <= most
    by_level = np.arange(1, 1001) * np.cumsum(result.gradient[::-1])[::-1]
    assert 0.0 < 1e12 * by_level.min() <= result.value


RESOLVED = [times for times in FAMILIES if times.tail_index >= 2.0]


@given(
    workers=st.integers(1, 60),
    family=st.sampled_from(RESOLVED),
    concentration=st.sampled_from([0.1, 0.7, 3.0]),
    seed=st.integers(0, 10**6),
)
def test_trapezoids_agree_with_panels(
    workers: int, family: Any, concentration: float, seed: int
) -> None:
    """Two rules with nothing in common but the probability."""
    x = np.random.default_rng(seed).dirichlet(np.full(workers, concentration))
    w = cg.Design(x).work
    if w[0] <= 0.0:
        return
    model = NormalisedRuntime.of(family, w / w[-1])
    found = by_trapezoids(model, True, 1)
    if found is None:
        return
    panels = by_panels(model, True, 1)
    whole = panels[0] + family.support[0]
    assert abs(found[0] - panels[0]) < 2e-10 * whole
    assert np.abs(found[1:] - panels[1:]).max() < 2e-9 * panels[1:].max()
    alone = by_trapezoids(model, False, 1)
    assert alone is None or abs(alone[0] - panels[0]) < 2e-10 * whole


@pytest.mark.parametrize("times", [FAMILIES[0], FAMILIES[9], FAMILIES[13]], ids=label)
def test_agrees_with_simulation(times: Any) -> None:
    system = system_of(times, 50)
    rng = np.random.default_rng(11)
    ordered = np.sort(times.sample(40_000, 50, rng), axis=1)[:, ::-1]
    for name, w in designs(times, 50).items():
        tau = system.unit * (ordered * w).max(axis=1)
        error = tau.std() / np.sqrt(tau.size)
        assert abs(tau.mean() - expected_runtime(system, w).value) < 4 * error, name


def test_gradient_is_the_mean_subgradient() -> None:
    """The subgradient of a round is ``u T_(N-n)`` at the level ``n`` that ends it."""
    times = cg.ShiftedExponential(rate=1e-3, shift=50.0)
    system = cg.System(10, 20_000, times, samples=50)
    w = designs(times, 10)["balanced"]
    ordered = np.sort(times.sample(100_000, 10, np.random.default_rng(2)), axis=1)[:, ::-1]
    rounds, last = np.arange(len(ordered)), (ordered * w).argmax(axis=1)
    drawn = np.zeros(ordered.shape)
    drawn[rounds, last] = system.unit * ordered[rounds, last]
    assert np.bincount(last, minlength=10).min() > 1000
    gradient = expected_runtime(system, w, gradient=True).gradient
    assert gradient is not None
    error = drawn.std(axis=0) / np.sqrt(len(drawn))
    assert np.all(np.abs(drawn.mean(axis=0) - gradient) < 4 * error)


@given(
    workers=st.integers(1, 12),
    family=st.sampled_from(FAMILIES),
    scale=st.sampled_from([1e-3, 1e12]),
    seed=st.integers(0, 10**6),
)
def test_homogeneous_convex_and_bounded_by_its_tangents(
    workers: int, family: Any, scale: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    system = system_of(family, workers)
    x, y = rng.dirichlet(np.full(workers, 0.7), size=2) * 1000
    v, w = cg.Design(x).work, cg.Design(y).work
    if v[0] == 0.0 or w[0] == 0.0:
        return
    at_v, at_w = (expected_runtime(system, work, gradient=True) for work in (v, w))
    assert expected_runtime(system, v * scale).value == pytest.approx(scale * at_v.value, rel=1e-10)
    assert at_v.gradient is not None
    assert at_w.gradient is not None
    assert at_v.gradient @ w <= at_w.value * (1 + 1e-8)
    assert at_w.gradient @ v <= at_v.value * (1 + 1e-8)
    middle = expected_runtime(system, 0.5 * (v + w)).value
    assert middle <= 0.5 * (at_v.value + at_w.value) * (1 + 1e-10)


def test_infinite_mean_is_an_error() -> None:
    system = cg.System(4, 10, cg.Pareto(shape=0.8, scale=1.0))
    with pytest.raises(InfiniteMeanError, match=r"infinite.*pareto\(shape=0.8") as caught:
        expected_runtime(system, [1.0, 2.0, 3.0, 4.0])
    assert "\n" not in str(caught.value)
    with pytest.raises(InfiniteMeanError):
        expected_runtime(cg.System(4, 10, cg.Pareto(shape=1.0, scale=1.0)), [1.0, 1.0, 1.0, 1.0])


def test_mean_is_finite_when_enough_slow_workers_are_left_out() -> None:
    """With level 0 empty the second slowest counts, whose tail index is twice as large."""
    times = cg.Pareto(shape=0.8, scale=1.0)
    system = cg.System(4, 10, times)
    w = np.array([0.0, 20.0, 20.0, 20.0])
    result = expected_runtime(system, w, gradient=True)
    value = system.unit * 20 * order_statistic_means(times, 4)[2]
    assert result.value == pytest.approx(value, rel=1e-10)
    with mp.workdps(22):
        moved = [mp.mpf(v) for v in (0, 20, 25, 40)]
        exact = reference.runtime(times, system.unit, moved)
    assert expected_runtime(system, [0, 20, 25, 40]).value == pytest.approx(float(exact), rel=1e-10)


@pytest.mark.parametrize("shape", [1.02, 1.0005])
def test_barely_finite_mean(shape: float) -> None:
    times = cg.Pareto(shape=shape, scale=2.0, shift=1.0)
    system = cg.System(5, 10, times)
    result = expected_runtime(system, np.full(5, 3.0), gradient=True)
    value = system.unit * 3.0 * order_statistic_means(times, 5)[-1]
    assert result.value == pytest.approx(value, rel=1e-9)
    assert result.gradient is not None
    assert result.gradient[0] == pytest.approx(value / 3.0, rel=1e-9)


def test_repeated_evaluation_gives_the_same_bits() -> None:
    system = system_of(cg.Weibull(shape=1.3, scale=2.0), 30)
    w = designs(system.worker_times, 30)["balanced"]
    first, second = (expected_runtime(system, w, gradient=True, threads=1) for _ in range(2))
    assert first.value == second.value
    assert np.array_equal(first.gradient, second.gradient)
    assert first.lower == first.upper == first.value


def test_bad_input_is_refused() -> None:
    system = cg.System(2, 10, cg.Exponential(rate=1.0))
    for work in ([1.0], [0.0, 0.0], [-1.0, 1.0], [np.nan, 1.0], [1.0, np.inf], [[1.0, 2.0]]):
        with pytest.raises(InvalidInputError, match="work"):
            expected_runtime(system, work)
    with pytest.raises(UnsupportedProblemError, match="density"):
        expected_runtime(cg.System(2, 10, cg.Empirical([1.0, 2.0])), [1.0, 2.0])


def test_level_with_less_work_than_the_one_before_has_no_say() -> None:
    system = cg.System(3, 10, cg.Gamma(shape=2.0, scale=1.0))
    odd = expected_runtime(system, [3.0, 1.0, 4.0], gradient=True)
    even = expected_runtime(system, [3.0, 3.0, 4.0], gradient=True)
    assert odd.value == even.value
    assert odd.gradient is not None
    assert odd.gradient[1] < 1e-12 * odd.gradient[0]
    first = expected_runtime(system, [5.0, 0.0, 0.0]).value
    assert first == pytest.approx(
        system.unit * 5 * order_statistic_means(system.worker_times, 3)[2]
    )


@pytest.mark.parametrize(
    ("times", "workers"),
    [
        (cg.Pareto(shape=1.5, scale=1.0), 300),
        (cg.Pareto(shape=30.0, scale=1.0), 40),
        (cg.Weibull(shape=0.1, scale=1.0), 5),
        (cg.Weibull(shape=40.0, scale=1.0), 50),
        (cg.LogNormal(sigma=6.0, scale=1.0, shift=1e-3), 30),
        (cg.LogNormal(sigma=0.01, scale=1.0), 30),
        (cg.Gamma(shape=0.01, scale=1.0), 8),
        (cg.Gamma(shape=1e4, scale=1.0), 30),
        (cg.ShiftedExponential(rate=1e9, shift=1.0), 20),
        (cg.ShiftedExponential(rate=1e-9, shift=1.0), 20),
    ],
    ids=str,
)
def test_extreme_models(times: Any, workers: int) -> None:
    system = system_of(times, workers)
    means = order_statistic_means(times, workers)
    level = np.full(workers, 2.0)
    value = expected_runtime(system, level).value
    assert value == pytest.approx(2 * system.unit * means[-1], rel=1e-9)
    w = np.maximum.accumulate(1 / means[::-1])
    result = expected_runtime(system, w, gradient=True)
    assert result.gradient @ w == pytest.approx(result.value, rel=1e-9)


def test_tail_beyond_double_precision_is_an_error() -> None:
    with pytest.raises(SolverError, match="tail"):
        expected_runtime(cg.System(2, 10, cg.LogNormal(sigma=60.0, scale=1.0)), [1.0, 2.0])


def test_quadrature_halves_what_is_not_resolved() -> None:
    """A bump of width 1e-3 in a panel of width 2."""
    nodes = 0

    def bump(x: NDArray[np.float64]) -> NDArray[np.float64]:
        nonlocal nodes
        nodes += x.size
        return (1e-3 / (np.pi * (1e-6 + (x - 0.3) ** 2)))[:, np.newaxis]

    area = integrate(bump, np.array([-1.0, 0.0, 1.0]), allowance=lambda total: np.array([1e-9]))
    exact = (np.arctan(0.7e3) + np.arctan(1.3e3)) / np.pi
    assert area[0] == pytest.approx(exact, rel=1e-11)
    assert nodes < 800


def test_trapezoids_halve_the_step_and_give_up() -> None:
    """Half a step in width is enough; a narrower one is not resolved, nor one that is cut off."""

    def bell(width: float) -> Any:
        return lambda x: (np.exp(-0.5 * (x / width) ** 2) / width)[:, np.newaxis]

    def area(width: float, end: float) -> Any:
        return trapezoids(
            bell(width), -5.0, end, step=0.6, halvings=2, allowance=lambda total: np.array([1e-10])
        )

    assert area(0.4, 5.0)[0] == pytest.approx(np.sqrt(2 * np.pi), rel=1e-10)
    assert area(1e-3, 5.0) is None
    assert area(0.4, 0.5) is None


def test_quadrature_gives_up_on_a_jump() -> None:
    with pytest.raises(SolverError, match="settle"):
        integrate(
            lambda x: (x > 0.123)[:, np.newaxis].astype(float),
            np.array([0.0, 1.0]),
            allowance=lambda total: np.array([1e-12]),
        )


def two_workers(times: cg.Pareto, first: float) -> Any:
    """``E[tau]`` for works ``(first, 1)`` in high precision, from the closed form of ``1 - P``.

    Both workers must have done ``first`` by ``t``, one of them 1: with ``late`` and ``very_late`` the
    chances that one worker has not, ``1 - P = very_late (2 - very_late) + (late - very_late)**2``.
    """
    shift, scale, shape = (mp.mpf(v) for v in (times.shift, times.scale, times.shape))
    start = shift + scale

    def sf(t: Any) -> Any:
        return (scale / (t - shift)) ** shape if t > start else mp.mpf(1)

    def failure(log_excess: Any) -> Any:
        excess = mp.exp(log_excess)
        late, very_late = sf(start + excess), sf((start + excess) / mp.mpf(first))
        return (very_late * (2 - very_late) + (late - very_late) ** 2) * excess

    # The breaks are where one of the factors changes from a constant to a power.
    cuts = [-400, *(float(v) for v in sorted(mp.log(v) for v in (scale, first * scale, shift)))]
    return start + mp.quad(failure, [*cuts, 5, 20, 60, 200, 600, 2000, 6000])


@in_turns(every=3, shape=[1.05, 1.2, 3.0], first=[1e-9, 1e-12, 1e-3, 0.5])
def test_the_tail_counts_from_the_shift(first: float, shape: float) -> None:
    """Hardly any spread beside the shift, and a first block that is late once in 1e23 rounds."""
    times = cg.Pareto(shape=shape, scale=1e-13, shift=1.0)
    system = cg.System(2, 10, times, samples=2)
    found = expected_runtime(system, np.array([first, 1.0]), gradient=True)
    with mp.workdps(40):
        expected = float(two_workers(times, first))
    assert found.value == pytest.approx(expected, rel=1e-12)
    assert found.gradient is not None
    assert found.gradient @ np.array([first, 1.0]) == pytest.approx(found.value, rel=1e-9)
