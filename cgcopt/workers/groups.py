"""Workers of several kinds: groups whose members are alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from cgcopt._validate import whole_number
from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError
from cgcopt.workers.base import ContinuousTimes, Times, WorkerTimes

__all__ = ["MOST_GROUPS", "Groups"]

#: Groups that the exact chances are written for.
MOST_GROUPS = 3


@dataclass(frozen=True)
class Groups(WorkerTimes):
    """Independent workers in up to three groups; the members of a group are alike.

    Parameters
    ----------
    groups : iterable of (int, ContinuousTimes)
        How many workers, and the distribution of their times. Workers are numbered group by group.

    Examples
    --------
    >>> from cgcopt import LogNormal, ShiftedExponential
    >>> fast = ShiftedExponential(rate=1.0, shift=0.5)
    >>> times = Groups([(8, fast), (4, LogNormal(sigma=0.6, scale=2.0))])
    >>> times.workers
    12
    >>> times.label
    '8 x shifted-exponential(rate=1, shift=0.5) + 4 x lognormal(sigma=0.6, scale=2, shift=0)'
    """

    groups: tuple[tuple[int, ContinuousTimes], ...]

    kind: ClassVar[Times] = Times.GROUPS

    def __init__(self, groups: Iterable[tuple[int, ContinuousTimes]]) -> None:
        object.__setattr__(self, "groups", tuple(_checked(groups)))

    @property
    def workers(self) -> int:
        """Workers of all groups."""
        return sum(count for count, _ in self.groups)

    @property
    def common(self) -> ContinuousTimes | None:
        """The distribution of all workers, where the groups are alike; else ``None``."""
        first = self.groups[0][1]
        return first if all(times == first for _, times in self.groups) else None

    @property
    def simplest(self) -> WorkerTimes:
        """The distribution of all workers, where the groups are alike."""
        return self.common or self

    @property
    def has_density(self) -> bool:
        """True: every group has a density."""
        return True

    @property
    def tail_index(self) -> float:
        """The tail index of the group with the heaviest tail."""
        return min(times.tail_index for _, times in self.groups)

    @property
    def typical(self) -> float:
        """The typical time of the slowest group."""
        return max(times.typical for _, times in self.groups)

    def in_unit(self, factor: float) -> Self | None:
        """The same groups where a second has ``factor`` units, a power of two; ``None`` as for each."""
        changed = [(count, times.in_unit(factor)) for count, times in self.groups]
        known = [(count, times) for count, times in changed if times is not None]
        return type(self)(known) if len(known) == len(changed) else None

    def tail_power(self, level: int) -> float:
        """The level fails when ``level + 1`` workers are late: those with the heaviest tails."""
        tails = sorted(times.tail_index for count, times in self.groups for _ in range(count))
        return float(sum(tails[: level + 1]))

    def sample(self, rounds: int, workers: int, rng: np.random.Generator) -> FloatArray:
        """Draw worker times, shape ``(rounds, workers)``, group by group."""
        if workers != self.workers:
            raise InvalidInputError("workers", workers, f"{self.workers}, as in {self.label}")
        return np.hstack([times.sample(rounds, count, rng) for count, times in self.groups])

    @property
    def label(self) -> str:
        """The groups, one after the other."""
        return " + ".join(f"{count} x {times.label}" for count, times in self.groups)

    def to_dict(self) -> Mapping[str, Any]:
        """The ``[worker_times]`` table of an instance file."""
        tables = [{"workers": count, **times.to_dict()} for count, times in self.groups]
        return {"family": "groups", "groups": tables}


def _checked(groups: Any) -> list[tuple[int, ContinuousTimes]]:
    try:
        pairs = [tuple(pair) for pair in groups]
    except TypeError:
        pairs = []
    if not 1 <= len(pairs) <= MOST_GROUPS or any(len(pair) != 2 for pair in pairs):
        allowed = f"1 to {MOST_GROUPS} pairs of a number of workers and their times"
        raise InvalidInputError("groups", groups, allowed)
    checked = []
    for place, (count, times) in enumerate(pairs):
        number = whole_number(f"groups[{place}].workers", count, least=1)
        if not isinstance(times, ContinuousTimes):
            allowed = "a family with a density, such as LogNormal(sigma=0.6, scale=1)"
            raise InvalidInputError(f"groups[{place}].times", times, allowed)
        checked.append((number, times))
    return checked
