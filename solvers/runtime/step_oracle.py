"""The expected runtime of step distributions as a function of the partition: brackets and minorants."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import budget_weights, work_of_partition
from cgcopt.evaluation.certificates import partition_gradient
from cgcopt.evaluation.steps.brackets import Bracket, bracketed_runtime
from cgcopt.evaluation.steps.minorant import SmoothMinorant, Tangent
from cgcopt.evaluation.steps.products import discrete_times
from cgcopt.evaluation.steps.runtime import affordable_panels
from cgcopt.solvers.convex.combined_bound import ROUNDING, proven
from cgcopt.solvers.convex.quasi_newton import Evaluated
from cgcopt.solvers.formulas import mean_time_work
from cgcopt.solvers.runtime.curvature import CurvatureTuning, damped_curvature
from cgcopt.solvers.runtime.level_work import LevelWork
from cgcopt.system import System
from cgcopt.workers.base import Times

__all__ = ["StepRuntimeOracle", "many_runtimes"]


@dataclass(frozen=True)
class StepOracleTuning:
    """Numbers of :class:`StepRuntimeOracle`. No measurement of them is on record."""

    generous: int = 8
    """A bracket on the way to the optimum may cost this many times what an evaluation may."""
    rough: float = 1e-7
    """Relative width of a bracket above which gradients need not be exact to the last digits."""


_DEFAULT = StepOracleTuning()
#: Fewer possible runtimes lie too far apart for panels that do not move with them.
_FEW_RUNTIMES = 10_000
#: A level that is never the slowest would with a smaller even share move until it is by far.
_CURVATURE = CurvatureTuning(even_share=0.1)


@dataclass
class StepRuntimeOracle:
    """Value and gradient of a minorant of the expected runtime of a step distribution.

    The value is a little below the expected runtime; the bound, that of the best convex combination
    of all subgradients so far, holds for the expected runtime. :meth:`refine` comes first and after that
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
    tuning : StepOracleTuning
    """

    system: System
    threads: int | None = None
    smooth: bool = True
    tuning: StepOracleTuning = _DEFAULT
    subgradients: list[FloatArray] = field(default_factory=list)
    _tolerance: float = 1.0
    _grid: FloatArray | None = None
    _minorant: SmoothMinorant | None = None
    _tangent: Tangent = field(init=False)
    """The smooth minorant where it was evaluated last."""
    _curvature: FloatArray | None = None

    def bracket(self, partition: FloatArray, tolerance: float) -> Evaluated:
        """Bracket the expected runtime to a relative width; the value of the point is the upper end."""
        found = self._bracketed(work_of_partition(partition), tolerance)
        return self._point(partition, found.upper, found.gradient)

    def refine(self, partition: FloatArray, tolerance: float, spread: float = 0.0) -> Evaluated:
        """Bracket as :meth:`bracket` does, and use the panels of that bracket from now on."""
        self._tolerance = tolerance
        found = self._bracketed(work_of_partition(partition), tolerance)
        self._grid = found.grid
        if self.smooth:
            self._minorant = SmoothMinorant.on_panels_of(
                found,
                self.system,
                spread=spread,
                rough=tolerance > self.tuning.rough,
                threads=self.threads,
            )
        return self._point(partition, found.upper, found.gradient)

    def __call__(self, partition: FloatArray) -> Evaluated:
        """Value and gradient in the partition of the minorant, and bound, each per coordinate."""
        work = work_of_partition(partition)
        if self._minorant is None:
            gradient = self._bracketed(work, self._tolerance).gradient
        else:
            self._tangent, self._curvature = self._minorant(work), None
            gradient = self._tangent.gradient
        return self._point(partition, float(gradient @ work), gradient)

    def curvature(self, damping: float) -> FloatArray:
        """Curvature of the smooth minorant in the partition, where it was evaluated last.

        Damped as :func:`~cgcopt.solvers.runtime.curvature.damped_curvature` says.
        """
        tangent = self._tangent
        if self._curvature is None:
            self._curvature = tangent.curvature()
        value = float(tangent.gradient @ tangent.work)
        damped = damped_curvature(
            self._curvature,
            tangent.gradient,
            value,
            tangent.work,
            self._reference,
            damping,
            _CURVATURE,
        )
        return LevelWork.of_all(tangent.work.size).curvature(damped)

    @cached_property
    def _reference(self) -> FloatArray:
        work = mean_time_work(self.system)
        return np.asarray(work / (budget_weights(work.size) @ work))

    def _bracketed(self, work: FloatArray, tolerance: float) -> Bracket:
        return bracketed_runtime(
            self.system,
            work,
            tolerance=tolerance,
            max_panels=self.tuning.generous * affordable_panels(self.system.workers),
            grid=self._grid,
            threads=self.threads,
        )

    def _point(self, partition: FloatArray, value: float, work_gradient: FloatArray) -> Evaluated:
        gradient = partition_gradient(work_gradient)
        self.subgradients.append(gradient)
        return Evaluated(partition, value, gradient, proven(self.subgradients, ROUNDING))


def many_runtimes(system: System) -> bool:
    """Whether the worker times are discrete and allow so many runtimes that a smooth minorant pays."""
    times = system.worker_times
    if times.kind is not Times.DISCRETE or system.workers == 1:
        return False
    return discrete_times(system).values.size * system.workers > _FEW_RUNTIMES
