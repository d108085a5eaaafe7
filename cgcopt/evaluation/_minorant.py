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

from cgcopt.evaluation._panels import Moments
from cgcopt.evaluation.crossing import first_failures
from cgcopt.system import System
from cgcopt.workers.base import DiscreteTimes

__all__ = ["SmoothMinorant"]

FloatArray = NDArray[np.float64]

#: Entries of the arrays of some panels at a time.
_BATCH = 2**20


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
        times = self.system.worker_times
        assert isinstance(times, DiscreteTimes)
        moments = Moments.of(times)
        factors = (self.system.unit * work)[work > 0][::-1]
        slope = np.zeros(work.size)
        low, high = self._windows()
        rows = max(_BATCH // work.size, 2)
        for start in range(0, self.grid.size, rows):
            before = max(start - 1, 0)
            part = slice(before, start + rows)
            upper = _averages(times, low[part], high[part], factors)
            upper = np.maximum.accumulate(np.maximum.accumulate(upper, axis=0), axis=1)
            if start + rows >= self.grid.size:
                upper[-1] = 1.0
            cdf = np.pad(upper, ((0, 0), (0, work.size - factors.size)), constant_values=1.0)
            found = first_failures(cdf, 1.0 - cdf, threads=self.threads)
            lower = np.vstack((np.zeros_like(upper[:1]), upper[:-1]))
            expected = moments.expected(lower, upper, found)[start - before :]
            slope[work.size - factors.size :] += expected.sum(axis=0)[::-1]
        return self.system.unit * slope

    def _windows(self) -> tuple[FloatArray, FloatArray]:
        """Logarithms of the ends of the neighbourhoods: the two panels that meet at ``z``."""
        z = np.log(self.grid)
        averaged = ~(self.single | np.append(self.single[1:], True))
        before, after = np.append(z[0], z[:-1]), np.append(z[1:], z[-1])
        return np.where(averaged, before, z), np.where(averaged, after, z)


def _averages(
    times: DiscreteTimes, low: FloatArray, high: FloatArray, factors: FloatArray
) -> FloatArray:
    """Mean of ``F(exp(y) / factor)`` over ``low <= y <= high``, shape ``(M, m)``."""
    values = np.log(times.values)
    below = np.concatenate(([0.0], times.cdf(times.values)))
    integral = np.concatenate(([0.0], np.cumsum(below[1:-1] * np.diff(values))))
    scale = np.log(factors)

    def primitive(y: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
        count = np.searchsorted(values, y, side="right")
        last = np.maximum(count - 1, 0)
        return np.where(count > 0, integral[last] + below[count] * (y - values[last]), 0.0), count

    upper, count = primitive(high[:, np.newaxis] - scale)
    lower, _ = primitive(low[:, np.newaxis] - scale)
    width = (high - low)[:, np.newaxis]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(width > 0.0, np.clip((upper - lower) / width, 0.0, 1.0), below[count])
