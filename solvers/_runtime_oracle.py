"""The exact expected runtime as a function of the partition, for the methods that minimise it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cgcopt.design import work_of_partition
from cgcopt.evaluation.certificates import partition_gradient, runtime_bound
from cgcopt.evaluation.runtime import expected_runtime
from cgcopt.evaluation.steps import affordable_products, coarsened, expected_runtime_steps
from cgcopt.solvers._combined_bound import ROUNDING, proven
from cgcopt.solvers._quasi_newton import Point
from cgcopt.system import System
from cgcopt.workers.base import DiscreteTimes

__all__ = ["RuntimeOracle"]

FloatArray = NDArray[np.float64]

#: A subgradient of a step distribution may cost this many times what an evaluation may.
_GENEROUS = 8


@dataclass(frozen=True)
class RuntimeOracle:
    """Evaluate partitions with sum 1: seconds per coordinate, gradient, and the bound it proves.

    For a step distribution the bound is that of the best convex combination of all subgradients so
    far. Where its products are too many for exact subgradients, the times are rounded down to fewer
    values once and for all: value and bound are then those of a model that is at least as fast.

    Parameters
    ----------
    system : System
        With independent worker times.
    threads : int, optional
        For the kernel.
    cells : int, optional
        Values to which a step distribution is rounded down; by default as many as are affordable.
    """

    system: System
    threads: int | None = None
    cells: int | None = None
    slopes: list[FloatArray] = field(default_factory=list)

    def __post_init__(self) -> None:
        times = self.system.worker_times
        if isinstance(times, DiscreteTimes):
            affordable = _GENEROUS * affordable_products(self.workers) // self.workers
            cells = self.cells or max(affordable, 2)
            coarse = self.system.with_times(coarsened(times, cells, "down"))
            object.__setattr__(self, "system", coarse)

    @property
    def workers(self) -> int:
        """``N``."""
        return self.system.workers

    def __call__(self, partition: FloatArray) -> Point:
        """Value, (sub)gradient in the partition and bound, each per coordinate."""
        work = work_of_partition(partition)
        if isinstance(self.system.worker_times, DiscreteTimes):
            return self._step(partition, work)
        found = expected_runtime(self.system, work, gradient=True, threads=self.threads)
        assert found.gradient is not None
        slope = partition_gradient(found.gradient)
        self.slopes.append(slope)
        return Point(partition, found.value, slope, runtime_bound(found, work, 1.0))

    def _step(self, partition: FloatArray, work: FloatArray) -> Point:
        times = self.system.worker_times
        assert isinstance(times, DiscreteTimes)
        products = times.values.size * self.workers
        found = expected_runtime_steps(self.system, work, gradient=True, max_products=products)
        assert found.gradient is not None
        slope = partition_gradient(found.gradient)
        self.slopes.append(slope)
        return Point(partition, found.value, slope, proven(self.slopes, ROUNDING))
