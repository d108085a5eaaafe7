"""The best stationary point of the completion probability, from several starts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.evaluation.dispatch import Table, times_as
from cgcopt.evaluation.groups.alike import of_one_kind
from cgcopt.limits import ALL_LIMITS
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process.clock import Clock
from cgcopt.process.incumbents import keep_design
from cgcopt.seeds import generator
from cgcopt.settings import NoSettings
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import ALL_TIMES, PROBABILITY_RELAXED, Outcome, Role, Solver
from cgcopt.solvers.deadline.chance_optimum import limited_optimum_of_chance, steps_optimum
from cgcopt.solvers.deadline.rounds_optimum import optimum_of_probability
from cgcopt.solvers.formulas import (
    equal_level_risk_work,
    equal_risk_work,
    partition_with_work_proportional_to,
)
from cgcopt.solvers.limited.local_search import limited_search
from cgcopt.solvers.probability.finite_times import search
from cgcopt.solvers.probability.newton import Stationary, ascend, merit_at
from cgcopt.workers.base import ContinuousTimes, Times

__all__ = ["METHODS", "PROOFS", "OptimalProbability", "StartsSettings", "default_starts"]


@dataclass(frozen=True)
class StartsSettings:
    """Tuning numbers of starts and ends, chosen without a recorded measurement."""

    residual: float = 1e-6
    """Stationarity residual at which an ascent has converged."""
    apart: float = 1e-4
    """Difference of shares of the budget from which two ends are distinct."""
    spreads: tuple[float, ...] = (0.5, 1.0, 2.0)
    """Standard deviations of the logarithms of the random factors, in turn."""
    lifted: float = 1e-3
    """Added to the shares before they are multiplied, as a share of the mean block."""
    others: float = 0.1
    """Share of the budget that the start by a single level spreads over all levels."""
    counts: tuple[tuple[float, int], ...] = ((50, 12), (200, 6), (math.inf, 2))
    """Starts up to so many workers: fewer where each is dear."""


_SETTINGS = StartsSettings()


class OptimalProbability(Solver):
    """The best design found for a deadline, by the method that fits the worker times.

    *Continuous*: projected Newton ascent on the exact probability from several starts (equal risk,
    equal exact level risks, the large-deadline design, the best single level, random neighbours of
    the first); the outcome says how many distinct stationary points were found and carries the
    residual of the best; ``global`` proves a bound for them. *Step distributions*: a search over
    thresholds (:mod:`cgcopt.solvers.probability.finite_times`) and an outer approximation that bounds
    every design (:mod:`cgcopt.solvers.deadline.best_chance`). *Rounds*: a search for designs that meet
    many of them, and a mixed-integer program that proves how many a design meets at most
    (:mod:`cgcopt.solvers.deadline.rounds_optimum`).

    *Groups* that differ: the local search of :mod:`cgcopt.solvers.limited.local_search` on the exact
    probability.

    Within limits the same proofs hold; with times of a density they follow the search of
    :mod:`cgcopt.solvers.limited.local_search`, which alone takes costs, without a proof.
    """

    name = "optimal"
    summary = "Newton ascent on the exact completion probability, several starts"
    role = Role.ITERATIVE
    solves = PROBABILITY_RELAXED
    times = ALL_TIMES | {Times.GROUPS, Times.STARTED}
    tolerance = 1e-6
    settings = NoSettings
    limits = ALL_LIMITS
    costs = True

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Search within the time limit."""
        problem = of_one_kind(problem)
        kind = problem.system.worker_times.kind
        if problem.system.costs or kind in (Times.GROUPS, Times.STARTED):
            return limited_search(problem, options)
        if kind in PROOFS:
            return PROOFS[kind](problem, form, options)
        if problem.limits:
            return limited_optimum_of_chance(problem, form, options)
        clock = Clock.started(options.time_limit)

        def stop() -> bool:
            return clock.expired

        (deadline,) = problem.objective.parameters
        method = METHODS[problem.system.worker_times.kind]
        return method(problem, deadline, options, stop)


