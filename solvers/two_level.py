"""The best schedule with two levels, by a search in one variable."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

import numpy as np

from cgcopt.costs import Costs
from cgcopt.errors import UnsupportedProblemError
from cgcopt.evaluation.schedules.evaluate import evaluate_schedule
from cgcopt.limits import ALL_LIMITS, Limits
from cgcopt.objective import CompletionProbability, ExpectedRuntime, Quantile, Sense
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process.time_left import OutOfTimeError, look, time_until
from cgcopt.schedule import Schedule
from cgcopt.settings import NoSettings
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import ALL_TIMES, Outcome, Role, Solver, tasks
from cgcopt.workers.base import Times

__all__ = ["TwoLevel", "best_two_levels"]


@dataclass(frozen=True)
class SearchNumbers:
    """Numbers of the search; no measurement of them is on record."""

    grid: tuple[float, ...] = (0.0, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0)
    """Shares of level 0 that are tried first."""
    resolution: float = 1e-5
    """Change of the share at which the search ends."""
    rounds: int = 20_000
    """Rounds that are drawn where the value is not exact; the same ones for every share."""


class TwoLevel(Solver):
    """Levels 0 and ``N - 1``, ``N`` cells, rotated: no code is needed, and one number decides.

    For workers that are alike the value is exact (:mod:`cgcopt.evaluation.schedules.two_level`), on
    rounds too; otherwise it is that of drawn rounds, the same for every share.
    """

    name = "two-level"
    summary = "levels 0 and N - 1 in rotated order, best share: exact and without a code"
    role = Role.SCHEDULE
    solves = tasks(ExpectedRuntime, CompletionProbability, Quantile, forms=(Form.RELAXED,))
    times = ALL_TIMES | {Times.GROUPS, Times.DISTRIBUTION, Times.SAMPLER}
    limits = ALL_LIMITS
    costs = True
    settings = NoSettings
    tolerance = math.inf

    def prepare(self, problem: Problem, form: Form) -> None:
        """Compile what the values need."""
        import scipy.optimize  # noqa: F401

        system = replace(problem.system, costs=Costs())
        if system.worker_times.kind not in (Times.SCENARIOS, Times.GROUPS):
            system = replace(system, workers=3)
        _Search(
            replace(problem, system=system, limits=Limits()), SearchNumbers(rounds=10), Options()
        ).cost(0.5)

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Bracket the best share on a grid, and narrow the bracket."""
        found = best_two_levels(problem, options)
        return Outcome(
            found.ended,
            assignment=found.schedule,
            details={"share of level 0": found.share, "evaluations": found.evaluations},
        )


@dataclass(frozen=True, eq=False)
class BestTwoLevels:
    """The best schedule that was found, and how the search ended."""

    schedule: Schedule
    share: float
    ended: TerminationCondition
    evaluations: int


def best_two_levels(problem: Problem, options: Options) -> BestTwoLevels:
    """Bracket the best share of level 0 on a grid, and narrow the bracket.

    Raises
    ------
    UnsupportedProblemError
        If the limits of the problem leave out one of the two levels.
    """
    _require_levels(problem)
    search = _Search(problem, SearchNumbers(), options)
    ended = TerminationCondition.CONVERGED
    limit = options.time_limit
    end = math.inf if limit is None else time.perf_counter() + limit
    try:
        with time_until(end, grace=0.0):
            share = search.best()
    except OutOfTimeError:
        ended = TerminationCondition.TIME_LIMIT
        seen = search.best_seen
        share = min(search.kept(seen), key=lambda kept: abs(kept - seen))
    return BestTwoLevels(search.schedule(share), float(share), ended, len(search.values))


class _Search:
    def __init__(self, problem: Problem, numbers: SearchNumbers, options: Options) -> None:
        self.problem, self.numbers, self.options = problem, numbers, options
        self.values: dict[float, float] = {}

    def schedule(self, share: float) -> Schedule:
        """The schedule with this share of the coordinates on level 0."""
        system = self.problem.system
        x = np.zeros(system.workers)
        x[0] = share * system.coordinates
        x[-1] += system.coordinates - x[0]
        return Schedule(x)

    def cost(self, share: float) -> float:
        """What is made small: the value, or the chance to miss the deadline."""
        found = evaluate_schedule(
            self.problem, self.schedule(share), rounds=self.numbers.rounds, seed=self.options.seed
        )
        look()  # what was drawn when the time was over are too few rounds to choose by
        if self.problem.objective.sense is Sense.MINIMIZE:
            self.values[share] = found.value
        else:
            missed = 1.0 - found.value if found.complement is None else found.complement
            self.values[share] = missed
        self.options.report(None, f"share {share:.5f} of level 0")
        return self.values[share]

    def best(self) -> float:
        """The best share: of a grid, then between the neighbours of the best one there."""
        from scipy.optimize import minimize_scalar

        grid = self.numbers.grid
        costs = [self.cost(share) for share in grid]
        at = int(np.argmin(costs))
        low, high = grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)]
        minimize_scalar(
            self.cost,
            bounds=(low, high),
            method="bounded",
            options={"xatol": self.numbers.resolution},
        )
        kept = self.kept(self.best_seen)
        return min(kept, key=lambda share: self.values.get(share) or self.cost(share))

    def kept(self, share: float) -> list[float]:
        """The shares next to this one that keep the least block and the boundaries, below and above."""
        limits, count = self.problem.limits, self.problem.system.coordinates
        if limits.least is None and limits.boundaries is None:
            return [share]
        least = limits.least or 0.0
        if limits.boundaries is None:
            inside = [min(max(share, least), 1.0 - least)]
        else:
            inside = [
                end / count for end in limits.boundaries if least <= end / count <= 1.0 - least
            ]
        allowed = np.unique([0.0, *(each for each in inside if least <= each <= 1.0 - least), 1.0])
        at = int(np.searchsorted(allowed, share))
        return [float(each) for each in allowed[max(at - 1, 0) : at + 1]]

    @property
    def best_seen(self) -> float:
        """The best share so far; all on level 0 where none was valued."""
        return min(self.values, key=lambda share: self.values[share], default=1.0)


def _require_levels(problem: Problem) -> None:
    count, limits = problem.system.workers, problem.limits
    allowed = limits.allowed_levels(count)
    both = {0, count - 1}
    if not both <= set(allowed.tolist()) or limits.most_blocks(count) < len(both):
        raise UnsupportedProblemError(
            f"solver 'two-level' needs levels 0 and {count - 1}, "
            f"which the limits of the problem do not allow ({limits.label})"
        )
