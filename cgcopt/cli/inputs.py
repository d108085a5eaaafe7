"""What users type, turned into what the library takes; refused with one line where it cannot be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cgcopt._validate import did_you_mean, whole_number
from cgcopt.cli.reading import TraceInput
from cgcopt.errors import InvalidInputError
from cgcopt.instance import example_instances, load_instance
from cgcopt.problem import Problem
from cgcopt.schedule import Schedule
from cgcopt.solution import Solution
from cgcopt.workers.reading.files import name_of
from cgcopt.workers.reading.formats import is_table
from cgcopt.workers.tables import trace_from_dict
from cgcopt.workers.trace import Trace

__all__ = [
    "Deployable",
    "deployable",
    "executor_of",
    "measured_times",
    "problem_of",
    "problem_of_rounds",
    "raw_options",
    "seeds_of",
    "traces_of",
]

#: Processes that are started on one machine at the most.
MOST_JOBS = 1024
#: Seeds of a range.
MOST_SEEDS = 10_000


def problem_of(instance: str, reading: TraceInput | None = None) -> Problem:
    """Read an instance file, a shipped instance by its name, or a file of measured times.

    Parameters
    ----------
    instance : str
        What was typed.
    reading : TraceInput, optional
        How a file of times is read, and what is asked of it.

    Raises
    ------
    InvalidInputError
        If there is no such thing, the file is refused, or options do not apply to it.
    """
    given = reading or TraceInput()
    named = _named(instance)
    if named is not None:
        given.refuse_beside(instance)
        return given.limited(named)
    path = _path_of(instance)
    if is_table(path):
        return given.limited(given.instance(path))
    given.refuse_beside(instance)
    return given.limited(load_instance(path))


def executor_of(jobs: int, scheduler: str | None) -> AbstractContextManager[Executor | None]:
    """Return what runs are handed to; nothing for one run at a time in this process.

    Raises
    ------
    InvalidInputError
        If ``jobs`` is below 1 or named beside a scheduler, or the scheduler is refused.
    MissingExtraError
        If a scheduler is named and dask is not installed.
    """
    whole_number("jobs", jobs, least=1, most=MOST_JOBS)
    if scheduler is None and jobs == 1:
        return nullcontext()
    from cgcopt.compare.results.executors import DaskWorkers, WorkerProcesses

    if scheduler is None:
        return WorkerProcesses(jobs)
    if jobs > 1:
        raise InvalidInputError("jobs", jobs, "left out beside a scheduler, which has workers")
    return DaskWorkers(scheduler)


def traces_of(
    instances: Iterable[str], *, required: bool, reading: TraceInput | None = None
) -> list[tuple[str, Trace]]:
    """Read the traces behind instances, each with its name; a file of times stands for itself.

    Raises
    ------
    InvalidInputError
        If a file is refused, or ``required`` and an instance has no trace.
    """
    traces: list[tuple[str, Trace]] = []
    given = reading or TraceInput()
    for instance in instances:
        path = _path_of(instance)
        if is_table(path):
            traces.append((name_of(path), given.read(path)))
            continue
        given.refuse_beside(instance)
        problem = load_instance(path)
        table = problem.system.worker_times.to_dict()
        if table.get("family") == "trace":
            traces.append((problem.name, trace_from_dict(table, path.parent)))
        elif required:
            family = table.get("family")
            allowed = "trace: measured rounds are needed here"
            raise InvalidInputError(f"worker_times.family of {instance}", family, allowed)
    return traces


def measured_times(path: Path, reading: TraceInput) -> Trace:
    """Read a file of measured times, or the trace behind an instance file or a shipped name.

    Raises
    ------
    InvalidInputError
        If the file is refused, or the instance has no trace.
    """
    instance = not path.exists() and str(path) in example_instances()
    if not instance and path.suffix.lower() != ".toml":
        return reading.read(path)
    ((_, trace),) = traces_of([str(path)], required=True, reading=reading)
    return trace


def problem_of_rounds(instance: str, trace: Trace, reading: TraceInput) -> Problem:
    """The problem behind a trace of :func:`traces_of`, on its whole rounds: costs, objective, limits.

    Raises
    ------
    InvalidInputError
        If options do not apply.
    """
    if not is_table(_path_of(instance)):
        return problem_of(instance, reading)
    if reading.problem.get("mode", "rounds") != "rounds":
        raise InvalidInputError("mode", reading.problem["mode"], "left out: rounds are kept whole")
    told = replace(reading, problem={**reading.problem, "mode": "rounds"})
    # Only who is judged looks at the times; an expected runtime of failures could not be stated.
    whole = np.isfinite(trace.times).all(axis=1)
    stated = replace(trace, times=trace.times[whole]) if whole.any() else trace
    return reading.limited(told.problem_of(stated))


@dataclass(frozen=True)
class Deployable:
    """What is to be carried out, and what it was designed for.

    Attributes
    ----------
    schedule : Schedule
    title : str
    problem : Problem
    """

    schedule: Schedule
    title: str
    problem: Problem

    @property
    def samples(self) -> int | None:
        """Samples of the problem where it has enough of them.

        As many samples as workers is what a trace says: too coarse for unequal work.
        """
        samples, unequal = self.problem.system.samples, not self.schedule.has_equal_work
        return samples if samples >= self.schedule.workers + unequal else None


def deployable(source: str, order: str | None) -> Deployable:
    """Read what is to be carried out from an instance (which is solved) or a solution in JSON.

    Parameters
    ----------
    source : str
        A file, or the name of a shipped instance.
    order : str, optional
        ``same`` or ``rotated``, in place of what the solution says.
    """
    path = Path(source)
    if path.suffix.lower() == ".json":
        solution, title = Solution.load(path), path.stem
    else:
        from cgcopt.solvers.solve import solve

        problem = problem_of(source)
        solution, title = solve(problem), problem.name
    schedule = solution.schedule
    if schedule is None:
        allowed = f"one with a design ({solution.status})"
        if solution.assignment is not None:
            allowed = (
                f"a code or a schedule ('{solution.solver}' hands out uncoded work; `cgcopt advise` "
                "writes the best code or schedule beside it, coded.json)"
            )
        raise InvalidInputError("source", source, allowed)
    if order is not None:
        work = None if schedule.has_equal_work else schedule.work
        cells = 1 if order == "same" else None
        schedule = Schedule(schedule.partition, work, order == "rotated", cells)  # type: ignore[arg-type]
    return Deployable(schedule, title, solution.problem)


def raw_options(pairs: Iterable[str] | None) -> dict[str, Any]:
    """Read ``NAME=VALUE`` pairs; a value that is JSON is taken as such, any other as text.

    Examples
    --------
    >>> raw_options(["presolve=off", "mip_rel_gap=1e-3", "iterations=300", "warm=true"])
    {'presolve': 'off', 'mip_rel_gap': 0.001, 'iterations': 300, 'warm': True}
    """
    options: dict[str, Any] = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise InvalidInputError("option", pair, "NAME=VALUE")
        try:
            options[name.strip()] = json.loads(value)
        except (ValueError, RecursionError):
            options[name.strip()] = value
    return options


def seeds_of(text: str) -> list[int]:
    """Read seeds: whole numbers apart by commas, ``A-B`` for all of them from A to B.

    Examples
    --------
    >>> seeds_of("7,0-3")
    [7, 0, 1, 2, 3]
    """
    found: list[int] = []
    for word in text.split(","):
        ends = [end.strip() for end in word.split("-")]
        if len(ends) > 2 or not all(end.isdecimal() and len(end) < 16 for end in ends):
            raise InvalidInputError("seeds", text, "whole numbers apart by commas, such as 0,1,5-9")
        first, last = int(ends[0]), int(ends[-1])
        if not 0 <= last - first < MOST_SEEDS:
            raise InvalidInputError("seeds", text, f"rising ranges of at most {MOST_SEEDS} seeds")
        found += range(first, last + 1)
    return found


def _named(instance: str) -> Problem | None:
    """The problem of that name in the library, unless there is such a file."""
    if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", instance):
        from cgcopt.library.catalogue import library

        if instance in library() and not Path(instance).exists():
            return library()[instance].problem
    return None


def _path_of(instance: str) -> Path:
    path, shipped = Path(instance), example_instances()
    try:
        there = path.exists()
    except OSError:  # a name that is too long
        there = False
    if there:
        return path
    if instance not in shipped:
        from cgcopt.library.catalogue import library

        names = did_you_mean(instance, [*shipped, *library()], listing="cgcopt library")
        examples = ", ".join(shipped)
        allowed = (
            f"a TOML file that exists, a file of times, a shipped instance ({examples}), or {names}"
        )
        raise InvalidInputError("instance", instance, allowed)
    return shipped[instance]
