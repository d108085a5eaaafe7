"""The solver of schedules: who computes which cells when, and how much of them."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from cgcopt.codes.nested import storage_of
from cgcopt.costs import Costs
from cgcopt.errors import CgcoptError
from cgcopt.evaluation.dispatch import times_as
from cgcopt.objective import CompletionProbability, ExpectedRuntime, Quantile
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process.time_left import OutOfTimeError, time_until
from cgcopt.schedule import Schedule
from cgcopt.seeds import generator
from cgcopt.settings import choice, count, read_settings, truth
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import ALL_TIMES, Outcome, Role, Solver, tasks
from cgcopt.solvers.convex.incumbent import Clock
from cgcopt.solvers.registry import find_solver
from cgcopt.solvers.schedules.aims import Aim, aim_of
from cgcopt.solvers.schedules.freedom import Freedom
from cgcopt.solvers.schedules.sample import Sample, sample_of
from cgcopt.solvers.schedules.search import Found, best_schedule
from cgcopt.solvers.schedules.space import Space
from cgcopt.solvers.schedules.validation import Choice, chosen_freedom
from cgcopt.solvers.two_level import best_two_levels
from cgcopt.system import System
from cgcopt.workers.base import Times
from cgcopt.workers.scenarios import Scenarios

__all__ = ["ScheduleSettings", "ScheduleSolver", "ScheduleTuning"]

_AUTO = "auto"


@dataclass(frozen=True)
class ScheduleSettings:
    """Raw options of ``schedule``."""

    work: str = choice(_AUTO, (*(str(each) for each in Freedom), _AUTO))
    """``"equal"``, ``"shares"`` (a share of the data for every worker), ``"full"`` (a share for every
    worker and level), or ``"auto"``: cross-validation in time order, equal for workers that are alike."""
    rotated: bool = truth(True)
    """Whether every worker starts at another cell of a block."""
    cells: int | None = count(None)
    """Cells of a block; ``N`` by default."""


@dataclass(frozen=True)
class ScheduleTuning:
    """Numbers of the solver.

    Attributes
    ----------
    certified_share, certified_seconds : float
        Part of the time limit, and seconds at most, for the certified optimum that is a start.
    certified_gap : float
        Gap to which it is computed.
    late : float
        Factor of these seconds after which it is left where it is.
    least_seconds : float
        Seconds that count as left where none are.
    chosen_share : float
        Part of the time that is left which the choice of freedom may take.
    fresh_rounds : int
        Rounds drawn to choose between the end of the search and what was known before.
    stored : float
        What a worker may store beyond a limit of copies, relatively: rounding.
    """

    certified_share: float = 0.25
    certified_seconds: float = 5.0
    certified_gap: float = 1e-4
    late: float = 1.5
    least_seconds: float = 0.1
    chosen_share: float = 0.6
    fresh_rounds: int = 50_000
    stored: float = 1e-6


class ScheduleSolver(Solver):
    """Majorise and minimise on rounds, from several starts.

    The runtime of a schedule is a maximum of order statistics of lines in the work, which are not
    convex. With the workers that are first for every cell held fixed, it is bounded by a convex
    function that touches it; a linear program minimises that function over partition and work, the
    first workers are found anew, and so on: never worse, from step to step and than the certified
    optimum in rotated order, which is one of the starts.

    Raw options: :class:`ScheduleSettings`. Distributions are drawn: ``scenarios`` rounds.
    """

    name = "schedule"
    draws = True
    summary = "order and work of every worker: majorise and minimise on rounds"
    role = Role.SCHEDULE
    solves = tasks(ExpectedRuntime, CompletionProbability, Quantile, forms=(Form.RELAXED,))
    times = ALL_TIMES | {Times.GROUPS, Times.DISTRIBUTION, Times.SAMPLER}
    limits = frozenset({"copies", "levels", "blocks", "least", "boundaries"})
    costs = True
    settings = ScheduleSettings
    tolerance = math.inf

    def prepare(self, problem: Problem, form: Form) -> None:
        """Compile the passes over rounds, and load the solver of linear programs."""
        _warm_up(bool(problem.system.costs))

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Draw rounds where there are none, choose the freedom, and search."""
        run = _Run.of(problem, options)
        choice = run.choice()
        space = replace(run.space, freedom=choice.freedom)
        known = run.candidates()
        found = best_schedule(
            run.sample, run.aim, space, run.clock, candidates=known, report=run.told
        )
        if run.stores_too_much(found):
            choice = replace(choice, freedom=Freedom.SHARES)
            space = replace(space, freedom=Freedom.SHARES)
            found = best_schedule(
                run.sample, run.aim, space, run.clock, candidates=known, report=run.told
            )
        if run.drawn and run.space.ends is None:
            run.choose_on_fresh_rounds(found, known)
        return run.outcome(found, choice)


