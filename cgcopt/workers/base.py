"""What a model of worker times offers to the rest of the package."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from cgcopt.arrays import FloatArray, read_only

__all__ = ["ContinuousTimes", "DiscreteTimes", "IndependentTimes", "Times", "WorkerTimes"]


#: Terms that are added up in extended precision at a time.
_PIECE = 2**16


class Times(StrEnum):
    """Kinds of worker times: what is known of a model, hence which functions evaluate designs.

    The functions of each kind are listed in :mod:`cgcopt.evaluation.table`.
    """

    CONTINUOUS = "continuous"
    """Independent workers with a density."""
    DISCRETE = "discrete"
    """Independent workers with finitely many values (a pooled trace)."""
    SCENARIOS = "scenarios"
    """A finite set of rounds (a trace kept in rounds, or a drawn sample)."""
    GROUPS = "groups"
    """Independent workers in groups, each with a density."""
    STARTED = "started"
    """Independent workers with a random start besides a time per cycle."""
    DISTRIBUTION = "distribution"
    """Independent workers of whom only the distribution function is known."""
    SAMPLER = "sampler"
    """Any other model: rounds can be drawn, and no more."""


class WorkerTimes(ABC):
    """How many seconds each worker of a round needs for one CPU cycle."""

    kind: ClassVar[Times] = Times.SAMPLER
    """What is known of the model."""

    #: What a reader of results should know about these times, in sentences.
    notes: tuple[str, ...] = ()

    @property
    def can_fail(self) -> bool:
        """Whether a worker may never answer: some of its times are infinite."""
        return False

    @property
    def has_mean(self) -> bool:
        """Whether the expected time of a worker exists, as far as is known."""
        return True

    @property
    def has_density(self) -> bool:
        """Whether the time of every worker has a density; of a random start, its start."""
        return False

    @property
    def one_order(self) -> bool:
        """Whether the workers of a round finish in the same order whatever the work is.

        The expected runtime is convex for given used levels then.
        """
        return True

    @property
    def simplest(self) -> WorkerTimes:
        """The same worker times as the simplest model that holds them; the model itself, as a rule."""
        return self

    @property
    def longest(self) -> float:
        """The longest finite time; ``inf`` where there is no longest."""
        return float("inf")

    @property
    def typical(self) -> float:
        """A time in the middle of what is usual; NaN where none is known."""
        return math.nan

    def in_unit(self, factor: float) -> Self | None:
        """The same times where a second has ``factor`` units, a power of two.

        ``None`` where that is not known, or would round a number.
        """
        return None

    def answering(self, late: float) -> WorkerTimes:
        """The same times with ``late`` (seconds per cycle) in place of infinite ones."""
        return self

    @abstractmethod
    def sample(self, rounds: int, workers: int, rng: np.random.Generator) -> FloatArray:
        """Draw worker times, shape ``(rounds, workers)``, seconds per cycle."""

    @abstractmethod
    def to_dict(self) -> Mapping[str, Any]:
        """The ``[worker_times]`` table of an instance file."""

    @property
    @abstractmethod
    def label(self) -> str:
        """A short description for tables, such as ``shifted-exponential(rate=0.001, shift=50)``."""

    @property
    def tail_index(self) -> float:
        """Power ``a`` of a regularly varying tail ``P(T > t) ~ t**-a``; ``inf`` for light tails."""
        return float("inf")

    def tail_power(self, level: int) -> float:
        """Power with which the chance falls that ``level + 1`` workers are late."""
        return (level + 1) * self.tail_index


class IndependentTimes(WorkerTimes):
    """Workers that are independent and identically distributed.

    All functions accept arrays of any shape and return arrays of the same shape.
    """

    kind: ClassVar[Times] = Times.DISTRIBUTION

    @abstractmethod
    def cdf(self, t: ArrayLike) -> FloatArray:
        """``P(T <= t)``, to full relative accuracy also where it is tiny."""

    @abstractmethod
    def sf(self, t: ArrayLike) -> FloatArray:
        """``P(T > t)``, to full relative accuracy also where it is tiny."""

    @abstractmethod
    def ppf(self, q: ArrayLike) -> FloatArray:
        """Smallest ``t`` with ``cdf(t) >= q``."""

    @abstractmethod
    def isf(self, q: ArrayLike) -> FloatArray:
        """Smallest ``t`` with ``sf(t) <= q``; accurate for tiny ``q``."""

    @abstractmethod
    def mean(self) -> float:
        """Expected time of one worker; ``inf`` where it does not exist."""

    @property
    def has_mean(self) -> bool:
        """Whether the expected time of a worker exists."""
        return math.isfinite(self.mean())

    @property
    @abstractmethod
    def support(self) -> tuple[float, float]:
        """Smallest and largest possible time (the latter may be ``inf``)."""

    def without_shift(self) -> tuple[Self, float]:
        """Split ``T`` into a distribution and the shift that is added to it, seconds per cycle.

        Examples
        --------
        >>> from cgcopt import ShiftedExponential
        >>> base, shift = ShiftedExponential(rate=1.0, shift=50.0).without_shift()
        >>> base.support[0], shift
        (0.0, 50.0)
        """
        return self, 0.0


class ContinuousTimes(IndependentTimes):
    """Independent workers whose time has a density."""

    kind: ClassVar[Times] = Times.CONTINUOUS
    exponential: ClassVar[bool] = False
    """Whether the time above the shift is exponential, so that there are closed forms."""

    @property
    def has_density(self) -> bool:
        """True: the density is :meth:`pdf`."""
        return True

    @abstractmethod
    def pdf(self, t: ArrayLike) -> FloatArray:
        """Density at ``t``; 0 outside the support."""

    @abstractmethod
    def logpdf(self, t: ArrayLike) -> FloatArray:
        """Logarithm of the density; ``-inf`` outside the support."""

    @abstractmethod
    def dlogpdf(self, t: ArrayLike) -> FloatArray:
        """Derivative of :meth:`logpdf`; NaN outside the support."""


class DiscreteTimes(IndependentTimes):
    """Independent workers whose time takes finitely many values (a step distribution)."""

    kind: ClassVar[Times] = Times.DISCRETE

    @property
    @abstractmethod
    def values(self) -> FloatArray:
        """The distinct possible times, increasing, shape ``(J,)``."""

    @property
    @abstractmethod
    def weights(self) -> FloatArray:
        """Their probabilities, positive, sum 1, shape ``(J,)``."""

    def __getstate__(self) -> dict[str, Any]:
        """Everything but what is summed up once and kept, as long as a trace several times over."""
        kept = ("below", "above", "inverse_integrals")
        return {name: value for name, value in self.__dict__.items() if name not in kept}

    @cached_property
    def below(self) -> FloatArray:
        """``P(T <= values[j-1])`` for ``j = 0..J``, read-only."""
        return read_only(np.concatenate(([0.0], self.cdf(self.values))))

    @cached_property
    def above(self) -> FloatArray:
        """``P(T > values[j-1])`` for ``j = 0..J``, read-only."""
        return read_only(np.concatenate(([1.0], self.sf(self.values))))

    @cached_property
    def inverse_integrals(self) -> tuple[FloatArray, FloatArray]:
        """Integrals of ``F^{-1}(p)`` and of ``p F^{-1}(p)`` from 0 to :attr:`below`, read-only.

        Added up in extended precision, where there is one.
        """
        seconds = self.weights * self.values
        plain = _running_sum(seconds)
        seconds *= (self.below[1:] + self.below[:-1]) / 2
        return plain, _running_sum(seconds)


def _running_sum(terms: FloatArray) -> FloatArray:
    """Sums of the first terms, none to all, in pieces: a trace may have millions of values."""
    sums = np.zeros(terms.size + 1)
    carry = np.zeros(1, dtype=np.longdouble)
    for start in range(0, terms.size, _PIECE):
        piece = np.cumsum(np.concatenate((carry, terms[start : start + _PIECE])))
        sums[start + 1 : start + piece.size] = piece[1:]
        carry = piece[-1:]
    return read_only(sums)
