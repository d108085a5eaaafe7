"""Designs: how much redundancy each coordinate gets, in three equivalent representations.

``s`` (one redundancy for each of the ``L`` coordinates), ``x`` (the partition: how many coordinates
each level ``n = 0..N-1`` holds) and ``w`` (cumulative work, ``w_n = sum_{i<=n} (i+1) x_i``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgcopt._validate import real_array, whole_number
from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError

__all__ = [
    "FEASIBILITY_TOLERANCE",
    "Design",
    "budget_weights",
    "largest_remainder",
    "level_weights",
    "partition_of_redundancies",
    "partition_of_work",
    "redundancies_of_partition",
    "sort_redundancies",
    "straightened",
    "work_of_partition",
]

#: A point may miss a constraint by this much relative to ``L``, as those of solvers do; it is moved onto
#: the constraint before it is valued, so that every value belongs to a feasible design.
FEASIBILITY_TOLERANCE = 1e-6
#: What the sum of a partition of ``L`` coordinates may be off by, relatively: rounding.
_SUM_ROUNDING = 1e-13


_LARGEST_REDUNDANCY_VECTOR = 10**8
#: Share of the coordinates up to which a level counts as unused: what a solver has left over.
_USED = 1e-9


def budget_weights(workers: int) -> FloatArray:
    """Weights ``v`` with ``sum_n v_n w_n = sum_n x_n``, shape ``(N,)``.

    ``v_n = 1/((n+1)(n+2))`` for ``n < N-1`` and ``v_{N-1} = 1/N``.

    Examples
    --------
    >>> budget_weights(3)
    array([0.5       , 0.16666667, 0.33333333])
    """
    n = np.arange(1, workers + 1, dtype=np.float64)
    v = 1 / (n * (n + 1))
    v[-1] = 1 / workers
    return v


def level_weights(levels: ArrayLike) -> FloatArray:
    """Weights ``v`` with ``sum_j v_j w_{s_j} = sum_j x_{s_j}`` over the levels ``s_j`` alone.

    Parameters
    ----------
    levels : array_like of int, shape (k,)
        Increasing; no other level is used.

    Examples
    --------
    >>> level_weights([0, 3])
    array([0.75, 0.25])
    """
    inverse = 1.0 / (np.asarray(levels, dtype=np.float64) + 1.0)
    return np.asarray(inverse - np.append(inverse[1:], 0.0))


def work_of_partition(partition: ArrayLike) -> FloatArray:
    """Cumulative work ``w_n = sum_{i<=n} (i+1) x_i`` of a partition, shape ``(N,)``."""
    x = np.asarray(partition, dtype=np.float64)
    return np.cumsum(x * np.arange(1, x.shape[-1] + 1), axis=-1)


def partition_of_work(work: ArrayLike) -> FloatArray:
    """Partition ``x_n = (w_n - w_{n-1})/(n+1)`` of a cumulative work, shape ``(N,)``."""
    w = np.asarray(work, dtype=np.float64)
    return np.diff(w, axis=-1, prepend=0.0) / np.arange(1, w.shape[-1] + 1)


def partition_of_redundancies(redundancies: ArrayLike, workers: int) -> FloatArray:
    """Count the coordinates of each level, shape ``(N,)``.

    The order of the coordinates is lost: the partition stands for the sorted vector, which is never
    worse (:func:`sort_redundancies`).
    """
    n = whole_number("workers", workers, least=1)
    s = real_array("redundancies", redundancies, "whole numbers")
    if s.ndim != 1 or s.size == 0:
        raise InvalidInputError("redundancies", s.shape, "a vector with one entry per coordinate")
    if not np.all(np.isin(s, np.arange(n))):
        bad = s[~np.isin(s, np.arange(n))][0].item()
        raise InvalidInputError("redundancies", bad, f"whole numbers from 0 to {n - 1}")
    return np.bincount(s.astype(np.int64), minlength=n).astype(np.float64)


def redundancies_of_partition(partition: ArrayLike) -> NDArray[np.int64]:
    """Write a partition in whole numbers as the sorted redundancy of every coordinate, shape ``(L,)``."""
    x = np.asarray(partition, dtype=np.float64)
    if np.any(x != np.round(x)) or np.any(x < 0):
        raise InvalidInputError("partition", x, "whole numbers of at least 0")
    if x.sum() > _LARGEST_REDUNDANCY_VECTOR:
        raise InvalidInputError(
            "partition", x.sum(), f"at most {_LARGEST_REDUNDANCY_VECTOR} coordinates to write out"
        )
    return np.repeat(np.arange(x.size), x.astype(np.int64))


def sort_redundancies(redundancies: ArrayLike) -> NDArray[np.int64]:
    """Sort the redundancies increasingly, which never makes a round slower.

    For every realisation of the worker times ``tau(sort(s), T) <= tau(s, T)``: swapping neighbours
    with ``s_l > s_{l+1}`` leaves the total work after both unchanged, moves less work to the earlier
    position and binds the later one to a smaller order statistic. Hence an optimal vector is
    monotone, and a monotone vector is a partition (arXiv 2206.02450, Theorem 1 in other words).

    Examples
    --------
    >>> sort_redundancies([2, 0, 1])
    array([0, 1, 2])
    """
    return np.sort(np.asarray(redundancies)).astype(np.int64)


def largest_remainder(partition: ArrayLike, coordinates: int) -> FloatArray:
    """Round a relaxed partition to whole numbers that sum to ``coordinates`` exactly.

    Every entry is rounded down or up; the entries with the largest remainders go up. The result
    differs from the input by less than 1 in every entry.

    Examples
    --------
    >>> largest_remainder([1.6, 0.0, 2.4], 4)
    array([2., 0., 2.])
    """
    x = np.maximum(np.asarray(partition, dtype=np.float64), 0.0)
    # Scaling first keeps the missing count below N even when the sum is off by rounding.
    x = x * (coordinates / x.sum())
    whole = np.floor(x)
    missing = coordinates - sum(map(int, whole))  # near 2**53 a sum of floats is not exact
    remainder = x - whole
    if missing >= 0:
        whole[np.argsort(-remainder, kind="stable")[:missing]] += 1
    else:  # x.sum() rounded up past L on a huge L: take from the largest entries
        whole[np.argsort(-whole, kind="stable")[:-missing]] -= 1
    rounded: FloatArray = whole
    return rounded


def straightened(partition: ArrayLike, workers: int, coordinates: int) -> FloatArray:
    """Return the partition of ``L`` coordinates that is meant by one bent within a tolerance.

    Parameters
    ----------
    partition : array_like, shape (N,)
        Entries down to ``-1e-6 L`` count as 0, and a sum that is off by up to ``1e-6 L`` is made up
        for in proportion.
    workers, coordinates : int
        ``N`` and ``L``.

    Raises
    ------
    InvalidInputError
        If it misses by more, holds anything but finite numbers, or has the wrong length.

    Examples
    --------
    >>> straightened([5.0, -1e-7, 5.0], 3, 10)
    array([5., 0., 5.])
    """
    x = real_array("partition", partition, "a list of numbers")
    if x.ndim != 1 or x.size == 0:
        raise InvalidInputError("partition", x.tolist(), "a list with one number per level")
    if x.size != workers:
        raise InvalidInputError(
            "partition", f"{x.size} entries", f"{workers} entries, one for each level"
        )
    slack = FEASIBILITY_TOLERANCE * coordinates
    wrong = ~(np.isfinite(x) & (x >= -slack))
    if wrong.any():
        raise InvalidInputError("partition", x[wrong][0].item(), "finite numbers of at least 0")
    with np.errstate(over="ignore"):
        total = float(np.maximum(x, 0.0).sum())
        given = float(x.sum())
    if not abs(given - coordinates) <= slack or not abs(total - coordinates) <= workers * slack:
        raise InvalidInputError(
            "partition", f"sum {given!r}", f"a partition of {coordinates} coordinates"
        )
    if x.min() >= 0.0 and abs(total - coordinates) <= _SUM_ROUNDING * coordinates:
        return x
    return np.asarray(np.maximum(x, 0.0) * (coordinates / total))


class Partitioned:
    """Base of what has a block partition: designs and schedules."""

    partition: FloatArray

    @property
    def workers(self) -> int:
        """``N``."""
        return int(self.partition.size)

    @property
    def coordinates(self) -> float:
        """Sum of the partition."""
        return float(self.partition.sum())

    @property
    def is_integer(self) -> bool:
        """Whether every block holds a whole number of coordinates."""
        return bool(np.all(self.partition == np.round(self.partition)))


@dataclass(frozen=True, eq=False)
class Design(Partitioned):
    """A block partition: ``partition[n]`` coordinates tolerate ``n`` stragglers.

    Parameters
    ----------
    partition : array_like
        ``x``, shape ``(N,)``, nonnegative, finite, with a positive sum.

    Examples
    --------
    >>> design = Design([2, 0, 1])
    >>> design.work
    array([2., 2., 5.])
    >>> design.redundancies
    array([0, 0, 2])
    >>> Design.from_work(design.work).partition
    array([2., 0., 1.])
    """

    partition: FloatArray

    def __post_init__(self) -> None:
        x = np.array(real_array("partition", self.partition, "a list of numbers"))
        if x.ndim != 1 or x.size == 0:
            raise InvalidInputError("partition", self.partition, "a list with one number per level")
        if not np.all(np.isfinite(x)) or np.any(x < 0):
            bad = x[~(np.isfinite(x) & (x >= 0))][0].item()
            raise InvalidInputError("partition", bad, "finite numbers of at least 0")
        with np.errstate(over="ignore"):
            total = x.sum()
        if not 0 < total < np.inf:
            raise InvalidInputError("partition", x.tolist(), "numbers with a positive sum")
        x.flags.writeable = False
        object.__setattr__(self, "partition", x)

    @classmethod
    def from_work(cls, work: ArrayLike) -> Design:
        """Build the design with cumulative work ``w``; ``w`` must be nondecreasing and ``>= 0``."""
        w = real_array("work", work, "a list of numbers")
        if w.ndim == 1 and w.size and np.any(np.diff(w, prepend=0.0) < 0):
            raise InvalidInputError("work", w.tolist(), "nondecreasing and at least 0")
        return cls(partition_of_work(w))

    @classmethod
    def from_redundancies(cls, redundancies: ArrayLike, workers: int) -> Design:
        """Build the design of the sorted redundancies of ``L`` coordinates."""
        return cls(partition_of_redundancies(redundancies, workers))

    @property
    def work(self) -> FloatArray:
        """Cumulative work ``w``, shape ``(N,)``."""
        return work_of_partition(self.partition)

    @property
    def copies(self) -> int:
        """Subsets of the data that a worker stores: one more than the largest used level."""
        return int(np.flatnonzero(self.partition > _USED * self.coordinates)[-1]) + 1

    @property
    def blocks(self) -> int:
        """Number of used levels."""
        return int(np.count_nonzero(self.partition > _USED * self.coordinates))

    @property
    def redundancies(self) -> NDArray[np.int64]:
        """Sorted redundancy of every coordinate, shape ``(L,)``; for partitions in whole numbers."""
        return redundancies_of_partition(self.partition)

    def check(self, workers: int, coordinates: int, *, tolerance: float = 1e-9) -> Design:
        """Return the design itself if it has ``workers`` levels and ``coordinates`` coordinates.

        Raises
        ------
        InvalidInputError
            If the length is wrong or the sum is off by more than ``tolerance`` relatively.
        """
        if self.workers != workers:
            raise InvalidInputError(
                "partition", f"{self.workers} entries", f"{workers} entries, one for each level"
            )
        if abs(self.coordinates - coordinates) > tolerance * coordinates:
            raise InvalidInputError(
                "partition",
                f"sum {self.coordinates!r}",
                f"a partition of {coordinates} coordinates",
            )
        return self

    def to_dict(self) -> dict[str, Any]:
        """The partition as a plain list."""
        return {"partition": self.partition.tolist()}

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Design) and np.array_equal(self.partition, other.partition)

    def __hash__(self) -> int:
        return hash(self.partition.tobytes())