@cache
def _warm_up(costs: bool) -> None:
    """Solve a tiny problem, once in a process."""
    given = Costs(1.0, 1.0, 1.0) if costs else Costs()
    system = System(2, 2, Scenarios(np.array([[1.0, 2.0], [2.0, 1.0]])), costs=given)
    small = Problem(system, ExpectedRuntime())
    ScheduleSolver().solve(small, Form.RELAXED, Options(raw={"work": "full"}))


@dataclass(frozen=True, eq=False)
class _Run:
    given: Problem
    problem: Problem
    options: Options
    sample: Sample
    aim: Aim
    space: Space
    work: str
    clock: Clock
    tuning: ScheduleTuning

    @classmethod
    def of(cls, problem: Problem, options: Options) -> _Run:
        clock = Clock.started(options.time_limit)
        asked = read_settings(ScheduleSettings, options.raw)
        work, cells = asked.work, asked.cells or problem.system.workers
        given = problem
        drawn = given.system.worker_times.kind is not Times.SCENARIOS
        if drawn:
            problem = problem.sampled(options.scenarios, options.seed)
        system = problem.system
        rounds = times_as(Scenarios, system, "needs scenarios, not")
        if work == _AUTO and drawn:
            work = Freedom.EQUAL  # workers that are alike, or of whom no rounds are known
        sample = sample_of(
            rounds.times, system.unit, system.coordinates, system.costs, options.threads
        )
        aim = aim_of(problem.objective, sample.seconds)
        limits = problem.limits
        count = system.workers
        space = Space(
            limits.allowed_levels(count),
            cells if asked.rotated else 1,
            Freedom.EQUAL,
            1.0 if limits.copies is None else limits.copies / count,
            limits.most_blocks(count),
            limits.least or 0.0,
            None
            if limits.boundaries is None
            else np.concatenate(([0.0], limits.boundaries)) / system.coordinates,
        )
        return cls(given, problem, options, sample, aim, space, work, clock, ScheduleTuning())

    def choice(self) -> Choice:
        """The freedom that was asked for, or the one that the rounds can carry."""
        if self.work != _AUTO:
            return Choice(Freedom(self.work))
        share = self.tuning.chosen_share
        clock = Clock.started(None if math.isinf(self.clock.left) else share * self.clock.left)
        return chosen_freedom(
            self.sample,
            self.aim,
            self.space,
            clock,
            report=lambda text: self.options.report(None, text),
        )

    @property
    def drawn(self) -> bool:
        """Whether the rounds were drawn for this run."""
        return self.given is not self.problem

    def candidates(self) -> dict[str, Schedule]:
        """What is known before the search, one coordinate in all, as far as it can be had."""
        found = {"certified optimum": self._certified_optimum()}
        if self.drawn and self.space.cells == self.sample.workers:
            found["two-level"] = self._two_level()
        return {name: schedule for name, schedule in found.items() if schedule is not None}

    def _two_level(self) -> Schedule | None:
        """The best two levels."""
        limit = None if math.isinf(self.clock.end) else self._seconds
        options = Options(seed=self.options.seed, time_limit=limit)
        try:
            found = best_two_levels(self.given, options).schedule
        except CgcoptError:
            return None
        return found.with_partition(found.partition / found.partition.sum())

    @property
    def _seconds(self) -> float:
        """Seconds for what is to be known before the search."""
        left = max(self.clock.left, self.tuning.least_seconds)
        return min(self.tuning.certified_share * left, self.tuning.certified_seconds)

    def _certified_optimum(self) -> Schedule | None:
        """The certified optimum, in the order of this run."""
        seconds = self._seconds
        options = replace(
            self.options, time_limit=seconds, gap=self.tuning.certified_gap, raw={}, progress=None
        )
        end = time.perf_counter() + self.tuning.late * seconds
        try:
            solver = find_solver("optimal", self.given.objective, Form.RELAXED)()
            exact = self.given.system.worker_times.kind in solver.times
            problem = self.given if exact else self.problem
            solver.check(problem)
            with time_until(end, grace=0.0):
                outcome = solver.solve(problem, Form.RELAXED, options)
        except (CgcoptError, OutOfTimeError):
            return None
        if outcome.partition is None:
            return None
        x = np.maximum(outcome.partition, 0.0)
        return Schedule(x / x.sum(), cells=self.space.cells)

    def choose_on_fresh_rounds(self, found: Found, known: dict[str, Schedule]) -> None:
        """Among the end of the search and what was known before, keep what does best on new rounds."""
        if self.clock.expired:
            return
        with suppress(OutOfTimeError), time_until(time.perf_counter() + self.clock.left):
            self._choose(found, known)

    def _choose(self, found: Found, known: dict[str, Schedule]) -> None:
        system = self.given.system
        times = system.worker_times.sample(
            self.tuning.fresh_rounds,
            system.workers,
            generator(self.options.seed, "schedule", system.worker_times.label),
        )
        fresh = replace(
            self.sample, times=times * (system.unit * system.coordinates / self.sample.seconds)
        )
        values = {
            name: self.aim.value(fresh.runtimes(each))
            for name, each in {found.start: found.schedule, **known}.items()
        }
        best = min(values, key=lambda name: values[name])
        if best != found.start:
            found.schedule, found.start = known[best], best
            found.value = self.aim.value(self.sample.runtimes(found.schedule))

    def told(self, found: Found) -> None:
        """Report a better schedule."""
        self.options.report(None, f"{found.start}: {found.value:.5g} of uncoded")

    def stores_too_much(self, found: Found) -> bool:
        """Whether no storage within the limit of copies serves all blocks.

        Where every worker and level has a share of its own, a lower block may need other data than the
        highest one; shares of the workers alone never do.
        """
        if self.problem.limits.copies is None:
            return False
        used = np.flatnonzero(found.schedule.partition > 0).tolist()
        stored = storage_of(found.schedule.fractions, used).max()
        return bool(stored > self.space.most * (1.0 + self.tuning.stored))

    def outcome(self, found: Found, choice: Choice) -> Outcome:
        """The schedule of all coordinates, and how it was found."""
        coordinates = self.problem.system.coordinates
        best = found.schedule
        work = None if best.has_equal_work else best.work * coordinates
        schedule = Schedule(
            best.partition * coordinates,
            work,  # type: ignore[arg-type]
            cells=best.cells,
        )
        complete = found.complete and not self.clock.expired
        return Outcome(
            TerminationCondition.CONVERGED if complete else TerminationCondition.TIME_LIMIT,
            assignment=schedule,
            details={
                "work": str(choice.freedom),
                "cells": best.cells,
                "start": found.start,
                "starts": dict(found.starts),
                "programs": found.programs + choice.programs,
                "rounds": len(self.sample.times),
                "on its rounds": found.value,
                "cross-validation": dict(choice.held_out),
            },
        )
