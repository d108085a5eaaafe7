"""Bounds on the expected runtime of a step distribution, panel by panel.

See :mod:`cgcopt.evaluation.steps.runtime` for the panels and the two bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.evaluation.crossing.first_failures import FirstFailures, first_failures
from cgcopt.evaluation.crossing.threads import takes_long, threads_for
from cgcopt.evaluation.steps.products import Products
from cgcopt.process.time_left import looking

__all__ = ["Moments", "Panels", "in_batches", "row_before"]

Result = TypeVar("Result")


@dataclass(frozen=True)
class _Batches:
    """Sizes of the batches in which panels are computed; no measurement of them is recorded."""

    entries: int = 2**18
    """Entries of the arrays of a batch, panels times workers, at most."""
    panels: int = 512
    """Panels of a batch at most."""
    parts: int = 8
    """Batches at least, where threads pay."""


_BATCHES = _Batches()
#: Rounding of a difference of two running sums, relative to the sums.
_ROUNDING = 4 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Panels:
    """What the expected runtime gets from every panel ``(z_{v-1}, z_v]``, ``z_0 = 0``.

    Attributes
    ----------
    ends : ndarray, shape (M,)
        The products ``z_v``, the smallest and the largest included.
    lower, upper : ndarray, shape (M,)
        Bounds on ``E[tau; tau in the panel]``, seconds; equal where the panel has one product.
    single : ndarray of bool, shape (M,)
        Whether the panel has one product only.
    number : ndarray of int, shape (M,)
        Products in the panel, equal ones counted for each level.
    expected : ndarray, shape (M, m)
        ``E[T_(N-n); level n counts]`` of the ``m`` levels with work, from the last one down.
    chance : ndarray, shape (M, m)
        Chance that level ``n`` counts.
    """

    ends: FloatArray
    lower: FloatArray
    upper: FloatArray
    single: NDArray[np.bool_]
    number: IntArray
    expected: FloatArray
    chance: FloatArray

    @classmethod
    def between(cls, products: Products, ends: FloatArray, threads: int | None) -> Panels:
        """Compute the panels with the given ends, some at a time."""
        lower, upper = np.empty(ends.size), np.empty(ends.size)
        single = np.empty(ends.size, dtype=np.bool_)
        number = np.empty(ends.size, dtype=np.int64)
        expected = np.empty((ends.size, products.factors.size))
        chance = np.empty((ends.size, products.factors.size))
        moments = Moments.of(products)

        def work(rows: slice, new: slice) -> None:
            part = _Part.of(products, moments, ends[rows])
            here = slice(rows.start + new.start, rows.stop)
            expected[here] = moments.expected(part.places, part.found)[new]
            chance[here] = part.found.chance[new, : products.factors.size]
            lower[here] = expected[here] @ part.factors + chance[here] @ part.delays
            upper[here] = part.latest()[new]
            single[here], number[here] = part.single[new], part.number[new]

        in_batches(work, ends.size, products.workers, threads)
        upper = np.where(single, lower, np.maximum(lower, upper))
        return cls(ends, lower, upper, single, number, expected, chance)

    def split(self, products: Products, ends: FloatArray, threads: int | None) -> Panels:
        """Split panels at further ends; ``ends`` holds the present ones too.

        What is not split is not computed again.
        """
        old = np.searchsorted(self.ends, ends)
        kept = self.ends[old] == ends
        kept[1:] &= np.diff(old) == 1
        kept[0] &= old[0] == 0
        made = np.flatnonzero(~kept)
        rows = np.union1d(made, np.maximum(made - 1, 0))
        fresh, wanted = Panels.between(products, ends[rows], threads), ~kept[rows]

        def merged(before: Any, after: Any) -> Any:
            result = np.empty((ends.size, *before.shape[1:]), before.dtype)
            result[kept], result[made] = before[old[kept]], after[wanted]
            return result

        return Panels(
            ends,
            merged(self.lower, fresh.lower),
            merged(self.upper, fresh.upper),
            merged(self.single, fresh.single),
            merged(self.number, fresh.number),
            merged(self.expected, fresh.expected),
            merged(self.chance, fresh.chance),
        )

    def line_gradients(self, products: Products) -> tuple[FloatArray, FloatArray]:
        """Sums over the panels of :attr:`expected` and :attr:`chance`, for all levels, shapes ``(N,)``.

        They are the derivatives in the factors and in the delays of the lines of the levels.
        """
        return self._summed(products, self.expected), self._summed(products, self.chance)

    def _summed(self, products: Products, terms: FloatArray) -> FloatArray:
        some = np.add.reduceat(terms, np.arange(0, self.ends.size, _BATCHES.panels), axis=0)
        total = np.zeros(products.workers)
        total[products.workers - products.factors.size :] = some.sum(axis=0)[::-1]
        return total


@dataclass(frozen=True, eq=False)
class Moments:
    """Integrals of the inverse distribution function ``F^{-1}`` of discrete times.

    Attributes
    ----------
    values : ndarray, shape (J,)
        ``t_j``.
    below : ndarray, shape (J + 1,)
        ``P(T <= t_j)``, after 0.
    plain, ranked : ndarray, shape (J + 1,)
        Integrals of ``F^{-1}(p)`` and of ``p F^{-1}(p)`` from 0 to ``below``.
    """

    values: FloatArray
    below: FloatArray
    plain: FloatArray
    ranked: FloatArray

    @classmethod
    def of(cls, products: Products) -> Moments:
        """Those of the worker times, which are summed up once for all designs."""
        return cls(products.values, products.below, *products.times.inverse_integrals)

    def places(self, thresholds: FloatArray) -> Places:
        """Look up thresholds between 0 and 1."""
        last = np.maximum(np.searchsorted(self.below, thresholds, side="left") - 1, 0)
        value, start = self.values[last], self.below[last]
        plain = self.plain[last] + value * (thresholds - start)
        ranked = self.ranked[last] + value * (thresholds**2 - start**2) / 2
        after = np.where(thresholds == self.below[last + 1], last + 1, last)
        return Places(thresholds, last, after, plain, ranked)

    def expected(self, places: Places, found: FirstFailures) -> FloatArray:
        """Lower bounds on ``E[T_(k); k first]``, exact where the time is the same all the way.

        If ``k`` is first, the density of ``U_(k)`` falls from the lower to the upper threshold and is
        convex: it is at least its tangent at the upper one. What exceeds the tangent counts with the
        smallest time.

        Parameters
        ----------
        places : Places
            Of the thresholds of ``U_(k)`` at the upper ends of neighbouring panels, shape
            ``(M, m)``, from the fastest worker on; those at the lower ends are in the row before.
        found : FirstFailures
            With these ``m`` thresholds and further ones that are always met.
        """
        upper, m = places.thresholds, places.thresholds.shape[1]
        first = np.minimum(row_before(places.after), places.last)
        rise, smallest = upper - row_before(upper), self.values[first]
        moment, rounding = places.plain - row_before(places.plain), _ROUNDING * places.plain
        excess = moment - smallest * rise - rounding
        later = upper * moment - (places.ranked - row_before(places.ranked))
        later -= smallest * rise**2 / 2 + rounding
        several = places.last > first
        expected = smallest * found.chance[:, :m]
        expected += np.where(several, found.leading[:, :m] * np.maximum(excess, 0.0), 0.0)
        expected += np.where(several, found.second[:, :m] * np.maximum(later, 0.0), 0.0)
        return np.asarray(expected)


@dataclass(frozen=True, eq=False)
class Places:
    """Thresholds and what :class:`Moments` knows of them, all of one shape."""

    thresholds: FloatArray
    last: IntArray
    """Index of the value just below a threshold."""
    after: IntArray
    """Index of the value just above a threshold."""
    plain: FloatArray
    """Integral of ``F^{-1}(p)`` from 0 to the threshold."""
    ranked: FloatArray
    """Integral of ``p F^{-1}(p)`` from 0 to the threshold."""


def in_batches(
    work: Callable[[slice, slice], Result], panels: int, workers: int, threads: int | None
) -> list[Result]:
    """Do the work of all panels in batches, with threads where it pays, and return the results.

    ``work(rows, new)`` gets the rows of a batch and which of these rows are new: a batch begins with
    the last row of the batch before it. The batches, and so the result, do not depend on the number
    of threads.
    """
    size = min(max(_BATCHES.entries // workers, 2), _BATCHES.panels)
    if takes_long(panels, workers):
        size = min(size, -(-panels // _BATCHES.parts))
    parts = []
    for start in range(0, panels, size):
        before = max(start - 1, 0)
        parts.append((slice(before, min(start + size, panels)), slice(start - before, None)))
    count, look = threads_for(panels, workers, threads), looking()

    def in_time(part: tuple[slice, slice]) -> Result:
        look()
        return work(*part)

    if min(count, len(parts)) == 1:
        return [in_time(part) for part in parts]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(in_time, parts))


def row_before(rows: Any) -> Any:
    """Put every row one further down, zeros in the first."""
    return np.concatenate((np.zeros_like(rows[:1]), rows[:-1]))


@dataclass(frozen=True, eq=False)
class _Part:
    """Neighbouring panels, shape ``(M, m)``: one row a panel, levels from the last one down.

    The first row belongs to the panel from 0 on.
    """

    ends: FloatArray
    factors: FloatArray
    delays: FloatArray
    places: Places
    """Places of the thresholds at the upper ends of the panels."""
    single: NDArray[np.bool_]
    number: IntArray
    found: FirstFailures

    @classmethod
    def of(cls, products: Products, moments: Moments, ends: FloatArray) -> _Part:
        counts = products.counts(ends)
        cdf, sf = products.thresholds(counts)
        found = first_failures(cdf, sf, threads=1)
        places = moments.places(cdf[:, : products.factors.size])
        before = row_before(counts)
        single = products.after(before) >= ends
        number = (counts - before).sum(axis=1)
        factors, delays = products.factors[::-1], products.delays[::-1]
        return cls(ends, factors, delays, places, single, number, found)

    def latest(self) -> FloatArray:
        """Upper bounds: the upper end times the chance of the panel, less what is surely earlier."""
        m = self.factors.size
        ends, upper, plain = self.ends[:, np.newaxis], self.places.thresholds, self.places.plain
        lower = row_before(upper)
        rise = upper - lower
        # How far a threshold can rise alone before it meets that of the next level.
        room = np.minimum(rise, np.diff(lower, axis=1, append=1.0))
        earlier = (ends - self.delays) * (rise - _ROUNDING * upper)
        earlier -= self.factors * (plain - row_before(plain) + _ROUNDING * plain)
        derivative = row_before(self.found.derivative[:, :m])
        curvature = row_before(self.found.curvature[:, :m])
        alone = np.maximum(derivative - curvature * room / 2, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            alone = np.where(rise > 0.0, alone * (room / rise), 0.0)
        surely = (alone * np.maximum(earlier, 0.0)).sum(axis=1)
        return np.asarray(self.ends * self.found.chance.sum(axis=1) - surely)
