"""The exact expected runtime as a function of the partition, for the methods that minimise it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cgcopt.design import work_of_partition
from cgcopt.evaluation._minorant import SmoothMinorant
from cgcopt.evaluation.certificates import partition_gradient, runtime_bound
from cgcopt.evaluation.runtime import expected_runtime
from cgcopt.evaluation.steps import Bracket, affordable_panels, bracketed_runtime
from cgcopt.solvers._combined_bound import ROUNDING, proven
from cgcopt.solvers._quasi_newton import Point
from cgcopt.system import System
from cgcopt.workers.base import DiscreteTimes

__all__ = ["RuntimeOracle", "StepRuntimeOracle"]

FloatArray = NDArray[np.float64]

#: A bracket on the way to the optimum may cost this many times what an evaluation may.
_GENEROUS = 8
#: Fewer possible runtimes lie too far apart for panels that do not move with them.
_FEW_PRODUCTS = 10_000


@dataclass(frozen=True)
class RuntimeOracle:
    """Evaluate partitions with sum 1: seconds per coordinate, gradient, and the bound it proves.

    Parameters
    ----------
    system : System
        Its worker times have a density.
    threads : int, optional
        For the kernel.
    """

    system: System
    threads: int | None = None
    slopes: list[FloatArray] = field(default_factory=list)

    def __call__(self, partition: FloatArray) -> Point:
        """Value, gradient in the partition and bound, each per coordinate."""
        work = work_of_partition(partition)
        found = expected_runtime(self.system, work, gradient=True, threads=self.threads)
        assert found.gradient is not None
        slope = partition_gradient(found.gradient)
        self.slopes.append(slope)
        return Point(partition, found.value, slope, runtime_bound(found, work, 1.0))


@dataclass
class StepRuntimeOracle:
    """The same for a step distribution: the value and slope of a minorant of the expected runtime.

    The value is a little below the expected runtime; the bound, that of the best convex combination
    of all slopes so far, holds for the expected runtime. :meth:`bracket` comes first and after that
    whenever the minorant is to come closer. With many possible runtimes the minorant is a smooth one
    on fixed panels, with few it is that of a bracket of its own.

    Parameters
    ----------
    system : System
        Its worker times are discrete.
    threads : int, optional
        For the kernel.
    """

    system: System
    threads: int | None = None
    slopes: list[FloatArray] = field(default_factory=list)
    _tolerance: float = 1.0
    _grid: FloatArray | None = None
    _minorant: SmoothMinorant | None = None

    def bracket(self, partition: FloatArray, tolerance: float) -> Point:
        """Bracket the expected runtime to a relative width, and use its panels from now on.

        The value of the point is the upper end.
        """
        self._tolerance = tolerance
        found = self._bracketed(work_of_partition(partition))
        if self._many:
            self._minorant = SmoothMinorant(self.system, found.grid, found.single, self.threads)
        return self._point(partition, found.upper, found.slope)

    def __call__(self, partition: FloatArray) -> Point:
        """Value and slope in the partition of the minorant, and bound, each per coordinate."""
        work = work_of_partition(partition)
        slope = self._bracketed(work).slope if self._minorant is None else self._minorant(work)
        return self._point(partition, float(slope @ work), slope)

    @property
    def _many(self) -> bool:
        times = self.system.worker_times
        assert isinstance(times, DiscreteTimes)
        return times.values.size * self.system.workers > _FEW_PRODUCTS

    def _bracketed(self, work: FloatArray) -> Bracket:
        found = bracketed_runtime(
            self.system,
            work,
            tolerance=self._tolerance,
            max_panels=_GENEROUS * affordable_panels(self.system.workers),
            grid=self._grid,
            threads=self.threads,
        )
        self._grid = found.grid
        return found

    def _point(self, partition: FloatArray, value: float, work_slope: FloatArray) -> Point:
        slope = partition_gradient(work_slope)
        self.slopes.append(slope)
        return Point(partition, value, slope, proven(self.slopes, ROUNDING))
