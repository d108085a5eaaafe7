"""How much freedom the rounds can carry: blocked cross-validation in time order."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.solvers.convex.incumbent import Clock
from cgcopt.solvers.schedules.aims import Aim
from cgcopt.solvers.schedules.descent import DescentSettings
from cgcopt.solvers.schedules.freedom import Freedom
from cgcopt.solvers.schedules.sample import Sample
from cgcopt.solvers.schedules.search import SearchSettings, best_schedule
from cgcopt.solvers.schedules.space import Space
from cgcopt.workers.blocks import TimeBlocks

__all__ = ["Choice", "ValidationSettings", "chosen_freedom"]


@dataclass(frozen=True)
class ValidationSettings:
    """Numbers of the cross-validation.

    Attributes
    ----------
    folds : int
        Later blocks that are judged, each by what was designed on all rounds before it.
    first : float
        Share of the rounds that the first design may see.
    least : float
        Rounds that a design needs for each worker whose share it chooses; with fewer, equal work.
    errors : float
        Standard errors by which more freedom must pay.
    search : SearchSettings
        Of the designs that are judged.
    """

    folds: int = 3
    first: float = 0.4
    least: float = 2.0
    errors: float = 1.0
    search: SearchSettings = field(
        default_factory=lambda: SearchSettings(quick=True, descent=DescentSettings(enough=1e-3))
    )


@dataclass(frozen=True)
class Choice:
    """What the cross-validation found.

    Attributes
    ----------
    freedom : Freedom
        The one to use.
    held_out : dict
        Mean value of later rounds under each freedom, in units of the uncoded mean.
    programs : int
        Linear programs that it took.
    """

    freedom: Freedom
    held_out: dict[str, float] = field(default_factory=dict)
    programs: int = 0


def chosen_freedom(
    sample: Sample,
    aim: Aim,
    space: Space,
    clock: Clock,
    *,
    settings: ValidationSettings | None = None,
    report: Callable[[str], None] | None = None,
) -> Choice:
    """Choose the freedom whose designs do best on later rounds; the smaller one unless more pays.

    Rounds are cut into blocks in their order, never shuffled: slow workers tend to stay slow, and
    what a design promises on the rounds that it was made from says nothing of how it will do.

    Parameters
    ----------
    sample : Sample
        Rounds in time order.
    aim : Aim
    space : Space
        Its freedom is not looked at.
    clock : Clock
    settings : ValidationSettings, optional
    report : callable, optional
        Told which design is being made.

    Returns
    -------
    Choice
        ``Freedom.EQUAL`` where there are too few rounds, or no time.
    """
    chosen = settings or ValidationSettings()
    count = len(sample.times)
    blocks = TimeBlocks(chosen.first, chosen.folds).of(count)
    enough = max(2, chosen.least * sample.workers)
    if len(blocks) < chosen.folds or blocks[0].seen.stop < enough:
        return Choice(Freedom.EQUAL)
    values: dict[Freedom, list[FloatArray]] = {freedom: [] for freedom in Freedom}
    programs = 0
    for fold, block in enumerate(blocks, start=1):
        seen, later = sample.part(block.seen), sample.part(block.later)
        for freedom in Freedom:
            if clock.expired:
                return Choice(Freedom.EQUAL, programs=programs)
            if report is not None:
                report(f"cross-validation {fold} of {chosen.folds}, {freedom} work")
            found = best_schedule(
                seen, aim, replace(space, freedom=freedom), clock, settings=chosen.search
            )
            programs += found.programs
            values[freedom].append(later.runtimes(found.schedule))
    ends = {freedom: np.concatenate(each) for freedom, each in values.items()}
    return Choice(
        _simplest_good_one(ends, aim, chosen.errors),
        {str(freedom): aim.value(each) for freedom, each in ends.items()},
        programs,
    )


def _simplest_good_one(ends: dict[Freedom, FloatArray], aim: Aim, errors: float) -> Freedom:
    """The freedom with the fewest parameters that the best one does not beat clearly."""
    best = min(ends, key=lambda freedom: aim.value(ends[freedom]))
    for freedom in Freedom:
        away = ends[freedom] - ends[best]
        error = float(away.std()) / math.sqrt(away.size)
        if aim.value(ends[freedom]) <= aim.value(ends[best]) + errors * error:
            return freedom
    return best
