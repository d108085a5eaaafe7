"""The checks of ``verify``: results compared that share as little code as possible."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from cgcopt.compare.agreement import ENDED_EARLY, beyond, compare_solutions, why, without_design
from cgcopt.compare.check import TOLERANCE, Check, Outcome
from cgcopt.compare.verify_run import VerifyRun
from cgcopt.compare.witness import best_over_all_vectors, with_middling_deadline
from cgcopt.errors import UnsupportedProblemError
from cgcopt.evaluation.dispatch import Table
from cgcopt.objective import CompletionProbability, ExpectedRuntime, Objective, Quantile
from cgcopt.problem import Form, Problem
from cgcopt.solution import Solution, SolutionStatus
from cgcopt.solvers.base import Times
from cgcopt.solvers.judge import judge
from cgcopt.system import System

__all__ = ["CHECKS"]

_STANDARD_ERRORS = 4.5
_ROUNDS = 200_000
_FOUND = (SolutionStatus.OPTIMAL, SolutionStatus.FEASIBLE)


@dataclass(frozen=True)
class SmallProblem:
    """Size of the problem on which the three forms are compared.

    Attributes
    ----------
    workers, coordinates, scenarios : int
        So few that all ``N^L`` redundancy vectors can be tried.
    tries : int
        Samples that are looked at for one on which the forms differ.
    difference : float
        Relative difference of the relaxed and the block optimum that counts as one.
    """

    workers: int = 4
    coordinates: int = 5
    scenarios: int = 10
    tries: int = 10
    difference: float = 1e-3


SMALL = SmallProblem()


def check_certificate(run: VerifyRun) -> Iterator[Check]:
    """Our optimum of the exact problem carries its proof."""
    for form in (Form.RELAXED, Form.BLOCK):
        solution = run.own(run.problem, form)
        if solution is None:
            continue
        name = f"exact problem, {form}: certificate"
        if solution.evaluation is None:
            yield Check(name, without_design(solution), why(solution))
            continue
        detail = (
            f"{solution.solver} {solution.value:.10g}, bound {solution.bound:.10g} "
            f"({solution.certificate}), gap {solution.gap:.1e}"
        )
        # Only the relaxed optimum of a runtime is promised with a proof to the tolerance.
        promised = form is Form.RELAXED and type(run.problem.objective) in _PROVEN
        outcome = Outcome.PASSED
        if beyond(solution.bound, solution):
            outcome = Outcome.FAILED
        elif promised and solution.gap > TOLERANCE:
            outcome = Outcome.OPEN if solution.termination in ENDED_EARLY else Outcome.FAILED
        elif solution.gap > TOLERANCE:
            detail += "; no proof to the tolerance is promised here"
        yield Check(name, outcome, detail, {"value": solution.value, "bound": solution.bound})


def check_global_bound(run: VerifyRun) -> Iterator[Check]:
    """No design beats the bound of the branch and bound."""
    try:
        proof = run.solution(run.problem, "global", Form.RELAXED)
    except UnsupportedProblemError:
        return
    own = run.own(run.problem, Form.RELAXED)
    name = "exact problem: best design against the global bound"
    if own is None or own.evaluation is None or proof.evaluation is None:
        yield Check(name, without_design(proof), why(proof))
        return
    wrong = any(beyond(proof.bound, solution) for solution in (own, proof))
    detail = (
        f"{own.solver} {own.value:.10g}, global {proof.value:.10g} with bound {proof.bound:.10g} "
        f"({proof.certificate}), gap {proof.gap:.1e}"
    )
    values = {"value": own.value, "global": proof.value, "bound": proof.bound}
    yield Check(name, Outcome.FAILED if wrong else Outcome.PASSED, detail, values)


def check_forms(run: VerifyRun) -> Iterator[Check]:
    """Whole numbers cannot beat the relaxed problem."""
    relaxed, block = run.own(run.problem, Form.RELAXED), run.own(run.problem, Form.BLOCK)
    if relaxed is None or block is None or relaxed.evaluation is None or block.evaluation is None:
        return
    cost = abs(block.value / relaxed.value - 1) if relaxed.value else math.nan
    detail = (
        f"relaxed {relaxed.value:.10g}, block {block.value:.10g}: whole numbers cost {cost:.1e}"
    )
    outcome = Outcome.FAILED if beyond(relaxed.bound, block) else Outcome.PASSED
    values = {
        "relaxed": relaxed.value,
        "relaxed_bound": relaxed.bound,
        "block": block.value,
    }
    yield Check("exact problem: relaxed bounds block", outcome, detail, values)


def check_simulation(run: VerifyRun) -> Iterator[Check]:
    """The exact value of our design agrees with plain simulation."""
    from cgcopt.evaluation.simulation import simulate

    solution = run.own(run.problem, Form.RELAXED)
    if solution is None or solution.design is None or solution.evaluation is None:
        return
    run.options.report(None, "simulation")
    drawn = simulate(run.problem, solution.design, rounds=_ROUNDS, seed=run.options.seed)
    off = abs(drawn.value - solution.value)
    width = solution.evaluation.upper - solution.evaluation.lower
    passed = off <= _STANDARD_ERRORS * drawn.standard_error + width + TOLERANCE * solution.value
    errors = off / drawn.standard_error if drawn.standard_error > 0 else 0.0
    detail = (
        f"exact {solution.value:.8g}, simulated {drawn.value:.8g} with standard error "
        f"{drawn.standard_error:.2g}: {errors:.1f} of them apart"
    )
    values = {
        "exact": solution.value,
        "simulated": drawn.value,
        "standard_error": drawn.standard_error,
    }
    outcome = Outcome.PASSED if passed else Outcome.FAILED
    yield Check("optimal design: exact value against simulation", outcome, detail, values)


def check_exact(run: VerifyRun) -> Iterator[Check]:
    """Outside solvers that use our exact values agree with our method on the exact problem."""
    kind = run.problem.system.worker_times.kind
    if kind is None or kind is Times.SCENARIOS:
        return
    yield from _against_outside(run, run.problem, kind, "exact problem", (Form.RELAXED,))


def check_scenarios(run: VerifyRun) -> Iterator[Check]:
    """Outside solvers agree with our method on the same scenarios."""
    title = f"{run.rounds} scenarios"
    forms = (Form.RELAXED, Form.BLOCK)
    yield from _against_outside(run, run.sampled, Times.SCENARIOS, title, forms)


def check_equivalence(run: VerifyRun) -> Iterator[Check]:
    """On a small problem whose forms differ: coordinate is block is the best of all vectors."""
    for name in run.able(Times.SCENARIOS, Form.COORDINATE, _solved_objective(run.problem)):
        title = f"N={SMALL.workers} L={SMALL.coordinates}, {SMALL.scenarios} scenarios: "
        title += f"coordinate = block = best of all vectors, bounded by relaxed ({name})"
        for number in range(SMALL.tries):
            problem = _small(run, number)
            found = {form: run.solution(problem, name, form) for form in Form}
            if any(solution.status not in _FOUND for solution in found.values()):
                break
            relaxed, block = found[Form.RELAXED].value, found[Form.BLOCK].value
            if abs(relaxed - block) > SMALL.difference * abs(relaxed):
                break
        yield _equivalence(title, problem, found)


#: The checks of a problem, in the order of the report; each yields none where it does not apply.
CHECKS: tuple[Callable[[VerifyRun], Iterator[Check]], ...] = (
    check_certificate,
    check_global_bound,
    check_forms,
    check_simulation,
    check_exact,
    check_scenarios,
    check_equivalence,
)


def _against_outside(
    run: VerifyRun, problem: Problem, kind: Times, title: str, forms: tuple[Form, ...]
) -> Iterator[Check]:
    """Compare our method with all outside solvers that take these worker times."""
    for form in forms:
        able = run.able(kind, form, _solved_objective(problem))
        if not able:
            continue
        own, method = run.own(problem, form), True
        if own is None and problem is not run.problem:
            own, method = _exact_design(run, problem, form), False
        asked = _QUESTIONS[type(problem.objective)](problem, own, title)
        if asked is None:
            continue
        for name in able:
            other = run.solution(asked.problem, name, form)
            yield compare_solutions(
                f"{asked.title}, {form}: own method against {name}",
                asked.own,
                other,
                method=method,
                tolerance=run.tolerance(name),
            )


@dataclass(frozen=True, eq=False)
class _Question:
    """What outside solvers are asked, and our answer to it."""

    problem: Problem
    own: Solution | None
    title: str


def _at_the_quantile(problem: Problem, own: Solution | None, title: str) -> _Question | None:
    """Where our design just keeps the probability, nobody may keep a larger one.

    A little later, because a scenario in time to the last digit is late to some solvers.
    """
    if own is None or own.design is None:
        return None
    deadline = own.value * (1 + TOLERANCE)
    at = replace(problem, objective=CompletionProbability(deadline))
    judged = judge(at, own.design, form=own.form, solver=own.solver)
    return _Question(at, judged, f"{title}, at the quantile {own.value:.6g} s")


#: Objectives whose relaxed optimum is promised with a proof.
_PROVEN = frozenset({ExpectedRuntime})
#: What outside solvers are asked, by objective: a quantile is checked by its probability.
_QUESTIONS: Table[type[Objective], Callable[[Problem, Solution | None, str], _Question | None]] = (
    Table("no check", {Quantile: _at_the_quantile}, others=_Question)
)
#: The objective that they are asked for, where it is another one.
_ASKED: dict[type[Objective], type[Objective]] = {Quantile: CompletionProbability}


def _exact_design(run: VerifyRun, problem: Problem, form: Form) -> Solution | None:
    """Our design for the exact problem, valued on the scenarios."""
    exact = run.own(run.problem, form)
    if exact is None or exact.design is None or type(problem.objective) in _ASKED:
        return None
    return judge(problem, exact.design, form=form, solver=exact.solver)


def _solved_objective(problem: Problem) -> type[Objective]:
    kind = type(problem.objective)
    return _ASKED.get(kind, kind)


def _small(run: VerifyRun, number: int) -> Problem:
    """A cut-down problem on a small sample, with a deadline that some scenarios keep."""
    given = run.problem.system
    system = System(
        SMALL.workers, SMALL.coordinates, run.times, samples=given.samples, cycles=given.cycles
    )
    drawn = Problem(system, ExpectedRuntime()).sampled(SMALL.scenarios, run.options.seed + number)
    if _solved_objective(run.problem) is ExpectedRuntime:
        return drawn
    return with_middling_deadline(drawn)


def _equivalence(title: str, problem: Problem, found: dict[Form, Solution]) -> Check:
    best = best_over_all_vectors(problem)
    values = {**{str(form): solution.value for form, solution in found.items()}, "vectors": best}
    detail = ", ".join(f"{form} {value:.10g}" for form, value in values.items())
    missing = [solution for solution in found.values() if solution.status not in _FOUND]
    if missing:
        text = f"{detail}; {missing[0].form}: {why(missing[0])}"
        return Check(title, without_design(missing[0]), text, values)
    relaxed, block = found[Form.RELAXED], found[Form.BLOCK]
    agree = all(math.isclose(found[form].value, best, rel_tol=TOLERANCE) for form in _WHOLE)
    if not agree or beyond(relaxed.bound, block):
        return Check(title, Outcome.FAILED, detail, values)
    if abs(relaxed.value - best) <= SMALL.difference * abs(relaxed.value):
        return Check(title, Outcome.OPEN, f"{detail}; no sample made the forms differ", values)
    return Check(title, Outcome.PASSED, detail, values)


_WHOLE = (Form.BLOCK, Form.COORDINATE)
