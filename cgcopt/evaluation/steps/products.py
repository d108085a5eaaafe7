"""The runtimes that a step distribution of worker times allows, and their probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.evaluation.crossing.crossing import crossing
from cgcopt.evaluation.dispatch import times_as
from cgcopt.evaluation.lines import Lines, lines_of_work
from cgcopt.system import System
from cgcopt.workers.base import DiscreteTimes

__all__ = ["Products", "discrete_times"]


#: Entries of a batch of thresholds.
_BATCH = 2**20


def discrete_times(system: System) -> DiscreteTimes:
    """Return the step distribution of the worker times, or say that it is none."""
    return times_as(DiscreteTimes, system, "needs a step distribution, not")


@dataclass(frozen=True, eq=False, init=False)
class Products:
    """The possible runtimes ``c_n + u w_n t_j`` of a design and the probabilities of being done by one.

    They are called products, after the case without delays ``c``.

    Parameters
    ----------
    system : System
        With discrete worker times.
    work : ndarray, shape (N,)
        Cumulative work ``w``, nondecreasing.
    lines : Lines, optional
        Of the levels, in place of those of the system and the work.

    Attributes
    ----------
    unit : float
        ``u``.
    values : ndarray, shape (J,)
        ``t_j``, increasing.
    factors : ndarray, shape (m,)
        Positive ``u w_n``: those of the last ``m`` levels.
    delays : ndarray, shape (m,)
        ``c_n`` of these levels, seconds.
    workers : int
        ``N``.
    times : DiscreteTimes
        The distribution.
    below, above : ndarray, shape (J + 1,)
        ``P(T <= t_j)`` and ``P(T > t_j)``, after 0 and 1: indexed by how many values count.
    """

    unit: float
    values: FloatArray
    factors: FloatArray
    delays: FloatArray
    workers: int
    times: DiscreteTimes
    below: FloatArray
    above: FloatArray

    def __init__(self, system: System, work: FloatArray, lines: Lines | None = None) -> None:
        times = discrete_times(system)
        lines = lines_of_work(system, work) if lines is None else lines
        set_field = object.__setattr__
        set_field(self, "unit", system.unit)
        set_field(self, "values", times.values)
        set_field(self, "factors", lines.factor[lines.factor > 0])
        set_field(self, "delays", lines.delay[lines.factor > 0])
        set_field(self, "workers", system.workers)
        set_field(self, "times", times)
        set_field(self, "below", times.below)
        set_field(self, "above", times.above)

    @property
    def smallest(self) -> float:
        """The smallest possible runtime, if a level with less work may have been empty."""
        return float(self.factors[0] * self.values[0] + self.delays[0])

    @property
    def largest(self) -> float:
        """The largest possible runtime."""
        return float(self.factors[-1] * self.values[-1] + self.delays[-1])

    def counts(self, z: FloatArray) -> IntArray:
        """How many products of each level are at most ``z``, shape ``z.shape + (m,)``.

        The products are compared as they are rounded, so that equal ones count as equal.
        """
        z = np.asarray(z, dtype=np.float64)[..., None]
        with np.errstate(over="ignore"):
            found = np.searchsorted(self.values, (z - self.delays) / self.factors, side="right")
        while True:
            more = found < self.values.size
            more &= self.reached(np.minimum(found, self.values.size - 1)) <= z
            less = found > 0
            less &= self.reached(np.maximum(found - 1, 0)) > z
            if not (more.any() or less.any()):
                return found
            found = found + more - less

    def after(self, counts: IntArray) -> FloatArray:
        """Smallest product beyond the counted ones; ``inf`` beyond the largest."""
        last = self.values.size - 1
        beyond = np.where(counts > last, np.inf, self.values[np.minimum(counts, last)])
        return np.asarray((self.factors * beyond + self.delays).min(axis=-1))

    def upto(self, counts: IntArray) -> FloatArray:
        """Largest of the counted products; 0 where none is counted."""
        counted = np.where(counts > 0, self.reached(np.maximum(counts - 1, 0)), 0.0)
        return np.asarray(counted.max(axis=-1))

    def inside(self, before: IntArray, counts: IntArray) -> FloatArray:
        """All products beyond ``before`` up to ``counts``, one after the other."""
        each = (counts - before).ravel()
        start = np.repeat(before.ravel() - (np.cumsum(each) - each), each)
        factors = np.repeat(np.broadcast_to(self.factors, counts.shape).ravel(), each)
        delays = np.repeat(np.broadcast_to(self.delays, counts.shape).ravel(), each)
        return np.asarray(factors * self.values[start + np.arange(start.size)] + delays)

    def reached(self, index: IntArray) -> FloatArray:
        """Products of the times with these indices, one for each level on the last axis."""
        return np.asarray(self.factors * self.values[index] + self.delays)

    def middle(self, first: FloatArray, last: FloatArray) -> FloatArray:
        """A product near the middle of ``[first, last)``, where ``first < last`` are products."""
        centre = first + (last - first) / 2
        # Of two neighbouring numbers the middle may round to the upper one.
        counts = self.counts(np.where(centre < last, centre, first))
        beyond = self.after(counts)
        return np.where(beyond < last, beyond, self.upto(counts))

    def probabilities(self, counts: IntArray) -> tuple[FloatArray, FloatArray]:
        """``P`` and ``1 - P`` when each level may attain its counted products.

        Parameters
        ----------
        counts : ndarray, shape (B, m)
            Counted products of each level.
        """
        p, q = np.empty(len(counts)), np.empty(len(counts))
        rows = max(_BATCH // self.workers, 1)
        for start in range(0, len(counts), rows):
            found = crossing(*self.thresholds(counts[start : start + rows]))
            p[start : start + rows] = found.probability
            q[start : start + rows] = found.complement
        return p, q

    def thresholds(self, counts: IntArray) -> tuple[FloatArray, FloatArray]:
        """``F`` and ``1 - F`` for the workers from the fastest, who answer for the last level."""
        free = ((0, 0), (0, self.workers - self.factors.size))
        cdf = np.pad(self.below[counts[:, ::-1]], free, constant_values=1.0)
        return cdf, np.pad(self.above[counts[:, ::-1]], free, constant_values=0.0)
