"""The runs of all solvers on the library: which there are, in which order, which are left out.

Runs of one solver are ordered by size. Where it ended at the time limit without a solution to
:data:`SOLVED`, instances of the same series that are larger are not tried.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from cgcopt.bounds import relative_gap
from cgcopt.compare.results.compare import without_wrong_bounds
from cgcopt.compare.results.entrant import Entrant
from cgcopt.compare.results.executors import WorkerProcesses
from cgcopt.compare.results.row import Row
from cgcopt.compare.results.runs import Run, handed_out, one_by_one
from cgcopt.compare.results.store import Store
from cgcopt.library.catalogue import LibraryInstance
from cgcopt.library.known import best_known
from cgcopt.options import Options
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import Role, Times
from cgcopt.solvers.registry import all_solvers

__all__ = ["SOLVED", "Runs", "Task", "TimeUp", "tasks_of"]

#: Relative gap to the best known bound up to which an instance counts as solved.
SOLVED = 1e-4
#: Methods of schedules; they are asked where order and work are free.
SCHEDULES = ("rotated", "two-level", "schedule")


class TimeUp(Exception):
    """The time for all runs is over."""


@dataclass(frozen=True)
class Task:
    """One solver on one instance."""

    instance: LibraryInstance
    run: Run

    @property
    def series(self) -> tuple[Any, ...]:
        """Instances that differ in their size and in the family of the worker times alone."""
        problem = self.instance.problem
        return (
            problem.objective.kind,
            self.run.form,
            problem.system.worker_times.kind,
            bool(problem.limits),
            bool(problem.system.costs),
        )

    @property
    def size(self) -> tuple[int, ...]:
        """Workers, rounds and, in whole numbers, coordinates."""
        system = self.instance.problem.system
        whole = system.coordinates if self.run.form != "relaxed" else 0
        return system.workers, getattr(system.worker_times, "rounds", 0), whole

    def larger(self, other: Task) -> bool:
        """Whether nothing is smaller than there, and something larger."""
        pairs = list(zip(self.size, other.size, strict=True))
        return self.size != other.size and all(mine >= theirs for mine, theirs in pairs)


def entrants(instance: LibraryInstance, *, own: bool = False) -> Iterator[Entrant]:
    """Yield the solvers that pose this very problem to themselves, without drawn rounds."""
    problem, form = instance.problem, instance.form
    if instance.schedule:
        yield from map(Entrant, SCHEDULES)
        return
    kind = problem.system.worker_times.kind
    for cls in all_solvers():
        exact = kind in cls.times or (kind is Times.SCENARIOS and Times.SCENARIOS in cls.times)
        outside = cls.role is Role.ADAPTER
        searches = cls.role in (Role.EXACT, Role.ITERATIVE) or (outside and not own)
        treated = cls.treats(type(problem.objective), form)
        if searches and exact and treated and cls.available() and cls.fits(problem):
            yield Entrant(cls.name, form)


def tasks_of(
    instances: Sequence[LibraryInstance], options: Options, *, own: bool = False
) -> list[Task]:
    """All runs, the smaller instances of every series first, own methods before outside ones."""
    found = [
        Task(
            instance,
            Run(
                instance.problem,
                entrant.solver,
                entrant.form_for(instance.problem.objective),
                options,
            ),
        )
        for instance in instances
        for entrant in dict.fromkeys(entrants(instance, own=own))
    ]
    outside = {cls.name for cls in all_solvers() if cls.role is Role.ADAPTER}
    return sorted(found, key=lambda task: (task.run.solver in outside, task.size))


@dataclass
class Runs:
    """Rows of the runs that were made, and why the others were not.

    Attributes
    ----------
    rows : dict
        By the key of the store.
    left_out : dict
        Key to the reason.
    """

    tasks: Sequence[Task]
    store: Store
    rows: dict[str, Row] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for task in self.tasks:
            row = None if task.run.key in self.rows else self.store.get(task.run.key)
            if row is not None:
                self.rows[task.run.key] = row

    def make(self, jobs: int, minutes: float) -> None:
        """Make the missing runs, some at a time, until the time is over.

        Raises
        ------
        TimeUp
            If some are left.
        """
        end = time.monotonic() + 60.0 * minutes
        waiting = [task for task in self.tasks if task.run.key not in self.rows]
        if jobs == 1:
            while waiting:
                self._stage(one_by_one, waiting, end)
                waiting = [task for task in waiting if not self._done(task)]
            return
        with WorkerProcesses(jobs) as executor:
            while waiting:
                self._stage(lambda runs, n: handed_out(executor, runs, n), waiting, end)
                waiting = [task for task in waiting if not self._done(task)]

    def _done(self, task: Task) -> bool:
        return task.run.key in self.rows or task.run.key in self.left_out

    def _stage(self, made: Any, waiting: Sequence[Task], end: float) -> None:
        """Make the runs for which no smaller one of the same solver and series is waiting."""
        now: dict[str, Run] = {}
        for task in waiting:
            same = [
                other
                for other in self.tasks
                if other.run.solver == task.run.solver
                and other.series == task.series
                and task.larger(other)
            ]
            beyond = [other.instance.name for other in same if self._at_its_limit(other)]
            if beyond:
                self.left_out[task.run.key] = f"at its limit on {beyond[0]}"
            elif all(self._done(other) for other in same):
                now[task.run.key] = task.run
        if not now:
            return
        with closing(made(now, len(now))) as rows:
            for key, row in rows:
                self.store.put(key, row)
                self.rows[key] = row
                print(
                    f"{row.problem} {row.solver}: {row.value:.8g} {row.seconds:.1f} s", flush=True
                )
                if time.monotonic() > end:
                    raise TimeUp

    def _at_its_limit(self, task: Task) -> bool:
        if task.run.key in self.left_out:
            return True
        row = self.rows.get(task.run.key)
        if row is None or task.run.options.time_limit is None:
            return False
        limited = row.solution.termination is TerminationCondition.TIME_LIMIT
        late = row.seconds >= 0.9 * task.run.options.time_limit
        return (limited or late) and not self.gap(row) <= SOLVED

    def bound(self, row: Row) -> float:
        """The best bound known of the instance of a row: of all rows, and of the library."""
        sign = 1.0 if row.sense == "minimize" else -1.0
        known = [each.solution.bound for each in self.rows.values() if each.problem == row.problem]
        if row.problem in best_known():
            known.append(best_known()[row.problem].bound)
        return sign * max((sign * each for each in known if not math.isnan(each)), default=math.nan)

    def gap(self, row: Row) -> float:
        """Relative gap of a row to the best bound known; NaN without a design or a bound."""
        bound = self.bound(row)
        if not (math.isfinite(row.value) and math.isfinite(bound)):
            return math.nan
        return relative_gap(row.value, bound, row.sense)

    def checked(self) -> Runs:
        """The same, without the bounds that a design contradicts."""
        rows = without_wrong_bounds(list(self.rows.values()))
        return Runs(
            self.tasks, self.store, dict(zip(self.rows, rows, strict=True)), dict(self.left_out)
        )
