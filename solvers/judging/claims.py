"""Bounds that solvers say they have proven, believed as long as nothing known contradicts them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cgcopt.bounds import Known, mirrored, refute
from cgcopt.evaluation.result import Certificate, Evaluation
from cgcopt.objective import Sense
from cgcopt.problem import Form
from cgcopt.process.clock import Clock
from cgcopt.solution import Solution, TerminationCondition
from cgcopt.solvers.judging.witnesses import exact_solvers, quietly, witnesses

__all__ = [
    "STANDARD_ERRORS",
    "Claim",
    "bound_alone",
    "known_of",
    "nothing_feasible",
    "with_claim",
    "with_proven_bound",
]

#: Standard errors by which a simulated value may be off.
STANDARD_ERRORS = 6.0


@dataclass(frozen=True)
class Claim:
    """A bound that a solver says it has proven.

    Parameters
    ----------
    bound : float
        NaN where the solver says nothing.
    certificate : Certificate
        The proof behind it.
    """

    bound: float
    certificate: Certificate


def with_claim(solution: Solution, claim: Claim) -> Solution:
    """The solution with the solver's own bound, where that is better and nothing contradicts it."""
    evaluation, sense = solution.evaluation, solution.problem.objective.sense
    if evaluation is None or not _better(claim.bound, solution.bound, sense):
        return solution
    own = _known(solution, evaluation, claim.bound)
    wrong = refute([own], sense)
    if not wrong and claim.certificate is Certificate.DUAL_BOUND:
        wrong = refute([own, *witnesses(solution.problem, own.form)], sense)
    if wrong:
        return _thrown_away(solution, wrong[0])
    bound = mirrored(claim.bound, evaluation.value, sense, doubt=own.doubt)
    return replace(solution, bound=bound, certificate=claim.certificate)


def bound_alone(blank: Solution, claim: Claim) -> Solution:
    """The solution of a solver that proved something and found no design."""
    known = Known(blank.solver, blank.form, bound=claim.bound)
    outside = claim.certificate is Certificate.DUAL_BOUND
    others = witnesses(blank.problem, blank.form) if outside else ()
    wrong = refute([known, *others], blank.problem.objective.sense)
    if wrong:
        return _thrown_away(blank, wrong[0])
    return replace(blank, bound=claim.bound, certificate=claim.certificate)


def nothing_feasible(blank: Solution) -> Solution:
    """The solution of a solver that says that its model has no point, or no best one.

    Limits that no design keeps are refused at the door, so a feasible design is known nearly always: what
    the solver says is then true of a model that was changed or tightened at most, and the message
    says so.
    """
    known = witnesses(blank.problem, blank.form)
    if not known:
        return blank
    said = f"{blank.solver} says {blank.termination}, but the design of {known[0].name} is feasible"
    return replace(blank, message=f"{blank.message}; {said}" if blank.message else said)


def with_proven_bound(solution: Solution, seconds: float) -> Solution:
    """The solution with the bound of the project's own exact method, if that is a better one."""
    forms = [Form.RELAXED] if solution.form is Form.RELAXED else [Form.BLOCK, Form.RELAXED]
    clock = Clock.started(seconds)
    for form in forms:
        for solver in exact_solvers(solution.problem, form):
            if clock.expired or solution.gap <= solution.options.gap:
                return solution
            options = replace(solution.options, time_limit=clock.left, progress=None)
            outcome = quietly(solver, solution.problem, form, options)
            if outcome is not None:
                solution = with_claim(solution, Claim(outcome.bound, outcome.certificate))
    return solution


def known_of(solution: Solution) -> Known:
    """Return what a judged solution says of its problem."""
    if solution.evaluation is None or solution.design is None:
        return Known(solution.solver, solution.form, bound=solution.bound)
    return _known(solution, solution.evaluation, solution.bound)


def _known(solution: Solution, evaluation: Evaluation, bound: float) -> Known:
    """What a solution says of its problem; a rounded relaxed bound still is a relaxed one."""
    doubt = STANDARD_ERRORS * evaluation.standard_error
    if not doubt:
        doubt = max(evaluation.upper - evaluation.value, evaluation.value - evaluation.lower)
    whole = solution.design is not None and solution.design.is_integer
    return Known(solution.solver, solution.form, evaluation.value, doubt, whole, bound)


def _thrown_away(solution: Solution, why: str) -> Solution:
    message = f"{solution.message}; {why}" if solution.message else why
    termination = TerminationCondition.NUMERICAL_ERROR
    return replace(solution, termination=termination, message=message)


def _better(bound: float, than: float, sense: Sense) -> bool:
    return bound > than if sense is Sense.MINIMIZE else bound < than
