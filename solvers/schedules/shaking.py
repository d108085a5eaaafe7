"""Starts near the best schedule so far: sizes and work changed by chance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.schedule import Schedule, fractions_of_shares, poured
from cgcopt.solvers.schedules.descent import shares_of
from cgcopt.solvers.schedules.freedom import Freedom
from cgcopt.solvers.schedules.space import Space

__all__ = ["ShakingSettings", "shaken", "strengths"]


@dataclass(frozen=True)
class ShakingSettings:
    """Numbers of the restarts.

    Attributes
    ----------
    restarts : int
        Restarts at most.  (With 4 workers and 3 to 10 rounds, 40 of them reach what is proven.)
    rows : int
        Rounds times workers times restarts at most: on the traces, some hundred rounds, restarts gain
        less than half a percent.
    strengths : tuple of float
        Standard deviations of the logarithms of the changes, one after the other.
    exchange : float
        Chance that a level is taken out or put in.
    """

    restarts: int = 40
    rows: int = 8000
    strengths: tuple[float, ...] = (0.1, 0.3, 1.0, 2.0)
    exchange: float = 0.5


def strengths(rounds: int, workers: int, settings: ShakingSettings) -> Iterator[float]:
    """The strength of every restart.

    Examples
    --------
    >>> list(strengths(500, 4, ShakingSettings()))
    [0.1, 0.3, 1.0, 2.0]
    >>> list(strengths(10_000, 20, ShakingSettings()))
    []
    """
    count = min(settings.restarts, settings.rows // (rounds * workers))
    return islice(cycle(settings.strengths), count)


def shaken(
    schedule: Schedule,
    space: Space,
    strength: float,
    rng: np.random.Generator,
    settings: ShakingSettings,
) -> Schedule:
    """Change sizes and work by chance, within the space; maybe take a level out, or put one in."""
    x = schedule.partition * np.exp(strength * rng.normal(size=schedule.workers))
    if rng.random() < settings.exchange:
        level = rng.choice(space.levels)
        used = int(np.count_nonzero(x))
        if x[level] > 0 and used > 1:
            x[level] = 0.0
        elif x[level] == 0 and used < space.blocks:
            x[level] = 0.5 * rng.random() * x.sum()
    x = np.where(x > 0, np.maximum(x / x.sum(), space.least), 0.0)
    x /= x.sum()
    if space.freedom is Freedom.EQUAL:
        return Schedule(x, cells=space.cells)
    return Schedule.from_fractions(
        x, _shaken_fractions(schedule, space, strength, rng), cells=space.cells
    )


def _shaken_fractions(
    schedule: Schedule, space: Space, strength: float, rng: np.random.Generator
) -> FloatArray:
    count = schedule.workers
    if space.freedom is Freedom.SHARES:
        rho = shares_of(schedule) * np.exp(strength * rng.normal(size=count))
        return fractions_of_shares(rho, space.most)
    wanted = schedule.fractions * np.exp(strength * rng.normal(size=(count, count)))
    caps = [max(space.most, (n + 1.0) / count) for n in range(count)]
    return np.stack([poured(wanted[:, n], n + 1.0, caps[n]) for n in range(count)], axis=1)
