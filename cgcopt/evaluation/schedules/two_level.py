"""Two levels, rotated: exact for independent workers that are alike.

With ``x_0`` coordinates on level 0 and ``x_{N-1}`` on level ``N - 1``, cut into ``N`` cells, a worker
has finished level 0 and ``m`` cells by ``t`` with the chance ``c_m = F(t / (u (x_0 + m x_{N-1})))``. The
round is over when all workers have finished level 0 and every cell has been finished by one of
them: arcs of random lengths, from ``N`` equally spaced starts, cover a circle. Neither level needs
a code.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from cgcopt.arrays import FloatArray
from cgcopt.errors import InfiniteMeanError, UnsupportedProblemError
from cgcopt.evaluation.crossing.thresholds import KEPT
from cgcopt.evaluation.dispatch import Table, times_as
from cgcopt.evaluation.late import LateSettings, integral_of_late
from cgcopt.evaluation.result import Evaluation, Method, Probability
from cgcopt.evaluation.roots import bracket_of_kept, first_kept
from cgcopt.process.time_left import look
from cgcopt.schedule import Schedule
from cgcopt.system import System
from cgcopt.workers.base import ContinuousTimes, DiscreteTimes, IndependentTimes, Times

__all__ = [
    "TwoLevelSettings",
    "is_two_level",
    "two_level_chances",
    "two_level_probability",
    "two_level_quantile",
    "two_level_runtime",
]


@dataclass(frozen=True)
class TwoLevelSettings:
    """Numbers of the quadrature and of the sums.

    Attributes
    ----------
    quadrature : LateSettings
    tiny : float
        Probability below which the walk with positive terms alone is used.
    steps : int
        Deadlines of a step distribution that are visited one by one; beyond, sums over so many
        panels bracket the value.
    piece : int
        Terms of the sums that are worked out at a time, some hundredths of a second.
    beside : float
        Relative distance within which a possible runtime counts as an end of a bracket.
    """

    quadrature: LateSettings = field(default_factory=LateSettings)
    tiny: float = 1e-3
    steps: int = 100_000
    piece: int = 30_000_000
    beside: float = 1e-12


def is_two_level(schedule: Schedule) -> bool:
    """Whether the chances are known exactly: levels 0 and ``N - 1``, ``N`` cells, equal work.

    Examples
    --------
    >>> is_two_level(Schedule([3, 0, 1])), is_two_level(Schedule([3, 1, 1]))
    (True, False)
    """
    return (
        schedule.workers > 1
        and schedule.cells == schedule.workers
        and not schedule.partition[1:-1].any()
        and schedule.has_equal_work
    )


def two_level_chances(
    times: IndependentTimes, workers: int, first: float, last: float, deadlines: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """``P[tau <= t]`` and ``P[tau > t]`` for every deadline, each without subtracting from 1.

    Parameters
    ----------
    times : IndependentTimes
        Seconds per cycle.
    workers : int
        ``N``, at least 2.
    first, last : float
        Cycles of level 0, ``u x_0``, and of one cell of level ``N - 1``, ``u x_{N-1}``; not both 0.
    deadlines : array_like, shape (m,)
        Seconds.

    Examples
    --------
    Two workers, level 1 alone: each cell is done by whoever gets there first.

    >>> import cgcopt as cg
    >>> met, missed = two_level_chances(cg.Exponential(rate=1.0), 2, 0.0, 1.0, [1.0])
    >>> c = cg.Exponential(rate=1.0).cdf([1.0, 0.5])
    >>> one, two = c - [c[1], 0.0]
    >>> bool(abs(met[0] - (one**2 + 2 * two * (1 - two) + two**2)) < 1e-15)
    True
    """
    from cgcopt.evaluation.schedules.circle_kernel import walked_chance

    t = np.atleast_1d(np.asarray(deadlines, dtype=np.float64))
    late, done = _lateness(times, workers, first, last, t)
    met, missed = _filled(late, done)
    for row in np.flatnonzero(met < TwoLevelSettings.tiny):
        look()
        met[row] = walked_chance(late[row], done[row])
    return met, missed


def _missed(
    times: IndependentTimes, workers: int, first: float, last: float, t: FloatArray
) -> FloatArray:
    return _filled(*_lateness(times, workers, first, last, t))[1]


def _filled(late: FloatArray, done: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Fill in the chances, in pieces between which it is seen whether there is time left."""
    from cgcopt.evaluation.schedules.circle_kernel import fill_chances

    rows, size = late.shape
    met, missed = np.empty(rows), np.empty(rows)
    step = max(TwoLevelSettings.piece // size**2, 1)
    for start in range(0, rows, step):
        look()
        part = slice(start, start + step)
        fill_chances(late[part], done[part], met[part], missed[part])
    return met, missed


def two_level_probability(system: System, schedule: Schedule, deadline: float) -> Probability:
    """Exact completion probability of a two-level schedule.

    Examples
    --------
    The setting of the published comparison, ten workers:

    >>> import cgcopt as cg
    >>> times = cg.ShiftedExponential(rate=0.1, shift=1)
    >>> system = cg.System(10, 40_000, times, samples=50)
    >>> schedule = Schedule([8_800, *[0] * 8, 31_200])
    >>> round(two_level_probability(system, schedule, 10**6.5).value, 7)
    0.8996558
    """
    first, last = _cycles(system, schedule)
    met, missed = two_level_chances(_times(system), system.workers, first, last, [deadline])
    log_value = math.log1p(-missed[0]) if missed[0] < 0.5 else _log(met[0])
    return Probability.of(
        float(met[0]), Method.EXACT, complement=float(missed[0]), log_value=log_value
    )


def two_level_runtime(
    system: System, schedule: Schedule, *, settings: TwoLevelSettings | None = None
) -> Evaluation:
    """Exact expected runtime of a two-level schedule: the integral of ``P[tau > t]``.

    Raises
    ------
    InfiniteMeanError
        If it is infinite.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 1, cg.Exponential(rate=1.0), samples=2)
    >>> round(two_level_runtime(system, Schedule([1.0, 0.0])).value, 12)
    1.5
    """
    first, last = _cycles(system, schedule)
    times = _times(system)
    chosen = settings or TwoLevelSettings()
    return _RUNTIMES[times.kind](times, system.workers, first, last, chosen)


def two_level_quantile(system: System, schedule: Schedule, probability: float) -> Evaluation:
    """Smallest deadline that a two-level schedule keeps with the given probability.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 1, cg.Exponential(rate=1.0), samples=2)
    >>> value = two_level_quantile(system, Schedule([1.0, 0.0]), 0.75).value
    >>> round(value, 10), round(-math.log(1 - math.sqrt(0.75)), 10)
    (2.0101050775, 2.0101050775)
    """
    first, last = _cycles(system, schedule)
    times = _times(system)

    def met(deadline: float) -> bool:
        kept, missed = two_level_chances(times, system.workers, first, last, [deadline])
        if probability > 0.5:
            return bool(missed[0] <= 1.0 - probability)
        return bool(kept[0] >= probability)

    guess = (first + last) * float(times.ppf(0.5))
    if times.kind not in _JUMPS:
        return Evaluation.exact(first_kept(met, guess), Method.EXACT)
    low, high = bracket_of_kept(met, guess)
    jumps = _JUMPS[times.kind](times, system.workers, first, last)
    beside = TwoLevelSettings.beside
    inside = (jumps > low * (1 - beside)) & (jumps <= high * (1 + beside))
    near = jumps[inside]
    first = bisect_left(near, True, hi=near.size - 1, key=lambda t: met(float(t)))
    return Evaluation.exact(float(near[first]), Method.EXACT)


def _cycles(system: System, schedule: Schedule) -> tuple[float, float]:
    if not is_two_level(schedule):
        raise UnsupportedProblemError(
            "exact chances of a schedule need levels 0 and N - 1 alone, N cells and equal work"
        )
    schedule.check(system.workers, system.coordinates)
    return system.unit * float(schedule.partition[0]), system.unit * float(schedule.partition[-1])


def _times(system: System) -> IndependentTimes:
    return times_as(IndependentTimes, system, "needs workers that are alike, not")


def _lateness(
    times: IndependentTimes, workers: int, first: float, last: float, t: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Chances to be late, and to be done, with level 0 and ``m`` cells, shape ``(rows, N + 1)``."""
    cycles = first + np.arange(workers + 1.0) * last
    if times.kind is Times.DISCRETE:
        t = t * KEPT
    with np.errstate(divide="ignore", over="ignore"):
        speed = np.where(
            cycles > 0.0, t[:, np.newaxis] / np.where(cycles > 0.0, cycles, 1.0), np.inf
        )
    idle = ~np.isfinite(speed)
    speed = np.where(idle, 1.0, speed)
    late, done = times.sf(speed), times.cdf(speed)
    return np.where(idle, 0.0, late), np.where(idle, 1.0, done)


def _integral(
    times: ContinuousTimes, workers: int, first: float, last: float, settings: TwoLevelSettings
) -> float:
    """Expected seconds, from panels of ``log t`` that are cut where densities may begin or end."""
    power = times.tail_index * (1 if first > 0 else workers)
    if power <= 1.0:
        raise InfiniteMeanError(
            f"the expected runtime is infinite: {times.label} has tail index {times.tail_index:g}"
        )

    cycles = first + np.arange(workers + 1.0) * last
    kinks = np.multiply.outer(cycles[cycles > 0.0], times.support).ravel()
    found = integral_of_late(
        lambda t: _missed(times, workers, first, last, t)[:, np.newaxis],
        (first + last) * float(times.ppf(0.5)),
        kinks=kinks[np.isfinite(kinks)],
        power=power,
        settings=settings.quadrature,
    )
    return float(found[0])


def _sum_over_steps(
    times: DiscreteTimes, workers: int, first: float, last: float, settings: TwoLevelSettings
) -> Evaluation:
    """Expected seconds where ``P`` jumps at finitely many deadlines only."""
    jumps = _deadlines(times, workers, first, last)
    exact = jumps.size <= settings.steps
    ends = jumps if exact else jumps[np.linspace(0, jumps.size - 1, settings.steps).astype(int)]
    missed = _missed(times, workers, first, last, ends)
    widths = np.diff(ends)
    upper = float(ends[0] + widths @ missed[:-1])
    if exact:
        return Evaluation.exact(upper, Method.EXACT)
    lower = float(ends[0] + widths @ missed[1:])
    return Evaluation(0.5 * (lower + upper), Method.BRACKET, lower, upper)


def _deadlines(times: DiscreteTimes, workers: int, first: float, last: float) -> FloatArray:
    """Where ``P`` may jump, increasing."""
    cycles = first + np.arange(workers + 1.0) * last
    return np.unique(np.multiply.outer(cycles[cycles > 0.0], times.values))


def _log(value: float) -> float:
    return math.log(value) if value > 0.0 else -math.inf


def _integrated(
    times: ContinuousTimes, workers: int, first: float, last: float, settings: TwoLevelSettings
) -> Evaluation:
    return Evaluation.exact(_integral(times, workers, first, last, settings), Method.QUADRATURE)


#: The expected runtime of each kind of worker times: ``(times, workers, first, last, settings)``.
_RUNTIMES: Table[Times, Callable[..., Evaluation]] = Table(
    "no expected runtime of two levels",
    {Times.CONTINUOUS: _integrated, Times.DISCRETE: _sum_over_steps},
)
#: The deadlines at which the probability jumps, where it does: ``(times, workers, first, last)``.
_JUMPS: Table[Times, Callable[..., FloatArray]] = Table("no jumps", {Times.DISCRETE: _deadlines})
