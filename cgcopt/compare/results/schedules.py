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

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.compare.results.held_out import no_coding
from cgcopt.compare.results.replay import mean_error
from cgcopt.errors import CgcoptError
from cgcopt.evaluation.schedules.baselines import Dynamic, speed_of_light
from cgcopt.evaluation.schedules.ends import Run, ends_of_rounds
from cgcopt.objective import ExpectedRuntime
from cgcopt.options import Options
from cgcopt.problem import Problem
from cgcopt.seeds import generator
from cgcopt.solution import Solution
from cgcopt.solvers.solve import solve
from cgcopt.system import System
from cgcopt.workers.base import WorkerTimes
from cgcopt.workers.empirical import Scenarios
from cgcopt.workers.families import LogNormal, ShiftedExponential
from cgcopt.workers.trace import Trace

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "METHODS",
    "Case",
    "Crossing",
    "Entry",
    "ScheduleTable",
    "cases_of",
    "reference_cases",
    "schedule_table",
]

#: Coordinates; runtimes are proportional to them.
_COORDINATES = 20_000
#: Fresh rounds that judge what was designed for a distribution, and those that find crossings.
_FRESH, _CROSSING = 50_000, 5000
#: Rounds of the case with slow workers on which is designed.
_DESIGNED = 300

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
#: Those that make sense where workers are alike.
_ALIKE = (
    "certified, one order",
    "the same, rotated",
    "two levels, rotated",
    "equal work, rotated",
    "cyclic, uncoded",
    "dynamic, no latency",
)


@dataclass(frozen=True, eq=False)
class Case:
    """A model to design on, and rounds to be judged on.

    Attributes
    ----------
    title : str
    times : WorkerTimes
        A distribution, or the first rounds of a trace.
    judged : ndarray, shape (K, N)
        Seconds per cycle of the rounds that judge.
    """

    title: str
    times: WorkerTimes
    judged: FloatArray

    @property
    def alike(self) -> bool:
        """Whether the workers are alike."""
        return not isinstance(self.times, Scenarios)

    @property
    def problem(self) -> Problem:
        """The expected runtime under the model, in seconds of a round without coding."""
        count = self.judged.shape[1]
        system = System(count, _COORDINATES, self.times, samples=count, cycles=1 / _COORDINATES)
        return Problem(system, ExpectedRuntime(), title=self.title)


@dataclass(frozen=True)
class Entry:
    """What one method reaches in one case.

    Attributes
    ----------
    case, method : str
    ratio, error : float
        Mean round over the uncoded one, and its standard error (rounds paired).
    seconds : float
        To design it.
    programs : int
        Linear programs that took; 0 for methods without.
    work : str
        The freedom that was used, where there was a choice.
    message : str
        Why there is nothing, where there is nothing.
    """

    case: str
    method: str
    ratio: float = math.nan
    error: float = math.nan
    seconds: float = math.nan
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
        Of a request, as a share of the uncoded mean: below it, dynamic assignment is faster.
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


def reference_cases(seed: int = 0) -> list[Case]:
    """The published setting with ten and twenty workers, a log-normal one, and one with slow rounds."""
    paper = ShiftedExponential(rate=1e-3, shift=50)
    drawn: list[tuple[str, WorkerTimes, int]] = [
        ("paper, N = 10", paper, 10),
        ("paper, N = 20", paper, 20),
        ("log-normal, N = 12", LogNormal(sigma=0.6, scale=1.0, shift=0.2), 12),
    ]
    cases = [_drawn_case(title, times, count, seed) for title, times, count in drawn]
    return [*cases, _fast_or_slow(seed)]


def _fast_or_slow(seed: int, workers: int = 8) -> Case:
    """Every worker is fast, or ten times slower: one in ten is, in every round anew."""
    title = f"fast or 10 times slower, N = {workers}"
    rng = generator(seed, "schedules", title)
    times = np.where(rng.random((_DESIGNED + _FRESH, workers)) < 0.1, 10.0, 1.0)
    return Case(title, Scenarios(times[:_DESIGNED]), times[_DESIGNED:])


def cases_of(traces: Iterable[tuple[str, Trace]], *, fraction: float = 0.5) -> list[Case]:
    """One case a trace, under its name: designed on the first rounds, judged on the others."""
    cases = []
    for title, trace in traces:
        first, second = trace.split(fraction)
        cases.append(Case(title, first.rounds(), second.times))
    return cases


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
        uncoded = ends_of_rounds(no_coding(problem), problem.system, case.judged)
        runs: dict[str, Run] = {}
        for method in _methods(case, methods):
            options.report(None, f"{case.title}: {method}")
            entry, run = _entry(case, problem, method, options, uncoded)
            entries.append(entry)
            if run is not None:
                runs[method] = run
        light = speed_of_light(problem.system, case.judged)
        entries.append(_judged(Entry(case.title, "speed of light", seconds=0.0), light, uncoded))
        static = [runs[m] for m in runs if METHODS[m][0] in ("schedule", "two-level")]
        if static:
            crossings.append(_crossing(case, problem, static, uncoded))
    return ScheduleTable(tuple(entries), tuple(crossings))


def _methods(case: Case, methods: Iterable[str] | None) -> list[str]:
    if methods is not None:
        return list(methods)
    return list(_ALIKE) if case.alike else list(METHODS)


def _drawn_case(title: str, times: WorkerTimes, workers: int, seed: int) -> Case:
    rng = generator(seed, "schedules", title)
    return Case(title, times, times.sample(_FRESH, workers, rng))


def _entry(
    case: Case, problem: Problem, method: str, options: Options, uncoded: FloatArray
) -> tuple[Entry, Run | None]:
    solver, raw = METHODS[method]
    started = time.perf_counter()
    blank = Entry(case.title, method)
    try:
        solution = solve(problem, solver, options=replace(options, raw=raw, progress=None))
    except CgcoptError as error:
        return replace(blank, message=" ".join(str(error).split())), None
    run = _run_of(solution)
    if run is None:
        return replace(blank, message=solution.message or str(solution.termination)), None
    entry = replace(
        blank,
        seconds=time.perf_counter() - started,
        programs=int(solution.details.get("programs", 0)),
        work=str(solution.details.get("work", "")),
    )
    return _judged(entry, ends_of_rounds(run, problem.system, case.judged), uncoded), run


def _run_of(solution: Solution) -> Run | None:
    return solution.design if solution.run is None else solution.run


def _judged(entry: Entry, ends: FloatArray, uncoded: FloatArray) -> Entry:
    ratio = float(ends.mean() / uncoded.mean())
    error = mean_error(ends - ratio * uncoded) / float(uncoded.mean())
    return replace(entry, ratio=ratio, error=error)


def _crossing(case: Case, problem: Problem, static: list[Run], uncoded: FloatArray) -> Crossing:
    """Where the best static schedule crosses dynamic assignment."""
    system, judged, mean = problem.system, case.judged[:_CROSSING], float(uncoded.mean())
    level = min(float(ends_of_rounds(run, system, judged).mean()) for run in static)
    numbers = [system.workers * factor for factor in (1, 2, 4)]

    def behind(latency: float) -> float:
        ways = [Dynamic(number, latency * mean) for number in numbers]
        return min(float(way.runtimes(system, judged).mean()) for way in ways) - level

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
    low, high = 0.0, most
    while high - low > accuracy * max(high, 1e-3):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if rising(middle) >= 0.0 else (middle, high)
    return high
