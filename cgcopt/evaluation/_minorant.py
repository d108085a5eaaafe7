"""Linear minorants of the expected runtime of a step distribution that vary smoothly.

Let ``U_i`` be uniform and ``T_i = F^{-1}(U_i)``. For *any* thresholds ``p_k``, growing from one panel
to the next, let ``k`` be the first with ``U_(k) > p_k`` at the lower end of the panel in which every
threshold is met at the upper end. That is a rule which names one level in every round; so

    g_n = u E[T_(N-n); k = N - n]    satisfies    g . y <= E[tau(y)] for all work y.

With the thresholds ``F_{N-k}(z)`` of :mod:`cgcopt.evaluation.steps` the rule is nearly the right one,
but ``g`` jumps whenever two products change places. Here ``F`` is averaged over the neighbourhood of
``z``, as wide as the panels are anyway: hardly more is lost, and ``g`` becomes smooth in the design,
so that methods for smooth functions work.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cgcopt.evaluation._panels import Moments, batches
from cgcopt.evaluation.crossing import first_failures
from cgcopt.evaluation.products import Products
from cgcopt.system import System

__all__ = ["SmoothMinorant"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SmoothMinorant:
    """Slopes ``g`` with ``g . y <= E[tau(y)]``, smooth in the design they are made for.

    Parameters
    ----------
    system : System
        Its worker times are discrete.
    grid : ndarray, shape (M,)
        Ends of panels, seconds, increasing, from a
        :class:`~cgcopt.evaluation.steps.Bracket`.
    single : ndarray of bool, shape (M,)
        Whether a panel had one product only. Thresholds at its ends are not averaged.
    threads : int, optional
        For the kernel.
    """

    system: System
    grid: FloatArray
    single: NDArray[np.bool_]
    threads: int | None = None

    def __call__(self, work: FloatArray) -> FloatArray:
        """Slope in ``w``, shape ``(N,)``, for the rule that suits the given work best."""
        products = Products(self.system, work)
        moments = Moments.of(products)
        free = work.size - products.factors.size
        slope = np.zeros(work.size)
        for rows, new in batches(self.grid.size, work.size):
            upper = self._thresholds(products, rows)
            if rows.stop == self.grid.size:
                upper[-1] = 1.0
            cdf = np.pad(upper, ((0, 0), (0, free)), constant_values=1.0)
            found = first_failures(cdf, 1.0 - cdf, threads=self.threads)
            expected = moments.expected(moments.places(upper), found)[new]
            slope[free:] += expected.sum(axis=0)[::-1]
        return self.system.unit * slope

    def _thresholds(self, products: Products, part: slice) -> FloatArray:
        """``F``, averaged or not, at some ends of panels; monotone along both axes."""
        rows = np.arange(self.grid.size)[part]
        before, after = np.maximum(rows - 1, 0), np.minimum(rows + 1, self.grid.size - 1)
        z = np.log(self.grid)
        width = (z[after] - z[before])[:, np.newaxis]
        integral = _integral(products, z[before[0] : after[-1] + 1])
        rise = integral[after - before[0]] - integral[before - before[0]]
        with np.errstate(divide="ignore", invalid="ignore"):
            result = np.clip(rise / width, 0.0, 1.0)
        plain = self.single[rows] | np.append(self.single[1:], True)[rows]
        counts = products.counts(self.grid[rows[plain]])
        result[plain] = products.below[counts[:, ::-1]]
        return np.maximum.accumulate(np.maximum.accumulate(result, axis=0), axis=1)


def _integral(products: Products, z: FloatArray) -> FloatArray:
    """Integral of ``F(exp(y) / factor)`` over ``y`` up to ``z``, from the last level on."""
    values, below = np.log(products.values), products.below
    whole = np.concatenate(([0.0], np.cumsum(below[1:-1] * np.diff(values))))
    y = z[:, np.newaxis] - np.log(products.factors[::-1])
    count = np.searchsorted(values, y, side="right")
    last = np.maximum(count - 1, 0)
    return np.where(count > 0, whole[last] + below[count] * (y - values[last]), 0.0)
