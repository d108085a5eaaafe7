"""The one judge: what a design or a scheme is worth, what bounds it, and whether that is proven.

``solve`` gives it what a solver found, ``cgcopt evaluate`` what a user wrote down, a replay what was
designed for another model. Feasibility, value, bound, gap and status are worked out here, and are
never copied from a solver. What a solver says of its own bound is believed only as long as no known
design contradicts it (:mod:`cgcopt.bounds`).
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cgcopt._validate import real_array
from cgcopt.arrays import FloatArray
from cgcopt.design import FEASIBILITY_TOLERANCE, Design, largest_remainder, straightened
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.evaluate import warm_up
from cgcopt.evaluation.in_time import InTime
from cgcopt.evaluation.own_unit import in_own_unit
from cgcopt.evaluation.schedules.baselines import Cyclic, Dynamic
from cgcopt.evaluation.schedules.ends import Assignment
from cgcopt.options import Options
from cgcopt.problem import Form, Problem, form_of
from cgcopt.process.time_left import OutOfTimeError
from cgcopt.schedule import Schedule
from cgcopt.solution import (
    Seconds,
    Solution,
    SolutionStatus,
    TerminationCondition,
)
from cgcopt.solvers.base import Outcome, Role, Solver
from cgcopt.solvers.judging.claims import (
    Claim,
    bound_alone,
    nothing_feasible,
    with_proven_bound,
)
from cgcopt.solvers.judging.units import solution_in_seconds
from cgcopt.solvers.judging.worth import (
    valued_assignment,
    valued_design,
    valued_scheme,
    with_claim_in_time,
    with_sample,
)

__all__ = ["FEASIBILITY_TOLERANCE", "judge", "judge_outcome"]


@in_own_unit(solution_in_seconds)
def judge(
    problem: Problem,
    design: Assignment | ArrayLike | None = None,
    *,
    work: ArrayLike | None = None,
    form: Form | str | None = None,
    solver: str = "given",
    options: Options | None = None,
    bound_seconds: float = 0.0,
) -> Solution:
    """Say what a design, or a scheme that is known by its work, is worth under a problem.

    Parameters
    ----------
    problem : Problem
        The system and the objective.
    design : Design, array_like of shape (N,), Schedule, Cyclic or Dynamic
        A design, its partition ``x``, or what else workers can do in a round.
    work : array_like, shape (N,)
        In place of a design: the nondecreasing work ``w`` of a scheme outside the design space, with
        ``tau = u max_n T_(N-n) w_n``.
    form : Form or str, optional
        By default the block form for whole numbers of coordinates, else the relaxed form.
    solver : str
        Whose design it is; the name stands in the solution.
    options : Options, optional
        Of them ``gap`` counts, at which a design is called optimal, and what the project's own
        method is to run with.
    bound_seconds : float
        Seconds in which the project's own method may look for a better bound than the evaluation
        of the design proves by itself. By default it is not asked.

    Returns
    -------
    Solution
        The same that :func:`cgcopt.solve` returns.

    Raises
    ------
    InvalidInputError
        If the design is not one of ``L`` coordinates on ``N`` levels, or neither a design nor a
        work is given.
    InfiniteMeanError
        If the expected runtime is infinite.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(4, 100, cg.ShiftedExponential(rate=1e-3, shift=50))
    >>> problem = cg.Problem(system, cg.ExpectedRuntime())
    >>> given = judge(problem, [40, 30, 20, 10])
    >>> given.value > given.bound, str(given.status), str(given.form)
    (True, 'feasible', 'block')
    >>> best = cg.solve(problem)
    >>> str(judge(problem, best.design, bound_seconds=10).status)
    'optimal'
    """
    options = options or Options()
    if (design is None) == (work is None):
        raise InvalidInputError("design", design, "given, or else a work, and not both")
    warm_up(problem)
    started = time.perf_counter()
    blank = Solution(
        problem=problem,
        solver=solver,
        form=Form.RELAXED if form is None else form_of(form),
        termination=TerminationCondition.CONVERGED,
        status=SolutionStatus.NONE,
        options=options,
    )
    if work is not None:
        return _timed(valued_scheme(blank, real_array("work", work, "numbers")), started)
    solution = _valued(design, blank, None if form is None else blank.form, bound_seconds)
    return _timed(solution, started)


@singledispatch
def _valued(partition: Any, blank: Solution, form: Form | None, bound_seconds: float) -> Solution:
    """The solution of a partition; without a form, that of its numbers."""
    problem, system = blank.problem, blank.problem.system
    checked = Design(straightened(partition, system.workers, system.coordinates))
    broken = problem.limits.violation(checked.partition)
    if broken:
        raise InvalidInputError(
            "design", checked.partition.tolist(), f"within the limits: {broken}"
        )
    if form is None and checked.is_integer:
        blank = replace(blank, form=Form.BLOCK)
    solution = valued_design(blank, checked)
    if bound_seconds > 0 and solution.gap > blank.options.gap:
        solution = with_proven_bound(solution, bound_seconds)
    return _concluded(solution)


@_valued.register
def _(design: Design, blank: Solution, form: Form | None, bound_seconds: float) -> Solution:
    return _valued(design.partition, blank, form, bound_seconds)


@_valued.register(Schedule)
@_valued.register(Cyclic)
@_valued.register(Dynamic)
def _(assignment: Assignment, blank: Solution, form: Form | None, bound_seconds: float) -> Solution:
    return valued_assignment(blank, assignment)


def judge_outcome(
    problem: Problem,
    outcome: Outcome,
    solver: Solver,
    *,
    form: Form,
    options: Options,
    sampled: Problem | None = None,
    seconds: Seconds | None = None,
    steps: InTime | None = None,
) -> Solution:
    """Check, round, value and certify what a solver returned.

    Parameters
    ----------
    problem : Problem
        The problem as the user gave it.
    outcome : Outcome
        What the solver found.
    solver : Solver
        Who found it.
    form : Form
        The form that was asked for; a solver of the relaxed form is rounded for the others.
    options : Options
        How the solver ran.
    sampled : Problem, optional
        The problem on drawn scenarios that the solver was given in place of ``problem``.
    seconds : Seconds, optional
        What building and solving took.
    steps : InTime, optional
        Until when; by default there is time for everything.
    """
    steps = steps or InTime()
    started = time.perf_counter()
    blank = Solution(
        problem=problem,
        solver=solver.name,
        form=form,
        termination=outcome.termination,
        status=SolutionStatus.NONE,
        seconds=seconds or Seconds(),
        options=options,
        message=outcome.message,
        details=outcome.details,
    )
    try:
        solution = _judged(blank, outcome, solver, sampled, steps)
    except OutOfTimeError:  # not even for some drawn rounds
        solution = replace(
            blank, message=f"{blank.message}; its design has no value yet".lstrip("; ")
        )
    solution = _without_hollow_proof(solution)
    notes = [note for note in (solution.message, steps.message) if note]
    return _timed(replace(solution, message="; ".join(notes)), started)


def _judged(
    blank: Solution, outcome: Outcome, solver: Solver, sampled: Problem | None, steps: InTime
) -> Solution:
    problem = blank.problem
    if outcome.work is not None:
        return valued_scheme(blank, outcome.work)
    if outcome.assignment is not None:
        return valued_assignment(blank, outcome.assignment, sampled, steps)
    if outcome.partition is None:
        if blank.termination in _NO_DESIGN:
            return steps.step(
                lambda: nothing_feasible(blank), lambda: blank, "check of what it says (left out)"
            )
        if sampled is None and not math.isnan(outcome.bound):
            claim = Claim(outcome.bound, outcome.certificate)
            return steps.step(
                lambda: bound_alone(blank, claim), lambda: blank, "check of its bound (left out)"
            )
        return blank
    design = _feasible(outcome.partition, problem)
    if design is None:
        message = outcome.message or "the point violates the constraints"
        return replace(blank, status=SolutionStatus.INFEASIBLE, message=message)
    if blank.form is not Form.RELAXED:
        design = _whole(design, sampled or problem, solver, steps)
    broken = problem.limits.violation(design.partition)
    if broken:
        return replace(blank, status=SolutionStatus.INFEASIBLE, message=broken)
    solution = valued_design(blank, design, steps)
    claim = Claim(outcome.bound, outcome.certificate)
    if sampled is None:
        solution = with_claim_in_time(solution, claim, steps)
    else:
        solution = with_sample(solution, claim, sampled, design, steps)
    return _concluded(solution)


def _concluded(solution: Solution) -> Solution:
    """The solution with a status that its gap bears out, and a termination that agrees with it."""
    termination, wanted = solution.termination, solution.options.gap
    if termination is TerminationCondition.NUMERICAL_ERROR:
        return solution
    status = SolutionStatus.OPTIMAL if solution.gap <= wanted else SolutionStatus.FEASIBLE
    given = solution.gap if solution.sample is None else solution.sample.gap
    if termination is TerminationCondition.OPTIMAL and not given <= wanted:
        termination = TerminationCondition.CONVERGED
    if status is SolutionStatus.OPTIMAL and termination in _STOPPED_SHORT:
        termination = TerminationCondition.CONVERGED  # the bound was there before the limit
    return replace(solution, status=status, termination=termination)


#: What a solver says where it holds that there is no design, or no best one.
_NO_DESIGN = (TerminationCondition.INFEASIBLE, TerminationCondition.UNBOUNDED)
#: Limits that a run whose gap is small enough was not stopped by.
_STOPPED_SHORT = (TerminationCondition.TIME_LIMIT, TerminationCondition.ITERATION_LIMIT)


def _without_hollow_proof(solution: Solution) -> Solution:
    """The solution, which does not end as optimal without a design that could be."""
    empty = solution.status in (SolutionStatus.NONE, SolutionStatus.INFEASIBLE)
    if not empty or solution.termination is not TerminationCondition.OPTIMAL:
        return solution
    said = f"{solution.solver} says optimal, without a feasible design"
    message = f"{solution.message}; {said}" if solution.message else said
    return replace(solution, termination=TerminationCondition.ERROR, message=message)


def _timed(solution: Solution, started: float) -> Solution:
    spent = time.perf_counter() - started
    return replace(solution, seconds=replace(solution.seconds, evaluate=spent))


def _feasible(partition: FloatArray, problem: Problem) -> Design | None:
    try:
        x = straightened(partition, problem.system.workers, problem.system.coordinates)
    except InvalidInputError:
        return None
    if problem.limits or problem.system.costs.per_message:
        x = problem.limits.repaired(x, tolerance=FEASIBILITY_TOLERANCE)
    return Design(x)


def _whole(design: Design, problem: Problem, solver: Solver, steps: InTime) -> Design:
    """Round what came from the relaxed form; clean what came as whole numbers up to tolerance."""
    nearest = np.round(design.partition)
    off = np.abs(nearest - design.partition).max()
    if off <= FEASIBILITY_TOLERANCE and sum(map(int, nearest)) == problem.system.coordinates:
        return Design(nearest)

    def plainly() -> Design:
        return Design(largest_remainder(design.partition, problem.system.coordinates))

    def well() -> Design:
        from cgcopt.solvers.rounding.whole import round_design
        from cgcopt.solvers.rounding.within_limits import round_within

        within = problem.limits or problem.system.costs
        return round_within(problem, design) if within else round_design(problem, design)

    if solver.role is Role.SCHEME and not problem.limits:  # as published: no exchange
        return plainly()
    return steps.step(well, plainly, "search for the best rounding")
