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

from cgcopt.arrays import BoolArray, FloatArray, IntArray
from cgcopt.design import Design, budget_weights, partition_of_work, work_of_partition
from cgcopt.evaluation.crossing.completion import completion_probabilities
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.objective import CompletionProbability
from cgcopt.options import Options
from cgcopt.problem import Problem
from cgcopt.seeds import generator
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import Outcome
from cgcopt.solvers.formulas import (
    equal_level_risk_work,
    equal_risk_work,
    partition_with_work_proportional_to,
)
from cgcopt.solvers.probability import threshold_lattice as lattice
from cgcopt.solvers.probability.newton import ascend, merit_at
from cgcopt.solvers.probability.smoothed_times import SmoothedTimes
from cgcopt.system import System
from cgcopt.workers.base import DiscreteTimes, IndependentTimes
from cgcopt.workers.empirical import Empirical, Scenarios

__all__ = ["FiniteTimesSettings", "Found", "exchange", "greedy_rounds", "scores_of", "search"]


@dataclass(frozen=True)
class FiniteTimesSettings:
    """Tuning numbers of :func:`search`, set by hand without a recorded measurement."""

    candidates: int = 400
    """Exchanges tried in one pass; a random choice where there are more."""
    improved: int = 4
    """Starts that are improved where the user names no number."""
    closest: int = 3
    """Missed rounds whose margin breaks ties between designs that meet equally many."""
    cells: int = 4_000_000
    """Numbers held at a time when many designs are scored on many rounds (32 MB)."""
    enumerable: int = 20_000
    """Up to so many choices of thresholds are simply all tried."""
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
    scores = scores_of(problem, deadline)
    steps = isinstance(system.worker_times, DiscreteTimes)
    starts = np.array(_starts(system, deadline, stop))
    values = scores(starts)
    if steps and lattice.count_of_all(system) <= _SETTINGS.enumerable:
        return _enumerated(problem, deadline, scores, starts[int(np.argmax(values))])
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
    if steps and math.isfinite(best.score):
        x, score = lattice.climb(system, deadline, best.x, scores, rng, stop=stop)
        best = max(best, Found(x, score, 0), key=lambda found: found.score)
    return Outcome(
        TerminationCondition.TIME_LIMIT if stop() else TerminationCondition.CONVERGED,
        partition=_best_as_judged(problem, deadline, best.x),
        details={"starts": len(starts), "improved": len(order), "evaluations": tried},
    )


def _enumerated(
    problem: Problem,
    deadline: float,
    scores: Callable[[FloatArray], FloatArray],
    start: FloatArray,
) -> Outcome:
    system = problem.system
    x = lattice.best_of_all(system, deadline, scores)
    if x is None or scores(x[np.newaxis])[0] < scores(start[np.newaxis])[0]:
        x = start
    return Outcome(
        TerminationCondition.CONVERGED,
        partition=_best_as_judged(problem, deadline, x),
        details={"evaluations": lattice.count_of_all(system), "enumerated": True},
    )


def _best_as_judged(problem: Problem, deadline: float, shares: FloatArray) -> FloatArray:
    """Partition of the found design, or of a scheme that meets a deadline just so where it does not."""
    system = problem.system
    given = replace(problem, objective=CompletionProbability(deadline))
    L, N = system.coordinates, system.workers
    plain = [*(np.eye(N) * L), np.full(N, L / N)]
    plain.append(partition_with_work_proportional_to(np.arange(1.0, N + 1), L))
    if isinstance(system.worker_times, IndependentTimes):
        work = equal_risk_work(system, deadline)
        if work[-1] > 0:
            plain.append(partition_with_work_proportional_to(work, L))
    best, value = shares * L, -math.inf
    for partition in (best, *plain):
        x = np.maximum(partition, 0.0)
        found = evaluate(given, Design(x * (L / x.sum()))).value
        if found > value:
            best, value = partition, found
    return best


def _starts(system: System, deadline: float, stop: Callable[[], bool]) -> list[FloatArray]:
    workers, times = system.workers, system.worker_times
    starts = [*np.eye(workers), np.full(workers, 1 / workers)]
    starts.append(partition_with_work_proportional_to(np.arange(1.0, workers + 1), 1))
    if isinstance(times, Scenarios):
        starts.append(greedy_rounds(system, times, deadline))
        pooled = Empirical(times.times.ravel())
    else:
        assert isinstance(times, Empirical)
        pooled = times
    alike = system.with_times(pooled)
    for work in (equal_risk_work(alike, deadline), equal_level_risk_work(alike, deadline)):
        if work[-1] > 0:
            starts.append(partition_with_work_proportional_to(work, 1))
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


