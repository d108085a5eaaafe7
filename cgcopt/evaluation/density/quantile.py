"""Quantiles of the runtime for independent workers with a distribution function."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cgcopt._validate import finite_number
from cgcopt.arrays import FloatArray
from cgcopt.errors import SolverError
from cgcopt.evaluation.crossing.completion import (
    Completion,
    CompletionWithGradient,
    completion,
    completion_probabilities,
    reaches,
)
from cgcopt.evaluation.crossing.thresholds import (
    checked_work,
    proportional_thresholds,
)
from cgcopt.evaluation.dispatch import times_as
from cgcopt.evaluation.double_range import within_doubles
from cgcopt.evaluation.lines import lines_of_work, work_gradient
from cgcopt.evaluation.result import Evaluation, Method
from cgcopt.evaluation.roots import narrowed
from cgcopt.system import System
from cgcopt.workers.base import IndependentTimes, Times

__all__ = ["runtime_quantile"]


@dataclass(frozen=True)
class _Tuning:
    """Numbers of the root search. Its steps are on a logarithmic scale.

    Where a line does not say how a value was found, no measurement of it is recorded.
    """

    resolution: float = 1e-14
    """Relative accuracy of a deadline."""
    longest_up: float = 1.5
    """Longest Newton step up: the log-odds bend upwards in light tails, where long steps overshoot."""
    longest_down: float = -700.0
    """Longest Newton step down: the log-odds are straight near the earliest end."""
    last: float = 0.1
    """Longest step that may be the last one: the next one would be about its square."""
    sensitive: float = 1e6
    """Deadline relative to the time past the earliest end, from which its roundings matter."""
    reach: float = 2.0
    """First factor by which the search for the other end of the bracket reaches out."""
    farthest: float = 1e100
    """Largest factor by which the search for the other end of the bracket reaches out."""
    iterations: int = 400
    """Evaluations of the completion probability at most."""


_TUNING = _Tuning()


@within_doubles("the quantile of the runtime")
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
    chances = _Chances.of(system, checked_work(work, system.workers))
    with np.errstate(over="ignore"):
        past, found = _root(chances, q)
        t = chances.earliest + past
    if not sys.float_info.min <= t < math.inf:
        raise SolverError(_beyond(q, t))
    if past * _TUNING.sensitive < t:
        t = _kept(system, chances.work, t, q)
    if not (gradient and isinstance(found, CompletionWithGradient)):
        return Evaluation.exact(t, Method.EXACT)
    late = chances.by_delay(found.log_gradient, past)
    rise = work_gradient(system, found.log_gradient, late)
    return Evaluation.exact(t, Method.EXACT, gradient=rise / float(late.sum()))


@dataclass(frozen=True, eq=False)
class _Chances:
    """The completion probability as a function of the time past the earliest possible end.

    ``times`` is the distribution of ``T - shift``; a worker has delivered level ``n`` at
    ``delay_n + factor_n T``, and ``ahead_n`` is by how much its part without ``T - shift`` is less
    than that of the last level. Counting from the earliest end loses no digits where most of the
    probability lies within a rounding of it.
    """

    times: IndependentTimes
    shift: float
    work: FloatArray
    factor: FloatArray
    ahead: FloatArray
    earliest: float

    @classmethod
    def of(cls, system: System, work: FloatArray) -> _Chances:
        need = "an exact quantile needs independent workers, not"
        times, shift = times_as(IndependentTimes, system, need).without_shift()
        lines = lines_of_work(system, work)
        ahead = (lines.delay[-1] - lines.delay) + shift * (lines.factor[-1] - lines.factor)
        earliest = lines.delay[-1] + lines.factor[-1] * (shift + times.support[0])
        return cls(times, shift, work, lines.factor, ahead, float(earliest))

    @property
    def typical(self) -> float:
        """The largest ``c_n + a_n F^{-1}((N-n)/(N+1))`` past the earliest end, seconds."""
        n, origin = self.factor.size, self.times.support[0]
        middle = self.times.ppf(np.arange(n, 0, -1) / (n + 1)) - origin
        past = self.factor * middle - origin * (self.factor[-1] - self.factor) - self.ahead
        return float(np.clip(past.max(), sys.float_info.min, sys.float_info.max))

    def at(self, past: float) -> Completion:
        """Completion probability, with the gradient in the factors where there is a density."""
        seconds = np.asarray(self.factor[-1] * self.times.support[0] + past)
        smooth = self.times.kind is Times.CONTINUOUS
        levels = proportional_thresholds(
            self.times,
            self.factor,
            seconds,
            shift=self.shift,
            ahead=self.ahead,
            derivative=smooth,
        )
        return completion(levels, self.factor)

    def by_delay(self, by_factor: FloatArray, past: float) -> FloatArray:
        """Turn derivatives in the factors into derivatives in the delays.

        ``F_n`` is a function of ``T = (t - c_n)/a_n``: a delay counts ``1/T`` times as much.
        """
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            reached = self.factor[-1] * self.times.support[0] + past + self.ahead
            time = reached / self.factor + self.shift
            return np.where((self.factor > 0.0) & (time > 0.0), by_factor / time, 0.0)


def _root(chances: _Chances, q: float) -> tuple[float, Completion]:
    """The time past the earliest end at which ``P`` is ``q``, and what holds there.

    Newton steps for the log-odds in the logarithm of that time, inside a bracket. A step is
    trusted to be the last one only if it is small in the logarithm as well.
    """
    target = math.log(q) - math.log1p(-q)
    past, low, high = chances.typical, 0.0, math.inf
    before, reach = math.inf, _TUNING.reach
    for _ in range(_TUNING.iterations):
        found = chances.at(past)
        odds, rate = _log_odds(chances, found, past)
        low, high = (low, past) if odds >= target else (past, high)
        t = chances.earliest + past
        step = (target - odds) / rate if rate > 0 and math.isfinite(odds) else math.nan
        last = abs(step) <= _TUNING.last and abs(step) * past <= _TUNING.resolution * t
        if last or high - low <= _TUNING.resolution * t:
            return (past if last else high), found
        newton = (
            past * math.exp(step) if _TUNING.longest_down < step < _TUNING.longest_up else math.nan
        )
        if not abs(step) > before / 2 and low < newton < high:
            past, before = newton, abs(step)
        else:
            past, reach = _middle(low, high, reach)
            before = math.inf
        if past in (low, high):
            raise SolverError(_beyond(q, past))
    raise SolverError(f"the {q} quantile of the runtime was not found")


def _beyond(q: float, seconds: float) -> str:
    return f"the {q} quantile of the runtime {'underflows' if seconds < 1 else 'overflows'}"


def _log_odds(chances: _Chances, found: Completion, past: float) -> tuple[float, float]:
    """``log P - log(1 - P)`` and its derivative in the logarithm of ``past`` (NaN if unknown)."""
    late = float(found.complement)
    if late == 0:
        return math.inf, math.nan
    odds = float(found.log_probability) - math.log(late)
    if not isinstance(found, CompletionWithGradient):
        return odds, math.nan
    with np.errstate(invalid="ignore", over="ignore"):
        return odds, -past * float(chances.by_delay(found.log_gradient, past).sum()) / late


def _middle(low: float, high: float, reach: float) -> tuple[float, float]:
    """A point inside the bracket, and how far to reach next where one end is open."""
    if math.isinf(high):
        return min(low * reach, sys.float_info.max), min(reach * reach, _TUNING.farthest)
    if low <= 0:
        return max(high / reach, sys.float_info.min), min(reach * reach, _TUNING.farthest)
    return math.sqrt(low) * math.sqrt(high), reach


def _kept(system: System, work: FloatArray, t: float, q: float) -> float:
    """The first number near ``t`` at which the evaluated completion probability reaches ``q``.

    Close to the earliest end the probability rises by much from one number to the next.
    """

    def met(deadline: float) -> bool:
        found = completion_probabilities(system, work, deadline)
        return reaches(float(found.probability), float(found.complement), q)

    step = math.ulp(t)
    low = t - 4 * step
    while met(low) and low > 0:
        step *= 2
        low -= step
    high = low + step
    while not met(high):
        step *= 2
        low, high = high, high + step
    return narrowed(met, low, high)[1]
