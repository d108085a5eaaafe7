"""Minimise a sample average of runtimes: Newton on its smoothing, then cutting planes.

The sample average ``(1/K) sum_k max_n c_{k,n} w_n`` is piecewise linear, but with many rounds it is
nearly smooth at every scale that matters. So its smoothing at a falling sequence of temperatures is
minimised by Newton's method over the simplex, each step one pass over the rounds. At the last
temperature a handful of rounds decides the maximum of a handful of levels; the linear program over
the cuts near the maximum (:mod:`cgcopt.solvers._scenario_cuts`) then ends at the exact optimum.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cgcopt.design import budget_weights, partition_of_work, work_of_partition
from cgcopt.evaluation.certificates import partition_gradient
from cgcopt.solvers._incumbent import Clock, Incumbent
from cgcopt.solvers._scenario_cuts import CutMaster, Cuts, bound_of
from cgcopt.solvers._simplex_qp import simplex_minimiser
from cgcopt.solvers._smoothed_maximum import SmoothedMaximum, smoothed_maximum

__all__ = ["SampleAverage", "partition_curvature"]

FloatArray = NDArray[np.float64]

#: First temperature, relative to the value: products this far below the maximum still count.
_FIRST = 0.03
#: Rounds in which a change of the maximum is smeared out, at the last temperatures.
_SMEARED = (40.0, 10.0)
#: Factor between temperatures before that.
_COOLING = 5.0
#: Rounds that are enough while the temperature is high, at least and for every level.
_FEW_ROUNDS, _ROUNDS_PER_LEVEL = 2000, 40
#: and rounds over which a change is smeared out there.
_RESOLVED = 60.0
_STEPS = 25
#: A temperature is done with when the predicted decrease is this small a part of its error.
_DONE = 1e-2
_MASTERS = 100


@dataclass(eq=False)
class SampleAverage:
    """The minimisation over partitions with sum 1, in the unit of the times.

    Parameters
    ----------
    times : ndarray, shape (K, N)
        Rounds, every row ascending.
    incumbent : Incumbent
        Receives every design that is valued on all rounds, and every bound.
    clock : Clock
        When to stop.
    threads : int, optional
        At most so many threads.
    """

    times: FloatArray
    incumbent: Incumbent
    clock: Clock
    threads: int | None = None
    passes: int = 0
    masters: int = 0
    pivots: int = 0
    moved: float = field(default=0.1, init=False)

    def minimise(self) -> None:
        """Run until the gap is closed, the time is over or nothing more can be gained."""
        partition = self.smooth(self.start())
        if not self.over:
            self.cut(partition)

    @property
    def over(self) -> bool:
        """Whether to stop."""
        return self.incumbent.closed or self.clock.expired

    def start(self) -> FloatArray:
        """Closed form: every level takes equally long on average."""
        work = self.reference_work()
        partition = np.maximum(partition_of_work(work), 1e-4 / work.size)
        return np.asarray(partition / partition.sum())

    def reference_work(self) -> FloatArray:
        """``w_n`` proportional to ``1/mean T_(N-n)``, positive, of a partition with sum 1."""
        work = 1.0 / self.times.mean(axis=0)[::-1]
        return np.asarray(work / (budget_weights(work.size) @ work))

    def smooth(self, partition: FloatArray) -> FloatArray:
        """Follow the minimiser of the smoothing down to the last temperature."""
        for stage in self.stages():
            before = work_of_partition(partition)
            partition = self.newton(partition, stage)
            if self.over:
                break
            after = work_of_partition(partition)
            share = np.abs(after - before) / np.maximum(np.maximum(after, before), 1e-300)
            self.moved = float(share.max())
        return partition

    def stages(self) -> list[tuple[float, FloatArray]]:
        """Temperatures, relative to the value, and rounds that are enough at each of them."""
        count, levels = self.times.shape
        last = [smeared / count for smeared in _SMEARED if smeared / count < _FIRST]
        temperatures = [_FIRST]
        while last and temperatures[-1] > _COOLING * last[0]:
            temperatures.append(temperatures[-1] / _COOLING)
        result = []
        for temperature in [*temperatures, *last]:
            few = max(_FEW_ROUNDS, _ROUNDS_PER_LEVEL * levels, int(_RESOLVED / temperature))
            every = 1 if temperature in last else max(count // few, 1)
            rounds = self.times if every == 1 else np.ascontiguousarray(self.times[::every])
            result.append((temperature, rounds))
        return result

    def newton(self, partition: FloatArray, stage: tuple[float, FloatArray]) -> FloatArray:
        """Minimise the smoothing at one temperature."""
        temperature, rounds = stage
        here = self.evaluate(partition, rounds, temperature)
        for _ in range(_STEPS):
            if self.over:
                break
            slope = partition_gradient(here.gradient)
            target = simplex_minimiser(*_model(here, partition))
            step = target - partition
            decrease = -float(slope @ step)
            if decrease <= _DONE * (here.value - here.mean):
                break
            size = 1.0
            while True:
                trial = np.maximum(partition + size * step, 0.0)
                there = self.evaluate(trial, rounds, temperature)
                if there.smoothed <= here.smoothed - 1e-4 * size * decrease:
                    break
                size *= 0.3
                if size < 1e-3 or self.over:
                    return partition
            partition, here = trial, there
        return partition

    def evaluate(
        self, partition: FloatArray, rounds: FloatArray, temperature: float
    ) -> SmoothedMaximum:
        """One pass over the rounds; offers what it finds when these are all of them."""
        work = work_of_partition(partition)
        scale = float((rounds.mean(axis=0)[::-1] * work).max())
        result = smoothed_maximum(rounds, work, temperature * scale, self.threads)
        if rounds is self.times:
            self.passes += 1
            bound = bound_of(result.gradient, result.value)
            self.incumbent.offer(partition, result.value, bound)
        return result

    def cut(self, partition: FloatArray) -> None:
        """Solve to the end by cutting planes."""
        cuts = Cuts(self.times)
        work = work_of_partition(partition)
        width = min(1.5 * self.moved, 0.5)
        cuts.add_near(work, width)
        master = CutMaster(cuts, self.reference_work(), self.incumbent.value)
        for _ in range(_MASTERS):
            point = master.solve(work, self.clock)
            if point is None:
                return
            self.masters += 1
            self.pivots += point.pivots
            work = point.work
            value, missing = cuts.add_missing(work, width)
            self.passes += 1
            bound = bound_of(point.gradient, value)
            self.incumbent.offer(np.maximum(partition_of_work(work), 0.0), value, bound)
            if missing == 0 or self.over:
                return


def _model(here: SmoothedMaximum, partition: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Hessian and linear term of the quadratic model in the partition, slightly regularised."""
    hessian = partition_curvature(here.curvature)
    diagonal = np.diag_indices(partition.size)
    hessian[diagonal] *= 1.0 + 1e-10
    hessian[diagonal] += 1e-12 * np.trace(hessian) / partition.size
    return hessian, partition_gradient(here.gradient) - hessian @ partition


def partition_curvature(curvature: FloatArray) -> FloatArray:
    """Turn a Hessian with respect to the work into one with respect to the partition.

    Examples
    --------
    >>> partition_curvature(np.eye(2)).tolist()
    [[2.0, 2.0], [2.0, 4.0]]
    """
    tails = curvature[::-1, ::-1].cumsum(axis=0).cumsum(axis=1)[::-1, ::-1]
    counts = np.arange(1.0, len(curvature) + 1.0)
    return np.asarray(tails * np.outer(counts, counts))
