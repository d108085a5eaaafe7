"""Quantiles of the runtime for independent workers with a distribution function."""

from __future__ import annotations

import math
import sys

import numpy as np
from numpy.typing import ArrayLike

from cgcopt._validate import finite_number
from cgcopt.arrays import FloatArray
from cgcopt.errors import SolverError, UnsupportedProblemError
from cgcopt.evaluation.crossing.completion import CompletionWithGradient, completion_probabilities
from cgcopt.evaluation.lines import Lines, lines_of_work
from cgcopt.evaluation.result import Evaluation, Method
from cgcopt.system import System
from cgcopt.workers.base import IndependentTimes, Times

__all__ = ["runtime_quantile"]

#: Relative accuracy of a deadline.
_RESOLUTION = 1e-14
#: Newton steps on a logarithmic scale: the log-odds bend upwards in light tails, where long steps
#: up overshoot, and are straight near the earliest end, where long steps down are good.
_LONGEST_UP, _LONGEST_DOWN = 1.5, -700.0
_ITERATIONS = 400


def runtime_quantile(
    system: System, work: ArrayLike, probability: float, *, gradient: bool = False
) -> Evaluation:
    """Smallest ``t`` with ``P[tau <= t] >= probability``, seconds.

    Root of the log-odds in the logarithm of the time past the earliest possible end: they are close
    to linear there, near the earliest end and far out in the tail. Newton steps inside a bracket,
    which is halved where the steps do not shrink fast enough.

    Parameters
    ----------
    system : System
        With independent worker times.
    work : array_like, shape (N,)
        Cumulative work ``w``, nondecreasing.
    probability : float
        Between 0 and 1, both excluded. Near 1 the complement is compared, which keeps its digits.
    gradient : bool
        Whether to return the gradient in ``w``, where there is a density: by homogeneity
        ``t (dP/dw_n) / sum_m w_m (dP/dw_m)``, and with costs ``-(dP/dw_n) / (dP/dt)``.

    Returns
    -------
    Evaluation
        Right to about 1e-12 relatively.

    Raises
    ------
    InvalidInputError
        If the probability is not between 0 and 1.
    SolverError
        If the quantile leaves the range of double precision.
    UnsupportedProblemError
        If the worker times are not independent.

    Examples
    --------
    >>> from cgcopt import Exponential, System
    >>> system = System(1, 1, Exponential(rate=1.0))
    >>> float(runtime_quantile(system, [2.0], 0.5).value)
    1.38629436111989...
    """
    q = finite_number("probability", probability, above=0, below=1)
    w = np.asarray(work, dtype=np.float64)
    times = _independent(system)
    smooth = times.kind is Times.CONTINUOUS
    target = math.log(q) - math.log1p(-q)
    lines = lines_of_work(system, w)
    earliest = float(lines.delay[-1] + lines.factor[-1] * times.support[0])
    past, low, high = _typical(times, lines) - earliest, 0.0, math.inf
    before = math.inf
    for _ in range(_ITERATIONS):
        t = earliest + past
        if t < sys.float_info.min:
            raise SolverError(f"the {q} quantile of the runtime underflows")
        odds, rate = _log_odds(system, w, t, smooth)
        low, high = (low, past) if odds >= target else (past, high)
        # The rate is per log t; a step in the logarithm of the time past the earliest end.
        slope = rate * past / t
        step = (target - odds) / slope if slope > 0 and math.isfinite(odds) else math.nan
        if abs(step) * past <= _RESOLUTION * t or high - low <= _RESOLUTION * t:
            break
        newton = past * math.exp(step) if _LONGEST_DOWN < step < _LONGEST_UP else math.nan
        past = _next(newton, low, high, halve=abs(step) > before / 2)
        before = abs(step) if low < newton < high else math.inf
    else:
        raise SolverError(f"the {q} quantile of the runtime was not found")
    if not (gradient and smooth):
        return Evaluation.exact(t, Method.EXACT)
    found = completion_probabilities(system, w, t, gradient=True)
    at_deadline = -found.log_gradient / float(found.log_rate)
    return Evaluation.exact(t, Method.EXACT, gradient=at_deadline)


def _typical(times: IndependentTimes, lines: Lines) -> float:
    """The largest of ``c_n + a_n F^{-1}((N-n)/(N+1))``: a runtime of a usual order, seconds."""
    n = lines.factor.size
    return float((lines.delay + lines.factor * times.ppf(np.arange(n, 0, -1) / (n + 1))).max())


def _log_odds(system: System, w: FloatArray, t: float, smooth: bool) -> tuple[float, float]:
    """``log P - log(1 - P)`` at the deadline and its derivative in ``log t`` (NaN if unknown)."""
    found = completion_probabilities(system, w, t, gradient=smooth)
    late = float(found.complement)
    if late == 0:
        return math.inf, math.nan
    odds = float(found.log_probability) - math.log(late)
    if not isinstance(found, CompletionWithGradient):
        return odds, math.nan
    with np.errstate(invalid="ignore", over="ignore"):
        return odds, t * float(found.log_rate) / late


def _next(newton: float, low: float, high: float, *, halve: bool) -> float:
    """The Newton step where it stays inside the bracket, else its middle on a logarithmic scale."""
    if not halve and low < newton < high:
        return newton
    if math.isinf(high):
        return 4 * low
    if low <= 0:
        return high / 64
    return math.sqrt(low) * math.sqrt(high)


def _independent(system: System) -> IndependentTimes:
    times = system.worker_times
    if not isinstance(times, IndependentTimes):
        raise UnsupportedProblemError(f"no exact quantile for {times.label}; simulate it")
    return times
