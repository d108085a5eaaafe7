"""Run one solver on one problem and judge what it returns."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cgcopt._renamed import old_level
from cgcopt.arrays import FloatArray
from cgcopt.errors import (
    CgcoptError,
    InvalidInputError,
    RunInterrupted,
    SolverError,
    UnsupportedProblemError,
)
from cgcopt.evaluation.evaluate import warm_up
from cgcopt.evaluation.in_time import InTime
from cgcopt.evaluation.own_unit import in_own_unit
from cgcopt.options import Options
from cgcopt.problem import Form, Problem, form_of
from cgcopt.process import stopping
from cgcopt.process.cores import blas_threads
from cgcopt.process.incumbents import keeping_designs
from cgcopt.process.log import shown_log
from cgcopt.process.streams import library_output
from cgcopt.process.time_left import OutOfTimeError, time_until
from cgcopt.solution import Seconds, Solution, TerminationCondition
from cgcopt.solvers.base import Outcome, Solver, Times
from cgcopt.solvers.judging.outcome import judge_outcome
from cgcopt.solvers.judging.units import solution_in_seconds
from cgcopt.solvers.registry import find_solver

__all__ = ["DEFAULT_SOLVER", "solve"]

DEFAULT_SOLVER = "optimal"

#: Workers beyond which the linear algebra of a solver may use several threads.
THREADED = 400


@dataclass(frozen=True)
class _Late:
    """When an own method that does not come back to its clock is left where it is."""

    share: float = 0.03
    """Share of the time limit that a method may take beyond it."""
    seconds: float = 0.9
    """Seconds that it may take besides."""
    stopped: float = 0.3
    """Seconds that it may take after a request to stop."""


_LATE = _Late()


def solve(
    problem: Problem,
    solver: str | Solver | None = None,
    *,
    form: Form | str = Form.RELAXED,
    options: Options | None = None,
    **fields: Any,
) -> Solution:
    """Solve a problem and return a design with its exact value, a bound and the proof of the gap.

    Parameters
    ----------
    problem : Problem
        What to solve.
    solver : str or Solver, optional
        A name listed by ``cgcopt solvers``, or a solver object. By default ``"optimal"``, and
        ``"optimal-integer"`` in the block form where that is available.
    form : Form or str
        ``"relaxed"`` (default), ``"block"`` for whole numbers of coordinates, or ``"coordinate"``.
    options : Options, optional
        How to run.
    **fields
        Single options, as an alternative: ``solve(problem, "highs", scenarios=500)``.

    Returns
    -------
    Solution
        Judged by :func:`cgcopt.judge`, never by what the solver says of itself. A solver that
        fails yields a solution of status ``none`` and termination ``error``, not an exception.

    Raises
    ------
    RunInterrupted
        At Ctrl-C: a ``KeyboardInterrupt`` whose ``solution`` holds the best design by then.
    CgcoptError
        For input that no run could make sense of: unknown names, a missing optional package, a
        problem outside the solver's capabilities, an infinite expected runtime.

    Examples
    --------
    >>> import cgcopt as cg
    >>> times = cg.ShiftedExponential(rate=1e-3, shift=50)
    >>> system = cg.System(workers=5, coordinates=1000, worker_times=times)
    >>> solution = cg.solve(cg.Problem(system, cg.ExpectedRuntime()))
    >>> solution.gap <= 1e-6
    True
    """
    form = form_of(old_level(form, fields.pop("level", None)))
    options = _options(options, fields)
    chosen = _choose(problem, solver, form)
    chosen.check(problem)
    chosen.check_raw(options)
    with stopping.interruptible() as alone:
        try:
            solution = _solution(problem, chosen, form, options)
        except KeyboardInterrupt:
            if not alone:
                raise
            solution = judge_outcome(
                problem,
                _left(TerminationCondition.INTERRUPTED, problem, []),
                chosen,
                form=form,
                options=options,
            )
    interrupted = solution.termination is TerminationCondition.INTERRUPTED
    if interrupted and (alone or not stopping.wanted()):
        raise RunInterrupted(solution)
    return solution


@in_own_unit(solution_in_seconds)
def _solution(problem: Problem, chosen: Solver, form: Form, options: Options) -> Solution:
    """Prepare, run, judge."""
    # A solver of the relaxed form serves the block form by rounding.
    inner = form if chosen.treats(type(problem.objective), form) else Form.RELAXED
    answering = _answering(problem)
    given, drawn = _given_problem(answering, chosen, options)
    if stopping.requested():
        raise KeyboardInterrupt
    chosen.prepare(given, inner)
    chosen.make_ready(given, options)
    warm_up(answering)
    started = time.perf_counter()
    with stopping.cooperating():
        outcome = _outcome(chosen, given, inner, options, started)
        if stopping.requested() and outcome.termination is TerminationCondition.TIME_LIMIT:
            outcome = replace(outcome, termination=TerminationCondition.INTERRUPTED)
        interrupted = outcome.termination is TerminationCondition.INTERRUPTED
        elapsed = time.perf_counter() - started
        return judge_outcome(
            problem,
            outcome,
            chosen,
            form=form,
            options=options,
            sampled=given if drawn else None,
            seconds=Seconds(outcome.build_seconds, max(elapsed - outcome.build_seconds, 0.0)),
            steps=InTime.within(0.0 if interrupted else options.time_limit, started),
        )


def _outcome(
    solver: Solver, problem: Problem, form: Form, options: Options, started: float
) -> Outcome:
    """Let the solver work; whatever ends its run becomes an outcome, but for bad input."""
    limit = options.time_limit
    end = math.inf if limit is None else started + limit * (1.0 + _LATE.share) + _LATE.seconds
    small = 1 if problem.system.workers <= THREADED else None
    with keeping_designs() as designs:
        try:
            with (
                library_output(log=options.verbose),
                shown_log(options.verbose),
                blas_threads(options.threads or small),
                np.errstate(all="ignore"),  # a design that is no number is refused by the judge
                time_until(end, grace=_LATE.stopped),
            ):
                return solver.solve(problem, form, options)
        except OutOfTimeError:
            return _left(TerminationCondition.TIME_LIMIT, problem, designs)
        except KeyboardInterrupt:
            return _left(TerminationCondition.INTERRUPTED, problem, designs)
        except (InvalidInputError, UnsupportedProblemError):
            raise
        except CgcoptError as error:
            if not isinstance(error, SolverError):
                raise
            return _failure(error)
        except Exception as error:
            return _failure(error)


def _left(
    termination: TerminationCondition, problem: Problem, designs: Sequence[FloatArray]
) -> Outcome:
    """What is known of a run that was left in the middle."""
    for partition in reversed(designs):
        if partition.size != problem.system.workers or not partition.sum() > 0.0:
            continue  # of a smaller model, on the way
        whole = partition * (problem.system.coordinates / partition.sum())
        if not problem.limits.violation(whole):
            message = "left in the middle of a step; the best design by then is kept"
            return Outcome(termination, partition=whole, message=message)
    return Outcome(termination, message="left in the middle of a step, without a design")


def _options(options: Options | None, fields: dict[str, Any]) -> Options:
    try:
        return replace(options or Options(), **fields)
    except TypeError:
        known = Options.__dataclass_fields__
        unknown = next(name for name in fields if name not in known)
        raise InvalidInputError("option", unknown, f"one of: {', '.join(known)}") from None


def _choose(problem: Problem, solver: str | Solver | None, form: Form) -> Solver:
    if isinstance(solver, Solver):
        return solver
    if solver is None and form is not Form.RELAXED:
        try:
            return find_solver("optimal-integer", problem.objective, form)()
        except UnsupportedProblemError:
            pass
    return find_solver(DEFAULT_SOLVER if solver is None else solver, problem.objective, form)()


def _given_problem(problem: Problem, solver: Solver, options: Options) -> tuple[Problem, bool]:
    """Return the problem the solver gets, and whether its scenarios were drawn for it."""
    kind = problem.system.worker_times.kind
    if kind in solver.times:
        return problem, False
    if Times.SCENARIOS in solver.times:
        return problem.sampled(options.scenarios, options.seed), True
    raise UnsupportedProblemError(
        f"solver '{solver.name}' takes worker times that are "
        f"{' or '.join(sorted(solver.times))}, not {problem.system.worker_times.label}"
    )


def _answering(problem: Problem) -> Problem:
    """The problem with late answers in place of those that never come, for methods to work on.

    They come so late that a design that waits for a whole coordinate of them meets no deadline in
    question; and since they come, what bounds this problem bounds the given one.
    """
    system = problem.system
    times = system.worker_times
    if not times.can_fail:
        return problem
    deadline = getattr(problem.objective, "deadline", 0.0)
    longest = max(deadline / system.unit, times.longest * system.workers * system.coordinates)
    return replace(problem, system=system.with_times(times.answering(2.0 * longest)))


def _failure(error: Exception) -> Outcome:
    reason = " ".join(str(error).split()) or type(error).__name__
    return Outcome(TerminationCondition.ERROR, message=f"{type(error).__name__}: {reason}")
