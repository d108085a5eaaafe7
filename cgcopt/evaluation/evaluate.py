"""The front door: what a design is worth under a problem's objective."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cgcopt._validate import real_array
from cgcopt.arrays import FloatArray
from cgcopt.costs import Costs
from cgcopt.design import Design, straightened, work_of_partition
from cgcopt.errors import InfiniteMeanError, InvalidInputError
from cgcopt.evaluation.dispatch import times_as
from cgcopt.evaluation.own_unit import OwnUnit, in_own_unit
from cgcopt.evaluation.result import Evaluation
from cgcopt.evaluation.schedules.baselines import Cyclic, Dynamic
from cgcopt.evaluation.schedules.ends import Assignment
from cgcopt.evaluation.table import entry_of
from cgcopt.limits import Limits
from cgcopt.problem import Problem
from cgcopt.schedule import Schedule
from cgcopt.workers.base import Times
from cgcopt.workers.scenarios import Scenarios

__all__ = ["evaluate", "evaluate_work", "warm_up"]


@dataclass(frozen=True)
class _WarmUp:
    """Size of the problem that :func:`warm_up` evaluates; any small one does."""

    workers: int = 6
    """Workers at most."""
    rounds: int = 8
    """Rounds of scenarios at most."""


_WARM_UP = _WarmUp()
_warm: set[tuple[type, type]] = set()


def evaluate(
    problem: Problem, design: Assignment | ArrayLike, *, gradient: bool = False
) -> Evaluation:
    """Return what a design or a schedule is worth: expected runtime, completion probability or quantile.

    Exact for independent workers (quadrature over exact probabilities, or finite sums; a rigorous
    bracket where a sum is too long) and for scenarios (the finite average); simulated, with its
    standard error, for any other model.

    Parameters
    ----------
    problem : Problem
        The system and the objective.
    design : Design, array_like of shape (N,), Schedule, Cyclic or Dynamic
        A design, its partition ``x``, or what else workers can do in a round
        (:func:`~cgcopt.evaluation.schedules.evaluate.evaluate_schedule`).
    gradient : bool
        Whether to return the (sub)gradient with respect to the cumulative work ``w``, where there
        is one: not for a simulated value, and not for the completion probability of a step
        distribution or of scenarios, which is piecewise constant.

    Returns
    -------
    Evaluation

    Raises
    ------
    InvalidInputError
        If the partition is not one of ``L`` coordinates on ``N`` levels, up to ``1e-6 L``
        (:func:`~cgcopt.design.straightened`).
    InfiniteMeanError
        If the expected runtime is infinite.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 4, cg.Exponential(rate=1.0), samples=2)
    >>> evaluate(cg.Problem(system, cg.ExpectedRuntime()), [4, 0]).value
    6.0...
    """
    return _evaluated(design, problem, gradient)


@singledispatch
def _evaluated(partition: Any, problem: Problem, gradient: bool) -> Evaluation:
    system = problem.system
    straight = straightened(partition, system.workers, system.coordinates)
    return evaluate_work(problem, work_of_partition(straight), gradient=gradient)


@_evaluated.register
def _(design: Design, problem: Problem, gradient: bool) -> Evaluation:
    return _evaluated(design.partition, problem, gradient)


@_evaluated.register(Schedule)
@_evaluated.register(Cyclic)
@_evaluated.register(Dynamic)
def _(assignment: Schedule | Cyclic | Dynamic, problem: Problem, gradient: bool) -> Evaluation:
    from cgcopt.evaluation.schedules.evaluate import evaluate_schedule

    return evaluate_schedule(problem, assignment)


@in_own_unit(OwnUnit.evaluation)
def evaluate_work(problem: Problem, work: ArrayLike, *, gradient: bool = False) -> Evaluation:
    """Return the objective of a cumulative work ``w``, whether or not it has ``L`` coordinates.

    Parameters
    ----------
    problem : Problem
        The system and the objective.
    work : array_like, shape (N,)
        Cumulative work, nondecreasing, at least 0, not all 0.
    gradient : bool
        As in :func:`evaluate`.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 4, cg.Exponential(rate=1.0), samples=2)
    >>> evaluate_work(cg.Problem(system, cg.ExpectedRuntime()), [0.0, 8.0]).value
    4.0...
    """
    w = _checked_work(work, problem.system.workers)
    system, objective = problem.system, problem.objective
    entry = entry_of(objective, system.worker_times.kind)
    return entry.evaluate(system, w, *objective.parameters, gradient=gradient)


def warm_up(problem: Problem) -> None:
    """Import and compile what evaluations of the problem need, by evaluating a small one.

    Once in a process for each objective and kind of worker times.

    Examples
    --------
    >>> import cgcopt as cg
    >>> warm_up(cg.Problem(cg.System(3, 30, cg.Exponential(1.0)), cg.ExpectedRuntime()))
    """
    times = problem.system.worker_times
    needed = type(problem.objective), type(times)
    if needed in _warm:
        return
    system = replace(problem.system, costs=Costs())
    if times.kind is Times.SCENARIOS:
        rounds = times_as(Scenarios, system, "needs scenarios, not").times
        small = system.with_times(Scenarios(rounds[: _WARM_UP.rounds]))
    elif hasattr(times, "workers"):  # a model of so many workers, and no other number
        small = system
    else:
        small = replace(system, workers=min(system.workers, _WARM_UP.workers))
    work = np.arange(1.0, small.workers + 1) * small.coordinates
    plain = replace(problem, system=small, limits=Limits())
    try:
        evaluate_work(plain, work, gradient=True)
    except InfiniteMeanError:
        # A design that does without the lowest levels may well have a mean.
        work[:-1] = 0.0
        with suppress(InfiniteMeanError):
            evaluate_work(plain, work, gradient=True)
    _warm.add(needed)


def _checked_work(work: ArrayLike, workers: int) -> FloatArray:
    allowed = f"{workers} finite numbers, nondecreasing, at least 0, not all 0"
    w = real_array("work", work, allowed)
    if w.shape != (workers,):
        raise InvalidInputError("work", f"shape {w.shape}", allowed)
    if not np.all(np.isfinite(w)) or w[0] < 0 or w[-1] <= 0 or np.any(np.diff(w) < 0):
        raise InvalidInputError("work", w.tolist(), allowed)
    return w
