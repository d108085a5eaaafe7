"""What a solver returned, checked, rounded, valued and certified."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import FEASIBILITY_TOLERANCE, Design, largest_remainder, straightened
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.in_time import InTime
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process.time_left import OutOfTimeError
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
)
from cgcopt.solvers.judging.worth import (
    valued_assignment,
    valued_design,
    valued_scheme,
    with_claim_in_time,
    with_sample,
)

__all__ = ["concluded", "judge_outcome", "timed"]


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
    return timed(replace(solution, message="; ".join(notes)), started)


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
    return concluded(solution)


def concluded(solution: Solution) -> Solution:
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


def timed(solution: Solution, started: float) -> Solution:
    """The solution with the seconds that judging it took, since ``started``."""
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
