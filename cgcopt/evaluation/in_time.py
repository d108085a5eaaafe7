"""The steps of a judgement, as far as there is time for them; what is left out is said."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from cgcopt.evaluation.evaluate import evaluate
from cgcopt.evaluation.result import Evaluation
from cgcopt.evaluation.schedules.ends import Assignment
from cgcopt.evaluation.simulation import simulate
from cgcopt.problem import Problem
from cgcopt.process.stopping import since_request
from cgcopt.process.time_left import OutOfTimeError, time_until

__all__ = ["InTime", "JudgingTime"]

T = TypeVar("T")


@dataclass(frozen=True)
class JudgingTime:
    """Seconds for judging: a run is to be over 2 s and a tenth of its limit after the limit."""

    beyond: float = 1.2
    """Seconds after the time limit for the exact steps."""
    share: float = 0.05
    """Share of the time limit that is added to these seconds."""
    value: float = 0.6
    """Share of the time left for the value; the rest is for bounds."""
    least: float = 0.25
    """Seconds for the exact steps at least, however late the solver was."""
    simulated: float = 0.3
    """Seconds for a simulation in place of an exact value."""
    stopped: float = 0.25
    """Seconds for the exact steps when the user asked to stop."""


TIME = JudgingTime()


@dataclass
class InTime:
    """Makes steps, and leaves out those that take too long.

    Attributes
    ----------
    end : float
        When the steps have to be over, as :func:`time.perf_counter` tells.
    grace : float
        The same, in seconds after a request to stop.
    left_out : list of str
        What was left out, in words.
    """

    end: float = math.inf
    grace: float = math.inf
    left_out: list[str] = field(default_factory=list)

    @classmethod
    def within(cls, limit: float | None, started: float) -> InTime:
        """Begin after a run that started then, with that time limit (seconds)."""
        grace = max(since_request(), 0.0) + TIME.stopped
        if limit is None:
            return cls(grace=grace)
        now = time.perf_counter()
        end = started + limit * (1.0 + TIME.share) + TIME.beyond
        return cls(max(end, now + TIME.least), grace)

    def step(self, make: Callable[[], T], otherwise: Callable[[], T], what: str) -> T:
        """Make a step; where the time is over before its end, do something else, and note it."""
        try:
            with time_until(self.end, grace=self.grace):
                return make()
        except OutOfTimeError:
            self.left_out.append(what)
            return otherwise()

    def evaluation(self, problem: Problem, assignment: Assignment) -> Evaluation:
        """Evaluate exactly, or by simulation where the time is over before."""

        def exact() -> Evaluation:
            now = time.perf_counter()
            with time_until(now + TIME.value * (self.end - now), grace=self.grace):
                return evaluate(problem, assignment, gradient=True)

        def drawn() -> Evaluation:
            with time_until(time.perf_counter() + TIME.simulated, grace=self.grace):
                return simulate(problem, assignment)

        return self.step(exact, drawn, "exact value (it is simulated)")

    @property
    def message(self) -> str:
        """What was left out, in one sentence; empty where nothing was."""
        if not self.left_out:
            return ""
        return f"no time was left for: {', '.join(dict.fromkeys(self.left_out))}"
