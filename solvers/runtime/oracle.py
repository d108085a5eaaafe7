"""The exact expected runtime as a function of the partition, for the methods that minimise it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import budget_weights, work_of_partition
from cgcopt.evaluation.certificates import partition_gradient, runtime_bound
from cgcopt.evaluation.steps.minorant import SmoothMinorant, Tangent
from cgcopt.evaluation.steps.runtime import Bracket, affordable_panels, bracketed_runtime
from cgcopt.evaluation.table import entry_of
from cgcopt.objective import ExpectedRuntime
from cgcopt.solvers.convex.combined_bound import ROUNDING, proven
from cgcopt.solvers.convex.quasi_newton import Point
from cgcopt.solvers.formulas import mean_time_work
from cgcopt.solvers.runtime.sample_average import damped_curvature
from cgcopt.system import System
from cgcopt.workers.base import DiscreteTimes

__all__ = ["RuntimeOracle", "StepRuntimeOracle", "many_runtimes"]

#: A bracket on the way to the optimum may cost this many times what an evaluation may.
_GENEROUS = 8
#: Width of a bracket from which slopes need not be exact to the last digits.
_ROUGH = 1e-7
#: Fewer possible runtimes lie too far apart for panels that do not move with them.
_FEW_RUNTIMES = 10_000
#: Share of the value, spread evenly, with which relative changes of the work of a level are damped: a
#: level that is never the slowest would else move until it is by far.
_EVEN_SHARE = 0.1


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
        entry = entry_of(ExpectedRuntime(), self.system.worker_times.kind)
        found: Any = entry.evaluate(self.system, work, gradient=True, threads=self.threads)
        slope = partition_gradient(found.gradient)
        self.slopes.append(slope)
        return Point(partition, found.value, slope, runtime_bound(found, work, 1.0))


@dataclass
class StepRuntimeOracle:
    """The same for a step distribution: the value and slope of a minorant of the expected runtime.

    The value is a little below the expected runtime; the bound, that of the best convex combination
    of all slopes so far, holds for the expected runtime. :meth:`refine` comes first and after that
    whenever the minorant is to come closer. A smooth minorant has fixed panels; one that is not smooth
    is that of a bracket of its own.

    Parameters
    ----------
    system : System
        Its worker times are discrete.
    threads : int, optional
        For the kernel.
    smooth : bool
        Which minorant: the smooth one pays where many runtimes are possible.
    """

    system: System
    threads: int | None = None
    smooth: bool = True
    slopes: list[FloatArray] = field(default_factory=list)
    _tolerance: float = 1.0
    _grid: FloatArray | None = None
    _minorant: SmoothMinorant | None = None
    _tangent: Tangent | None = None
    _curvature: FloatArray | None = None

    def bracket(self, partition: FloatArray, tolerance: float) -> Point:
        """Bracket the expected runtime to a relative width; the value of the point is the upper end."""
        found = self._bracketed(work_of_partition(partition), tolerance)
        return self._point(partition, found.upper, found.gradient)

    def refine(self, partition: FloatArray, tolerance: float, spread: float = 0.0) -> Point:
        """The same, and use the panels of the bracket from now on."""
        self._tolerance = tolerance
        found = self._bracketed(work_of_partition(partition), tolerance)
        self._grid = found.grid
        if self.smooth:
            self._minorant = SmoothMinorant.on_panels_of(
                found,
                self.system,
                spread=spread,
                rough=tolerance > _ROUGH,
                threads=self.threads,
            )
        return self._point(partition, found.upper, found.gradient)

    def __call__(self, partition: FloatArray) -> Point:
        """Value and slope in the partition of the minorant, and bound, each per coordinate."""
        work = work_of_partition(partition)
        if self._minorant is None:
            slope = self._bracketed(work, self._tolerance).gradient
        else:
            self._tangent, self._curvature = self._minorant(work), None
            slope = self._tangent.gradient
        return self._point(partition, float(slope @ work), slope)

    def curvature(self, damping: float) -> FloatArray:
        """Curvature of the smooth minorant in the partition, where it was evaluated last.

        Damped as :func:`~cgcopt.solvers.runtime.sample_average.damped_curvature` says.
        """
        tangent = self._tangent
        assert tangent is not None
        if self._curvature is None:
            self._curvature = tangent.curvature()
        value = float(tangent.gradient @ tangent.work)
        return damped_curvature(
            self._curvature,
            tangent.gradient,
            value,
            tangent.work,
            self._reference,
            damping,
            _EVEN_SHARE,
        )

    @cached_property
    def _reference(self) -> FloatArray:
        work = mean_time_work(self.system)
        return np.asarray(work / (budget_weights(work.size) @ work))

    def _bracketed(self, work: FloatArray, tolerance: float) -> Bracket:
        return bracketed_runtime(
            self.system,
            work,
            tolerance=tolerance,
            max_panels=_GENEROUS * affordable_panels(self.system.workers),
            grid=self._grid,
            threads=self.threads,
        )

    def _point(self, partition: FloatArray, value: float, work_slope: FloatArray) -> Point:
        slope = partition_gradient(work_slope)
        self.slopes.append(slope)
        return Point(partition, value, slope, proven(self.slopes, ROUNDING))


def many_runtimes(system: System) -> bool:
    """Whether the worker times are discrete and allow so many runtimes that a smooth minorant pays."""
    times = system.worker_times
    if not isinstance(times, DiscreteTimes) or system.workers == 1:
        return False
    return times.values.size * system.workers > _FEW_RUNTIMES
