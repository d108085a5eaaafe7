"""Do independent methods agree? A list of named checks on one problem.

A check compares results that share as little code as possible: our own methods, outside solvers on
the same scenarios, bounds and values from either side, and plain simulation. Every value in it
comes from the project's own evaluator.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cgcopt.errors import CgcoptError, InvalidInputError, UnsupportedProblemError
from cgcopt.evaluation.certificates import certify
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.objective import ExpectedRuntime, Sense
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.solution import Solution, SolutionStatus
from cgcopt.solvers.base import Role, Task, Times
from cgcopt.solvers.registry import all_solvers
from cgcopt.solvers.solve import solve
from cgcopt.workers.empirical import Scenarios

__all__ = ["CHECKS", "Check", "Run", "Verification", "outside_solvers", "verify"]

#: Relative disagreement that is still agreement.
TOLERANCE = 1e-6
#: Size of the cut-down problem on which the coordinate form is solved too.
_SMALL_COORDINATES, _SMALL_SCENARIOS, _SMALL_WORKERS = 5, 10, 5
_STANDARD_ERRORS = 4.5


@dataclass(frozen=True)
class Check:
    """Outcome of one check.

    Attributes
    ----------
    name : str
        What was compared.
    passed : bool
        False only for a contradiction: a value better than a bound, or two proven optima that
        differ.
    detail : str
        The numbers, in words.
    values : mapping
        The numbers, unrounded.
    """

    name: str
    passed: bool
    detail: str
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Verification:
    """All checks of a problem."""

    problem: Problem
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(check.passed for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """The keys of ``cgcopt verify --json``."""
        return {
            "instance": self.problem.name,
            "passed": self.passed,
            "checks": [
                {
                    "name": check.name,
                    "passed": check.passed,
                    "detail": check.detail,
                    "values": {
                        name: value if math.isfinite(value) else None
                        for name, value in check.values.items()
                    },
                }
                for check in self.checks
            ],
        }


class Run:
    """What the checks of one problem share: scenarios, and solutions that are computed once.

    Parameters
    ----------
    problem : Problem
        What is verified.
    options : Options
        For every solver; ``scenarios`` and ``seed`` draw the sample.
    outside : sequence of str
        The outside solvers to compare with.
    """

    def __init__(self, problem: Problem, options: Options, outside: Sequence[str]) -> None:
        self.problem = problem
        self.options = options
        self.outside = outside
        kept_whole = isinstance(problem.system.worker_times, Scenarios)
        self.sampled = problem if kept_whole else problem.sampled(options.scenarios, options.seed)
        self._solutions: dict[tuple[Problem, str | None, Form], Solution] = {}

    def solution(self, problem: Problem, solver: str | None, form: Form) -> Solution:
        """Solve, or return what was found before; without a name by our default method."""
        key = (problem, solver, form)
        if key not in self._solutions:
            self.options.report(None, f"{solver or 'own method'}, {form} form")
            self._solutions[key] = solve(problem, solver, form=form, options=self.options)
        return self._solutions[key]

    def own(self, problem: Problem, form: Form) -> Solution | None:
        """Our own solution of a problem; none where no own method takes it."""
        try:
            return self.solution(problem, None, form)
        except UnsupportedProblemError:
            return None

    def adapters(self, form: Form) -> list[str]:
        """Names of the outside solvers that treat the scenario problem at this form."""
        task = Task(type(self.problem.objective), form)
        able = {
            cls.name for cls in all_solvers() if task in cls.solves and Times.SCENARIOS in cls.times
        }
        return [name for name in self.outside if name in able]


def outside_solvers() -> list[str]:
    """Names of all installed outside solvers."""
    adapters = (cls for cls in all_solvers() if cls.role is Role.ADAPTER and cls.available())
    return list(dict.fromkeys(cls.name for cls in adapters))


def verify(
    problem: Problem,
    *,
    outside: Sequence[str] = ("highs",),
    options: Options | None = None,
) -> Verification:
    """Run all checks that apply to a problem.

    Parameters
    ----------
    problem : Problem
        What to verify.
    outside : sequence of str
        The outside solvers to compare with; :func:`outside_solvers` names all that are installed.
    options : Options, optional
        ``scenarios`` and ``seed`` draw the sample on which outside solvers are compared; the time
        limit holds for each single run.

    Returns
    -------
    Verification
        A solver that fails is a failed check, not an exception.

    Raises
    ------
    InvalidInputError
        If there is no such outside solver.
    """
    known = outside_solvers()
    for name in outside:
        if name not in known:
            raise InvalidInputError("solver", name, f"one of: {', '.join(known)}")
    run = Run(problem, options or Options(scenarios=100, time_limit=30.0), outside)
    checks = [check for make in CHECKS for check in make(run)]
    run.options.report(1.0, "")
    return Verification(problem, tuple(checks))


def check_certificate(run: Run) -> Iterator[Check]:
    """The exact optimum carries its proof."""
    for form in (Form.RELAXED, Form.BLOCK):
        name = f"exact problem, {form}: certificate"
        try:
            solution = run.own(run.problem, form)
        except CgcoptError as error:
            yield Check(name, False, str(error))
            continue
        if solution is None:
            continue
        if solution.evaluation is None:
            yield Check(name, False, solution.message or str(solution.termination))
            continue
        detail = (
            f"{solution.solver} {solution.value:.10g}, bound {solution.bound:.10g} "
            f"({solution.certificate}), gap {solution.gap:.1e}"
        )
        # Only the relaxed optimum of a runtime is promised with a proof to the tolerance.
        promised = form is Form.RELAXED and isinstance(run.problem.objective, ExpectedRuntime)
        passed = solution.gap <= TOLERANCE if promised else solution.gap >= -TOLERANCE
        yield Check(name, passed, detail, {"value": solution.value, "bound": solution.bound})


def check_global_bound(run: Run) -> Iterator[Check]:
    """No design beats the bound of the branch and bound."""
    name = "exact problem: best design against the global bound"
    try:
        proof = run.solution(run.problem, "global", Form.RELAXED)
        own = run.own(run.problem, Form.RELAXED)
    except UnsupportedProblemError:
        return
    except CgcoptError as error:
        yield Check(name, False, str(error))
        return
    if own is None or own.evaluation is None or proof.evaluation is None:
        yield Check(name, False, proof.message or str(proof.termination))
        return
    sense = run.problem.objective.sense
    passed = not any(_better(solution.value, proof.bound, sense) for solution in (own, proof))
    detail = (
        f"{own.solver} {own.value:.10g}, global {proof.value:.10g} with bound {proof.bound:.10g} "
        f"({proof.certificate}), gap {proof.gap:.1e}"
    )
    values = {"value": own.value, "global": proof.value, "bound": proof.bound}
    yield Check(name, passed, detail, values)


def check_levels(run: Run) -> Iterator[Check]:
    """Whole numbers cannot beat the relaxed problem."""
    relaxed, block = run.own(run.problem, Form.RELAXED), run.own(run.problem, Form.BLOCK)
    if relaxed is None or block is None or relaxed.evaluation is None or block.evaluation is None:
        return
    sense = run.problem.objective.sense
    passed = not _better(block.value, relaxed.bound, sense)
    cost = abs(block.value / relaxed.value - 1)
    detail = (
        f"relaxed {relaxed.value:.10g}, block {block.value:.10g}: whole numbers cost {cost:.1e}"
    )
    yield Check(
        "exact problem: relaxed bounds block",
        passed,
        detail,
        {"relaxed": relaxed.value, "relaxed_bound": relaxed.bound, "block": block.value},
    )


def check_simulation(run: Run) -> Iterator[Check]:
    """The exact value agrees with plain simulation."""
    from cgcopt.evaluation.simulation import simulate

    solution = run.own(run.problem, Form.RELAXED)
    if solution is None or solution.design is None or solution.evaluation is None:
        return
    run.options.report(None, "simulation")
    drawn = simulate(run.problem, solution.design, rounds=200_000, seed=run.options.seed)
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
    yield Check("optimal design: exact value against simulation", passed, detail, values)


def check_scenarios(run: Run) -> Iterator[Check]:
    """Own methods and outside solvers agree on the same scenarios."""
    times = run.sampled.system.worker_times
    count = times.rounds if isinstance(times, Scenarios) else run.options.scenarios
    for form in (Form.RELAXED, Form.BLOCK):
        names = run.adapters(form)
        own = _own_on_sample(run, form) if names else None
        for name in names:
            title = f"{count} scenarios, {form}: own method against {name}"
            try:
                other = run.solution(run.sampled, name, form)
            except CgcoptError as error:
                yield Check(title, False, str(error))
                continue
            yield _agreement(title, own, other)


def check_equivalence(run: Run) -> Iterator[Check]:
    """On a cut-down problem: the coordinate form has the block form's optimum."""
    system = run.problem.system
    if isinstance(system.worker_times, Scenarios) or not run.adapters(Form.COORDINATE):
        return
    small = replace(
        system,
        workers=min(system.workers, _SMALL_WORKERS),
        coordinates=min(system.coordinates, _SMALL_COORDINATES),
    )
    problem = Problem(small, run.problem.objective).sampled(_SMALL_SCENARIOS, run.options.seed)
    size = f"N={small.workers} L={small.coordinates}, {_SMALL_SCENARIOS} scenarios"
    for name in run.adapters(Form.COORDINATE):
        found = {form: run.solution(problem, name, form) for form in Form}
        values = {str(form): solution.value for form, solution in found.items()}
        relaxed, block, coordinate = (
            found[Form.RELAXED],
            found[Form.BLOCK],
            found[Form.COORDINATE],
        )
        passed = all(
            solution.status in (SolutionStatus.OPTIMAL, SolutionStatus.FEASIBLE)
            for solution in found.values()
        )
        passed = passed and _close(coordinate.value, block.value)
        passed = passed and not _better(block.value, relaxed.bound, problem.objective.sense)
        detail = " , ".join(f"{form} {value:.10g}" for form, value in values.items())
        yield Check(
            f"{size}: coordinate = block, bounded by relaxed ({name})", passed, detail, values
        )


