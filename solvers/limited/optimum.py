"""The certified optimum of the expected runtime within limits or with costs, or of its tail."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.errors import InfiniteMeanError, UnsupportedProblemError
from cgcopt.evaluation.certificates import first_finite_level
from cgcopt.evaluation.result import Certificate
from cgcopt.evaluation.started.bound import first_level_bounds
from cgcopt.options import Options
from cgcopt.problem import Problem
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import Outcome, Times, unproven
from cgcopt.solvers.convex.combined_bound import QUADRATURE, ROUNDING, proven
from cgcopt.solvers.convex.incumbent import Clock, Incumbent
from cgcopt.solvers.limited.drawn import DrawnRuntime
from cgcopt.solvers.limited.face_minimum import minimise_face
from cgcopt.solvers.limited.faces import Face
from cgcopt.solvers.limited.oracle import RuntimeCuts, cuts_of
from cgcopt.solvers.limited.region_search import RegionSearch

__all__ = ["LimitedRun", "SharedCuts", "limited_optimum"]


@dataclass(frozen=True)
class LimitedTuning:
    """Numbers of the certified optimum within limits; no measurement of them is on record."""

    steps: int = 200
    """Evaluations of a convex problem at most."""
    bracket: float = 0.2
    """Width of a bracket of a step distribution, as a share of the gap that is asked for."""
    share: float = 0.99
    """Share of the gap at which the search stops: the judge computes the gap with other rounding."""
    patience: float = 60.0
    """Seconds for a search where no time limit is set."""


_TUNING = LimitedTuning()


def limited_optimum(
    problem: Problem,
    options: Options,
    start: FloatArray | None = None,
    shared: SharedCuts | None = None,
    *,
    whole: bool = False,
) -> Outcome:
    """Minimise the expected runtime, or the mean of its tail, over the designs within the limits.

    Where levels are left out and no more, the problem stays convex and is minimised on the face of the
    allowed levels. Otherwise a branch and bound over level sets, and over the ends of blocks where
    they have to be boundaries, proves the gap. It is given a minute where no time limit is set.

    Parameters
    ----------
    problem : Problem
        Of the expected runtime, with any limits and costs; or of the conditional value at risk, with any
        limits.
    options : Options
        ``gap``, ``time_limit``, ``seed`` and ``threads`` count.
    start : ndarray, optional
        A partition within the limits that a neighbouring problem has led to.
    shared : SharedCuts, optional
        What problems of the same system, with other limits, have evaluated.
    whole : bool
        Whether blocks carry whole numbers of coordinates: every whole number is a boundary then.
    """
    if not problem.system.worker_times.one_order:
        raise UnsupportedProblemError(
            f"nothing is proven of the expected runtime of {problem.system.worker_times.label}, which "
            f"need not be convex"
        )
    started = time.perf_counter()
    if problem.system.worker_times.kind is Times.STARTED:
        run = over_first_levels(problem, options, start, whole=whole)
    else:
        run = LimitedRun(problem, options, shared=shared, whole=whole)
        run.search(start)
    return run.outcome(time.perf_counter() - started)


def over_first_levels(
    problem: Problem,
    options: Options,
    start: FloatArray | None = None,
    *,
    whole: bool = False,
) -> LimitedRun:
    """Minimise for every first used level, where nobody waits for the start of the levels below it.

    The expected runtime is convex among the designs that begin with the same level. Each of these
    problems ends as soon as its bound has passed the best design of the others.
    """
    every = LimitedRun(problem, options, whole=whole)
    levels = every.levels
    alone = first_level_bounds(problem.system, levels)
    order = np.argsort(alone, kind="stable")
    bounds = np.array(alone)
    for place in order:
        incumbent = every.incumbent
        if alone[place] >= incumbent.value * (1.0 - incumbent.target) or every.clock.expired:
            continue
        part = LimitedRun(problem, options, first=int(levels[place]), whole=whole)
        part.clock = every.clock
        part.incumbent.partition, part.incumbent.value = incumbent.partition, incumbent.value
        given = start if start is not None and np.argmax(start > 0.0) == levels[place] else None
        part.search(given)
        bounds[place] = max(bounds[place], part.incumbent.bound)
        incumbent.value, incumbent.partition = part.incumbent.value, part.incumbent.partition
        incumbent.history += part.incumbent.history
        every.nodes, every.sets = every.nodes + part.nodes, every.sets + part.sets
        every.cuts.cuts += part.cuts.cuts
    every.note(float(bounds.min()) * (1.0 - QUADRATURE))
    return every


@dataclass(eq=False)
class SharedCuts:
    """Evaluations of one system: their cuts bound the expected runtime within any limits.

    Parameters
    ----------
    cuts : RuntimeCuts
        With the cuts so far.
    drawn : DrawnRuntime
        Rounds that say where to look.
    """

    cuts: RuntimeCuts
    drawn: DrawnRuntime

    @classmethod
    def of(cls, problem: Problem, options: Options) -> SharedCuts:
        """The drawn rounds of a problem, and no cuts so far."""
        cuts = cuts_of(problem, options.threads, _TUNING.bracket * options.gap)
        return cls(cuts, DrawnRuntime.of(problem.system, options.seed))


@dataclass(eq=False)
class LimitedRun:
    """One minimisation, over partitions with sum 1.

    Parameters
    ----------
    problem : Problem
    options : Options
    first : int
        Lowest level to use (:func:`over_first_levels`).
    shared : SharedCuts, optional
        Of other problems of the same system.
    whole : bool
        Whether blocks carry whole numbers of coordinates.
    """

    problem: Problem
    options: Options
    first: int = 0
    shared: SharedCuts | None = None
    whole: bool = False
    nodes: int = 0
    sets: int = 0
    convex: bool = field(init=False)
    clock: Clock = field(init=False)
    incumbent: Incumbent = field(init=False)
    cuts: RuntimeCuts = field(init=False)
    known: int = field(init=False)

    def __post_init__(self) -> None:
        system, limits = self.problem.system, self.problem.limits
        per_message = system.costs.per_message > 0.0
        self.convex = limits.convex(system.workers) and not per_message and not self.whole
        limit = self.options.time_limit
        quick = self.convex and system.worker_times.kind is not Times.STARTED
        self.clock = Clock.started(limit if quick else limit or _TUNING.patience)
        self.incumbent = Incumbent(_TUNING.share * self.options.gap, self.options)
        bracket = _TUNING.bracket * self.options.gap
        fresh = cuts_of(self.problem, self.options.threads, bracket, self.first)
        self.cuts = fresh if self.shared is None else self.shared.cuts
        self.known = len(self.cuts.cuts)

    @cached_property
    def levels(self) -> IntArray:
        """Allowed levels from the first one on, with a finite expected runtime."""
        system = self.problem.system
        levels = self.problem.limits.allowed_levels(system.workers)
        finite = levels[levels >= first_finite_level(system)]
        first = int(finite[0]) if finite.size else -1
        if first < 0 or (first + 1) * system.worker_times.tail_index <= 1:
            raise InfiniteMeanError(
                f"the expected runtime is infinite on every allowed level: "
                f"{system.worker_times.label} has tail index {system.worker_times.tail_index:g}"
            )
        return np.asarray(finite[finite >= self.first])

    @cached_property
    def ends(self) -> FloatArray | None:
        """Boundaries as shares, from 0 to 1; ``None`` where blocks may end anywhere."""
        boundaries = self.problem.limits.boundaries
        if boundaries is None:
            total = self.problem.system.coordinates
            return np.arange(total + 1.0) / total if self.whole else None
        return np.concatenate(([0.0], boundaries)) / self.problem.system.coordinates

    @cached_property
    def drawn(self) -> DrawnRuntime:
        """Rounds that say where to look."""
        if self.shared is not None:
            return self.shared.drawn
        return DrawnRuntime.of(self.problem.system, self.options.seed)

    @property
    def kinks(self) -> bool:
        """Whether the expected runtime has kinks: with few rounds, or times with few values."""
        return not self.problem.system.worker_times.has_density

    def search(self, start: FloatArray | None = None) -> None:
        """Run to the end."""
        workers = self.problem.system.workers
        if start is not None and not self.problem.limits.violation(start):
            y = start / start.sum()
            self.incumbent.offer(y, self.cuts(y, (y > 0.0).astype(np.float64)).value)
        if self.convex:
            face = Face(self.levels, np.zeros(workers))
            self.minimise(face, self.incumbent)
        else:
            self.over_sets()

    @property
    def most_blocks(self) -> int:
        """Blocks at most; all levels together where nothing but boundaries limits them."""
        limits, size = self.problem.limits, int(self.levels.size)
        if not limits.blocks and not limits.least and not self.cuts.system.costs.per_message:
            return size
        return min(limits.most_blocks(self.problem.system.workers), size)

    def over_sets(self) -> None:
        """Search over level sets and ends of blocks."""
        search = RegionSearch(
            self.cuts,
            self.drawn,
            self.levels,
            self.most_blocks,
            self.problem.limits.least or 0.0,
            self.incumbent,
            self.clock,
            self.kinks,
            self.ends,
        )
        search.run()
        self.nodes, self.sets = search.nodes, search.sets

    def minimise(self, face: Face, incumbent: Incumbent) -> None:
        """Minimise over a face to the gap."""
        gradients = minimise_face(
            self.cuts,
            self.drawn,
            face,
            incumbent,
            self.clock,
            steps=_TUNING.steps,
            kinks=self.kinks,
        )
        if not incumbent.closed:
            error = ROUNDING if self.kinks else QUADRATURE
            incumbent.bound = max(incumbent.bound, proven(gradients, error))

    def note(self, bound: float) -> None:
        """Take note of a bound."""
        self.incumbent.bound = max(self.incumbent.bound, min(bound, self.incumbent.value))

    def outcome(self, seconds: float) -> Outcome:
        """What the solver returns."""
        incumbent = self.incumbent
        certificate = Certificate.CUTTING_PLANES if self.convex else Certificate.LEVEL_SETS
        termination, message = TerminationCondition.CONVERGED, ""
        if incumbent.gap > self.options.gap:
            termination, message = unproven(self.clock, self.options, _TUNING.patience)
        coordinates = self.problem.system.coordinates
        return Outcome(
            termination,
            partition=None if incumbent.partition is None else incumbent.partition * coordinates,
            bound=incumbent.bound,
            certificate=certificate,
            message=message,
            details={
                "evaluations": len(self.cuts.cuts) - self.known,
                "nodes": self.nodes,
                "seconds": seconds,
                "level_sets": self.sets,
                "history": list(incumbent.history),
            },
        )
