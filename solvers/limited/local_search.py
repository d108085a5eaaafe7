"""Good designs for a deadline within limits, or with costs: exact gradients on faces, sets by exchange.

The completion probability and the quantile are smooth where the worker times have a density, but not
concave. On one face of the design simplex SLSQP climbs from several starts. Level sets are chosen by
exchange: the levels with the largest shares of the unlimited face first, then one level at a time is
replaced by a neighbour as long as that helps. There is no proof: the bound beside such a design is that
of the single levels, for the allowed ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import permutations

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import Design
from cgcopt.evaluation.dispatch import Table, model_as, times_as
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.evaluation.started.chances import started_times
from cgcopt.objective import ExpectedRuntime
from cgcopt.options import Options
from cgcopt.problem import Problem
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import Outcome
from cgcopt.solvers.limited.ends import snapped
from cgcopt.solvers.limited.face_climb import FaceClimb
from cgcopt.solvers.limited.faces import Face
from cgcopt.solvers.limited.optimum import LimitedRun
from cgcopt.solvers.probability.smoothed_times import SmoothedTimes
from cgcopt.system import System
from cgcopt.workers.base import DiscreteTimes, Times, WorkerTimes

__all__ = ["limited_search"]


@dataclass(frozen=True)
class LocalSearchTuning:
    """Numbers of the search by exact gradients; no measurement of them is on record."""

    starts: int = 4
    """Starts on the first face."""
    few_starts: int = 1
    """Starts on every other face."""
    improved: float = 1e-7
    """Relative improvement of the merit that an exchange has to bring."""
    unused: float = 1e-6
    """Share below which a level counts as unused at the end of a climb."""
    first_move: float = 0.1
    """Share that is moved first from level to level of a step distribution."""
    last_move: float = 1e-5
    """Half of it, and so on, down to this share."""
    patience: float = 60.0
    """Seconds where no time limit is set."""
    equal: float = 1e-12
    """Relative difference of merits that does not count."""


_TUNING = LocalSearchTuning()


def limited_search(problem: Problem, options: Options) -> Outcome:
    """Search for a design within the limits with a large completion probability, or a small runtime.

    Parameters
    ----------
    problem : Problem
        Any objective; the worker times have a density, or a smooth stand-in shows where to climb and the
        designs are valued exactly.
    options : Options
        ``time_limit``, ``seed`` and ``starts`` count.

    Raises
    ------
    UnsupportedProblemError
        If the worker times are rounds.
    """
    search = _Search(problem, _smoothed(problem), options)
    search.run()
    expired = search.expired
    ends = TerminationCondition.TIME_LIMIT, TerminationCondition.CONVERGED
    return Outcome(
        ends[0] if expired else ends[1],
        partition=None if search.best is None else search.best * problem.system.coordinates,
        details={
            "evaluations": search.evaluations + search.climbs.evaluations,
            "level_sets": len(search.tried),
        },
    )


def _smoothed(problem: Problem) -> Problem:
    """The problem itself, or one with a smooth stand-in for a step distribution."""
    system = problem.system
    if system.worker_times.has_density:
        return problem
    need = (
        f"solver 'optimal' keeps costs of a {problem.objective.kind} only where the workers are "
        "independent, unlike"
    )
    smooth = _STAND_INS[system.worker_times.kind](system, need)
    return replace(problem, system=replace(system, worker_times=smooth))


def _smooth_start(system: System, need: str) -> WorkerTimes:
    times = started_times(system)
    return replace(times, start=_smooth(model_as(DiscreteTimes, times.start, need)))


def _smooth_steps(system: System, need: str) -> WorkerTimes:
    return _smooth(times_as(DiscreteTimes, system, need))


def _smooth(steps: DiscreteTimes) -> SmoothedTimes:
    return SmoothedTimes(steps.values, steps.weights)


#: Smooth worker times in place of a step distribution, by kind; other kinds are refused.
_STAND_INS: Table[Times, Callable[[System, str], WorkerTimes]] = Table(
    "no smooth stand-in", {Times.STARTED: _smooth_start}, others=_smooth_steps
)


@dataclass(eq=False)
class _Search:
    problem: Problem
    smooth: Problem
    options: Options
    best: FloatArray | None = None
    merit: float = np.inf
    evaluations: int = 0
    tried: set[tuple[int, ...]] = field(default_factory=set)

    def __post_init__(self) -> None:
        limits = self.problem.limits
        end = time.perf_counter() + (self.options.time_limit or _TUNING.patience)
        self.levels = limits.allowed_levels(self.problem.system.workers)
        self.most = min(limits.most_blocks(self.problem.system.workers), self.levels.size)
        self.least = limits.least or 0.0
        runtime = Problem(self.problem.system, ExpectedRuntime(), limits=limits)
        self.ends = LimitedRun(runtime, self.options).ends
        self.climbs = FaceClimb(self.smooth, self.problem.name, self.options.seed, end)

    @property
    def expired(self) -> bool:
        """Whether the time is over."""
        return self.climbs.expired

    def run(self) -> None:
        """Climb on all levels, then exchange levels where they cannot all be used."""
        for level in {int(self.levels[0]), int(self.levels[-1])}:
            self.keep(np.eye(self.problem.system.workers)[level])
        starts = self.options.starts or _TUNING.starts
        share = self.climb(
            self.levels, starts if self.free else _TUNING.few_starts, offer=self.free
        )
        if self.free:
            self.higher_up()
            self.exchange()
            return
        chosen = np.sort(self.levels[np.argsort(-share)[: self.most]])
        self.on_set(tuple(chosen.tolist()), _TUNING.starts)
        improved = True
        while improved and self.best is not None and not self.expired:
            improved = any(
                self.on_set(levels, _TUNING.few_starts) for levels in self.neighbours(self.best)
            )
        self.exchange()

    def exchange(self) -> None:
        """Move shares between used levels where the climbs saw a smooth stand-in only."""
        if self.smooth is self.problem or self.ends is not None:
            return
        step = _TUNING.first_move
        while self.best is not None and step > _TUNING.last_move and not self.expired:
            if not any(self.keep(y) for y in self.moved(self.best, step)):
                step /= 2.0

    def moved(self, best: FloatArray, step: float) -> Iterator[FloatArray]:
        """The best design with a share of all moved from one used level to another."""
        for giving, taking in permutations(np.flatnonzero(best > 0.0).tolist(), 2):
            y = best.copy()
            given = min(step, float(y[giving]) - self.least)
            y[giving], y[taking] = y[giving] - given, y[taking] + given
            if given > 0.0 and not self.expired:
                yield y

    def higher_up(self) -> None:
        """Climb without the lowest levels too, where their workers need not start at all."""
        if self.problem.system.worker_times.kind is Times.STARTED:
            for first in range(1, self.levels.size):
                if not self.expired:
                    self.climb(self.levels[first:], _TUNING.few_starts, offer=True)

    @property
    def free(self) -> bool:
        """Whether all allowed levels may be used, with any shares, at no price."""
        costs = self.problem.system.costs
        return self.problem.limits.convex(self.problem.system.workers) and not costs.per_message

    def neighbours(self, best: FloatArray) -> list[tuple[int, ...]]:
        """Sets that differ from the best one in one level, near ones first; smaller sets too."""
        used = np.flatnonzero(best > 0.0).tolist()
        moves: list[tuple[int, tuple[int, ...]]] = []
        for level in used:
            rest = set(used) - {level}
            if rest:
                moves.append((0, tuple(sorted(rest))))
            others = set(self.levels.tolist()) - set(used)
            moves += [(abs(other - level), tuple(sorted(rest | {other}))) for other in others]
        if len(used) < self.most:
            free = set(self.levels.tolist()) - set(used)
            moves += [(1, tuple(sorted({*used, other}))) for other in free]
        return [levels for _, levels in sorted(moves) if levels not in self.tried]

    def on_set(self, chosen: tuple[int, ...], starts: int) -> bool:
        """Climb on one level set; return whether it holds the best design so far."""
        if chosen in self.tried or self.expired or len(chosen) * self.least > 1.0:
            return False
        self.tried.add(chosen)
        before = self.merit
        self.climb(np.array(chosen), starts, offer=True)
        return self.merit < before - _TUNING.improved * abs(before)

    def climb(self, levels: IntArray, starts: int, *, offer: bool) -> FloatArray:
        """Climb on a face; return the shares of the best end on its levels."""
        # All levels together may have no room for their least shares: then they only say where to look.
        least = self.least if levels.size * self.least <= 1.0 else 0.0
        face = Face.used(levels, self.problem.system.workers, least)
        best = self.climbs.best(face, starts, some=self.best is not None)
        if offer:
            self.offer(face, best)
        return best

    def offer(self, face: Face, share: FloatArray) -> None:
        """Keep a design that keeps all limits, if it is the best one."""
        y = face.partition(share)
        if not self.least:
            y[y < _TUNING.unused] = 0.0
            y /= y.sum()
        if self.ends is not None:
            counts = snapped(np.cumsum(y[face.levels]), self.ends, self.least)
            if counts is None:
                return
            self.shifted(face, counts, self.ends)
            return
        self.keep(y)

    def shifted(self, face: Face, counts: FloatArray, ends: FloatArray) -> None:
        """Move single ends of blocks to neighbouring boundaries as long as that helps."""
        snapped_to = np.zeros(face.messages.size)
        snapped_to[face.levels] = np.diff(counts, prepend=0.0)
        self.keep(snapped_to)
        improved = True
        while improved and not self.expired:
            improved = False
            for j in range(counts.size - 1):
                at = int(np.abs(ends - counts[j]).argmin())
                for other in (at - 1, at, at + 1):
                    if not 0 <= other < ends.size:
                        continue
                    trial = counts.copy()
                    trial[j] = ends[other]
                    if np.any(np.diff(trial, prepend=0.0) < self.least):
                        continue
                    y = np.zeros(face.messages.size)
                    y[face.levels] = np.diff(trial, prepend=0.0)
                    if self.keep(y):
                        counts, improved = trial, True

    def keep(self, y: FloatArray) -> bool:
        """Value a partition with sum 1; return whether it is the best so far."""
        x = self.problem.limits.repaired(y * self.problem.system.coordinates)
        if self.problem.limits.violation(x):
            return False
        found = evaluate(self.problem, Design(x))
        value = found.log_value
        merit = float(np.log(found.value)) if value is None else -value
        self.evaluations += 1
        if self.best is not None and not merit < self.merit - _TUNING.equal * abs(self.merit):
            return False
        self.merit, self.best = merit, x / x.sum()
        return True
