"""Where completion probabilities are log-concave: the theorem, the families, the table."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy import optimize, stats

import cgcopt as cg
from cgcopt.arrays import FloatArray
from cgcopt.errors import UnsupportedProblemError
from cgcopt.evaluation.crossing.crossing import crossing
from cgcopt.solvers.proof.log_concavity import (
    convex_stretches,
    hazard_barrier,
    log_concave_barrier,
    reach,
)
from cgcopt.workers.base import ContinuousTimes

FAMILIES: dict[str, tuple[ContinuousTimes, Any]] = {
    f"{model.label}": (model, frozen)
    for model, frozen in [
        (cg.Exponential(2.0), stats.expon(scale=0.5)),
        (cg.ShiftedExponential(0.1, 1.0), stats.expon(loc=1.0, scale=10.0)),
        (cg.ShiftedExponential(1.0, 0.5), stats.expon(loc=0.5)),
        (cg.Weibull(0.5, 1.0), stats.weibull_min(0.5)),
        (cg.Weibull(2.0, 1.0, 0.1), stats.weibull_min(2.0, loc=0.1)),
        (cg.Gamma(0.4, 1.0), stats.gamma(0.4)),
        (cg.Gamma(5.0, 1.0, 0.1), stats.gamma(5.0, loc=0.1)),
        (cg.LogNormal(0.5, 1.0), stats.lognorm(0.5)),
        (cg.LogNormal(2.0, 1.0, 0.1), stats.lognorm(2.0, loc=0.1)),
        (cg.Pareto(0.6, 1.0), stats.pareto(0.6)),
        (cg.Pareto(2.5, 1.0, 0.2), stats.pareto(2.5, loc=0.2)),
    ]
}


@pytest.fixture(params=FAMILIES.values(), ids=FAMILIES.keys())
def family(request: pytest.FixtureRequest) -> tuple[ContinuousTimes, Any]:
    """A model and scipy's own."""
    found: tuple[ContinuousTimes, Any] = request.param
    return found


def fastest(times: ContinuousTimes) -> float:
    return float(1.0 / times.ppf(1e-6))


def log_probability(eta: FloatArray) -> FloatArray:
    """``log P`` at ``-log p`` of the levels, the level of the k-th fastest worker in place k."""
    return crossing(np.exp(-eta), -np.expm1(-eta)).log_probability


@pytest.mark.parametrize("workers", [1, 2, 3, 7, 20])
def test_probability_is_log_concave_in_the_logarithms_of_the_thresholds(workers: int) -> None:
    rng = np.random.default_rng(workers)
    spread = 10 ** rng.uniform(-3, 1, (4000, 1))
    a, b = spread * rng.exponential(size=(2, 4000, workers))
    share = rng.uniform(size=(4000, 1))
    chord = share[:, 0] * log_probability(a) + (1 - share[:, 0]) * log_probability(b)
    middle = log_probability(share * a + (1 - share) * b)
    assert (middle >= chord - 1e-12 * np.abs(chord)).all()
    if workers > 1:  # no equation in disguise
        assert (middle > chord * (1 - 1e-3)).any()


def test_probability_is_not_log_concave_in_thresholds_raised_to_a_power() -> None:
    """The theorem has content: a slightly slower scale than the logarithm fails."""
    rng = np.random.default_rng(0)
    a, b = rng.exponential(size=(2, 4000, 3)) ** 0.7
    middle = log_probability((0.5 * (a + b)) ** (1 / 0.7))
    ends = 0.5 * (log_probability(a ** (1 / 0.7)) + log_probability(b ** (1 / 0.7)))
    assert (middle >= ends - 1e-12).all()
    a, b = rng.exponential(size=(2, 4000, 3)) ** 1.3
    middle = log_probability((0.5 * (a + b)) ** (1 / 1.3))
    ends = 0.5 * (log_probability(a ** (1 / 1.3)) + log_probability(b ** (1 / 1.3)))
    assert (middle < ends - 1e-3).any()


def test_reach_and_hazard_agree_with_scipy(family: tuple[ContinuousTimes, Any]) -> None:
    times, frozen = family
    y = np.geomspace(1e-3, 1.0, 50) * fastest(times)
    height, rate = reach(times, y)
    reached = frozen.cdf(1 / y)
    assert height == pytest.approx(np.log(reached), rel=1e-9, abs=1e-15)
    assert rate == pytest.approx(frozen.pdf(1 / y) / y**2 / reached, rel=1e-9, abs=1e-300)


