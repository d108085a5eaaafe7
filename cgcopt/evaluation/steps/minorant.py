"""Linear minorants of the expected runtime of a step distribution that vary smoothly.

Let ``U_i`` be uniform and ``T_i = F^{-1}(U_i)``. For *any* thresholds ``p_k``, growing from one panel
to the next, let ``k`` be the first with ``U_(k) > p_k`` at the lower end of the panel in which every
threshold is met at the upper end. That is a rule which names one level in every round; so

    g_n = u E[T_(N-n); k = N - n]    satisfies    g . y <= E[tau(y)] for all work y.

With the thresholds ``F_{N-k}(z)`` of :mod:`cgcopt.evaluation.steps.runtime` the rule is nearly the
right one, but ``g`` jumps whenever two products change places. Here ``F`` is averaged over the
neighbourhood of ``z``, as wide as the panels are anyway: hardly more is lost, and ``g`` becomes
continuous in the design. At the optimum most levels share some product with another level; the
averaged rule lets each of the two count in the right share of the rounds.

The derivative of ``g`` is known as well. A design moves the threshold of a level in a panel only where
the averaged ``F`` rises, and that changes the chances of the other levels to be the first there and in
the next panel (:func:`~cgcopt.evaluation.crossing.first_failures.paired_derivatives`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.evaluation.crossing.first_failures import first_failures, paired_derivatives
from cgcopt.evaluation.steps.brackets import Bracket
from cgcopt.evaluation.steps.panels import Moments, in_batches
from cgcopt.evaluation.steps.products import Products, discrete_times
from cgcopt.system import System
from cgcopt.workers.base import DiscreteTimes

__all__ = ["SmoothMinorant", "Tangent"]


@dataclass(frozen=True)
class _Tuning:
    """Numbers of the minorant; no measurement of them is recorded."""

    negligible: float = 4e-5
    """Least part of a level's even share of the value with which a panel counts in the curvature."""
    widest: float = 0.1
    """Half the width of a ramp at most, in the logarithm of the time."""


_TUNING = _Tuning()
#: Values whose ramps are added up at a time.
_PIECE = 2**16


@dataclass(frozen=True, eq=False)
class Tangent:
    """The minorant that a design has, and how it changes with the design.

    Attributes
    ----------
    work : ndarray, shape (N,)
        The design that the minorant is made for.
    gradient : ndarray, shape (N,)
        ``g``, in ``w``.
    ends : ndarray, shape (M,)
        Upper ends of the panels, seconds.
    thresholds, rise, derivative, chance : ndarray, shape (M, N)
        Averaged ``F`` at these ends from the fastest worker on, how it rises with the logarithm of the
        time, ``dP/dp``, and the chance of each worker to be the first to fail in the panel.
    threads : int, optional
        For the kernel.
    """

    work: FloatArray
    gradient: FloatArray
    ends: FloatArray
    thresholds: FloatArray
    rise: FloatArray
    derivative: FloatArray
    chance: FloatArray
    threads: int | None

    def curvature(self) -> FloatArray:
        """Approximate derivative of ``g`` in ``w``, symmetric, positive semidefinite, shape ``(N, N)``.

        Off the diagonal it is nonpositive, and it maps the work to zero, as the Hessian of every
        function that is homogeneous of degree 1 does.
        """
        before = 0.5 * self.ends[:, np.newaxis] * self.chance
        after = np.zeros_like(before)
        after[:-1] = 0.5 * self.ends[:-1, np.newaxis] * self.chance[1:]
        value = float(self.gradient @ self.work)
        pairs = paired_derivatives(
            self.thresholds,
            self.derivative,
            self.rise,
            before,
            after,
            least=_TUNING.negligible / self.work.size * value,
            threads=self.threads,
        )[::-1, ::-1]
        used = self.work > 0.0
        scale = np.where(used, 1.0 / np.where(used, self.work, 1.0), 0.0)
        curvature = -(pairs + pairs.T) * np.outer(scale, scale)
        curvature[np.diag_indices(used.size)] = -(curvature @ self.work) * scale
        return np.asarray(curvature)


