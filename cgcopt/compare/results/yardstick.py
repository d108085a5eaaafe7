"""What held-out rounds are worth by an objective, and how sure a paired difference is.

Errors allow for dependence between successive rounds: Newey and West's for means
(:func:`~cgcopt.workers.dependence.mean_error`), a bootstrap of blocks of successive rounds for
quantiles (Kuensch, "The jackknife and the bootstrap for general stationary observations", Annals of
Statistics 17, 1989). Both ways are judged on the same rounds, and only differences count.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.errors import UnsupportedProblemError
from cgcopt.evaluation.rounds.quantile import rank_of
from cgcopt.evaluation.rounds.tail_mean import mean_of_worst
from cgcopt.objective import (
    CompletionProbability,
    ConditionalValueAtRisk,
    ExpectedRuntime,
    Objective,
    Quantile,
)
from cgcopt.workers.dependence import mean_error

__all__ = ["Gain", "Yardstick", "yardstick_of"]


@dataclass(frozen=True)
class Bootstrap:
    """Numbers of the bootstrap."""

    draws: int = 400  # errors to 4 %
    entries: int = 4_000_000  # fewer draws of longer traces, for the memory
    least: int = 50
    seed: int = 1


@dataclass(frozen=True)
class Gain:
    """What is gained over something else.

    Attributes
    ----------
    size : float
        Share of the time that is saved; for a deadline, chance to meet it that is won.
    error : float
        Its standard error, rounds paired; NaN where they tell nothing.
    """

    size: float
    error: float

    def shown(self, errors: float, least: float = 0.0) -> bool:
        """Whether the gain is larger than so many standard errors, and than ``least``.

        Examples
        --------
        >>> Gain(0.1, 0.04).shown(2.0), Gain(0.1, 0.06).shown(2.0), Gain(0.1, float("nan")).shown(2.0)
        (True, False, False)
        """
        return self.size > max(errors * self.error, least) and self.error == self.error


class Yardstick(ABC):
    """An objective on finitely many rounds."""

    #: Whether large values are good.
    rising = False

    @abstractmethod
    def value(self, ends: FloatArray) -> float:
        """The objective of rounds with these runtimes."""

    @abstractmethod
    def error(self, ends: FloatArray) -> float:
        """Standard error of :meth:`value`."""

    @abstractmethod
    def gain(self, ends: FloatArray, reference: FloatArray) -> Gain:
        """What ``ends`` gain over ``reference`` in the same rounds."""

    def loss(self, value: float) -> float:
        """A value of the objective as a key that sorts the best first, and none last.

        Examples
        --------
        >>> sorted([2.0, float("nan"), 1.0], key=MeanYardstick().loss)
        [1.0, 2.0, nan]
        >>> sorted([0.2, float("nan"), 0.9], key=DeadlineYardstick(1.0).loss)
        [0.9, 0.2, nan]
        """
        if math.isnan(value):
            return math.inf
        return -value if self.rising else value

    def ratio_error(self, ends: FloatArray, reference: FloatArray) -> float:
        """Standard error of the ratio of the two values."""
        return self.gain(ends, reference).error

    def ratio(self, ends: FloatArray, reference: FloatArray) -> float:
        """Ratio of the two values; NaN where it is none."""
        over, under = self.value(ends), self.value(reference)
        with np.errstate(all="ignore"):
            return float(np.divide(over, under))


class MeanYardstick(Yardstick):
    """The mean runtime.

    Examples
    --------
    >>> a, b = np.array([1.0, 2.0, 1.0, 2.0]), np.array([2.0, 4.0, 2.0, 4.0])
    >>> MeanYardstick().gain(a, b)
    Gain(size=0.5, error=0.0)
    """

    def value(self, ends: FloatArray) -> float:
        """Mean of the runtimes."""
        return float(ends.mean())

    def error(self, ends: FloatArray) -> float:
        """Standard error of the mean; dependence of the rounds is allowed for."""
        return mean_error(ends) if np.isfinite(ends).all() else math.nan

    def gain(self, ends: FloatArray, reference: FloatArray) -> Gain:
        """Share of the mean that is saved."""
        ratio = self.ratio(ends, reference)
        if not math.isfinite(ratio):
            return Gain(math.nan, math.nan)
        error = mean_error(ends - ratio * reference) / float(reference.mean())
        return Gain(1.0 - ratio, error)


@dataclass(frozen=True)
class DeadlineYardstick(Yardstick):
    """The share of rounds that meet a deadline."""

    deadline: float
    rising = True

    def value(self, ends: FloatArray) -> float:
        """Share of the rounds that meet the deadline."""
        return float((ends <= self.deadline).mean())

    def error(self, ends: FloatArray) -> float:
        """Standard error of the share; dependence of the rounds is allowed for."""
        return mean_error((ends <= self.deadline).astype(float))

    def gain(self, ends: FloatArray, reference: FloatArray) -> Gain:
        """By how much the share of rounds in time is larger."""
        won = (ends <= self.deadline).astype(float) - (reference <= self.deadline)
        return Gain(float(won.mean()), mean_error(won))

    def ratio_error(self, ends: FloatArray, reference: FloatArray) -> float:
        """Standard error of the ratio, by the delta method."""
        base = self.value(reference)
        if base == 0.0:
            return math.nan
        off = (ends <= self.deadline) - self.ratio(ends, reference) * (reference <= self.deadline)
        return mean_error(off) / base


@dataclass(frozen=True)
class QuantileYardstick(Yardstick):
    """The smallest deadline that a share of the rounds meets."""

    probability: float
    bootstrap: Bootstrap = field(default_factory=Bootstrap)

    def value(self, ends: FloatArray) -> float:
        """The runtime whose rank is that of the quantile."""
        return float(self._values(ends[np.newaxis])[0])

    def error(self, ends: FloatArray) -> float:
        """Standard error of the quantile, by the bootstrap."""
        return _spread(self._values(ends[self._draws(ends.size)]))

    def gain(self, ends: FloatArray, reference: FloatArray) -> Gain:
        """Share of the quantile that is saved."""
        draws = self._draws(ends.size)
        with np.errstate(all="ignore"):
            drawn = self._values(ends[draws]) / self._values(reference[draws])
        return Gain(1.0 - self.ratio(ends, reference), _spread(drawn))

    def _values(self, ends: FloatArray) -> FloatArray:
        rank = rank_of(self.probability, ends.shape[1])
        return np.asarray(np.partition(ends, rank - 1, axis=1)[:, rank - 1])

    def _draws(self, count: int) -> IntArray:
        """Rounds of every draw, in blocks of successive ones, shape ``(draws, count)``."""
        chosen = self.bootstrap
        draws = max(min(chosen.draws, chosen.entries // count), chosen.least)
        length = max(round(count ** (1 / 3)), 1)
        rng = np.random.default_rng(chosen.seed)
        starts = rng.integers(count, size=(draws, -(-count // length)))
        rounds = (starts[:, :, np.newaxis] + np.arange(length)) % count
        return rounds.reshape(draws, -1)[:, :count]


@dataclass(frozen=True)
class TailMeanYardstick(QuantileYardstick):
    """The mean of the slowest share of the rounds.

    Examples
    --------
    >>> TailMeanYardstick(0.5).value(np.array([1.0, 4.0, 2.0, 3.0]))
    3.5
    """

    def _values(self, ends: FloatArray) -> FloatArray:
        return np.array([mean_of_worst(row, self.probability) for row in ends])


def _spread(drawn: FloatArray) -> float:
    if drawn.shape[0] < 2 or not np.isfinite(drawn).all():
        return math.nan
    return float(drawn.std(ddof=1))


_YARDSTICKS: dict[type[Objective], Callable[..., Yardstick]] = {
    ExpectedRuntime: MeanYardstick,
    CompletionProbability: DeadlineYardstick,
    Quantile: QuantileYardstick,
    ConditionalValueAtRisk: TailMeanYardstick,
}


def yardstick_of(objective: Objective) -> Yardstick:
    """The yardstick of an objective.

    Examples
    --------
    >>> yardstick_of(CompletionProbability(3.0)).value(np.array([1.0, 2.0, 4.0, 3.0]))
    0.75
    """
    if type(objective) not in _YARDSTICKS:
        raise UnsupportedProblemError(f"no held-out rounds for objective '{objective.kind}'")
    return _YARDSTICKS[type(objective)](*objective.parameters)
