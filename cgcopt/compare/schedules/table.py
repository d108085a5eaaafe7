"""How far one gets beyond one order and equal work: one table, judged on rounds that nobody has seen.

A case is a trace, designed on its first rounds and judged on the rest, or a distribution, designed on
drawn rounds and judged on fresh ones. Every entry is a mean round over the uncoded one with equal
shares.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cgcopt.arrays import FloatArray
from cgcopt.compare.results.held_out import no_coding
from cgcopt.compare.results.replay import mean_error
from cgcopt.compare.schedules.cases import Case
from cgcopt.errors import CgcoptError
from cgcopt.evaluation.schedules.baselines import Dynamic, sent_share, speed_of_light
from cgcopt.evaluation.schedules.ends import Assignment, ends_of_rounds
from cgcopt.options import Options
from cgcopt.problem import Problem
from cgcopt.solution import Solution, TerminationCondition
from cgcopt.solvers.solve import solve
from cgcopt.workers.scenarios import Scenarios

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HINDSIGHT", "LIGHT", "METHODS", "Crossing", "Entry", "ScheduleTable", "schedule_table"]

#: Judging rounds that find crossings.
_CROSSING = 5000
#: Judging rounds up to which a design in hindsight is made on them.
_HINDSIGHT = 2000
_STOPPED = "stopped by the time limit"

#: Name of a column -> solver and raw options.
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "certified, one order": ("optimal", {}),
    "the same, rotated": ("rotated", {}),
    "two levels, rotated": ("two-level", {}),
    "equal work, rotated": ("schedule", {"work": "equal"}),
    "unequal work, one order": ("schedule", {"work": "full", "rotated": False}),
    "shares, rotated": ("schedule", {"work": "shares"}),
    "unequal work, rotated": ("schedule", {"work": "full"}),
    "auto, rotated": ("schedule", {"work": "auto"}),
    "balanced, uncoded": ("balanced", {}),
    "leave-out, uncoded": ("leave-out", {}),
    "cyclic, uncoded": ("cyclic", {}),
    "dynamic, no latency": ("dynamic", {}),
}
#: What nobody can have: designed on the very rounds that judge.
HINDSIGHT: dict[str, tuple[str, dict[str, Any]]] = {
    "hindsight optimum, one order": ("optimal", {}),
    "hindsight schedule": ("schedule", {"work": "auto"}),
}
#: What no scheme beats.
LIGHT = "speed of light"
#: Those that make sense where workers are alike.
_ALIKE = (
    "certified, one order",
    "the same, rotated",
    "two levels, rotated",
    "equal work, rotated",
    "cyclic, uncoded",
    "dynamic, no latency",
)


@dataclass(frozen=True)
class Entry:
    """What one method reaches in one case.

    Attributes
    ----------
    case, method : str
    ratio, error : float
        Mean round over the uncoded one, and its standard error (rounds paired).
    seconds : float
        What the design took.
    sent : float
        Coordinates that a worker sends in a round at most, over ``L``: more than 1 without a code where
        data is held several times. Cells on request: on average.
    programs : int
        Linear programs that were solved; 0 for methods without.
    work : str
        The freedom that was used, where there was a choice.
    message : str
        Why there is nothing, where there is nothing; whether the time limit ended the search.
    """

    case: str
    method: str
    ratio: float = math.nan
    error: float = math.nan
    seconds: float = math.nan
    sent: float = math.nan
    programs: int = 0
    work: str = ""
    message: str = ""


@dataclass(frozen=True)
class Crossing:
    """Where the best static schedule and cells on request are equally fast.

    Attributes
    ----------
    case : str
    latency : float
        Latency of a request, as a share of the uncoded mean: below it, dynamic assignment is faster.
    """

    case: str
    latency: float


@dataclass(frozen=True)
class ScheduleTable:
    """All entries, case by case, and where schedules and simpler ways cross."""

    entries: tuple[Entry, ...]
    crossings: tuple[Crossing, ...] = field(default=())

    def frame(self) -> pd.DataFrame:
        """One row an entry, numbers unrounded."""
        import pandas as pd

        return pd.DataFrame([vars(entry) for entry in self.entries])

    def crossing_frame(self) -> pd.DataFrame:
        """One row a case, numbers unrounded."""
        import pandas as pd

        return pd.DataFrame([vars(each) for each in self.crossings])


def schedule_table(
    cases: Iterable[Case],
    *,
    methods: Iterable[str] | None = None,
    options: Options | None = None,
) -> ScheduleTable:
    """Let every method design, and judge all designs on the same unseen rounds.

    Parameters
    ----------
    cases : iterable of Case
    methods : iterable of str, optional
        Names from :data:`METHODS`; by default all that make sense for the case.
    options : Options, optional
        For every solver.

    Examples
    --------
    >>> import numpy as np
    >>> from cgcopt import ShiftedExponential, Trace
    >>> from cgcopt.compare.schedules.cases import cases_of
    >>> rng = np.random.default_rng(5)
    >>> times = ShiftedExponential(rate=1.0, shift=0.2).sample(60, 4, rng)
    >>> cases = cases_of([("mine", Trace(times))])
    >>> table = schedule_table(cases, methods=["certified, one order", "the same, rotated"])
    >>> one_order, rotated, light = table.entries
    >>> light.ratio < rotated.ratio < one_order.ratio
    True
    """
    options = options or Options(time_limit=120.0)
    entries: list[Entry] = []
    crossings = []
    for case in cases:
        problem = case.problem
        uncoded = _Rounds.of(case, no_coding(problem))
        assignments: dict[str, Assignment] = {}
        for method in _methods(case, methods):
            options.report(None, f"{case.title}: {method}")
            entry, assignment = _entry(case, problem, method, METHODS[method], options, uncoded)
            entries.append(entry)
            if assignment is not None:
                assignments[method] = assignment
        if methods is None and len(case.judged) <= _HINDSIGHT and not case.alike:
            entries += _hindsight(case, problem, options, uncoded)
        light = speed_of_light(problem.system, case.judged)
        bound = _Rounds(light, float(light.mean()))
        entries.append(_judged(Entry(case.title, LIGHT, seconds=0.0), bound, uncoded))
        static = [assignments[m] for m in assignments if METHODS[m][0] in ("schedule", "two-level")]
        if static:
            crossings.append(_crossing(case, static, uncoded))
    return ScheduleTable(tuple(entries), tuple(crossings))


def _methods(case: Case, methods: Iterable[str] | None) -> list[str]:
    if methods is not None:
        return list(methods)
    return list(_ALIKE) if case.alike else list(METHODS)


def _hindsight(case: Case, problem: Problem, options: Options, uncoded: _Rounds) -> list[Entry]:
    """What the best designs of the judging rounds themselves would have reached."""
    known = replace(problem, system=problem.system.with_times(Scenarios(case.judged)))
    entries = []
    for name, way in HINDSIGHT.items():
        options.report(None, f"{case.title}: {name}")
        entries.append(_entry(case, known, name, way, options, uncoded)[0])
    return entries


def _entry(
    case: Case,
    problem: Problem,
    method: str,
    way: tuple[str, dict[str, Any]],
    options: Options,
    uncoded: _Rounds,
) -> tuple[Entry, Assignment | None]:
    solver, raw = way
    started = time.perf_counter()
    blank = Entry(case.title, method)
    try:
        solution = solve(problem, solver, options=replace(options, raw=raw, progress=None))
    except CgcoptError as error:
        return replace(blank, message=" ".join(str(error).split())), None
    assignment = _assignment_of(solution)
    if assignment is None:
        return replace(blank, message=solution.message or str(solution.termination)), None
    entry = replace(
        blank,
        seconds=time.perf_counter() - started,
        sent=sent_share(assignment),
        programs=int(solution.details.get("programs", 0)),
        work=str(solution.details.get("work", "")),
        message=_STOPPED if solution.termination is TerminationCondition.TIME_LIMIT else "",
    )
    return _judged(entry, _Rounds.of(case, assignment), uncoded), assignment


def _assignment_of(solution: Solution) -> Assignment | None:
    return solution.design if solution.assignment is None else solution.assignment


@dataclass(frozen=True, eq=False)
class _Rounds:
    """When the rounds that judge end, and their mean as it is judged."""

    ends: FloatArray
    mean: float

    @classmethod
    def of(cls, case: Case, assignment: Assignment) -> _Rounds:
        ends = ends_of_rounds(assignment, case.problem.system, case.judged)
        return cls(ends, case.mean(assignment))


def _judged(entry: Entry, rounds: _Rounds, uncoded: _Rounds) -> Entry:
    ratio = rounds.mean / uncoded.mean
    error = mean_error(rounds.ends - ratio * uncoded.ends) / uncoded.mean
    return replace(entry, ratio=ratio, error=error)


def _crossing(case: Case, static: list[Assignment], uncoded: _Rounds) -> Crossing:
    """Where the best static schedule crosses dynamic assignment."""
    best = min(case.mean(each, most=_CROSSING) for each in static)
    numbers = [case.problem.system.workers * factor for factor in (1, 2, 4)]

    def behind(latency: float) -> float:
        ways = [Dynamic(number, latency * uncoded.mean) for number in numbers]
        return min(case.mean(way, most=_CROSSING) for way in ways) - best

    return Crossing(case.title, root(behind))


def root(rising: Callable[[float], float], most: float = 10.0, accuracy: float = 1e-4) -> float:
    """Where an increasing function passes 0; 0 or infinity where that is not between 0 and ``most``.

    Examples
    --------
    >>> round(root(lambda x: x - 0.25), 3), root(lambda x: x + 1), root(lambda x: -1.0)
    (0.25, 0.0, inf)
    """
    if rising(0.0) >= 0.0:
        return 0.0
    if rising(most) < 0.0:
        return math.inf
    from scipy.optimize import brentq

    return float(brentq(rising, 0.0, most, xtol=1e-3 * accuracy, rtol=accuracy))
