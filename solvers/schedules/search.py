"""From several starts to the best schedule on a sample of rounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.process.time_left import OutOfTimeError
from cgcopt.schedule import Schedule, fractions_of_shares
from cgcopt.seeds import generator
from cgcopt.solvers.convex.incumbent import Clock
from cgcopt.solvers.schedules.aims import Aim, MeanAim
from cgcopt.solvers.schedules.descent import Descent, DescentSettings, descend, shares_of
from cgcopt.solvers.schedules.ends import onto_ends
from cgcopt.solvers.schedules.freedom import Freedom
from cgcopt.solvers.schedules.sample import Sample
from cgcopt.solvers.schedules.shaking import ShakingSettings, shaken, strengths
from cgcopt.solvers.schedules.space import Space
from cgcopt.solvers.schedules.starts import (
    StartSettings,
    second_level,
    seeded,
    simple_starts,
    thinned,
)

__all__ = ["Found", "SearchSettings", "balanced_shares", "best_schedule"]


@dataclass(frozen=True)
class SearchSettings:
    """Numbers of the search.

    Attributes
    ----------
    starts : StartSettings
    quick : bool
        Whether the most promising starts alone are followed.
    enough : float
        Relative shortfall of the least share that still counts as enough.
    descent : DescentSettings
    shaking : ShakingSettings
    """

    starts: StartSettings = field(default_factory=StartSettings)
    quick: bool = False
    enough: float = 1e-9
    descent: DescentSettings = field(default_factory=DescentSettings)
    shaking: ShakingSettings = field(default_factory=ShakingSettings)


@dataclass
class Found:
    """The best schedule so far, and how it was found.

    Attributes
    ----------
    schedule : Schedule
        Of one coordinate in all.
    value : float
        Its worth under the aim.
    start : str
        The start that led there.
    programs : int
        Linear programs in all.
    starts : dict
        What every start led to.
    complete : bool
        Whether all starts were followed to their ends.
    """

    schedule: Schedule
    value: float
    start: str
    programs: int = 0
    starts: dict[str, float] = field(default_factory=dict)
    complete: bool = True

    def take(self, name: str, end: Descent) -> None:
        """Take note of the end of a descent."""
        self.programs += end.programs
        self.starts[name] = min(end.value, self.starts.get(name, math.inf))
        if end.value < self.value:
            self.schedule, self.value, self.start = end.schedule, end.value, name


def best_schedule(
    sample: Sample,
    aim: Aim,
    space: Space,
    clock: Clock,
    *,
    candidates: dict[str, Schedule] | None = None,
    settings: SearchSettings | None = None,
    report: Callable[[Found], None] | None = None,
) -> Found:
    """The best schedule that descents from several starts reach.

    Parameters
    ----------
    sample : Sample
    aim : Aim
    space : Space
    clock : Clock
        When it expires, the best schedule so far is returned.
    candidates : dict, optional
        Schedules of one coordinate, by name; the result is no worse than any of them, unless ends of
        blocks are given.
    settings : SearchSettings, optional
    report : callable, optional
        Told of every better schedule.

    Returns
    -------
    Found
    """
    chosen = settings or SearchSettings()
    known = dict(candidates or {})
    simplest = dict(simple_starts(space, chosen.starts, sample.workers))
    first = _best_of(sample, aim, {**known, **simplest}, clock)
    found = Found(*first)
    simple = replace(space, freedom=Freedom.EQUAL)
    # With equal work first: it is quick, and a start for the others.
    three, every = (
        second_level(first[0], space, chosen.starts),
        seeded(first[0], space, chosen.starts),
    )
    known = {name: thinned(schedule, chosen.starts.most_levels) for name, schedule in known.items()}
    starts = {"few levels": three, "many levels": every, **known}
    if chosen.quick:
        starts = {"few levels": three}
    for name, start in starts.items():
        if start.has_equal_work:
            _follow(found, name, start, sample, aim, simple, clock, chosen, report)
    if space.freedom is not Freedom.EQUAL:
        equal = found.schedule
        balanced = dict(_balanced(sample, aim, space, clock, chosen, found))
        starts = {"equal work": equal, **({} if chosen.quick else known), **balanced}
        for name, start in starts.items():
            _follow(found, name, start, sample, aim, space, clock, chosen, report)
    if not chosen.quick:
        _restart(found, sample, aim, space, clock, chosen, report)
    found = _within_limits(found, sample, aim, space, clock, chosen)
    if space.ends is not None:
        found.schedule, found.value = onto_ends(
            found.schedule, sample, aim, space.ends, space.least
        )
    return found


def balanced_shares(sample: Sample, clock: Clock, most: float = 1.0) -> FloatArray:
    """Uncoded shares with the smallest mean runtime: ``theta_k >= T_{k,i} rho_i N``, shape ``(N,)``.

    Examples
    --------
    >>> sample = Sample(np.array([[1.0, 3.0], [1.0, 3.0]]))
    >>> balanced_shares(sample, Clock.started(None)).round(6).tolist()
    [0.75, 0.25]
    """
    x = np.eye(sample.workers)[0]
    start = Schedule(x, rotated=False)
    end = descend(
        sample,
        start,
        MeanAim(),
        Freedom.FULL,
        clock,
        most=most,
        settings=DescentSettings(steps=1, near=1.0),
    )
    return shares_of(end.schedule)


def _descended(
    space: Space,
    sample: Sample,
    start: Schedule,
    aim: Aim,
    clock: Clock,
    settings: DescentSettings,
    *,
    report: Callable[[Descent], None] | None = None,
) -> Descent:
    """The end of a descent within the space."""
    return descend(
        sample,
        start,
        aim,
        space.freedom,
        clock,
        most=space.most,
        least=space.least,
        settings=settings,
        report=report,
    )


def _follow(
    found: Found,
    name: str,
    start: Schedule,
    sample: Sample,
    aim: Aim,
    space: Space,
    clock: Clock,
    settings: SearchSettings,
    report: Callable[[Found], None] | None,
) -> None:
    """Descend from a start, and keep the end where it is the best."""
    if clock.expired:
        found.complete = False
        return

    def told(state: Descent) -> None:
        if report is not None and state.value < found.value:
            report(replace(found, schedule=state.schedule, value=state.value, start=name))

    try:
        end = _descended(space, sample, start, aim, clock, settings.descent, report=told)
    except OutOfTimeError:
        found.complete = False
        return
    found.take(f"{name} ({space.freedom})", end)
    found.complete = found.complete and not clock.expired


def _restart(
    found: Found,
    sample: Sample,
    aim: Aim,
    space: Space,
    clock: Clock,
    settings: SearchSettings,
    report: Callable[[Found], None] | None,
) -> None:
    """Shake the best schedule so far, and descend again: on few rounds there are many ends."""
    rng = generator(0, "restarts")
    for strength in strengths(len(sample.times), sample.workers, settings.shaking):
        start = shaken(found.schedule, space, strength, rng, settings.shaking)
        _follow(found, "restarts", start, sample, aim, space, clock, settings, report)


def _best_of(
    sample: Sample, aim: Aim, schedules: dict[str, Schedule], clock: Clock
) -> tuple[Schedule, float, str]:
    values = {next(iter(schedules)): math.inf}
    with suppress(OutOfTimeError):
        for name, each in schedules.items():
            values[name] = aim.value(sample.runtimes(each))
            if clock.expired:
                break
    best = min(values, key=lambda each: values[each])
    return schedules[best], values[best], best


def _balanced(
    sample: Sample, aim: Aim, space: Space, clock: Clock, settings: SearchSettings, found: Found
) -> Iterator[tuple[str, Schedule]]:
    """The best two levels with balanced shares."""
    if clock.expired:
        return
    rho = balanced_shares(sample, clock, space.most)
    found.programs += 1
    fractions = fractions_of_shares(rho, space.most)
    schedules = {
        name: Schedule.from_fractions(each.partition, fractions, cells=space.cells)
        for name, each in simple_starts(space, settings.starts, sample.workers)
    }
    best, _, name = _best_of(sample, aim, schedules, clock)
    few = second_level(best, space, settings.starts).partition
    yield f"balanced, {name}", Schedule.from_fractions(few, fractions, cells=space.cells)


def _within_limits(
    found: Found, sample: Sample, aim: Aim, space: Space, clock: Clock, settings: SearchSettings
) -> Found:
    """Take out the smallest blocks, one after the other, until there are few and large enough."""
    while True:
        x = found.schedule.partition
        used = np.flatnonzero(x)
        small = x[used].min() < space.least * (1.0 - settings.enough)
        if used.size <= space.blocks and not small:
            return found
        kept = x.copy()
        kept[used[np.argmin(x[used])]] = 0.0
        start = found.schedule.with_partition(kept / kept.sum())
        if space.least:
            raised = np.where(kept > 0, np.maximum(kept, space.least), 0.0)
            start = start.with_partition(raised / raised.sum())
        end = _descended(space, sample, start, aim, clock, settings.descent)
        found.programs += end.programs
        found.schedule, found.value = end.schedule, end.value