#: The checks of a problem, in the order of the report; each yields none where it does not apply.
CHECKS: tuple[Callable[[Run], Iterator[Check]], ...] = (
    check_certificate,
    check_global_bound,
    check_levels,
    check_simulation,
    check_scenarios,
    check_equivalence,
)


def _own_on_sample(run: Run, form: Form) -> Solution | None:
    """Our solution of the scenario problem, or else our exact design valued on the scenarios."""
    try:
        solution = run.own(run.sampled, form)
        if solution is not None:
            return solution
        exact = run.own(run.problem, form)
    except CgcoptError:
        return None
    if exact is None or exact.design is None:
        return exact
    bound, certificate = certify(run.sampled, exact.design)
    return replace(
        exact,
        problem=run.sampled,
        evaluation=evaluate(run.sampled, exact.design),
        bound=bound,
        certificate=certificate,
    )


def _agreement(title: str, own: Solution | None, other: Solution) -> Check:
    """Compare our solution of a scenario problem with that of an outside solver."""
    sense = other.problem.objective.sense
    if other.evaluation is None or own is None or own.evaluation is None:
        own_reason = "no own method" if own is None else own.message
        reason = other.message or own_reason or "no design"
        detail = f"{other.solver}: {other.status} ({other.termination}); {reason}"
        return Check(title, False, detail)
    proven = own.gap <= TOLERANCE and other.gap <= TOLERANCE
    passed = (
        not _better(own.value, other.bound, sense)
        and not _better(other.value, own.bound, sense)
        and not _better(other.value, other.bound, sense)
        and (not proven or _close(own.value, other.value))
    )
    apart = abs(own.value - other.value) / max(abs(other.value), 1e-300)
    detail = (
        f"{own.solver} {own.value:.10g} (gap {own.gap:.1e}), {other.solver} {other.value:.10g} "
        f"(gap {other.gap:.1e}): {apart:.1e} apart"
    )
    if passed and not proven:
        detail += "; consistent, not both proven"
    values = {
        "own": own.value,
        "own_bound": own.bound,
        "other": other.value,
        "other_bound": other.bound,
    }
    return Check(title, passed, detail, values)


def _better(value: float, bound: float, sense: Sense) -> bool:
    """Whether a value is better than a bound allows, beyond the tolerance."""
    if not math.isfinite(bound):
        return False
    excess = bound - value if sense is Sense.MINIMIZE else value - bound
    return excess > TOLERANCE * abs(bound)


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= TOLERANCE * max(abs(a), abs(b))