def _climb(
    problem: Problem, deadline: float, options: Options, stop: Callable[[], bool]
) -> Outcome:
    system = problem.system
    planned = options.starts or default_starts(system.workers)
    found: list[Stationary] = []
    best: Stationary | None = None
    for index, start in enumerate(_starts(problem, deadline, options.seed, planned)):
        value = max((end.point.probability for end in found), default=0.0)
        options.report(index / planned, f"Newton ascent from start {index + 1}, P {value:.8g}")
        if found and stop():
            break
        if best is None:
            keep_design(start)
        if math.isfinite(merit_at(system, deadline, start).merit):
            found.append(ascend(system, deadline, start, tolerance=_SETTINGS.residual, stop=stop))
            best = max(found, key=lambda end: (-end.point.late, end.point.merit))
            keep_design(best.point.x)
    if best is None:
        return _hopeless(problem)
    termination = TerminationCondition.ITERATION_LIMIT
    if best.converged:
        termination = TerminationCondition.CONVERGED
    elif stop():
        termination = TerminationCondition.TIME_LIMIT
    return Outcome(
        termination,
        partition=best.point.x * system.coordinates,
        residual=best.point.residual,
        details={
            "starts": len(found),
            "stationary_points": _distinct(found),
            "iterations": best.iterations,
            "evaluations": sum(end.evaluations for end in found),
        },
    )


def default_starts(workers: int) -> int:
    """Starts when the user names no number."""
    return next(count for most, count in _SETTINGS.counts if workers <= most)


def _starts(problem: Problem, deadline: float, seed: int, count: int) -> Iterator[FloatArray]:
    system = problem.system
    base = partition_with_work_proportional_to(equal_risk_work(system, deadline), 1)
    fixed = [
        base,
        partition_with_work_proportional_to(equal_level_risk_work(system, deadline), 1),
        partition_with_work_proportional_to(np.arange(1.0, system.workers + 1), 1),
        _mostly_single_level(problem, deadline),
    ]
    yield from fixed[:count]
    rng = generator(seed, "optimal", problem.name)
    for index in range(count - len(fixed)):
        spread = _SETTINGS.spreads[index % len(_SETTINGS.spreads)]
        factors = np.exp(spread * rng.normal(size=system.workers))
        x = (base + _SETTINGS.lifted / system.workers) * factors
        yield x / x.sum()


def _mostly_single_level(problem: Problem, deadline: float) -> FloatArray:
    """The best single level, mixed with a little of every level below and above."""
    from scipy.special import betainc

    system = problem.system
    n = np.arange(system.workers)
    times = times_as(ContinuousTimes, system, "a start by a single level needs a density, not")
    done = times.cdf(deadline / (system.unit * system.coordinates * (n + 1)))
    best = int(np.argmax(betainc(system.workers - n, n + 1, done)))
    x = np.full(system.workers, _SETTINGS.others / system.workers)
    x[best] += 1.0 - _SETTINGS.others
    return x


def _distinct(found: list[Stationary]) -> int:
    """Number of converged ends that differ in their shares."""
    points: list[FloatArray] = []
    for end in found:
        x = end.point.x
        if end.converged and all(np.abs(x - other).max() > _SETTINGS.apart for other in points):
            points.append(x)
    return len(points)


def _hopeless(problem: Problem) -> Outcome:
    """No start finishes with positive probability: return the design that needs the least time."""
    x = np.zeros(problem.system.workers)
    x[0] = problem.system.coordinates
    return Outcome(
        TerminationCondition.CONVERGED,
        partition=x,
        residual=0.0,
        message="no start can finish by the deadline with positive probability",
        details={"starts": 0, "stationary_points": 0},
    )


Method = Callable[[Problem, float, Options, Callable[[], bool]], Outcome]

#: The search of each kind of worker times: ``(problem, deadline, options, stop) -> Outcome``.
METHODS: Table[Times, Method] = Table(
    "no search for the best completion probability",
    {Times.CONTINUOUS: _climb, Times.DISCRETE: search},
)

#: The proven methods of worker times without a density: ``(problem, form, options) -> Outcome``.
PROOFS: Table[Times, Callable[[Problem, Form, Options], Outcome]] = Table(
    "no proof of the best completion probability",
    {Times.DISCRETE: steps_optimum, Times.SCENARIOS: optimum_of_probability},
)