def second_differences(frozen: Any, y: FloatArray) -> FloatArray:
    """Those of ``log G`` around ``y`` from scipy's own distribution, times ``y^2``."""
    h = 1e-3 * y
    return np.diff([frozen.logcdf(1 / (y + k * h)) for k in (-1, 0, 1)], n=2, axis=0)[0] / 1e-6


def test_stretches_are_where_the_reach_is_log_convex(family: tuple[ContinuousTimes, Any]) -> None:
    times, frozen = family
    end = fastest(times)
    slowest = float(1 / times.isf(1e-6))
    y = np.geomspace(slowest, end * (1 - 1e-2), 3001)
    bend = second_differences(frozen, y)
    inside = np.zeros(y.size, dtype=bool)
    near = np.zeros(y.size, dtype=bool)
    for stretch in convex_stretches(times, end):
        inside |= (y > stretch.low) & (y < stretch.high)
        for edge in (stretch.low, stretch.high):
            near |= np.abs(y - edge) < 2e-3 * y
    assert (bend[inside & ~near] > -1e-8).all()
    assert (bend[~inside & ~near] < 1e-8).all()


def log_probability_at(times: ContinuousTimes, y: FloatArray) -> FloatArray:
    theta = 1 / y[..., ::-1]
    return crossing(times.cdf(theta), times.sf(theta)).log_probability


def test_log_concave_in_the_work_below_the_barrier(family: tuple[ContinuousTimes, Any]) -> None:
    times, _ = family
    barrier = min(hazard_barrier(times), fastest(times))
    if barrier == 0.0:
        pytest.skip("log G is convex from the start")
    rng = np.random.default_rng(1)
    a, b = barrier * np.sort(rng.uniform(size=(2, 4000, 5)), axis=-1)
    ends = 0.5 * (log_probability_at(times, a) + log_probability_at(times, b))
    assert (log_probability_at(times, 0.5 * (a + b)) >= ends - 1e-12 * (1 + np.abs(ends))).all()


def test_not_log_concave_in_the_work_above_the_barrier() -> None:
    violated = []
    for times, _ in FAMILIES.values():
        for stretch in convex_stretches(times, fastest(times)):
            low, high = stretch.low, min(stretch.high, fastest(times))
            rng = np.random.default_rng(2)
            # Only the fastest level moves; the others hardly bind.
            a, b = np.full((2, 4000, 4), 1e-2 * max(low, 1e-3 * high))
            a[:, -1], b[:, -1] = low + (high - low) * rng.uniform(size=(2, 4000))
            ends = 0.5 * (log_probability_at(times, a) + log_probability_at(times, b))
            middle = log_probability_at(times, 0.5 * (a + b))
            violated.append((middle < ends - 1e-6).any())
    assert len(violated) == 9
    assert sum(violated) >= 5


def test_barrier_of_the_shifted_exponential_in_closed_form() -> None:
    for rate, shift in [(0.1, 0.5), (0.1, 1.0), (2.0, 0.1), (1.0, 0.3)]:
        z = optimize.brentq(
            lambda z, c=rate * shift: 2 * (1 - math.exp(-z)) - z - c, math.log(2), 10.0
        )
        expected = rate / (z + rate * shift)
        times = cg.ShiftedExponential(rate, shift)
        assert hazard_barrier(times) == pytest.approx(expected, rel=1e-6)
        assert log_concave_barrier(times) == pytest.approx(min(rate, expected), rel=5e-3)
    above = cg.ShiftedExponential(1.0, 1.01 * (1 - math.log(2)))
    assert convex_stretches(above, fastest(above)) == ()
    assert hazard_barrier(above) == pytest.approx(1 / above.shift)
    assert log_concave_barrier(above) == pytest.approx(1.0, rel=5e-3)


