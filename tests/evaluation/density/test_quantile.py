"""Quantiles where the worker times have a density, against high precision."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from cgcopt.design import Design
from cgcopt.evaluation.density.quantile import runtime_quantile
from cgcopt.system import System
from cgcopt.workers.families import Exponential


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
