"""Stochastic projected subgradient, the paper's iterative method for the expected runtime."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import LEAST_DIVISOR, FloatArray
from cgcopt.design import budget_weights, partition_of_work, work_of_partition
from cgcopt.evaluation.certificates import partition_gradient
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process.incumbents import keep_design
from cgcopt.seeds import generator
from cgcopt.settings import choice, count, read_settings
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import RUNTIME_RELAXED, Outcome, Role, Solver
from cgcopt.solvers.formulas import mean_time_work

__all__ = ["OPTION_SETS", "OptionSet", "ProjectedSubgradient", "project_onto_simplex"]


@dataclass(frozen=True)
class OptionSet:
    """Settings of the method; where they come from stands at :data:`OPTION_SETS`."""

    iterations: int
    """Number of steps."""
    batch: int
    """Rounds drawn for one subgradient."""
    scale_free: bool
    """Steps of length ``step |x_0| / sqrt(i)`` along the normalised subgradient, and the average of
    the last half of the iterates; otherwise the plain step ``1/i`` on ``x`` in coordinates, and the
    last iterate."""
    step: float = 0.1
    """Length of the first scale-free step, relative to the start; no measurement is on record."""


#: ``published`` are the settings of arXiv 2206.02450; ``scale-free`` converges at every ``L``.
OPTION_SETS = {
    "scale-free": OptionSet(iterations=600, batch=2_000, scale_free=True),
    "published": OptionSet(iterations=500, batch=10_000, scale_free=False),
}


@dataclass(frozen=True)
class SubgradientSettings:
    """Raw options of ``projected-subgradient``."""

    settings: str = choice("scale-free", tuple(OPTION_SETS))
    """Which of :data:`OPTION_SETS`."""
    iterations: int | None = count(None)
    """Number of steps, in place of that of the set."""
    batch: int | None = count(None)
    """Rounds drawn for one subgradient, in place of that of the set."""


class ProjectedSubgradient(Solver):
    """Mini-batch subgradients, diminishing steps, projection onto the simplex.

    The raw option ``settings`` names one of :data:`OPTION_SETS` (default ``scale-free``); the raw
    options ``iterations`` and ``batch`` replace single settings.
    """

    name = "projected-subgradient"
    summary = "stochastic projected subgradient (the paper's method; settings=published|scale-free)"
    role = Role.ITERATIVE
    solves = RUNTIME_RELAXED
    tolerance = 2e-3
    settings = SubgradientSettings

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Run the method from the closed form "time"."""
        settings = _option_set(options)
        system = problem.system
        rng = generator(options.seed, self.name, problem.name)
        # Scale-free means L = 1 and seconds in units of u: every quantity is then of order one.
        total = 1.0 if settings.scale_free else float(system.coordinates)
        unit = 1.0 if settings.scale_free else system.unit
        x = start = _start(problem) * total
        average, averaged = np.zeros_like(x), 0
        started = time.perf_counter()
        termination = TerminationCondition.ITERATION_LIMIT
        for i in range(1, settings.iterations + 1):
            times = np.sort(system.worker_times.sample(settings.batch, system.workers, rng))
            g = unit * _batch_subgradient(times[:, ::-1], x)
            if settings.scale_free:
                # The mean of g does not move a projected point; without it the norm tells how far
                # the levels are from equal.
                g = g - g.mean()
                step = settings.step * _norm(start) / (max(_norm(g), LEAST_DIVISOR) * math.sqrt(i))
            else:
                step = 1 / i
            x = project_onto_simplex(x - step * g, total)
            if i > settings.iterations // 2:
                average, averaged = average + x, averaged + 1
            options.report(i / settings.iterations, f"iteration {i}")
            keep_design(x)
            if options.time_limit and time.perf_counter() - started > options.time_limit:
                termination = TerminationCondition.TIME_LIMIT
                break
        if settings.scale_free and averaged:
            x = average / averaged
        return Outcome(
            termination,
            partition=x * (system.coordinates / x.sum()),
            details={"iterations": i, "batch": settings.batch},
        )


def project_onto_simplex(point: FloatArray, total: float) -> FloatArray:
    """Euclidean projection onto ``{x >= 0, sum x = total}`` by sorting, ``O(N log N)``.

    Source: Held, Wolfe and Crowder, Mathematical Programming 6 (1974) 62-88.

    Examples
    --------
    >>> project_onto_simplex(np.array([2.0, 0.0, -1.0]), 1.0)
    array([1., 0., 0.])
    """
    descending = np.sort(point)[::-1]
    excess = np.cumsum(descending) - total
    count = np.arange(1, point.size + 1)
    last = np.nonzero(descending * count > excess)[0][-1]
    projected: FloatArray = np.maximum(point - excess[last] / (last + 1), 0.0)
    return projected


def _batch_subgradient(slowest_first: FloatArray, x: FloatArray) -> FloatArray:
    """Average subgradient ``T_(N-n*) (1, ..., n*+1, 0, ...)`` over a batch, shape ``(N,)``.

    ``slowest_first[:, n]`` is ``T_(N-n)``.
    """
    rows = np.arange(slowest_first.shape[0])
    level = np.argmax(slowest_first * work_of_partition(x), axis=1)
    binding = np.bincount(level, slowest_first[rows, level], minlength=x.size) / rows.size
    return partition_gradient(binding)


def _norm(vector: FloatArray) -> float:
    return float(np.linalg.norm(vector))


def _start(problem: Problem) -> FloatArray:
    """Closed form "time" for ``L = 1``."""
    system = problem.system
    work = mean_time_work(system)
    return np.maximum(partition_of_work(work / (budget_weights(system.workers) @ work)), 0.0)


def _option_set(options: Options) -> OptionSet:
    given = read_settings(SubgradientSettings, options.raw)
    chosen = OPTION_SETS[given.settings]
    return OptionSet(
        iterations=given.iterations or chosen.iterations,
        batch=given.batch or chosen.batch,
        scale_free=chosen.scale_free,
    )
