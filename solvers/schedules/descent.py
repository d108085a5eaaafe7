"""Majorise and minimise: from a schedule down to one that no renewed program improves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from cgcopt.arrays import BoolArray, FloatArray
from cgcopt.process.time_left import OutOfTimeError
from cgcopt.schedule import Schedule
from cgcopt.solvers.convex.incumbent import Clock
from cgcopt.solvers.schedules.aims import Aim
from cgcopt.solvers.schedules.freedom import Freedom
from cgcopt.solvers.schedules.majorant import Majorant, majorant_at
from cgcopt.solvers.schedules.program import Minimum, Shares, Work, minimised_majorant
from cgcopt.solvers.schedules.sample import Sample

__all__ = ["Descent", "DescentSettings", "descend", "shares_of"]


@dataclass(frozen=True)
class DescentSettings:
    """Numbers of the method.

    Attributes
    ----------
    steps : int
        Renewals of the majorant at most.
    enough : float
        A step that gains less, relatively, is the last.
    near : float
        Rows within this relative distance of the runtime of their round go into the first program
        of a step; others follow when they turn out to bind.
    share_of_promise : float
        A step is taken without further rows when it gains at least this share of what its program
        promises.
    additions : int
        Times that rows are added within a step.
    least : float
        Smallest size of a used block, as a share of the coordinates.
    dropped, cost_of_dropping : float
        Blocks below this share are left out at the end, where that costs no more, relatively.
    reach, least_reach : float
        Relative change of a share that a program may make at first, and where making it narrower ends.
    narrower : float
        Factor to the next change, where a step gained too little.
    broken : float
        Relative excess of a row over the rows in the program from which it may be added.
    worst : float
        Rows are added that are at least this share of the worst of their round.
    """

    steps: int = 40
    enough: float = 1e-4
    near: float = 0.25
    share_of_promise: float = 0.5
    additions: int = 6
    least: float = 1e-9
    dropped: float = 1e-6
    cost_of_dropping: float = 1e-6
    reach: float = 0.5
    least_reach: float = 0.02
    narrower: float = 0.25
    broken: float = 1e-9
    worst: float = 0.95


@dataclass
class Descent:
    """Where a descent stands.

    Attributes
    ----------
    schedule : Schedule
        Of one coordinate in all.
    value : float
        Its worth under the aim.
    programs : int
        Linear programs so far.
    history : list of float
        Value after every step; it never rises.
    """

    schedule: Schedule
    value: float
    programs: int = 0
    history: list[float] = field(default_factory=list)


def descend(
    sample: Sample,
    start: Schedule,
    aim: Aim,
    freedom: Freedom,
    clock: Clock,
    *,
    most: float = 1.0,
    least: float = 0.0,
    settings: DescentSettings | None = None,
    report: Callable[[Descent], None] | None = None,
) -> Descent:
    """Renew the majorant and minimise it until that gains nothing more.

    Parameters
    ----------
    sample : Sample
    start : Schedule
        Of one coordinate in all. Its levels with coordinates are the ones that are used; with
        ``Freedom.SHARES`` it must have work that follows from shares.
    aim : Aim
    freedom : Freedom
    clock : Clock
    most : float
        Largest fraction of the data that a worker may hold for a block.
    least : float
        Smallest share of the coordinates that a used level may carry.
    settings : DescentSettings, optional
    report : callable, optional
        Told of every step.

    Returns
    -------
    Descent
        Never worse than the start.
    """
    chosen = settings or DescentSettings()
    runtimes = sample.runtimes(start)
    state = Descent(start, aim.value(runtimes))
    state.history.append(state.value)
    variant, reach = 0, chosen.reach
    while len(state.history) <= chosen.steps and not clock.expired:
        step = _Step(sample, aim, freedom, clock, most, least, chosen, variant, reach)
        before = state.value
        try:
            found = step.taken(state)
        except OutOfTimeError:
            return state
        if found is not None and found.value < before:
            state.schedule, state.value = found.schedule, found.value
        state.history.append(state.value)
        if report is not None:
            report(state)
        if state.value > before - chosen.enough * abs(before):
            if freedom is Freedom.SHARES and reach > chosen.least_reach:
                reach *= chosen.narrower
            elif variant + 1 < aim.variants:
                variant, reach = variant + 1, chosen.reach
            else:
                break
    with suppress(OutOfTimeError):
        _drop_small_blocks(sample, aim, state, chosen)
    return state


@dataclass(frozen=True, eq=False)
class _Step:
    sample: Sample
    aim: Aim
    freedom: Freedom
    clock: Clock
    most: float
    least: float
    settings: DescentSettings
    variant: int
    reach: float

    def taken(self, state: Descent) -> Minimum | None:
        """Minimise the majorant over the rows that matter; add rows until that is a step down."""
        sample, settings = self.sample, self.settings
        runtimes = sample.runtimes(state.schedule)
        columns = self.aim.columns(runtimes, self.variant)
        floors = (1.0 - settings.near) * runtimes
        whole, majorant = False, majorant_at(sample, state.schedule, floors)
        chosen = self._near(majorant, state.schedule, floors)
        work = self._work(state.schedule)
        best: Minimum | None = None
        for _ in range(settings.additions + 1):
            if self.clock.expired:
                break
            found = minimised_majorant(
                sample,
                majorant.part(chosen),
                columns,
                work,
                most=self.most,
                least=max(self.least, settings.least),
                time_limit=self.clock.left,
            )
            state.programs += 1
            if found is None:
                break
            point = Minimum(found.schedule, self.aim.value(sample.runtimes(found.schedule)))
            if best is None or point.value < best.value:
                best = point
            gained, promised = state.value - point.value, state.value - found.value
            if gained >= settings.share_of_promise * promised:
                break
            if promised <= settings.enough * abs(state.value):
                break  # More rows promise less.
            if not whole:
                whole, majorant = True, majorant_at(sample, state.schedule)
                chosen = self._near(majorant, state.schedule, floors)
            if not _add_rows(sample, majorant, found.schedule, chosen, settings):
                break
        return best

    def _near(self, majorant: Majorant, schedule: Schedule, floors: FloatArray) -> BoolArray:
        """The rows that are near to the runtimes of their rounds."""
        here: BoolArray = majorant.values(self.sample, schedule) >= floors[majorant.round]
        return here

    def _work(self, schedule: Schedule) -> Work:
        """Who may do how much in the next program."""
        if self.freedom is not Freedom.SHARES:
            return self.freedom
        return Shares(shares_of(schedule), schedule.partition, self.reach)


def shares_of(schedule: Schedule) -> FloatArray:
    """Shares of the workers that give the work of a schedule, as far as caps let them be seen.

    Examples
    --------
    >>> shares_of(Schedule([1.0, 1.0], [0.25, 0.75])).round(6).tolist()
    [0.25, 0.75]
    """
    fractions = schedule.fractions
    used = np.flatnonzero(schedule.partition > 0)
    # The lowest level has the fewest capped workers.
    return np.asarray(fractions[:, used[0]] / fractions[:, used[0]].sum())


def _add_rows(
    sample: Sample,
    majorant: Majorant,
    schedule: Schedule,
    chosen: BoolArray,
    settings: DescentSettings,
) -> bool:
    """Choose the rows that the point breaks most, one a round and those near; say if there are any."""
    values = majorant.values(sample, schedule)
    now = np.zeros(len(sample.times))
    np.maximum.at(now, majorant.round[chosen], values[chosen])
    broken = ~chosen & (values > now[majorant.round] * (1.0 + settings.broken))
    if not broken.any():
        return False
    worst = np.zeros(len(sample.times))
    np.maximum.at(worst, majorant.round[broken], values[broken])
    chosen |= broken & (values >= settings.worst * worst[majorant.round])
    return True


def _drop_small_blocks(sample: Sample, aim: Aim, state: Descent, settings: DescentSettings) -> None:
    """Leave out the blocks that carry next to nothing, where that does not cost."""
    x = state.schedule.partition
    kept = np.where(x > settings.dropped * x.sum(), x, 0.0)
    if np.array_equal(kept, x) or not kept.any():
        return
    smaller = state.schedule.with_partition(kept / kept.sum())
    value = aim.value(sample.runtimes(smaller))
    if value <= state.value * (1.0 + settings.cost_of_dropping):
        state.schedule, state.value = smaller, value
