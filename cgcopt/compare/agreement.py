"""Whether two solutions of one problem agree, and what it means if they do not."""

from __future__ import annotations

from cgcopt.bounds import excess
from cgcopt.compare.check import TOLERANCE, Check, Outcome
from cgcopt.solution import Solution, TerminationCondition

__all__ = ["ENDED_EARLY", "beyond", "compare_solutions", "why", "without_design"]

ENDED_EARLY = (
    TerminationCondition.TIME_LIMIT,
    TerminationCondition.ITERATION_LIMIT,
    TerminationCondition.INTERRUPTED,
)


def compare_solutions(
    title: str, own: Solution | None, other: Solution, *, method: bool, tolerance: float
) -> Check:
    """Compare our solution of a problem with that of an outside solver.

    Parameters
    ----------
    title : str
        Name of the check.
    own : Solution, optional
        Ours; ``None`` where no own method treats the problem.
    other : Solution
        The outside solver's.
    method : bool
        Whether ``own`` comes from a method for this very problem, which then must not be worse.
    tolerance : float
        Relative accuracy that the outside solver promises.
    """
    if other.evaluation is None:
        return Check(title, without_design(other), f"{other.solver}: {why(other)}")
    if own is None or own.evaluation is None:
        detail = f"{other.solver} {other.value:.10g}; " + (
            "no own method for this problem" if own is None else f"{own.solver}: {why(own)}"
        )
        outcome = Outcome.NOT_CHECKED if own is None else without_design(own)
        return Check(title, outcome, detail, {"other": other.value, "other_bound": other.bound})
    outcome, remark = _judged(own, other, method=method, tolerance=tolerance)
    apart = abs(own.value - other.value) / max(abs(other.value), 1e-300)
    detail = (
        f"{own.solver} {own.value:.10g} (gap {own.gap:.1e}), {other.solver} {other.value:.10g} "
        f"(gap {other.gap:.1e}): {apart:.1e} apart{remark}"
    )
    values = {
        "own": own.value,
        "own_bound": own.bound,
        "other": other.value,
        "other_bound": other.bound,
    }
    return Check(title, outcome, detail, values)


def _judged(
    own: Solution, other: Solution, *, method: bool, tolerance: float
) -> tuple[Outcome, str]:
    if other.termination is TerminationCondition.NUMERICAL_ERROR:
        return Outcome.FAILED, f"; {other.message}"
    for bound, value in ((other.bound, own), (own.bound, other), (other.bound, other)):
        if beyond(bound, value):
            return Outcome.FAILED, f"; {value.solver} is better than the bound {bound:.10g}"
    sense = own.problem.objective.sense
    if excess(other.value, own.value, sense) > max(tolerance, TOLERANCE):
        return _worse(other)
    if excess(own.value, other.value, sense) > TOLERANCE:
        if method:
            return _worse(own)
        return Outcome.OPEN, "; ours was made for the exact problem, no own method takes scenarios"
    proven = own.gap <= TOLERANCE and other.gap <= TOLERANCE
    return Outcome.PASSED, "" if proven else "; they agree, not both are proven"


def _worse(solution: Solution) -> tuple[Outcome, str]:
    if solution.termination in ENDED_EARLY:
        return Outcome.OPEN, f"; {solution.solver} ended early ({solution.termination})"
    return Outcome.FAILED, f"; {solution.solver} is worse"


def beyond(bound: float, solution: Solution) -> bool:
    """Whether the value of a solution is better than a bound allows, beyond the tolerance."""
    return excess(bound, solution.value, solution.problem.objective.sense) > TOLERANCE


def without_design(solution: Solution) -> Outcome:
    """What a run that has no design means: a time-out decides nothing, an error is a failure."""
    return Outcome.OPEN if solution.termination in ENDED_EARLY else Outcome.FAILED


def why(solution: Solution) -> str:
    """How a run ended, in words."""
    ended = f"{solution.status} ({solution.termination})"
    return f"{ended}; {solution.message}" if solution.message else ended
