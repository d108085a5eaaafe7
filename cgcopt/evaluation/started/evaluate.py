"""What a design is worth where workers have a random start: exact values with gradients."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import singledispatch

import numpy as np
from numpy.typing import ArrayLike

from cgcopt._validate import finite_number
from cgcopt.arrays import FloatArray
from cgcopt.errors import InfiniteMeanError, SolverError
from cgcopt.evaluation.density import runtime as density
from cgcopt.evaluation.dispatch import Table
from cgcopt.evaluation.double_range import within_doubles
from cgcopt.evaluation.late import LateSettings, integral_of_late
from cgcopt.evaluation.lines import LineRuntime, Lines, lines_of_work, work_gradient
from cgcopt.evaluation.result import Evaluation, Method, Probability
from cgcopt.evaluation.roots import narrowed
from cgcopt.evaluation.started.chances import StartedChances, started_chances, started_times
from cgcopt.evaluation.steps import runtime as steps
from cgcopt.system import System
from cgcopt.workers.base import ContinuousTimes, Times
from cgcopt.workers.start import Constant, RandomStart

__all__ = ["completion_probability", "expected_runtime", "runtime_of_lines", "runtime_quantile"]

#: Independent starts and paces take an integral for each chance; nothing is proven from their mean.
_COARSER = LateSettings(tolerance=1e-9, other=1e-6)


@dataclass(frozen=True)
class _QuantileTuning:
    """Numbers of the search for a quantile; no measurement of them is on record."""

    resolution: float = 1e-13
    """Relative width of the bracket at which bisection ends."""
    reached: float = 1e-13
    """Relative shortfall of a chance that still counts as the wanted one: rounding."""
    least: float = 1e-300
    """Seconds below which a quantile is none."""
    most: float = 1e300
    """Seconds above which a quantile is none."""
    lowest_odds: float = -1e4
    """Logarithm of the odds that stands for a chance of zero."""


_QUANTILE = _QuantileTuning()


@within_doubles("the completion probability")
def completion_probability(
    system: System, work: ArrayLike, deadline: float, *, gradient: bool = False
) -> Probability:
    """Exact ``P[tau <= deadline]``, with ``dP/dw`` on request where the start has a density.

    Examples
    --------
    >>> import cgcopt as cg
    >>> times = cg.RandomStart(1.0, cg.Exponential(rate=1.0))
    >>> system = cg.System(1, 2, times)
    >>> bool(np.isclose(completion_probability(system, [2.0], 3.0).complement, np.exp(-1)))
    True
    """
    times = started_times(system)
    lines = lines_of_work(system, np.asarray(work, dtype=np.float64))
    found = started_chances(times, lines, np.array([float(deadline)]))
    by_work = None
    if gradient and times.has_density:
        by_work = work_gradient(system, found.factor_gradient[0], found.delay_gradient[0])
    return Probability.of(
        float(found.met[0]),
        Method.EXACT,
        complement=float(found.missed[0]),
        log_value=float(found.log_met[0]),
        gradient=by_work,
    )


@within_doubles("the expected runtime")
def expected_runtime(
    system: System, work: ArrayLike, *, gradient: bool = False, threads: int | None = None
) -> Evaluation:
    """Exact expected seconds of a round, with ``dE/dw`` for fixed used levels.

    Raises
    ------
    InfiniteMeanError
        If it is infinite.

    Examples
    --------
    The first of two workers to start, and four seconds of work:

    >>> import cgcopt as cg
    >>> times = cg.RandomStart(1.0, cg.Exponential(rate=1.0))
    >>> round(expected_runtime(cg.System(2, 2, times, samples=2), [0.0, 4.0]).value, 10)
    4.5
    """
    lines = lines_of_work(system, np.asarray(work, dtype=np.float64))
    return runtime_of_lines(system, lines, threads=threads).evaluation(system)


def runtime_of_lines(
    system: System, lines: Lines, *, tolerance: float = 1e-7, threads: int | None = None
) -> LineRuntime:
    """Expected runtime ``E[max_n (c_n + (A + a_n B)_(N-n))]`` over the levels with ``a_n > 0``.

    With a constant ``B = b`` these are lines ``(c_n + b a_n) + A`` in the start alone, and what is
    known of its distribution evaluates them; otherwise the chance to be late is integrated.
    """
    return _runtime(started_times(system).pace, system, lines, tolerance, threads)


@singledispatch
def _runtime(
    pace: ContinuousTimes | Constant,
    system: System,
    lines: Lines,
    tolerance: float,
    threads: int | None,
) -> LineRuntime:
    raise NotImplementedError(pace)


@_runtime.register
def _(
    pace: ContinuousTimes, system: System, lines: Lines, tolerance: float, threads: int | None
) -> LineRuntime:
    times = started_times(system)
    first = int(np.argmax(lines.factor > 0.0))
    power = times.tail_power(first)
    if power <= 1.0:
        raise InfiniteMeanError(f"the expected runtime is infinite: {times.label}")
    count = lines.factor.size

    def functions(t: FloatArray) -> FloatArray:
        found = started_chances(times, lines, t)
        late = found.missed[:, np.newaxis]
        return np.hstack([late, -found.factor_gradient, -found.delay_gradient])

    settings = LateSettings() if times.one_order else _COARSER
    total = integral_of_late(
        functions,
        _typical(times, lines),
        kinks=_kinks(times, pace, lines),
        power=power,
        settings=settings,
    )
    value = float(total[0])
    return LineRuntime(
        value, value, value, Method.QUADRATURE, total[1 : count + 1], total[count + 1 :]
    )


@_runtime.register
def _(
    pace: Constant, system: System, lines: Lines, tolerance: float, threads: int | None
) -> LineRuntime:
    start = system.with_times(started_times(system).start)
    waited = lines.factor > 0.0
    moved = Lines(
        waited.astype(np.float64),
        np.where(waited, lines.delay + pace.seconds * lines.factor, lines.delay),
    )
    found = _RUNTIMES[start.worker_times.kind](start, moved, tolerance, threads)
    by_factor = np.where(waited, pace.seconds * found.delay_gradient, 0.0)
    return replace(found, factor_gradient=by_factor)


def _of_density(start: System, lines: Lines, tolerance: float, threads: int | None) -> LineRuntime:
    return density.runtime_of_lines(start, lines, threads=threads)


def _of_steps(start: System, lines: Lines, tolerance: float, threads: int | None) -> LineRuntime:
    return steps.runtime_of_lines(start, lines, tolerance=tolerance, threads=threads)


#: By the kind of the start, where every worker computes equally fast.
_RUNTIMES: Table[Times, Callable[[System, Lines, float, int | None], LineRuntime]] = Table(
    "no expected runtime", {Times.CONTINUOUS: _of_density, Times.DISCRETE: _of_steps}
)


def _kinks(times: RandomStart, pace: ContinuousTimes, lines: Lines) -> FloatArray:
    """Deadlines at which a worker can first have delivered a level."""
    waited = lines.factor > 0.0
    earliest = lines.delay + times.start.support[0] + lines.factor * pace.support[0]
    return np.asarray(np.unique(earliest[waited & (earliest > 0.0)]))


def _typical(times: RandomStart, lines: Lines) -> float:
    """A deadline of the order of the runtime."""
    middle, start = float(times.pace.ppf(0.5)), float(times.start.ppf(0.5))
    return float(lines.delay[-1]) + start + middle * float(lines.factor[-1])


@within_doubles("the quantile of the runtime")
def runtime_quantile(
    system: System, work: ArrayLike, probability: float, *, gradient: bool = False
) -> Evaluation:
    """Smallest ``t`` with ``P[tau <= t] >= probability``, seconds, with its gradient.

    Bisection in the logarithm; the gradient is ``-(dP/dw_n) / (dP/dt)``.

    Examples
    --------
    >>> import cgcopt as cg
    >>> times = cg.RandomStart(1.0, cg.Exponential(rate=1.0))
    >>> value = runtime_quantile(cg.System(1, 2, times), [2.0], 0.5).value
    >>> bool(np.isclose(value, 2 + np.log(2)))
    True
    """
    q = finite_number("probability", probability, above=0, below=1)
    times = started_times(system)
    lines = lines_of_work(system, np.asarray(work, dtype=np.float64))
    t = _quantile(times, lines, q)
    if not (gradient and times.has_density):
        return Evaluation.exact(t, Method.EXACT)
    found = started_chances(times, lines, np.array([t]))
    rate = -float(found.delay_gradient[0].sum())
    rise = work_gradient(system, found.factor_gradient[0], found.delay_gradient[0])
    if not rate > 0.0:
        return Evaluation.exact(t, Method.EXACT)
    return Evaluation.exact(t, Method.EXACT, gradient=-rise / rate)


def _quantile(times: RandomStart, lines: Lines, q: float) -> float:
    def reached(found: StartedChances) -> np.ndarray:
        if q <= 0.5:
            return np.asarray(found.met >= q * (1.0 - _QUANTILE.reached))
        return np.asarray(found.missed <= (1.0 - q) * (1.0 + _QUANTILE.reached))

    low = high = _typical(times, lines)
    while True:
        ends = reached(started_chances(times, lines, np.array([low, high])))
        if ends[1] and not ends[0]:
            break
        low, high = (low * 0.5 if ends[0] else low), (high if ends[1] else high * 2.0)
        if not (low > _QUANTILE.least and high < _QUANTILE.most):
            raise SolverError(f"the {q} quantile of the runtime leaves the range of doubles")
    if times.has_density:
        return _root(times, lines, q, low, high)

    def kept(t: float) -> bool:
        return bool(reached(started_chances(times, lines, np.array([t])))[0])

    return narrowed(kept, low, high, width=_QUANTILE.resolution)[1]


def _root(times: RandomStart, lines: Lines, q: float, low: float, high: float) -> float:
    """The quantile between two deadlines, where the log-odds are continuous."""
    from scipy import optimize

    target = math.log(q) - math.log1p(-q)

    def odds(t: float) -> float:
        found = started_chances(times, lines, np.array([t]))
        late = float(found.missed[0])
        log_odds = float(found.log_met[0]) - math.log(max(late, math.ulp(0.0)))
        return max(log_odds, _QUANTILE.lowest_odds) - target

    found = optimize.brentq(odds, low, high, xtol=_QUANTILE.least, rtol=_QUANTILE.resolution)
    return float(found)