def scores_of(problem: Problem, deadline: float) -> Callable[[FloatArray], FloatArray]:
    """Return the function that scores a batch of shares, shape ``(B, N)``, exactly.

    The score is ``log P`` below one half and ``-log(1 - P) + 2 log(1/2)`` above, continuous and
    increasing in ``P``, with all digits at both ends. On rounds it is the share of rounds met.
    """
    system = problem.system
    times = system.worker_times
    if isinstance(times, DiscreteTimes):
        return lambda x: _step_scores(system, deadline, x)
    assert isinstance(times, Scenarios)
    slowest_first = times.sorted_times[:, ::-1]
    return lambda x: _round_scores(slowest_first, system.unit * _works(system, x), deadline)


def exchange(
    scores: Callable[[FloatArray], FloatArray],
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


def greedy_rounds(system: System, times: Scenarios, deadline: float) -> FloatArray:
    """Shares of a design that gives up rounds one by one until the others can all be met.

    With a set of rounds to meet, the largest work of level ``n`` is the smallest
    ``t / (u T_(N-n))`` among them. Each step gives up the round that frees most budget: it stands
    last at some level, and its removal moves that level to the next round.
    """
    reach = _reach(system, times, deadline)
    rounds, workers = reach.shape
    v = budget_weights(workers)
    order = np.argsort(reach, axis=0, kind="stable")
    place = np.zeros(workers, dtype=np.int64)
    dropped = np.zeros(rounds, dtype=bool)
    levels = np.arange(workers)
    for _ in range(rounds - 1):
        last = order[place, levels]
        if v @ reach[last, levels] >= system.coordinates:
            break
        following = np.array([_next_kept(order, dropped, place, n) for n in range(workers)])
        freed = v * (reach[order[following, levels], levels] - reach[last, levels])
        gain = np.bincount(last, weights=freed, minlength=rounds)
        worst = int(np.argmax(gain)) if gain.max() > 0 else int(last[0])
        dropped[worst] = True
        moving = last == worst
        place[moving] = following[moving]
    work = np.maximum.accumulate(reach[order[place, levels], levels])
    x = np.maximum(partition_of_work(work), 0.0)
    shares: FloatArray = x / x.sum()
    return shares


def _next_kept(order: IntArray, dropped: BoolArray, place: IntArray, level: int) -> int:
    following = int(place[level]) + 1
    while following < len(order) - 1 and dropped[order[following, level]]:
        following += 1
    return min(following, len(order) - 1)


def _reach(system: System, times: Scenarios, deadline: float) -> FloatArray:
    """Largest work of each level that each round finishes in time, ``t / (u T_(N-n))``, ``(K, N)``."""
    slowest_first = times.sorted_times[:, ::-1]
    largest: FloatArray = deadline / (system.unit * slowest_first)
    return largest


def _works(system: System, shares: FloatArray) -> FloatArray:
    """Cumulative work, rounded as it is where the design is judged: deadlines may be met just so."""
    x = shares * system.coordinates
    return work_of_partition(x * (system.coordinates / x.sum(axis=-1, keepdims=True)))


def _step_scores(system: System, deadline: float, x: FloatArray) -> FloatArray:
    completion = completion_probabilities(system, _works(system, x), deadline)
    late = completion.probability < 0.5
    with np.errstate(divide="ignore"):
        early = -np.log(completion.complement) + 2 * np.log(0.5)
    scores: FloatArray = np.where(late, completion.log_probability, early)
    return scores


def _round_scores(times: FloatArray, works: FloatArray, deadline: float) -> FloatArray:
    """Share of rounds met, plus less than one round for the margin of the rest.

    The margin, the mean of ``deadline / tau`` over the missed rounds that are closest, tells a design
    that almost meets another round from one that does not. ``works`` are seconds per time of a worker.
    """
    rounds = len(times)
    scores = np.empty(len(works))
    step = max(1, _SETTINGS.cells // times.size)
    for first in range(0, len(works), step):
        part = slice(first, first + step)
        runtime = np.max(times * works[part, np.newaxis, :], axis=2)
        late = runtime > deadline
        missed = np.where(late, deadline / runtime, 0.0)
        nearest = -np.partition(-missed, min(_SETTINGS.closest, rounds) - 1, axis=1)[
            :, : _SETTINGS.closest
        ]
        met = rounds - np.count_nonzero(late, axis=1)
        scores[part] = (met + 0.5 * nearest.mean(axis=1)) / rounds
    return scores


def _pairs(x: FloatArray, rng: np.random.Generator) -> IntArray:
    """Pairs of a level with budget to give and another level."""
    givers = np.flatnonzero(x > 0)
    pairs = np.array([(i, j) for i in givers for j in range(x.size) if i != j], dtype=np.int64)
    if len(pairs) > _SETTINGS.candidates:
        pairs = pairs[rng.choice(len(pairs), _SETTINGS.candidates, replace=False)]
    return pairs
