"""The best design and the best bound of a run, shared by the exact methods."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from cgcopt.arrays import FloatArray
from cgcopt.errors import SolverError
from cgcopt.options import Options
from cgcopt.process.clock import Clock
from cgcopt.process.incumbents import keep_design, keep_gap

__all__ = ["Clock", "Incumbent"]


@dataclass
class Incumbent:
    """What a minimisation has reached so far.

    Attributes
    ----------
    target : float
        Relative gap at which the run is over.
    partition : ndarray, optional
        Of the best design found.
    value, bound : float
        Worth of that design, and what no design beats.
    history : list of tuple
        Best value and best bound after every evaluation.
    unit : float
        Seconds that a value of one stands for.
    """

    target: float
    options: Options | None = None
    partition: FloatArray | None = None
    value: float = math.inf
    bound: float = -math.inf
    history: list[tuple[float, float]] = field(default_factory=list)
    unit: float = 1.0

    def offer(self, partition: FloatArray, value: float, bound: float = -math.inf) -> bool:
        """Take note of a valued design and of a bound; return whether the design is the best."""
        better = value < self.value
        if better:
            self._take(partition, value)
        self._note(bound)
        return better

    def settle(self, partition: FloatArray, value: float, bound: float) -> None:
        """Take note of a bound and make this design the best, whatever it is worth."""
        self._take(partition, value)
        self._note(bound)

    def _take(self, partition: FloatArray, value: float) -> None:
        self.value, self.partition = value, partition.copy()
        keep_design(self.partition)

    def _note(self, bound: float) -> None:
        self.bound = max(self.bound, bound)
        self.history.append((self.value, self.bound))
        if self.options is not None:
            keep_gap(self.gap)
            seconds = self.value * self.unit
            self.options.report(self._share, f"value {seconds:.9g} s, gap {self.gap:.1e}")

    @property
    def history_in_seconds(self) -> list[tuple[float, float]]:
        """The history, for what a solver returns."""
        return [(value * self.unit, bound * self.unit) for value, bound in self.history]

    @property
    def best(self) -> FloatArray:
        """The partition of the best design.

        Raises
        ------
        SolverError
            If no design has been valued.
        """
        if self.partition is None:
            raise SolverError("no design can be valued in double precision")
        return self.partition

    @property
    def gap(self) -> float:
        """``1 - bound/value``; infinite without a bound."""
        if not math.isfinite(self.bound) or not math.isfinite(self.value) or self.value <= 0.0:
            return math.inf
        return max(1.0 - self.bound / self.value, 0.0)

    @property
    def closed(self) -> bool:
        """Whether the gap is at most the target."""
        return self.gap <= self.target

    @property
    def _share(self) -> float | None:
        """Digits of the gap reached, as a share of those wanted."""
        if not 0.0 < self.target < 1.0 or not 0.0 < self.gap < 1.0:
            return None
        return min(math.log(self.gap) / math.log(self.target), 1.0)
