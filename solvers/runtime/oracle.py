"""Convex objectives of times with a density as functions of the partition, with their gradients."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import work_of_partition
from cgcopt.errors import SolverError
from cgcopt.evaluation.certificates import partition_gradient, runtime_bound
from cgcopt.evaluation.table import Entry, entry_of
from cgcopt.objective import ExpectedRuntime, Objective
from cgcopt.solvers.convex.quasi_newton import Evaluated
from cgcopt.system import System

__all__ = ["RuntimeOracle"]


@dataclass(frozen=True)
class RuntimeOracle:
    """Evaluate partitions with sum 1: seconds per coordinate, gradient, and the bound it proves.

    Parameters
    ----------
    system : System
        Its worker times have a density.
    threads : int, optional
        For the kernel.
    objective : Objective
        Convex and homogeneous of degree 1 in the partition.
    """

    system: System
    threads: int | None = None
    objective: Objective = field(default_factory=ExpectedRuntime)
    subgradients: list[FloatArray] = field(default_factory=list)

    def __call__(self, partition: FloatArray) -> Evaluated:
        """Value, gradient in the partition and bound, each per coordinate."""
        work = work_of_partition(partition)
        if not np.isfinite(work).all():  # steps divide by values near the ends of the range
            raise SolverError("a step of the method leaves the range of double precision")
        entry, parameters = self._entry, self.objective.parameters
        found: Any = entry.evaluate(
            self.system, work, *parameters, gradient=True, threads=self.threads
        )
        gradient = partition_gradient(found.gradient)
        self.subgradients.append(gradient)
        return Evaluated(partition, found.value, gradient, runtime_bound(found, work, 1.0))

    @cached_property
    def _entry(self) -> Entry:
        return entry_of(self.objective, self.system.worker_times.kind)
