"""What the search among finitely many worker times knows of each kind of them.

A step distribution (a pooled trace) and a set of rounds differ in how designs are scored, in the
starts that are known, and in whether thresholds can be enumerated. A further kind is one entry of
:data:`KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import BoolArray, FloatArray, IntArray
from cgcopt.design import budget_weights, partition_of_work, work_of_partition
from cgcopt.evaluation.crossing.completion import completion_probabilities
from cgcopt.evaluation.dispatch import Table
from cgcopt.evaluation.rounds.runtimes import sorted_rounds
from cgcopt.evaluation.steps.products import discrete_times
from cgcopt.process.time_left import look
from cgcopt.solvers.formulas import equal_risk_work, partition_with_work_proportional_to
from cgcopt.solvers.probability.threshold_lattice import Lattice
from cgcopt.system import System
from cgcopt.workers.base import DiscreteTimes, Times
from cgcopt.workers.empirical import Empirical

__all__ = ["KINDS", "FiniteKind", "Scores", "greedy_rounds", "round_scores"]

#: Scores a batch of shares, shape ``(B, N)``, exactly; larger is better.
Scores = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class FiniteKind:
    """What the search needs to know of a kind of finitely many worker times.

    Attributes
    ----------
    scores : callable
        ``(system, deadline)`` to the function that scores shares.
    pooled : callable
        ``system`` to the step distribution of the times of one worker.
    own_starts : callable
        ``(system, deadline)`` to shares to start from, beside those of every kind.
    judged_starts : callable
        ``(system, deadline)`` to partitions that are compared with the end of the search as it is judged.
    lattice : callable
        ``(system, deadline)`` to the lattice of thresholds; ``None`` where there is none.
    """

    scores: Callable[[System, float], Scores]
    pooled: Callable[[System], DiscreteTimes]
    own_starts: Callable[[System, float], list[FloatArray]]
    judged_starts: Callable[[System, float], list[FloatArray]]
    lattice: Callable[[System, float], Lattice | None]


@dataclass(frozen=True)
class RoundScores:
    """Tuning numbers of scores on rounds, chosen without a recorded measurement."""

    closest: int = 3
    """Missed rounds whose margin breaks ties between designs that meet equally many."""
    cells: int = 4_000_000
    """Numbers held at a time when many designs are scored on many rounds (32 MB)."""


_SETTINGS = RoundScores()


def step_scores(system: System, deadline: float) -> Scores:
    """Scores on a step distribution.

    ``log P`` below one half and ``-log(1 - P) + 2 log(1/2)`` above: continuous and increasing in
    ``P``, with all digits at both ends.
    """
    return lambda x: _step_scores(system, deadline, x)


def round_scores(system: System, deadline: float) -> Scores:
    """Scores on rounds: the share of rounds met, and less than one round for the margin of the rest."""
    slowest_first = sorted_rounds(system)[:, ::-1]
    return lambda x: _round_scores(slowest_first, system.unit * _works(system, x), deadline)


def greedy_rounds(system: System, deadline: float) -> FloatArray:
    """Shares of a design that gives up rounds one by one until the others can all be met.

    With a set of rounds to meet, the largest work of level ``n`` is the smallest
    ``t / (u T_(N-n))`` among them. Each step gives up the round that frees most budget: it stands
    last at some level, and its removal moves that level to the next round.
    """
    reach = _reach(system, deadline)
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


def _reach(system: System, deadline: float) -> FloatArray:
    """Largest work of each level that each round finishes in time, ``t / (u T_(N-n))``, ``(K, N)``."""
    slowest_first = sorted_rounds(system)[:, ::-1]
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
        look()
        runtime = np.max(times * works[part, np.newaxis, :], axis=2)
        late = runtime > deadline
        missed = np.where(late, deadline / runtime, 0.0)
        nearest = -np.partition(-missed, min(_SETTINGS.closest, rounds) - 1, axis=1)[
            :, : _SETTINGS.closest
        ]
        met = rounds - np.count_nonzero(late, axis=1)
        scores[part] = (met + 0.5 * nearest.mean(axis=1)) / rounds
    return scores


def _equal_risk(system: System, deadline: float) -> list[FloatArray]:
    work = equal_risk_work(system, deadline)
    if not work[-1] > 0:
        return []
    return [partition_with_work_proportional_to(work, system.coordinates)]


def _none(system: System, deadline: float) -> list[FloatArray]:
    return []


#: The kinds of finitely many worker times.
KINDS: Table[Times, FiniteKind] = Table(
    "no search among finitely many times",
    {
        Times.DISCRETE: FiniteKind(
            scores=step_scores,
            pooled=discrete_times,
            own_starts=_none,
            judged_starts=_equal_risk,
            lattice=Lattice.of,
        ),
        Times.SCENARIOS: FiniteKind(
            scores=round_scores,
            pooled=lambda system: Empirical(sorted_rounds(system).ravel()),
            own_starts=lambda system, deadline: [greedy_rounds(system, deadline)],
            judged_starts=_none,
            lattice=lambda system, deadline: None,
        ),
    },
)
