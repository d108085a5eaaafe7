"""Published schemes to compare with, each with its best parameter and its exact worth."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.errors import SolverError
from cgcopt.evaluation.evaluate import evaluate_work
from cgcopt.evaluation.order_statistics import order_statistic_means
from cgcopt.limits import ALL_LIMITS
from cgcopt.objective import (
    CompletionProbability,
    ConditionalValueAtRisk,
    ExpectedRuntime,
    Objective,
    Quantile,
    Sense,
)
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process.time_left import over
from cgcopt.settings import NoSettings, number, read_settings
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import ALL_TIMES, Outcome, Role, Solver, Times, tasks
from cgcopt.solvers.convex.layer_program import analytic_centre
from cgcopt.solvers.limited.restricted import restricted_to, shares_moved
from cgcopt.system import MAX_WORKERS, System

__all__ = [
    "TANDON_ALPHA",
    "FerdinandFull",
    "FerdinandHalf",
    "SingleLevel",
    "Tandon",
    "Uncoded",
    "Uniform",
]

#: Ratio of slow to fast workers in the published runs, ``ceil((1 + ln 2)/(1 - ln 2))``.
TANDON_ALPHA = 6.0


class Scheme(Solver):
    """Base of the schemes; all of them treat every objective at the relaxed form."""

    role = Role.SCHEME
    most_workers = MAX_WORKERS
    solves = tasks(
        ExpectedRuntime,
        CompletionProbability,
        Quantile,
        ConditionalValueAtRisk,
        forms=(Form.RELAXED,),
    )
    times = ALL_TIMES | {Times.STARTED}
    tolerance = math.inf
    limits = ALL_LIMITS
    costs = True
    settings: ClassVar[type[Any]] = NoSettings

    @classmethod
    def treats(cls, objective: type[Objective], form: Form) -> bool:
        """Whether the form is the relaxed one: any objective that can be evaluated will do."""
        return form is Form.RELAXED


class _FixedPartition(Scheme):
    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Write down the partition, within the limits."""
        partition, message = self.partition(problem.system), ""
        if problem.limits.violation(partition):
            partition, message = self.within(problem, partition)
        return Outcome(TerminationCondition.CONVERGED, partition=partition, message=message)

    def within(self, problem: Problem, partition: FloatArray) -> tuple[FloatArray, str]:
        """The partition within the limits, and how it was restricted."""
        return shares_moved(problem, partition)

    @abstractmethod
    def partition(self, system: System) -> FloatArray:
        """Coordinates of each level, shape ``(N,)``."""


class Uncoded(_FixedPartition):
    """No redundancy: wait for every worker."""

    name = "uncoded"
    summary = "no redundancy"

    def partition(self, system: System) -> FloatArray:
        """Put all coordinates on level 0."""
        return _single(system, 0)

    def within(self, problem: Problem, partition: FloatArray) -> tuple[FloatArray, str]:
        """Refuse limits without level 0."""
        return restricted_to(problem, 0, self.name), ""


class Uniform(_FixedPartition):
    """The same number of coordinates on every level."""

    name = "uniform"
    summary = "equal blocks"

    def partition(self, system: System) -> FloatArray:
        """``x_n = L/N``."""
        return np.full(system.workers, system.coordinates / system.workers)

    def within(self, problem: Problem, partition: FloatArray) -> tuple[FloatArray, str]:
        """Equal blocks on the allowed levels, on levels far apart where not all may be used."""
        limits, count = problem.limits, problem.system.workers
        levels = limits.allowed_levels(count)
        places = np.linspace(0, levels.size - 1, min(limits.most_blocks(count), levels.size))
        equal = np.bincount(levels[places.round().astype(np.int64)], minlength=count)
        return shares_moved(problem, equal.astype(np.float64))


class FerdinandFull(_FixedPartition):
    """Hierarchical coding with ``r = L`` layers, whose only solution is level ``N-1``."""

    name = "ferdinand-full"
    summary = "Ferdinand et al. hierarchical coding, r = L layers"

    def partition(self, system: System) -> FloatArray:
        """``sum_j s_j = r N - L = L (N-1)`` leaves no choice but ``s_j = N-1``."""
        return _single(system, system.workers - 1)

    def within(self, problem: Problem, partition: FloatArray) -> tuple[FloatArray, str]:
        """Refuse limits without level ``N-1``."""
        return restricted_to(problem, problem.system.workers - 1, self.name), ""


