"""What one would do without coding: shares, leaving out, cyclic order, dynamic assignment."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.evaluation.dispatch import times_as
from cgcopt.evaluation.schedules.baselines import Cyclic, Dynamic
from cgcopt.evaluation.schedules.ends import Run, ends_of_rounds
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
from cgcopt.workers.base import Times
from cgcopt.workers.empirical import Scenarios

__all__ = ["Balanced", "CyclicOrder", "DynamicAssignment", "LeaveOut"]


class _OnRounds(Solver):
    """Base: designed on rounds, drawn ones for distributions."""

    role = Role.SCHEDULE
    solves = tasks(ExpectedRuntime, CompletionProbability, Quantile, forms=(Form.RELAXED,))
    times = frozenset({Times.SCENARIOS})
    limits = frozenset({"copies", "blocks", "least"})
    costs = True
    settings: ClassVar[type[Any]] = NoSettings
    tolerance = math.inf

    def best(self, problem: Problem, choices: list[Run]) -> Outcome:
        """The choice that does best on the rounds."""
        times = _times(problem)
        aim = aim_of(problem.objective, 1.0)
        values = [aim.value(ends_of_rounds(each, problem.system, times)) for each in choices]
        at = int(np.argmin(values))
        return Outcome(
            TerminationCondition.CONVERGED, run=choices[at], details={"tried": len(choices)}
        )


class Balanced(_OnRounds):
    """Uncoded shares of the data with the smallest mean runtime, by one linear program."""

    name = "balanced"
    summary = "uncoded, every worker a share of the data that suits its speed"

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """``min mean_k theta_k``, ``theta_k >= u L N rho_i T_{k,i}``, ``sum rho = 1``."""
        system = problem.system
        times = _times(problem)
        sample = sample_of(times, system.unit, system.coordinates, system.costs)
        rho = balanced_shares(sample, Clock.started(options.time_limit))
        return Outcome(TerminationCondition.CONVERGED, run=_uncoded(problem, rho))


class LeaveOut(_OnRounds):
    """The data cut anew for the fastest workers, the best number of them."""

    name = "leave-out"
    summary = "uncoded, the k slowest workers left out, best k"

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Leave out 0, 1, ..., N - 1 workers, those with the longest mean times first."""
        workers = problem.system.workers
        order = np.argsort(_times(problem).mean(axis=0), kind="stable")
        choices: list[Run] = []
        for kept in range(workers, 0, -1):
            shares = np.zeros(workers)
            shares[order[:kept]] = 1.0
            choices.append(_uncoded(problem, shares))
        return self.best(problem, choices)


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
        if asked is not None:
            return self.best(problem, [Cyclic(asked)])
        return self.best(problem, [Cyclic(copies) for copies in range(1, most + 1)])


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

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Try the numbers of cells."""
        workers = problem.system.workers
        asked = read_settings(DynamicSettings, options.raw)
        numbers = [workers, 2 * workers, 4 * workers] if asked.cells is None else [asked.cells]
        return self.best(problem, [Dynamic(cells, asked.latency) for cells in numbers])


def _times(problem: Problem) -> FloatArray:
    return times_as(Scenarios, problem.system, "needs scenarios, not").times


def _uncoded(problem: Problem, shares: FloatArray) -> Schedule:
    x = np.zeros(problem.system.workers)
    x[0] = problem.system.coordinates
    return Schedule(x, shares, rotated=False)
