"""Where the optimum of a model of worker times lies, roughly, and how the objective curves there.

The expected runtime of independent workers is smooth, but its exact Hessian costs as much as ``N``
gradients. A few thousand drawn rounds give both a start near the optimum and a Hessian that is
right to some ten percent, for the price of a few exact gradients; quasi-Newton steps do the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cgcopt.design import work_of_partition
from cgcopt.options import Options
from cgcopt.problem import Problem
from cgcopt.seeds import generator
from cgcopt.solvers._incumbent import Clock, Incumbent
from cgcopt.solvers._sample_average import SampleAverage, damped_hessian
from cgcopt.solvers._smoothed_maximum import smoothed_maximum

__all__ = ["SampledModel", "sampled_model"]

FloatArray = NDArray[np.float64]

#: Rounds to draw: for every level, at least, and at most.
_ROUNDS_PER_LEVEL, _FEWEST_ROUNDS, _MOST_ROUNDS = 40, 4000, 12000
#: Width of the smoothing behind the Hessian: in level spacings, and in rounds smeared out.
_SPACING, _SMEARED = 0.6, 30.0
#: Damping of the Hessian, which keeps it definite where no drawn round has a say.
_DAMPING = 1e-3


@dataclass(frozen=True, eq=False)
class SampledModel:
    """A start and a Hessian.

    Attributes
    ----------
    partition : ndarray, shape (N,)
        Minimiser of the smoothed sample average, sum 1.
    hessian : ndarray, shape (N, N)
        Of the sample average in the partition, relative to its value, positive definite.
    value : float
        The sample average, seconds per coordinate at unit 1.
    """

    partition: FloatArray
    hessian: FloatArray
    value: float


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
    system = problem.system
    levels = system.workers
    count = int(np.clip(_ROUNDS_PER_LEVEL * levels, _FEWEST_ROUNDS, _MOST_ROUNDS))
    rng = generator(options.seed, "sampled-model", system.worker_times.label, levels)
    times = np.sort(system.worker_times.sample(count, levels, rng), axis=1)
    run = SampleAverage(times, Incumbent(0.0), clock, options.threads)
    partition = run.smooth(run.start())
    work = work_of_partition(partition)
    width = max(_SPACING / levels, _SMEARED / count) * run.spread()
    here = smoothed_maximum(times, work, 1.0 / width, options.threads)
    hessian = damped_hessian(here, partition, run.reference_work(), _DAMPING) / here.value
    return SampledModel(partition, hessian, here.value)