def test_stricter_barrier_meets_its_conditions(family: tuple[ContinuousTimes, Any]) -> None:
    """``f`` log-concave up to ``B`` and ``f(B)^2 + f'(B) G(B) >= 0``, by differences of scipy's."""
    times, frozen = family
    barrier = log_concave_barrier(times)
    assert barrier <= hazard_barrier(times)
    if barrier == 0.0:
        return
    y = np.geomspace(1e-2, 0.99, 300) * min(barrier, fastest(times))
    h = 1e-3 * y
    log_f = [frozen.logpdf(1 / s) - 2 * np.log(s) for s in (y - h, y, y + h)]
    assert (np.diff(log_f, n=2, axis=0)[0] / 1e-6 < 1e-6).all()
    f = np.exp(log_f[1])
    slope = f * (log_f[2] - log_f[0]) / (2 * h)
    condition = f**2 + slope * frozen.cdf(1 / y)
    assert condition[-1] > -1e-2 * f[-1] ** 2


def test_the_table_in_the_documentation() -> None:
    page = Path(__file__).parents[2] / "docs" / "log_concavity.md"
    row = r"^\| (\S.*?) \| ([\d.]+) \| ([\d.]+|end) \| ([\d.]+) \|$"
    rows = re.findall(row, page.read_text(encoding="utf-8"), re.M)
    checked = 0
    for name, strict, barrier, beyond in rows:
        times = _named(name)
        end = times.support[0]
        measured = hazard_barrier(times), log_concave_barrier(times)
        mass = 0.0 if barrier == "end" else float(times.cdf(1 / max(measured[0], 1e-300)))
        if barrier == "end":
            assert measured[0] == (math.inf if end == 0 else pytest.approx(1 / end)), name
        else:
            assert measured[0] == pytest.approx(float(barrier), abs=6e-5), name
        assert measured[1] == pytest.approx(float(strict), rel=5e-3, abs=6e-5), name
        assert mass == pytest.approx(float(beyond), abs=6e-5), name
        checked += 1
    assert checked >= 20


def _named(name: str) -> ContinuousTimes:
    family, *numbers = name.split(", ")
    values = {key: float(value) for key, value in (item.split(" ") for item in numbers)}
    classes: dict[str, Any] = {
        "exponential": lambda: cg.Exponential(1.0),
        "shifted exponential": lambda **kw: cg.ShiftedExponential(1.0, **kw),
        "Weibull": lambda **kw: cg.Weibull(scale=1.0, **kw),
        "gamma": lambda **kw: cg.Gamma(scale=1.0, **kw),
        "log-normal": lambda **kw: cg.LogNormal(scale=1.0, **kw),
        "Pareto": lambda **kw: cg.Pareto(scale=1.0, **kw),
    }
    model: ContinuousTimes = classes[family](**values)
    return model


class Step(ContinuousTimes):
    """Density 0.2 on [1, 2], 0.8 on [2, 3]: fast workers are suddenly rarer."""

    label = "step"
    support = (1.0, 3.0)

    def cdf(self, t: ArrayLike) -> FloatArray:
        return np.asarray(np.interp(t, [1.0, 2.0, 3.0], [0.0, 0.2, 1.0]))

    def sf(self, t: ArrayLike) -> FloatArray:
        return 1 - self.cdf(t)

    def ppf(self, q: ArrayLike) -> FloatArray:
        return np.asarray(np.interp(q, [0.0, 0.2, 1.0], [1.0, 2.0, 3.0]))

    def isf(self, q: ArrayLike) -> FloatArray:
        return self.ppf(1 - np.asarray(q))

    def pdf(self, t: ArrayLike) -> FloatArray:
        t = np.asarray(t)
        return np.select([t < 1, t < 2, t <= 3], [0.0, 0.2, 0.8], 0.0)

    def logpdf(self, t: ArrayLike) -> FloatArray:
        with np.errstate(divide="ignore"):
            return np.log(self.pdf(t))

    def dlogpdf(self, t: ArrayLike) -> FloatArray:
        return np.zeros(np.shape(t))

    def mean(self) -> float:
        return 2.3

    def sample(self, rounds: int, workers: int, rng: np.random.Generator) -> FloatArray:
        return self.ppf(rng.uniform(size=(rounds, workers)))

    def to_dict(self) -> dict[str, Any]:
        return {}


def test_a_density_that_jumps_is_refused() -> None:
    with pytest.raises(UnsupportedProblemError, match="jumps"):
        convex_stretches(Step(), 0.9)