@dataclass(frozen=True, eq=False)
class SmoothMinorant:
    """Gradients ``g`` with ``g . y <= E[tau(y)]``, continuous in the design they are made for.

    Parameters
    ----------
    system : System
        Its worker times are discrete.
    grid : ndarray, shape (M,)
        Ends of panels, seconds, increasing; every product lies between the first and the last.
    spread : float
        Between 0 and 1: which share of the way to the neighbouring values a step of ``F`` is spread
        over. Far from 0 the minorant is not close, but even sparse values do not make it rough.
    rough : bool
        Whether gradients that are too small by some 1e-8 will do.
    threads : int, optional
        For the kernel.
    """

    system: System
    grid: FloatArray
    spread: float = 0.0
    rough: bool = False
    threads: int | None = None

    @classmethod
    def on_panels_of(
        cls,
        bracket: Bracket,
        system: System,
        *,
        spread: float = 0.0,
        rough: bool = False,
        threads: int | None = None,
    ) -> SmoothMinorant:
        """On the panels of a bracket.

        A panel with one product may be wide. So that ``F`` is averaged as narrowly around that product
        as elsewhere, further ends are put beside it.
        """
        z, single = np.log(bracket.grid), bracket.single[1:]
        width = np.diff(z)
        if width.size == 0:
            return cls(system, bracket.grid, spread, rough, threads)
        usual = float(np.median(width if single.all() else width[~single]))
        wide = np.flatnonzero(single & (width > 2.0 * usual))
        beside = np.concatenate((z[wide] + usual, z[wide + 1] - usual))
        grid = np.unique(np.concatenate((bracket.grid, np.exp(beside))))
        return cls(system, grid, spread, rough, threads)

    @cached_property
    def _polygon(self) -> _Polygon:
        return _Polygon.of(discrete_times(self.system), self.spread)

    def __call__(self, work: FloatArray) -> Tangent:
        """The minorant by the rule that suits the given work, shape ``(N,)``, best."""
        products = Products(self.system, work)
        moments = Moments.of(products)
        free = work.size - products.factors.size
        shape = (self.grid.size, work.size)
        thresholds, rise = np.ones(shape), np.zeros(shape)
        derivative, chance = np.empty(shape), np.empty(shape)
        used = slice(0, products.factors.size)

        def average(rows: slice, new: slice) -> None:
            here = slice(rows.start + new.start, rows.stop)
            thresholds[here, used], rise[here, used] = self._averaged(products, here)

        def count(rows: slice, new: slice) -> FloatArray:
            here = slice(rows.start + new.start, rows.stop)
            cdf = thresholds[rows]
            found = first_failures(cdf, 1.0 - cdf, rough=self.rough, threads=1)
            derivative[here], chance[here] = found.derivative[new], found.chance[new]
            expected = moments.expected(moments.places(cdf[:, used]), found)[new]
            return np.asarray(expected.sum(axis=0)[::-1])

        in_batches(average, self.grid.size, work.size, self.threads)
        # The proof needs thresholds that grow from panel to panel, and averages are rounded.
        np.maximum.accumulate(thresholds, axis=0, out=thresholds)
        np.maximum.accumulate(thresholds, axis=1, out=thresholds)
        thresholds[-1], rise[-1] = 1.0, 0.0
        gradient = np.zeros(work.size)
        for counted in in_batches(count, self.grid.size, work.size, self.threads):
            gradient[free:] += counted
        gradient *= self.system.unit
        return Tangent(
            work, gradient, self.grid, thresholds, rise, derivative, chance, self.threads
        )

    def _averaged(self, products: Products, part: slice) -> tuple[FloatArray, FloatArray]:
        """Averaged ``F`` at some ends of panels, and its rise."""
        rows = np.arange(self.grid.size)[part]
        before, after = np.maximum(rows - 1, 0), np.minimum(rows + 1, self.grid.size - 1)
        z = np.log(self.grid)
        width = (z[after] - z[before])[:, np.newaxis]
        y = z[before[0] : after[-1] + 1, np.newaxis] - np.log(products.factors[::-1])
        integral, plain = self._polygon(y)
        before, after = before - before[0], after - before[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            result = (integral[after] - integral[before]) / width
            rise = (plain[after] - plain[before]) / width
        return np.clip(result, 0.0, 1.0), rise


@dataclass(frozen=True, eq=False)
class _Polygon:
    """``F`` over the logarithm of the time, every step replaced by a ramp, and its integral.

    A trace may have millions of values, so that what follows from neighbours is worked out when it is
    looked up.

    Parameters
    ----------
    logs : ndarray, shape (J,)
        Logarithms of the values, increasing.
    below : ndarray, shape (J + 1,)
        ``F`` before the first ramp and behind each.
    integrals : ndarray, shape (J,)
        Integral up to the beginning of each ramp.
    spread : float
        Share of the way to the neighbouring values that a ramp takes.
    """

    logs: FloatArray
    below: FloatArray
    integrals: FloatArray
    spread: float

    @classmethod
    def of(cls, times: DiscreteTimes, spread: float) -> _Polygon:
        """Replace the steps by ramps over the share ``spread`` of the way to the neighbouring values."""
        size = times.values.size
        polygon = cls(np.log(times.values), times.below, np.zeros(size), spread)
        reached = 0.0
        for first in range(0, size, _PIECE):
            ramps = np.arange(first, min(first + _PIECE, size))
            _, end = polygon.ramp(ramps)
            following, _ = polygon.ramp(np.minimum(ramps + 1, size - 1))
            terms = np.stack((polygon.under(ramps), polygon.below[ramps + 1] * (following - end)))
            sums = np.cumsum(np.append(reached, terms.T))
            polygon.integrals[ramps] = sums[:-1:2]
            reached = sums[-1]
        return polygon

    def ramp(self, index: IntArray) -> tuple[FloatArray, FloatArray]:
        """Where ramps begin and end."""
        last = self.logs.size - 1
        log = self.logs[index]
        before = log - self.logs[np.maximum(index - 1, 0)]
        behind = self.logs[np.minimum(index + 1, last)] - log
        return log - self._reach(before), log + self._reach(behind)

    def _reach(self, way: FloatArray) -> FloatArray:
        return np.asarray(self.spread * np.minimum(0.5 * way, _TUNING.widest))

    def under(self, index: IntArray) -> FloatArray:
        """Integral over ramps."""
        begin, end = self.ramp(index)
        return np.asarray(0.5 * (self.below[index + 1] + self.below[index]) * (end - begin))

    def __call__(self, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Integral up to ``y`` and height there."""
        begun = np.searchsorted(self.logs, y, side="right") - 1
        following = np.minimum(begun + 1, self.logs.size - 1)
        begun = np.where(y >= self.ramp(following)[0], following, begun)
        index = np.maximum(begun, 0)
        begin, end = self.ramp(index)
        start, top = self.below[index], self.below[index + 1]
        over, width = y >= end, end - begin
        inclination = np.divide(top - start, width, out=np.zeros_like(width), where=width > 0.0)
        rise = inclination * (y - begin)
        on_ramp = self.integrals[index] + (start + 0.5 * rise) * (y - begin)
        behind = self.integrals[index] + self.under(index) + top * (y - end)
        early = begun < 0
        integral = np.where(early, 0.0, np.where(over, behind, on_ramp))
        return integral, np.where(early, 0.0, np.where(over, top, start + rise))
