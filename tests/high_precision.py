"""Evaluation in high precision, written without looking at the package: mpmath alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import mpmath as mp

import cgcopt as cg

DIGITS = 30


def survival(times: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Lower end of the support, and ``P(T > origin + y)`` as a function of ``y >= 0``."""
    shift = mp.mpf(times.shift)
    if isinstance(times, cg.Exponential | cg.ShiftedExponential):
        rate = mp.mpf(times.rate)
        return shift, lambda y: mp.exp(-rate * y)
    scale = mp.mpf(times.scale)
    if isinstance(times, cg.LogNormal):
        sigma = mp.mpf(times.sigma)
        return shift, lambda y: mp.erfc(mp.log(y / scale) / (sigma * mp.sqrt(2))) / 2
    shape = mp.mpf(times.shape)
    if isinstance(times, cg.Weibull):
        return shift, lambda y: mp.exp(-((y / scale) ** shape))
    if isinstance(times, cg.Gamma):
        return shift, lambda y: mp.gammainc(shape, y / scale, mp.inf, regularized=True)
    assert isinstance(times, cg.Pareto)
    return shift + scale, lambda y: (1 + y / scale) ** -shape


def completion(late: Sequence[Any]) -> tuple[Any, Any]:
    """``P[U_(k) <= p_k for all k]`` and ``1 - P`` from ``1 - p_k``, ``k = 1..N``, increasing ``p_k``.

    Counts the workers below each threshold in turn; those who fail are counted too.
    """
    n = len(late)
    alive = {0: mp.mpf(1)}
    failed = mp.mpf(0)
    above = mp.mpf(1)
    for k in range(1, n + 1):
        cell, above = above - late[k - 1], late[k - 1]
        powers = [mp.mpf(1)]
        for _ in range(n):
            powers.append(powers[-1] * cell)
        counts: dict[int, Any] = {}
        for i, chance in alive.items():
            for j in range(i, n + 1):
                term = chance * math.comb(n - i, j - i) * powers[j - i]
                counts[j] = counts.get(j, 0) + term
        if k - 1 in counts:
            failed += counts.pop(k - 1) * above ** (n - k + 1)
        alive = counts
    return alive.get(n, mp.mpf(0)), failed


def probability(times: Any, unit: float, work: Sequence[Any], deadline: Any) -> tuple[Any, Any]:
    """``P[tau <= deadline]`` and its complement; ``work`` may be complex (complex step)."""
    origin, sf = survival(times)
    late = []
    for w in reversed(list(work)):
        y = mp.mpf(deadline) / (mp.mpf(unit) * w) - origin if w else mp.inf
        late.append(mp.mpf(0) if y == mp.inf else sf(y) if mp.re(y) > 0 else mp.mpf(1))
    return completion(late)


def runtime(
    times: Any, unit: float, work: Sequence[Any], steps: tuple[float, ...] = (0.06,)
) -> Any:
    """``E[tau]`` by the trapezoidal rule in ``x``, ``t = t_min + exp(c + 2 sinh x)``."""
    origin, sf = survival(times)
    scale = [mp.mpf(unit) * w for w in work]
    n, last = len(scale), scale[-1]
    centre = mp.log(mp.re(last) * mp.mpf(float(times.ppf(0.5)) - times.support[0]))

    def integrand(x: Any) -> Any:
        after = mp.exp(centre + 2 * mp.sinh(x))
        late = [
            sf((after + origin * (last - scale[n - k])) / scale[n - k])
            if scale[n - k]
            else mp.mpf(0)
            for k in range(1, n + 1)
        ]
        return completion(late)[1] * after * 2 * mp.cosh(x)

    results = []
    for step in steps:
        h = mp.mpf(step)
        lower, upper = int(-mp.mpf(4) / h), int(mp.mpf("6.2") / h)
        total = mp.mpf(0)
        for i in range(lower, upper + 1):
            term = integrand(i * h)
            total += term
            if i * h > 1 and abs(term) < mp.mpf(10) ** -22 * abs(total):
                break
        results.append(origin * last + h * total)
    spread = max(abs(r - results[0]) for r in results)
    assert spread <= mp.mpf(10) ** -13 * abs(results[0]), (steps, results)
    return results[0]
