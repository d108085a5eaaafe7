"""Independent workers with a step distribution, such as a pooled trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from cgcopt._validate import real_array, whole_number
from cgcopt.arrays import FloatArray, read_only
from cgcopt.errors import InvalidInputError
from cgcopt.workers.base import DiscreteTimes
from cgcopt.workers.measured import in_unit, longest_time, range_label, source_label
from cgcopt.workers.validation import frozen_times

__all__ = ["Empirical"]


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Empirical(DiscreteTimes):
    """Independent workers with a step distribution, such as a pooled trace.

    Equal values are merged; nothing is smoothed.  Two are equal when values and weights are.

    Parameters
    ----------
    values : array_like, shape (J,)
        Possible times, seconds per cycle, > 0, in any order, repetitions allowed; infinite for a
        worker that never answers.
    weights : array_like, shape (J,), optional
        Their relative weights, >= 0; equal ones by default.  Values of weight 0 are dropped.
    source : mapping, optional
        The ``[worker_times]`` table that gives these times again, without its ``mode``; by
        default :meth:`to_dict` writes out the values.
    notes : sequence of str, optional
        What was taken for what in a file, for reports.

    Raises
    ------
    InvalidInputError
        If a value or weight is refused.

    Examples
    --------
    >>> times = Empirical([3.0, 1.0, 1.0, 2.0])
    >>> times.values.tolist(), times.weights.tolist()
    ([1.0, 2.0, 3.0], [0.5, 0.25, 0.25])
    >>> times.cdf([0.5, 1.0, 2.5]).tolist(), times.ppf([0.5, 0.51]).tolist()
    ([0.0, 0.5, 0.75], [1.0, 2.0])
    """

    source: Mapping[str, Any] | None
    notes: tuple[str, ...]
    _values: FloatArray
    _masses: FloatArray  # unnormalised: for a trace these are counts, and their sums are exact

    def __init__(
        self,
        values: ArrayLike,
        weights: ArrayLike | None = None,
        source: Mapping[str, Any] | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        times = frozen_times("worker_times.values", values, 1, infinite=True)
        distinct, totals = _counted(times) if weights is None else _weighed(times, weights)
        object.__setattr__(self, "source", None if source is None else dict(source))
        object.__setattr__(self, "notes", tuple(notes))
        object.__setattr__(self, "_values", read_only(distinct))
        object.__setattr__(self, "_masses", read_only(totals))

    @property
    def can_fail(self) -> bool:
        """Whether the largest value is infinite."""
        return bool(np.isinf(self._values[-1]))

    @property
    def longest(self) -> float:
        """The largest finite value, or 1 if there is none."""
        return longest_time(self._values)

    @property
    def typical(self) -> float:
        """The value in the middle of all different ones."""
        return float(self._values[self._values.size // 2])

    def in_unit(self, factor: float) -> Self | None:
        """The same times where a second has ``factor`` units, a power of two.

        ``None`` where that rounds a value or takes it out of the range of doubles.
        """
        values = in_unit(self._values, factor)
        return None if values is None else type(self)(values, self._masses)

    def answering(self, late: float) -> Empirical:
        """The same times with ``late`` in place of infinite ones."""
        values = np.where(np.isinf(self._values), late, self._values)
        return Empirical(values, self._masses) if self.can_fail else self

    def __repr__(self) -> str:
        return f"Empirical({self.values.size} values in {range_label(self.values)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Empirical):
            return NotImplemented
        return np.array_equal(self.values, other.values) and np.array_equal(
            self.weights, other.weights
        )

    def __hash__(self) -> int:
        return hash((self.values.tobytes(), self.weights.tobytes()))

    @property
    def values(self) -> FloatArray:
        """The distinct possible times, increasing, shape ``(J,)``, read-only."""
        return self._values

    @property
    def weights(self) -> FloatArray:
        """Their probabilities, positive, sum 1, shape ``(J,)``, read-only."""
        return read_only(self._masses / self._masses.sum())

    @cached_property
    def below(self) -> FloatArray:
        """``P(T <= values[j-1])`` for ``j = 0..J``, read-only."""
        sums = np.zeros(self._masses.size + 1)
        np.cumsum(self._masses, out=sums[1:])
        sums /= sums[-1]
        return read_only(sums)

    @cached_property
    def above(self) -> FloatArray:
        """``P(T > values[j-1])`` for ``j = 0..J``, summed from the far end, read-only."""
        sums = np.zeros(self._masses.size + 1)
        np.cumsum(self._masses[::-1], out=sums[-2::-1])
        sums /= sums[0]
        return read_only(sums)

    def cdf(self, t: ArrayLike) -> FloatArray:
        """``P(T <= t)``, right-continuous."""
        return self._step(self.below, t)

    def sf(self, t: ArrayLike) -> FloatArray:
        """``P(T > t)``, right-continuous."""
        return self._step(self.above, t)

    def _step(self, table: FloatArray, t: ArrayLike) -> FloatArray:
        where = np.asarray(t, dtype=np.float64)
        steps = table[np.searchsorted(self.values, where, side="right")]
        return np.where(np.isnan(where), np.nan, steps)

    def ppf(self, q: ArrayLike) -> FloatArray:
        """Smallest value with ``cdf(t) >= q``; NaN unless ``0 <= q <= 1``."""
        level = np.asarray(q, dtype=np.float64)
        return self._quantile(np.searchsorted(self.below[1:], level, side="left"), level)

    def isf(self, q: ArrayLike) -> FloatArray:
        """Smallest value with ``sf(t) <= q``; NaN unless ``0 <= q <= 1``."""
        level = np.asarray(q, dtype=np.float64)
        return self._quantile(np.searchsorted(-self.above[1:], -level, side="left"), level)

    def _quantile(self, index: Any, level: FloatArray) -> FloatArray:
        inside = (level >= 0.0) & (level <= 1.0)
        return np.where(inside, self.values[np.minimum(index, self.values.size - 1)], np.nan)

    def mean(self) -> float:
        """Expected time of one worker."""
        return float(self.weights @ self.values)

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest value."""
        return (float(self.values[0]), float(self.values[-1]))

    def sample(self, rounds: int, workers: int, rng: np.random.Generator) -> FloatArray:
        """Draw worker times independently, shape ``(rounds, workers)``, seconds per cycle."""
        shape = (whole_number("rounds", rounds, least=1), whole_number("workers", workers, least=1))
        return self.values[np.searchsorted(self.below[1:], rng.random(shape), side="right")]

    @property
    def label(self) -> str:
        """Where the times come from and how many distinct ones there are."""
        return source_label(self.source, "empirical", "pooled", f"{self.values.size} values")

    def to_dict(self) -> Mapping[str, Any]:
        """The ``[worker_times]`` table: the source in mode ``pooled``, or the values."""
        if self.source is not None:
            return {**self.source, "mode": "pooled"}
        table: dict[str, Any] = {"family": "empirical", "values": self.values.tolist()}
        if np.ptp(self._masses) > 0.0:
            table["weights"] = self._masses.tolist()
        return table


def _counted(times: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The different times, increasing, and how often each is there."""
    ordered = np.sort(times)
    is_first = np.ones(ordered.size, dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
    distinct = ordered[is_first]
    del ordered
    ends = np.empty(distinct.size + 1)  # whole numbers, exact as doubles
    ends[:-1], ends[-1] = np.flatnonzero(is_first), times.size
    return distinct, np.diff(ends)


def _weighed(times: FloatArray, weights: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """The different times with a weight, increasing, and the sum of the weights of each."""
    masses = _checked_weights(weights, times.size)
    distinct, inverse = np.unique(times[masses > 0.0], return_inverse=True)
    totals = np.bincount(inverse, weights=masses[masses > 0.0])
    return distinct, totals.astype(np.float64, copy=False)


def _checked_weights(weights: ArrayLike, size: int) -> FloatArray:
    allowed = f"{size} finite numbers >= 0, not all 0, whose sum is finite"
    array = real_array("worker_times.weights", weights, allowed)
    with np.errstate(over="ignore"):
        finite = array.shape == (size,) and np.isfinite(array).all() and np.isfinite(array.sum())
    if not finite or (array < 0).any() or not (array > 0).any():
        raise InvalidInputError("worker_times.weights", weights, allowed)
    return array
