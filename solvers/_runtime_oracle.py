"""The exact expected runtime as a function of the partition, for the methods that minimise it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cgcopt.design import work_of_partition
from cgcopt.evaluation.certificates import partition_gradient, runtime_bound
from cgcopt.evaluation.runtime import expected_runtime
from cgcopt.solvers._quasi_newton import Point
from cgcopt.system import System

__all__ = ["RuntimeOracle"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class RuntimeOracle:
    """Evaluate partitions with sum 1: seconds per coordinate, gradient, and the bound it proves."""

    system: System
    threads: int | None = None

    def __call__(self, partition: FloatArray) -> Point:
        """Value, gradient in the partition and bound, each per coordinate."""
        work = work_of_partition(partition)
        found = expected_runtime(self.system, work, gradient=True, threads=self.threads)
        assert found.gradient is not None
        slope = partition_gradient(found.gradient)
        return Point(partition, found.value, slope, runtime_bound(found, work, 1.0))
