"""Where the optimum of a model of worker times lies, roughly, and how the objective curves there.

The expected runtime of independent workers is smooth, but its exact Hessian costs as much as ``N``
gradients. A few thousand drawn rounds give both a start near the optimum and a Hessian that is
right to some ten percent, for the price of a few exact gradients; quasi-Newton steps do the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import partition_of_work, work_of_partition
from cgcopt.evaluation.dispatch import Table
from cgcopt.options import Options
from cgcopt.problem import Problem
from cgcopt.process.time_left import look
from cgcopt.seeds import generator
from cgcopt.solvers.convex.incumbent import Clock, Incumbent
from cgcopt.solvers.runtime.curvature import damped_hessian
from cgcopt.solvers.runtime.sample_average import SampleAverage
from cgcopt.solvers.runtime.smoothed_maximum import smoothed_maximum
from cgcopt.system import System
from cgcopt.workers.base import Times, WorkerTimes

__all__ = ["SampledModel", "drawn_optimum", "drawn_times", "refined", "sampled_model"]

#: Times that are drawn and sorted between two looks at the time that is left.
_PIECE = 2**22


@dataclass(frozen=True)
class SampledModelTuning:
    """Numbers of :func:`sampled_model`. No measurement of them is on record."""

    rounds_per_level: int = 40
    """Rounds to draw for every level, between the two numbers below."""
    fewest_rounds: int = 4000
    """Rounds to draw at least."""
    most_rounds: int = 20000
    """Rounds to draw at most."""
    spacing: float = 0.6
    """Width of the smoothing behind the Hessian, in level spacings."""
    smeared: float = 12.0
    """Least width of that smoothing, in rounds smeared out."""
    leading: tuple[float, ...] = (3.0, 1.0)
    """Widths that lead to it from the design of fewer levels, in level spacings."""
    coarse_levels: int = 150
    """More levels than this start from the design of fewer levels."""
    coarsening: int = 3
    """How many levels become one there."""
    damping: float = 1e-3
    """Damping of the Hessian, which keeps it definite where no drawn round has a say."""


#: Step distributions tend to be rough, with narrow modes far apart, and take more rounds to see.
_TUNINGS: Table[Times, SampledModelTuning] = Table(
    "no drawn model",
    {Times.DISCRETE: SampledModelTuning(fewest_rounds=20000, spacing=0.1)},
    others=SampledModelTuning(),
)


@dataclass(frozen=True, eq=False)
class SampledModel:
    """A start and a Hessian.

    Attributes
    ----------
    partition : ndarray, shape (N,)
        Minimiser of the smoothed sample average, sum 1.
    hessian : ndarray, shape (N, N)
        Of the sample average in the partition, relative to its value, positive definite.
    """

    partition: FloatArray
    hessian: FloatArray


def sampled_model(problem: Problem, options: Options, clock: Clock) -> SampledModel:
    """Draw rounds, minimise their smoothed average, and take its Hessian.

    Parameters
    ----------
    problem : Problem
        Any worker times that can be drawn.
    options : Options
        ``seed`` and ``threads`` count.
    clock : Clock
        When to stop early.
    """
    tuning = _tuning(problem.system)
    run, partition = _drawn(problem.system, options, clock, None)
    levels, count = problem.system.workers, len(run.times)
    width = max(tuning.spacing / levels, tuning.smeared / count) * run.spread()
    work = work_of_partition(partition)
    here = smoothed_maximum(run.times, work, 1.0 / width, options.threads)
    hessian = damped_hessian(here, partition, run.reference_work(), tuning.damping, run.map)
    return SampledModel(partition, hessian / here.value)


def drawn_optimum(system: System, options: Options, clock: Clock, *, rounds: int) -> FloatArray:
    """Minimiser of the smoothed average of that many drawn rounds, a partition with sum 1."""
    partition = np.maximum(_drawn(system, options, clock, rounds)[1], 0.0)
    return np.asarray(partition / partition.sum())


def _drawn(
    system: System, options: Options, clock: Clock, rounds: int | None
) -> tuple[SampleAverage, FloatArray]:
    """Draw rounds and minimise their smoothed average; many levels start from fewer."""
    levels, model = system.workers, system.worker_times
    tuning = _tuning(system)
    count = _rounds(system) if rounds is None else rounds
    rng = generator(options.seed, "sampled-model", model.label, levels)
    times = _sorted_rounds(model, count, levels, rng)
    run = SampleAverage(times, Incumbent(0.0), clock, options.threads)
    if levels <= tuning.coarse_levels:
        return run, run.smooth(run.start())
    coarse = replace(system, workers=-(-levels // tuning.coarsening))
    coarse_run, partition = _drawn(coarse, options, clock, rounds)
    profile = work_of_partition(partition) / coarse_run.reference_work()
    work = refined(profile, levels) * run.reference_work()
    partition = partition_of_work(np.maximum.accumulate(work))
    widths = [share / levels for share in (*tuning.leading, tuning.spacing)]
    return run, run.smooth(partition / partition.sum(), widths)


def _sorted_rounds(
    model: WorkerTimes, count: int, levels: int, rng: np.random.Generator
) -> FloatArray:
    """Drawn rounds, every row ascending; many of them in pieces between which the time is seen."""
    if count * levels <= _PIECE:
        return np.sort(model.sample(count, levels, rng), axis=1)
    times = np.empty((count, levels))
    rows = max(_PIECE // levels, 1)
    for first in range(0, count, rows):
        look()
        part = times[first : first + rows]
        part[:] = model.sample(len(part), levels, rng)
        part.sort(axis=1)
    return times


def drawn_times(system: System) -> int:
    """How many times are drawn for the largest system on the way."""
    return _rounds(system) * system.workers


def _tuning(system: System) -> SampledModelTuning:
    return _TUNINGS[system.worker_times.kind]


def _rounds(system: System) -> int:
    tuning = _tuning(system)
    wanted = tuning.rounds_per_level * system.workers
    return int(np.clip(wanted, tuning.fewest_rounds, tuning.most_rounds))


def refined(profile: FloatArray, levels: int) -> FloatArray:
    """Carry a positive profile over the levels to more levels.

    Near both ends level is mapped to level, in the middle share to share.

    Examples
    --------
    >>> refined(np.array([1.0, 2.0, 2.0, 1.0]), 7).round(3).tolist()
    [1.0, 1.609, 2.0, 2.0, 2.0, 1.609, 1.0]
    """
    fine, coarse = (levels - 1) / 2, (profile.size - 1) / 2
    bend = (fine - coarse) / coarse**2
    level = np.arange(levels)
    depth = np.minimum(level, levels - 1 - level)
    mapped = (np.sqrt(1.0 + 4.0 * bend * depth) - 1.0) / (2.0 * bend)
    position = np.where(level <= fine, mapped, profile.size - 1 - mapped)
    return np.exp(np.interp(position, np.arange(profile.size), np.log(profile)))
