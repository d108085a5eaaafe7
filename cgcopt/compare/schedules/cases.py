"""What schedules are compared on: a model to design for, and rounds that judge.

A case is a trace, designed on its first rounds and judged on the rest, or a distribution, designed on
drawn rounds and judged on fresh ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.evaluation.schedules.ends import Assignment
from cgcopt.limits import Limits
from cgcopt.objective import ExpectedRuntime
from cgcopt.problem import Problem
from cgcopt.seeds import generator
from cgcopt.solvers.judge import judge
from cgcopt.system import System
from cgcopt.workers.base import Times, WorkerTimes
from cgcopt.workers.families import LogNormal, ShiftedExponential
from cgcopt.workers.scenarios import Scenarios
from cgcopt.workers.trace import Trace

__all__ = ["Case", "cases_of", "reference_cases"]

#: Coordinates; runtimes are proportional to them.
_COORDINATES = 20_000
#: Fresh rounds that judge what was designed for a distribution.
_FRESH = 50_000
#: Rounds of the case with slow workers on which is designed.
_DESIGNED = 300


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
    given : Problem or None
        System, costs and limits; by default those of a round that takes as long as its slowest worker.
    """

    title: str
    times: WorkerTimes
    judged: FloatArray
    given: Problem | None = None

    @property
    def alike(self) -> bool:
        """Whether the workers are alike."""
        return self.times.kind is not Times.SCENARIOS

    @property
    def problem(self) -> Problem:
        """The expected runtime under the model, in seconds of a round without coding."""
        if self.given is not None:
            system = self.given.system.with_times(self.times)
            return replace(self.given, system=system, objective=ExpectedRuntime(), title=self.title)
        count = self.judged.shape[1]
        system = System(count, _COORDINATES, self.times, samples=count, cycles=1 / _COORDINATES)
        return Problem(system, ExpectedRuntime(), title=self.title)

    def mean(
        self, assignment: Assignment, problem: Problem | None = None, most: int | None = None
    ) -> float:
        """Mean seconds of the rounds that judge, or of the first ``most`` of them.

        Parameters
        ----------
        assignment : Assignment
            Valued by :func:`cgcopt.judge`, whether it keeps the limits or not.
        problem : Problem, optional
            With other costs than :attr:`problem`.
        most : int, optional
            By default all rounds count.
        """
        problem = problem or self.problem
        system = problem.system.with_times(Scenarios(self.judged[:most]))
        return judge(replace(problem, system=system, limits=Limits()), assignment).value


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


def cases_of(
    traces: Iterable[tuple[str, Trace]],
    problems: Iterable[Problem | None] | None = None,
    *,
    fraction: float = 0.5,
) -> list[Case]:
    """One case a trace, under its name: designed on the first rounds, judged on the others.

    Parameters
    ----------
    traces : iterable of (str, Trace)
    problems : iterable of Problem or None, optional
        One a trace: system, costs and limits.
    fraction : float
        Share of the rounds that is designed on.
    """
    listed = list(traces)
    given = [None] * len(listed) if problems is None else list(problems)
    cases = []
    for (title, trace), problem in zip(listed, given, strict=True):
        first, second = trace.split(fraction)
        cases.append(Case(title, first.rounds(), second.times, problem))
    return cases


def _drawn_case(title: str, times: WorkerTimes, workers: int, seed: int) -> Case:
    rng = generator(seed, "schedules", title)
    return Case(title, times, times.sample(_FRESH, workers, rng))
