"""Designs from rounds that were seen: models of them, solvers, and what comes out, made once each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import singledispatch
from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.codes.nested import storage_of
from cgcopt.compare.results.entrant import Entrant
from cgcopt.costs import Costs
from cgcopt.design import Design, Partitioned
from cgcopt.errors import CgcoptError
from cgcopt.evaluation.schedules.baselines import Cyclic, Dynamic
from cgcopt.evaluation.schedules.ends import Assignment
from cgcopt.limits import Limits
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.schedule import Schedule
from cgcopt.solution import Solution
from cgcopt.solvers.judge import judge
from cgcopt.solvers.solve import solve
from cgcopt.workers.base import WorkerTimes
from cgcopt.workers.fitting import FitResult, fit
from cgcopt.workers.trace import Trace

__all__ = ["Candidate", "Designer", "Made", "Model", "Size", "size_of"]


class Model(StrEnum):
    """What a design is made for."""

    ROUNDS = "whole rounds"
    """The rounds as they are."""
    POOLED = "pooled trace"
    """All times as one distribution of independent workers."""
    FAMILY = "best family"
    """The family that describes the times best, among those with a finite mean."""
    SHIFTED = "shifted-exponential"
    """The family of the paper."""
    NONE = "none"
    """Nothing is looked at."""


@dataclass(frozen=True)
class Candidate:
    """One way to design.

    Attributes
    ----------
    name : str
        What rows call it.
    entrant : Entrant
        Who makes it.
    model : Model
        What it is made for.
    raw : tuple of (str, value)
        The solver's own options.
    limits : tuple of (str, value)
        Limits beside those of the problem.
    rotated : bool
        Whether the design is then carried out in rotated order.
    """

    name: str
    entrant: Entrant
    model: Model = Model.ROUNDS
    raw: tuple[tuple[str, Any], ...] = ()
    limits: tuple[tuple[str, Any], ...] = ()
    rotated: bool = False


@dataclass(frozen=True, eq=False)
class Made:
    """What came out.

    Attributes
    ----------
    assignment : Assignment or ndarray
        What the workers are to do, or the work of a scheme outside the design space.
    promised : float
        The objective under the model.
    model : str
        The model, with its parameters.
    """

    assignment: Assignment | FloatArray
    promised: float
    model: str

    @property
    def partition(self) -> tuple[float, ...]:
        """Block partition; empty where there is none."""
        return tuple(_partition(self.assignment).tolist())


@dataclass(frozen=True)
class Size:
    """What an assignment needs.

    Attributes
    ----------
    copies : float or None
        Subsets of the data that a worker holds at most.
    blocks : int or None
        Used levels; ``None`` where there are none.
    """

    copies: float | None = None
    blocks: int | None = None

    def violation(self, limits: Limits) -> str:
        """Say which limit is broken; empty where all are kept."""
        if limits.copies is not None and (self.copies or 0) > limits.copies * (1 + 1e-6):
            return f"needs {self.copies:g} copies of the data, the limit is {limits.copies}"
        if limits.blocks is not None and (self.blocks or 0) > limits.blocks:
            return f"uses {self.blocks} blocks, the limit is {limits.blocks}"
        return ""


@singledispatch
def size_of(assignment: Assignment | FloatArray, workers: int) -> Size:
    """Copies of the data and blocks that something needs.

    Examples
    --------
    >>> size_of(Cyclic(2), 4), size_of(Design([1.0, 0.0, 2.0]), 3)
    (Size(copies=2.0, blocks=None), Size(copies=3.0, blocks=2))
    """
    return Size()


@size_of.register
def _(assignment: Design, workers: int) -> Size:
    return Size(float(assignment.copies), assignment.blocks)


@size_of.register
def _(assignment: Schedule, workers: int) -> Size:
    used = np.flatnonzero(assignment.partition > 0)
    most = float(storage_of(assignment.fractions, used.tolist()).max()) * workers
    return Size(most, used.size)


@size_of.register
def _(assignment: Cyclic, workers: int) -> Size:
    return Size(float(assignment.copies))


@size_of.register
def _(assignment: Dynamic, workers: int) -> Size:
    return Size(float(workers))


@singledispatch
def _partition(assignment: object) -> FloatArray:
    """The partition of designs and schedules; empty for other schemes."""
    return np.empty(0)


@_partition.register
def _(assignment: Partitioned) -> FloatArray:
    return assignment.partition


@dataclass(eq=False)
class Designer:
    """Rounds that were seen, and everything that was made of them.

    Attributes
    ----------
    problem : Problem
        System, objective and limits; its worker times are not looked at.
    seen : Trace
        The rounds.
    options : Options
        For every solver.
    """

    problem: Problem
    seen: Trace
    options: Options
    _times: dict[Model, WorkerTimes] = field(default_factory=dict)
    _fit: FitResult | None = None
    _solutions: dict[tuple[object, ...], Solution] = field(default_factory=dict)

    def times(self, model: Model) -> WorkerTimes:
        """The worker times of a model of the rounds, made when they are first asked for.

        Raises
        ------
        CgcoptError
            If the rounds do not give it.
        """
        if model not in self._times:
            self._times[model] = self._made_times(model)
        return self._times[model]

    def _made_times(self, model: Model) -> WorkerTimes:
        if model in (Model.ROUNDS, Model.NONE):
            return self.seen.rounds()
        if model is Model.POOLED:
            return self.seen.pooled()
        if self._fit is None:
            self._fit = fit(self.seen)
        if model is Model.FAMILY:
            return self._fit.best_finite
        found = self._fit.row(str(Model.SHIFTED)).model
        if found is None:
            raise CgcoptError("the shifted exponential could not be fitted")
        return found

    def make(self, candidate: Candidate) -> Made:
        """Design.

        Raises
        ------
        CgcoptError
            If nothing comes out, or it breaks a limit.
        """
        solution = self._solution(candidate)
        assignment: Assignment | FloatArray | None = (
            solution.design if solution.assignment is None else solution.assignment
        )
        assignment = solution.work if assignment is None else assignment
        if assignment is None:
            raise CgcoptError(solution.message or f"no design ({solution.termination})")
        promised = solution.value
        if candidate.rotated and solution.design is not None:
            assignment = Schedule(solution.design.partition)
            system = self.problem.system.with_times(self.seen.rounds())
            promised = judge(replace(self.problem, system=system), assignment).value
        broken = self._broken(assignment)
        if broken:
            raise CgcoptError(broken)
        named = candidate.model in (Model.FAMILY, Model.SHIFTED)
        label = self.times(candidate.model).label if named else str(candidate.model)
        return Made(assignment, promised, label)

    def _broken(self, assignment: Assignment | FloatArray) -> str:
        limits = self.problem.limits
        text = size_of(assignment, self.problem.system.workers).violation(limits)
        partition = _partition(assignment)
        return text or (limits.violation(partition) if partition.size else "")

    def _solution(self, candidate: Candidate) -> Solution:
        key = (candidate.entrant, candidate.model, candidate.raw, candidate.limits)
        if key not in self._solutions:
            problem = self._problem(candidate)
            options = replace(self.options, raw=dict(candidate.raw), progress=None)
            form = candidate.entrant.form or Form.RELAXED
            self._solutions[key] = solve(
                problem, candidate.entrant.chosen, form=form, options=options
            )
        return self._solutions[key]

    def _problem(self, candidate: Candidate) -> Problem:
        """The problem under the model, without what the solver does not know; that is checked after."""
        given = self.problem
        limits = {**given.limits.to_dict(), **dict(candidate.limits)}
        for name, value in candidate.limits:
            if name in given.limits.to_dict():
                limits[name] = min(value, given.limits.to_dict()[name])
        classes = candidate.entrant.classes
        known = {name for cls in classes for name in cls.limits}
        system = given.system.with_times(self.times(candidate.model))
        if not any(cls.costs for cls in classes):
            system = replace(system, costs=Costs())
        kept = {name: value for name, value in limits.items() if name in known}
        return replace(given, system=system, limits=Limits(**kept), title="")
