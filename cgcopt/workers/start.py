"""Worker times with a random additive part: how long a worker takes to start."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from cgcopt._validate import finite_number
from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError, UnsupportedProblemError
from cgcopt.workers.base import ContinuousTimes, IndependentTimes, Times, WorkerTimes

__all__ = ["Constant", "Dependence", "RandomStart"]


class Dependence(StrEnum):
    """How the start and the time per cycle of one worker in one round depend on each other."""

    COMONOTONE = "comonotone"
    """One slowness for both: who starts late also computes slowly."""
    INDEPENDENT = "independent"
    """Neither says anything about the other."""


@dataclass(frozen=True)
class Constant:
    """The same time per cycle for every worker: what it has in common with a family.

    Parameters
    ----------
    seconds : float
        Positive.
    """

    seconds: float

    tail_index: ClassVar[float] = math.inf

    @property
    def typical(self) -> float:
        """The time itself."""
        return self.seconds

    @property
    def label(self) -> str:
        """The number to six digits."""
        return f"constant({self.seconds:.6g})"

    def ppf(self, q: ArrayLike) -> FloatArray:
        """The number, whatever the probability."""
        return np.full(np.shape(q), self.seconds)

    def in_unit(self, factor: float) -> float | None:
        """The number where a second has ``factor`` units; ``None`` where it leaves the doubles."""
        seconds = self.seconds * factor
        return seconds if 0.0 < seconds < math.inf else None

    def sample(self, rounds: int, workers: int, rng: np.random.Generator) -> FloatArray:
        """The number, shape ``(rounds, workers)``; nothing is drawn."""
        return np.full((rounds, workers), self.seconds)

    def to_dict(self) -> Mapping[str, Any]:
        """Its keys of the ``[worker_times]`` table of an instance file."""
        return {"family": "constant", "time": self.seconds}


@dataclass(frozen=True)
class RandomStart(WorkerTimes):
    """Independent workers that have done ``c`` cycles after ``A + B c`` seconds.

    Parameters
    ----------
    times : ContinuousTimes or float
        ``B``, seconds per cycle; a number where every worker computes equally fast and only the
        start differs (functions as a service: the spread is in the start).
    start : ContinuousTimes, or DiscreteTimes where ``times`` is a number
        ``A``, seconds.
    dependence : Dependence or str
        ``"comonotone"`` (default) or ``"independent"``; a number ``times`` needs neither.

    Notes
    -----
    With a number, and with comonotone ``A`` and ``B``, the workers finish in the same order whatever
    the work is; the expected runtime is convex for fixed used levels and every bound is proven.
    With independent ``A`` and ``B`` the completion probability is exact all the same, but the
    expected runtime need not be convex, and nothing is proven of it.

    The levels below the first used one have nothing to deliver: nobody waits for their start.

    Examples
    --------
    >>> from cgcopt import Exponential
    >>> RandomStart(0.25, Exponential(rate=2.0)).label
    'constant(0.25) after exponential(rate=2)'
    """

    times: ContinuousTimes | float
    start: IndependentTimes
    dependence: Dependence = Dependence.COMONOTONE

    kind: ClassVar[Times] = Times.STARTED

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        try:
            set_field(self, "dependence", Dependence(self.dependence))
        except ValueError:
            allowed = f"one of: {', '.join(Dependence)}"
            raise InvalidInputError("worker_times.dependence", self.dependence, allowed) from None
        if not isinstance(self.times, WorkerTimes):
            set_field(self, "times", finite_number("worker_times.time", self.times, above=0))
        elif not isinstance(self.times, ContinuousTimes):
            allowed = "a number, or a family with a density, such as LogNormal(sigma=0.6, scale=1)"
            raise InvalidInputError("worker_times.times", self.times, allowed)
        if not isinstance(self.start, ContinuousTimes) and not (
            self.constant and isinstance(self.start, IndependentTimes)
        ):
            allowed = "a family with a density, such as Exponential(rate=2)"
            if self.constant:
                allowed += ", or Empirical([...])"
            raise InvalidInputError("worker_times.start", self.start, allowed)
        if getattr(self.start, "can_fail", False):
            raise InvalidInputError("worker_times.start", self.start, "finite seconds")

    @property
    def constant(self) -> bool:
        """Whether every worker computes equally fast."""
        return isinstance(self.times, float)

    @property
    def pace(self) -> ContinuousTimes | Constant:
        """``times``, a number as a model of its own."""
        return Constant(self.times) if isinstance(self.times, float) else self.times

    @property
    def one_order(self) -> bool:
        """Whether the workers finish in the same order whatever the work is."""
        return self.constant or self.dependence is Dependence.COMONOTONE

    @property
    def has_density(self) -> bool:
        """Whether the start has a density, and with it every sum of start and work."""
        return self.start.has_density

    @property
    def tail_index(self) -> float:
        """The tail index of the start or of the time per cycle, whichever tail is heavier."""
        return min(self.pace.tail_index, self.start.tail_index)

    @property
    def typical(self) -> float:
        """The longer one of the start and the time per cycle."""
        return max(self.start.typical, self.pace.typical)

    def in_unit(self, factor: float) -> Self | None:
        """The same workers where a second has ``factor`` units, a power of two; ``None`` as for each."""
        start, times = self.start.in_unit(factor), self.pace.in_unit(factor)
        return None if start is None or times is None else replace(self, start=start, times=times)

    def sample(self, rounds: int, workers: int, rng: np.random.Generator) -> FloatArray:
        """Refuse: a round is more than times per cycle; see :meth:`draw`."""
        raise UnsupportedProblemError(
            f"rounds of {self.label} are no tables of seconds per cycle: every worker also has a "
            f"start; methods on scenarios do not take it"
        )

    def draw(
        self, rounds: int, workers: int, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray]:
        """Draw starts (seconds) and times (seconds per cycle), each of shape ``(rounds, workers)``."""
        if isinstance(self.times, float) or self.dependence is Dependence.INDEPENDENT:
            return self.start.sample(rounds, workers, rng), self.pace.sample(rounds, workers, rng)
        late = rng.random((rounds, workers))
        return self.start.isf(late), self.times.isf(late)

    @property
    def label(self) -> str:
        """The time per cycle and the start."""
        how = "" if self.constant else f"{self.dependence} "
        return f"{self.pace.label} after {how}{self.start.label}"

    def to_dict(self) -> Mapping[str, Any]:
        """The ``[worker_times]`` table of an instance file."""
        how = {} if self.constant else {"dependence": str(self.dependence)}
        return {**self.pace.to_dict(), "start": self.start.to_dict(), **how}
