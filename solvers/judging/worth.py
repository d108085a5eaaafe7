"""What a design, a scheme or an assignment is worth, and what bounds it: the parts of a judgement."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import singledispatch

from cgcopt.arrays import FloatArray
from cgcopt.bounds import mirrored
from cgcopt.design import Design
from cgcopt.evaluation.certificates import certify
from cgcopt.evaluation.evaluate import evaluate_work
from cgcopt.evaluation.in_time import InTime
from cgcopt.evaluation.result import Certificate
from cgcopt.evaluation.schedules.ends import Assignment
from cgcopt.evaluation.schedules.light import light_bound
from cgcopt.evaluation.stationarity import residual_of
from cgcopt.objective import Sense
from cgcopt.problem import Form, Problem
from cgcopt.schedule import Schedule
from cgcopt.solution import Sample, Solution, SolutionStatus
from cgcopt.solvers.judging.claims import STANDARD_ERRORS, Claim, with_claim

__all__ = [
    "valued_assignment",
    "valued_design",
    "valued_scheme",
    "with_claim_in_time",
    "with_sample",
]

#: Relative excess of sums and copies of a schedule that is rounding.
_TOLERANCE = 1e-6


def valued_design(blank: Solution, design: Design, steps: InTime | None = None) -> Solution:
    """The solution with its value and what the evaluation itself proves."""
    problem, steps = blank.problem, steps or InTime()
    evaluation = steps.evaluation(problem, design)
    bound, certificate = steps.step(
        lambda: certify(problem, design, evaluation=evaluation),
        lambda: _nothing_proven(problem),
        "bound",
    )
    doubt = STANDARD_ERRORS * evaluation.standard_error
    return replace(
        blank,
        design=design,
        evaluation=evaluation,
        bound=mirrored(bound, evaluation.value, problem.objective.sense, doubt=doubt),
        certificate=certificate,
        residual=steps.step(
            lambda: residual_of(problem, design, evaluation), lambda: None, "residual"
        ),
        status=SolutionStatus.FEASIBLE,
    )


def with_sample(
    solution: Solution, claim: Claim, sampled: Problem, design: Design, steps: InTime
) -> Solution:
    """The solution with what the solver reached on the scenarios that were drawn for it."""
    there = replace(solution, problem=sampled)
    there = with_claim_in_time(valued_design(there, design, steps), claim, steps)
    return replace(
        solution, sample=_sample(there), termination=there.termination, message=there.message
    )


def valued_scheme(blank: Solution, work: FloatArray) -> Solution:
    """The solution of a scheme that is known by its work; nothing bounds it."""
    evaluation = evaluate_work(blank.problem, work)
    return replace(blank, status=SolutionStatus.SCHEME, work=work, evaluation=evaluation)


def valued_assignment(
    blank: Solution,
    assignment: Assignment,
    sampled: Problem | None = None,
    steps: InTime | None = None,
) -> Solution:
    """The solution of a schedule or a scheme; what bounds it, bounds every scheme."""
    problem, steps = blank.problem, steps or InTime()
    assignment, broken = _kept(assignment, problem, blank.form)
    if broken:
        status = SolutionStatus.INFEASIBLE
        return replace(blank, status=status, message=blank.message or broken)
    evaluation = steps.evaluation(problem, assignment)
    bound, certificate = steps.step(
        lambda: light_bound(problem), lambda: _nothing_proven(problem), "bound"
    )
    bound = mirrored(bound, evaluation.value, problem.objective.sense)
    solution = replace(
        blank,
        status=SolutionStatus.SCHEME,
        assignment=assignment,
        evaluation=evaluation,
        bound=bound,
        certificate=certificate,
    )
    if sampled is None:
        return solution
    there = valued_assignment(replace(blank, problem=sampled), assignment, steps=steps)
    return replace(solution, sample=_sample(there))


@singledispatch
def _kept(assignment: Assignment, problem: Problem, form: Form) -> tuple[Assignment, str]:
    """What is valued in that form, and what it breaks; schemes without a partition have no form."""
    return assignment, ""


@_kept.register
def _(schedule: Schedule, problem: Problem, form: Form) -> tuple[Assignment, str]:
    schedule.check(problem.system.workers, problem.system.coordinates, tolerance=_TOLERANCE)
    if form is not Form.RELAXED and not schedule.is_integer:
        schedule = schedule.rounded(problem.system.coordinates)
    return schedule, problem.limits.violation(schedule.partition) or _too_many_copies(
        problem, schedule
    )


def with_claim_in_time(solution: Solution, claim: Claim, steps: InTime) -> Solution:
    """The solution with the solver's own bound, as far as there is time to check it."""
    return steps.step(
        lambda: with_claim(solution, claim), lambda: solution, "check of its bound (left out)"
    )


def _too_many_copies(problem: Problem, schedule: Schedule) -> str:
    """Say whether a worker holds more of the data than the limit ``copies`` allows."""
    copies, count = problem.limits.copies, problem.system.workers
    used = schedule.partition > 0
    most = float(schedule.fractions[:, used].max()) * count
    if copies is None or most <= copies * (1 + _TOLERANCE):
        return ""
    return f"a worker holds {most:.6g} of the {count} subsets, the limit is copies = {copies}"


def _nothing_proven(problem: Problem) -> tuple[float, Certificate]:
    if (best := problem.objective.best_possible) is not None:
        return best, Certificate.TRIVIAL
    return (-math.inf if problem.objective.sense is Sense.MINIMIZE else math.inf), Certificate.NONE


def _sample(there: Solution) -> Sample:
    """What a solution on drawn scenarios says, beside the one of the problem itself."""
    return Sample(
        scenarios=there.options.scenarios,
        seed=there.options.seed,
        value=there.value,
        bound=there.bound,
        gap=there.gap,
        certificate=there.certificate,
    )
