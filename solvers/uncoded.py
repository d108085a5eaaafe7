"""What one would do without coding: shares, leaving out, cyclic order, dynamic assignment."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, TypeVar

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.evaluation.dispatch import times_as
from cgcopt.evaluation.schedules.baselines import Cyclic, Dynamic
from cgcopt.evaluation.schedules.ends import Assignment, ends_in_pieces
from cgcopt.objective import CompletionProbability, ExpectedRuntime, Quantile
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.schedule import Schedule
from cgcopt.settings import NoSettings, count, number, read_settings
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import Outcome, Role, Solver, tasks
from cgcopt.solvers.convex.incumbent import Clock
from cgcopt.solvers.schedules.aims import aim_of
from cgcopt.solvers.schedules.sample import sample_of
from cgcopt.solvers.schedules.search import balanced_shares
from cgcopt.system import System
from cgcopt.workers.base import Times
from cgcopt.workers.scenarios import Scenarios

__all__ = ["Balanced", "CyclicOrder", "DynamicAssignment", "LeaveOut"]


R = TypeVar("R", bound=Assignment)


class _OnRounds(Solver):
    """Base: designed on rounds, drawn ones for distributions."""

    role = Role.SCHEDULE
    solves = tasks(ExpectedRuntime, CompletionProbability, Quantile, forms=(Form.RELAXED,))
    times = frozenset({Times.SCENARIOS})
    limits = frozenset({"copies", "blocks", "least"})
    costs = True
    settings: ClassVar[type[Any]] = NoSettings
    tolerance = math.inf

    def best(
        self, problem: Problem, make: Callable[[int], R], numbers: Sequence[int], options: Options
    ) -> tuple[R, Outcome]:
        """What does best on the rounds, made from the numbers for which there is time; the first else."""
        times, aim = _times(problem), aim_of(problem.objective, 1.0)
        clock, tried, least = Clock.started(options.time_limit), 0, math.inf
        best = make(numbers[0])
        for each in map(make, numbers):
            ends = _ends_in_time(each, problem.system, times, clock)
            if ends is None:
                break
            tried += 1
            if (value := aim.value(ends)) < least:
                best, least = each, value
        whole = tried == len(numbers)
        return best, Outcome(
            TerminationCondition.CONVERGED if whole else TerminationCondition.TIME_LIMIT,
            assignment=best,
            message="" if whole else f"tried {tried} of {len(numbers)} choices",
            details={"tried": tried},
        )


class Balanced(_OnRounds):
    """Uncoded shares of the data with the smallest mean runtime, by one linear program."""

    name = "balanced"
    summary = "uncoded, every worker a share of the data that suits its speed"

    def prepare(self, problem: Problem, form: Form) -> None:
        """Load the solver of linear programs, and compile the passes over rounds."""
        sample = sample_of(np.array([[1.0, 2.0], [2.0, 1.0]]), 1.0, 1.0)
        balanced_shares(sample, Clock.started(None))

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """``min mean_k theta_k``, ``theta_k >= u L N rho_i T_{k,i}``, ``sum rho = 1``."""
        system = problem.system
        times = _times(problem)
        sample = sample_of(times, system.unit, system.coordinates, system.costs)
        clock = Clock.started(options.time_limit)
        most = 1.0 if problem.limits.copies is None else problem.limits.copies / system.workers
        rho = balanced_shares(sample, clock, most)
        ended = TerminationCondition.TIME_LIMIT if clock.expired else TerminationCondition.CONVERGED
        return Outcome(ended, assignment=_uncoded(problem, rho))


class LeaveOut(_OnRounds):
    """The data cut anew for the fastest workers, the best number of them."""

    name = "leave-out"
    summary = "uncoded, the k slowest workers left out, best k"

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Leave out 0, 1, ..., N - 1 workers, those with the longest mean times first.

        Those who are left store more; with a limit of copies fewer are left out.
        """
        workers = problem.system.workers
        least = -(-workers // (problem.limits.copies or workers))
        order = np.argsort(_times(problem).mean(axis=0), kind="stable")

        def keeping(kept: int) -> Schedule:
            shares = np.zeros(workers)
            shares[order[:kept]] = 1.0
            return _uncoded(problem, shares)

        _, outcome = self.best(problem, keeping, range(workers, least - 1, -1), options)
        return outcome


@dataclass(frozen=True)
class CyclicSettings:
    """Raw options of ``cyclic``."""

    copies: int | None = count(None)
    """Copies of the data; the best number within the limits of the problem by default."""


class CyclicOrder(_OnRounds):
    """Uncoded cyclic scheduling; the raw option ``copies`` fixes the copies of the data.

    By default the best number of copies within the limits of the problem.
    """

    name = "cyclic"
    summary = "uncoded, every worker several subsets in cyclic order, each sent when done"
    settings = CyclicSettings

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Try the allowed numbers of copies."""
        most = problem.limits.copies or problem.system.workers
        asked = read_settings(CyclicSettings, options.raw).copies
        numbers = range(1, most + 1) if asked is None else [asked]
        best, found = self.best(problem, Cyclic, numbers, options)
        load = f"a worker sends up to {best.copies} times as much as with a code"
        return replace(found, message="; ".join(filter(None, [load, found.message])))


@dataclass(frozen=True)
class DynamicSettings:
    """Raw options of ``dynamic``."""

    cells: int | None = count(None)
    """Cells that the work is cut into; the best of ``N``, ``2 N`` and ``4 N`` by default."""
    latency: float = number(0.0, least=0.0)
    """Seconds from a request to its answer."""


class DynamicAssignment(_OnRounds):
    """Cells on request; raw options ``cells`` (best of N, 2 N, 4 N) and ``latency`` in seconds (0)."""

    name = "dynamic"
    summary = "uncoded, cells handed out on request, simulated with a latency"
    settings = DynamicSettings
    # Whoever asks may be given any of the data.
    limits = frozenset({"blocks", "least"})

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Try the numbers of cells."""
        workers = problem.system.workers
        asked = read_settings(DynamicSettings, options.raw)
        numbers = [workers, 2 * workers, 4 * workers] if asked.cells is None else [asked.cells]
        _, outcome = self.best(problem, partial(Dynamic, latency=asked.latency), numbers, options)
        return outcome


def _ends_in_time(
    what: Assignment, system: System, times: FloatArray, clock: Clock
) -> FloatArray | None:
    """When the rounds end, or ``None`` where the time is over before they are worked out."""
    ends = []
    for piece in ends_in_pieces(what, system, times):
        ends.append(piece)
        if clock.expired:
            return np.concatenate(ends) if sum(map(len, ends)) == len(times) else None
    return np.concatenate(ends)


def _times(problem: Problem) -> FloatArray:
    return times_as(Scenarios, problem.system, "needs scenarios, not").times


def _uncoded(problem: Problem, shares: FloatArray) -> Schedule:
    x = np.zeros(problem.system.workers)
    x[0] = problem.system.coordinates
    return Schedule(x, shares, rotated=False)
