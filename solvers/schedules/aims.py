"""What is made small over the rounds of a sample, and the columns it needs in a linear program."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.evaluation.dispatch import Table
from cgcopt.evaluation.rounds.quantile import rank_of
from cgcopt.objective import CompletionProbability, ExpectedRuntime, Objective, Quantile

__all__ = ["AIMS", "Aim", "Columns", "DeadlineAim", "MeanAim", "QuantileAim", "aim_of"]


@dataclass(frozen=True, eq=False)
class Columns:
    """Columns ``theta`` of a linear program that bound the runtimes of rounds from above.

    Attributes
    ----------
    rounds : ndarray, shape (R,)
        The rounds that have one.
    column : ndarray, shape (R,)
        Which of the columns bounds the round; several rounds may share one.
    lower, cost : ndarray, shape (C,)
        Lower bounds and costs of the columns.
    """

    rounds: IntArray
    column: IntArray
    lower: FloatArray
    cost: FloatArray


class Aim(ABC):
    """A number to be made small that grows with the runtimes of the rounds."""

    #: How many programs in turn :meth:`columns` offers at one point.
    variants: int = 1

    @abstractmethod
    def value(self, runtimes: FloatArray) -> float:
        """What the runtimes of all rounds are worth; small is good."""

    @abstractmethod
    def columns(self, runtimes: FloatArray, variant: int) -> Columns:
        """The columns of a program that leads down from a point with these runtimes."""


@dataclass(frozen=True)
class MeanAim(Aim):
    """The mean runtime.

    Examples
    --------
    >>> MeanAim().value(np.array([1.0, 3.0]))
    2.0
    """

    def value(self, runtimes: FloatArray) -> float:
        """The mean."""
        return float(runtimes.mean())

    def columns(self, runtimes: FloatArray, variant: int) -> Columns:
        """One column a round."""
        count = runtimes.size
        every = np.arange(count)
        return Columns(every, every, np.zeros(count), np.full(count, 1.0 / count))


@dataclass(frozen=True)
class QuantileAim(Aim):
    """The smallest deadline that a share of the rounds meets.

    Examples
    --------
    >>> QuantileAim(0.5).value(np.array([1.0, 3.0]))
    1.0
    """

    probability: float

    def value(self, runtimes: FloatArray) -> float:
        """The runtime of that rank."""
        rank = rank_of(self.probability, runtimes.size)
        return float(np.partition(runtimes, rank - 1)[rank - 1])

    def columns(self, runtimes: FloatArray, variant: int) -> Columns:
        """One column for the rounds that are the fastest now: their longest bounds the quantile."""
        rank = rank_of(self.probability, runtimes.size)
        fastest = np.sort(np.argsort(runtimes, kind="stable")[:rank])
        return Columns(fastest, np.zeros(rank, dtype=np.int64), np.zeros(1), np.ones(1))


@dataclass(frozen=True)
class DeadlineAim(Aim):
    """The share of the rounds that miss a deadline.

    Examples
    --------
    >>> round(DeadlineAim(2.0).value(np.array([1.0, 3.0])), 2)
    0.5
    """

    deadline: float
    reaches: tuple[float, ...] = (1.0, 0.2, 0.05)
    """How much too late, relatively, a round may be to count in a program; one for each variant."""
    tie: float = 1e-3
    """Weight of the relative lateness beside the share of late rounds: it breaks ties."""

    @property
    def variants(self) -> int:  # type: ignore[override]
        """One program for every reach."""
        return len(self.reaches)

    def value(self, runtimes: FloatArray) -> float:
        """Share of missed rounds, and a little of how much too late they are."""
        excess = runtimes / self.deadline - 1.0
        return float((excess > 0.0).mean() + self.tie * np.clip(excess, 0.0, 1.0).mean())

    def columns(self, runtimes: FloatArray, variant: int) -> Columns:
        """Seconds beyond the deadline of the rounds that are not hopeless."""
        near = np.flatnonzero(runtimes <= self.deadline * (1.0 + self.reaches[variant]))
        count = near.size
        lower = np.full(count, self.deadline)
        return Columns(near, np.arange(count), lower, np.full(count, 1.0 / max(count, 1)))


def aim_of(objective: Objective, seconds: float) -> Aim:
    """The aim of an objective for runtimes in units of ``seconds``.

    Examples
    --------
    >>> aim_of(ExpectedRuntime(), 2.0), aim_of(CompletionProbability(3.0), 2.0).deadline
    (MeanAim(), 1.5)
    """
    return AIMS[type(objective)](seconds, *objective.parameters)


#: The aim of every objective: ``(seconds, *parameters) -> Aim``.
AIMS: Table[type[Objective], Callable[..., Aim]] = Table(
    "no schedules",
    {
        ExpectedRuntime: lambda seconds: MeanAim(),
        Quantile: lambda seconds, probability: QuantileAim(probability),
        CompletionProbability: lambda seconds, deadline: DeadlineAim(deadline / seconds),
    },
)
