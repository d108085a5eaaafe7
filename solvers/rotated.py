"""The certified optimum of one order, run in rotated order."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from cgcopt.limits import ALL_LIMITS
from cgcopt.objective import CompletionProbability, ExpectedRuntime, Quantile
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process.incumbents import keeping_designs
from cgcopt.process.time_left import OutOfTimeError
from cgcopt.schedule import Schedule
from cgcopt.settings import NoSettings
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import ALL_TIMES, Outcome, Role, Solver, tasks
from cgcopt.solvers.registry import find_solver
from cgcopt.workers.base import Times

__all__ = ["Rotated"]


class Rotated(Solver):
    """The same blocks, work, storage and codes as ``optimal``, cut into ``N`` cells and rotated.

    It is never slower, in any round
    (:func:`~cgcopt.evaluation.schedules.rounds.saved_by_rotation`), unless messages cost: a cell is one.
    """

    name = "rotated"
    summary = "the optimum of one order in rotated order: never slower, for nothing"
    role = Role.SCHEDULE
    solves = tasks(ExpectedRuntime, CompletionProbability, Quantile, forms=(Form.RELAXED,))
    times = ALL_TIMES | {Times.GROUPS}
    limits = ALL_LIMITS
    costs = True
    settings = NoSettings
    tolerance = math.inf

    def prepare(self, problem: Problem, form: Form) -> None:
        """Compile what ``optimal`` needs."""
        self._optimal(problem).prepare(problem, form)

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Solve for one order, and rotate."""
        with keeping_designs() as designs:
            try:
                found = self._optimal(problem).solve(problem, form, options)
            except OutOfTimeError:
                if not designs:
                    raise
                found = Outcome(TerminationCondition.TIME_LIMIT, partition=designs[-1])
        plain = replace(found, partition=None, bound=math.nan, residual=None)
        if found.partition is None:
            return plain
        x = np.maximum(found.partition, 0.0)
        return replace(plain, assignment=Schedule(x * (problem.system.coordinates / x.sum())))

    @staticmethod
    def _optimal(problem: Problem) -> Solver:
        return find_solver("optimal", problem.objective, Form.RELAXED)()
