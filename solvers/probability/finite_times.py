"""Completion probability on finitely many worker times, where it is piecewise constant.

Two kinds of model: a step distribution (a pooled trace) and a set of rounds. There is no gradient to
follow, so the search starts from designs of smooth or greedy reasoning and improves the best of them
by exchanging budget between levels, judged by the exact probability alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import Design
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.objective import CompletionProbability
from cgcopt.options import Options
from cgcopt.problem import Problem
from cgcopt.process.incumbents import keep_design
from cgcopt.process.time_left import look
from cgcopt.seeds import generator
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import Outcome
from cgcopt.solvers.formulas import (
    equal_level_risk_work,
    equal_risk_work,
    partition_with_work_proportional_to,
)
from cgcopt.solvers.probability.finite_kinds import KINDS, FiniteKind, Scores
from cgcopt.solvers.probability.newton import ascend, merit_at
from cgcopt.solvers.probability.smoothed_times import SmoothedTimes
from cgcopt.solvers.probability.threshold_lattice import Lattice
from cgcopt.system import System

__all__ = ["FiniteTimesSettings", "Found", "exchange", "search"]


@dataclass(frozen=True)
class FiniteTimesSettings:
    """Tuning numbers of :func:`search`, chosen without a recorded measurement."""

    candidates: int = 400
    """Exchanges tried in one pass; a random choice where there are more."""
    improved: int = 4
    """Starts that are improved where the user names no number."""
    enumerable: int = 20_000
    """Choices of thresholds up to which all are tried."""
    first_amount: float = 0.1
    """Share of the budget that the first exchanges move."""
    last_amount: float = 1e-6
    """Share of the budget from which exchanges are too small to be tried."""
    shrunk: float = 0.4
    """Factor on the moved share after a pass that improves nothing."""
    resolution: float = 1e-13
    """Relative gain of a score that is rounding."""
    smooth_residual: float = 1e-3
    """Residual at which the ascent on the smoothed times ends: it only gives a start."""
    smooth_iterations: int = 60
    """Newton steps of that ascent at most."""


_SETTINGS = FiniteTimesSettings()


@dataclass(frozen=True, eq=False)
class Found:
    """Shares of the budget and their score, larger is better."""

    x: FloatArray
    score: float
    tried: int


def search(
    problem: Problem, deadline: float, options: Options, stop: Callable[[], bool]
) -> Outcome:
    """Collect starts, improve the best of them by exchanges, return the best design seen.

    Starts are equal risk, equal level risks, the large-deadline form, the optimum of a smoothed
    distribution, every single level, uniform blocks, and on rounds the greedy choice of the rounds
    to meet: so no closed form and no baseline design is better than the result.
    """
    system = problem.system
    kind = KINDS[system.worker_times.kind]
    scores = kind.scores(system, deadline)
    keep_design(partition_with_work_proportional_to(np.arange(1.0, system.workers + 1), 1))
    plain = [*np.eye(system.workers), np.full(system.workers, 1 / system.workers)]
    plain.append(partition_with_work_proportional_to(np.arange(1.0, system.workers + 1), 1))
    lattice = kind.lattice(system, deadline)
    if lattice is not None and lattice.count_of_all <= _SETTINGS.enumerable:
        values = scores(np.array(plain))
        return _enumerated(problem, deadline, lattice, scores, plain[int(np.argmax(values))])
    starts = np.array(plain + _starts(system, deadline, kind, stop))
    keep_design(starts[0])
    values = scores(starts)
    keep_design(starts[int(np.argmax(values))])
    rng = generator(options.seed, "optimal", problem.name)
    order = np.argsort(-values)[: options.starts or _SETTINGS.improved]
    best = Found(starts[order[0]], float(values[order[0]]), len(starts))
    tried = len(starts)
    for index, start in enumerate(order):
        options.report(index / len(order), f"exchanges from start {index + 1}, P {best.score:.8g}")
        if stop():
            break
        ended = exchange(scores, starts[start], rng, stop=stop)
        tried += ended.tried
        best = max(best, ended, key=lambda found: found.score)
        keep_design(best.x)
    if lattice is not None and math.isfinite(best.score):
        x, score = lattice.climb(best.x, scores, rng, stop=stop)
        best = max(best, Found(x, score, 0), key=lambda found: found.score)
    return Outcome(
        TerminationCondition.TIME_LIMIT if stop() else TerminationCondition.CONVERGED,
        partition=_best_as_judged(problem, deadline, best.x),
        details={"starts": len(starts), "improved": len(order), "evaluations": tried},
    )


def _enumerated(
    problem: Problem,
    deadline: float,
    lattice: Lattice,
    scores: Scores,
    start: FloatArray,
) -> Outcome:
    x = lattice.best_of_all(scores)
    if x is None or scores(x[np.newaxis])[0] < scores(start[np.newaxis])[0]:
        x = start
    return Outcome(
        TerminationCondition.CONVERGED,
        partition=_best_as_judged(problem, deadline, x),
        details={"evaluations": lattice.count_of_all, "enumerated": True},
    )


def _best_as_judged(problem: Problem, deadline: float, shares: FloatArray) -> FloatArray:
    """Partition of the found design, or of a scheme that meets a deadline just so where it does not."""
    system = problem.system
    given = replace(problem, objective=CompletionProbability(deadline))
    L, N = system.coordinates, system.workers
    plain = [*(np.eye(N) * L), np.full(N, L / N)]
    plain.append(partition_with_work_proportional_to(np.arange(1.0, N + 1), L))
    plain += KINDS[system.worker_times.kind].judged_starts(system, deadline)
    best, value = shares * L, -math.inf
    for partition in (best, *plain):
        look()
        x = np.maximum(partition, 0.0)
        found = evaluate(given, Design(x * (L / x.sum()))).value
        if found > value:
            best, value = partition, found
    return best


def _starts(
    system: System, deadline: float, kind: FiniteKind, stop: Callable[[], bool]
) -> list[FloatArray]:
    starts = kind.own_starts(system, deadline)
    pooled = kind.pooled(system)
    alike = system.with_times(pooled)
    for work_of in equal_risk_work, equal_level_risk_work:
        look()
        work = work_of(alike, deadline)
        if work[-1] > 0:
            starts.append(partition_with_work_proportional_to(work, 1))
    if stop():
        return starts
    smooth = system.with_times(SmoothedTimes(pooled.values, pooled.weights))
    first = partition_with_work_proportional_to(equal_risk_work(smooth, deadline), 1)
    if np.isfinite(merit_at(smooth, deadline, first).merit):
        climbed = ascend(
            smooth,
            deadline,
            first,
            tolerance=_SETTINGS.smooth_residual,
            stop=stop,
            max_iterations=_SETTINGS.smooth_iterations,
        )
        starts += [first, climbed.point.x]
    return starts


def exchange(
    scores: Scores,
    start: FloatArray,
    rng: np.random.Generator,
    *,
    stop: Callable[[], bool],
) -> Found:
    """Improve shares by moving part of the budget from one level to another.

    Amounts shrink from a large share of the budget to a tiny one; at each amount passes over the pairs
    of levels (a random choice where there are many) go on while they improve.
    """
    x = start / start.sum()
    best = float(scores(x[np.newaxis])[0])
    tried = 1
    workers = x.size
    amount = _SETTINGS.first_amount
    while amount > _SETTINGS.last_amount and workers > 1 and not stop():
        look()
        pairs = _pairs(x, rng)
        moved = np.tile(x, (len(pairs), 1))
        given = np.minimum(amount, x[pairs[:, 0]])
        moved[np.arange(len(pairs)), pairs[:, 0]] -= given
        moved[np.arange(len(pairs)), pairs[:, 1]] += given
        values = scores(moved)
        tried += len(pairs)
        top = int(np.argmax(values))
        if values[top] > best + _SETTINGS.resolution * abs(best):
            x, best = moved[top], float(values[top])
        else:
            amount *= _SETTINGS.shrunk
    return Found(x, best, tried)


def _pairs(x: FloatArray, rng: np.random.Generator) -> IntArray:
    """Pairs of a level with budget to give and another level."""
    givers = np.flatnonzero(x > 0)
    pairs = np.array([(i, j) for i in givers for j in range(x.size) if i != j], dtype=np.int64)
    if len(pairs) > _SETTINGS.candidates:
        pairs = pairs[rng.choice(len(pairs), _SETTINGS.candidates, replace=False)]
    return pairs