class FerdinandHalf(_FixedPartition):
    """Hierarchical coding with ``r = L/2`` layers.

    The layers' redundancies ``s_1 <= ... <= s_r <= N-1`` with ``sum_j s_j = r N - L`` maximise
    ``min_j (s_j + 1)/j``. This linear program has many optima of very different runtime; the analytic
    centre of the optimal face stands for it here, so that published rows of this scheme need not
    reproduce. Source: Ferdinand and Draper, ISIT 2018.
    """

    name = "ferdinand-half"
    summary = "Ferdinand et al. hierarchical coding, r = L/2 layers (analytic centre)"

    def partition(self, system: System) -> FloatArray:
        """Round the centre's redundancies and give every layer the same number of coordinates."""
        if system.coordinates < 2 or system.workers < 2:
            raise SolverError("r = L/2 layers need at least two coordinates and two workers")
        redundancy = np.round(analytic_centre(system.workers, system.coordinates // 2))
        counts = np.bincount(redundancy.astype(np.int64), minlength=system.workers)
        partition: FloatArray = counts * (system.coordinates / counts.sum())
        return partition


class SingleLevel(Scheme):
    """The best single level: one gradient code for all coordinates (Tandon et al. 2017)."""

    name = "single-level"
    summary = "one gradient code for all coordinates, best level"

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Try every level, most promising first."""
        system = problem.system
        levels = problem.limits.allowed_levels(system.workers)
        cycles = np.asarray(system.coordinates * (levels + 1.0), dtype=np.float64)

        def work(row: int) -> FloatArray:
            return np.where(np.arange(system.workers) < levels[row], 0.0, cycles[row])

        means = _slowest_means(system)
        bounds = cycles if means is None else system.unit * cycles * means[levels]
        row, termination = _best(problem, bounds, work, options)
        best = int(levels[row])
        return Outcome(
            termination,
            partition=_single(system, best),
            details={"redundancy": best},
        )


@dataclass(frozen=True)
class TandonSettings:
    """Raw options of ``tandon``."""

    alpha: float = number(TANDON_ALPHA, least=1)
    """Ratio of slow to fast workers that the code is made for; 6 in the published runs."""


class Tandon(Scheme):
    """Coding for ``alpha``-partial stragglers (Tandon et al., ICML 2017).

    The round lasts ``u L (s+1)/(s+alpha) max(alpha T_(N-s), T_(N))``, which is a maximum of two order
    statistics and so has an exact worth, though the scheme is no block partition. The raw option
    ``alpha`` replaces the published 6.
    """

    name = "tandon"
    summary = "Tandon et al. partial stragglers, best redundancy (option alpha=6)"
    times = ALL_TIMES
    limits: ClassVar[frozenset[str]] = frozenset()
    costs = False
    settings = TandonSettings

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Try every redundancy ``s >= 1``, most promising first."""
        system = problem.system
        alpha = read_settings(TandonSettings, options.raw).alpha
        if system.workers < 2:
            raise SolverError("partial-straggler coding needs at least two workers")
        s = np.arange(1, system.workers)
        uncoded = system.coordinates * (s + 1) / (s + alpha)

        def work(row: int) -> FloatArray:
            ratio = np.where(np.arange(system.workers) < s[row], 1.0, alpha)
            return np.asarray(ratio * uncoded[row])

        means = _slowest_means(system)
        bounds = (
            alpha * uncoded
            if means is None
            else system.unit * uncoded * np.maximum(means[0], alpha * means[s])
        )
        best, termination = _best(problem, bounds, work, options)
        return Outcome(
            termination,
            work=work(best),
            details={"redundancy": best + 1, "alpha": alpha},
        )


def _single(system: System, redundancy: int) -> FloatArray:
    partition = np.zeros(system.workers)
    partition[redundancy] = system.coordinates
    return partition


def _slowest_means(system: System) -> FloatArray | None:
    """``E[T_(N-n)]`` of every level; ``None`` where a start comes in."""
    if system.worker_times.kind is Times.STARTED:
        return None
    return order_statistic_means(system.worker_times, system.workers)[::-1]


def _best(
    problem: Problem, bounds: FloatArray, work: Callable[[int], FloatArray], options: Options
) -> tuple[int, TerminationCondition]:
    """Index of the best work, and why the search for it ended.

    An expected maximum is at least the maximum of the expectations, so works are tried by that bound
    until it passes the best value. The other objectives try the same order to its end.
    """
    minimize = problem.objective.sense is Sense.MINIMIZE
    started = problem.system.worker_times.kind is Times.STARTED
    prune = type(problem.objective) is ExpectedRuntime and not started
    best, best_value = -1, math.inf
    for tried, row in enumerate(_ascending(bounds)):
        if prune and bounds[row] >= best_value:
            break
        if best >= 0 and over():
            return best, TerminationCondition.TIME_LIMIT
        if not prune or math.isfinite(bounds[row]):
            value = evaluate_work(problem, work(row)).value
            signed = value if minimize else -value
            if signed < best_value:
                best, best_value = row, signed
        options.report(tried / bounds.size, "trying redundancies")
    if best < 0:
        raise SolverError("no redundancy has a finite value")
    return best, TerminationCondition.OPTIMAL


def _ascending(bounds: FloatArray) -> Iterator[int]:
    return (int(row) for row in np.argsort(bounds, kind="stable"))
