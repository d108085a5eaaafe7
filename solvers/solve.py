"""Run one solver on one problem and judge what it hands back."""

from __future__ import annotations

import math
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgcopt._renamed import old_level
from cgcopt._streams import library_output
from cgcopt.design import Design, largest_remainder
from cgcopt.errors import CgcoptError, InvalidInputError, SolverError, UnsupportedProblemError
from cgcopt.evaluation.certificates import certify
from cgcopt.evaluation.evaluate import evaluate, evaluate_work, warm_up
from cgcopt.evaluation.result import Certificate
from cgcopt.objective import Sense
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.solution import (
    Sample,
    Seconds,
    Solution,
    SolutionStatus,
    TerminationCondition,
    relative_gap,
)
from cgcopt.solvers.base import Outcome, Role, Solver, Times
from cgcopt.solvers.registry import find_solver
from cgcopt.solvers.rounding import round_design

__all__ = ["DEFAULT_SOLVER", "FEASIBILITY_TOLERANCE", "solve"]

DEFAULT_SOLVER = "optimal"

#: Workers beyond which the linear algebra of a solver may use several threads.
THREADED = 400

#: A solver's point may miss a constraint by this much relative to ``L``; it is then moved onto the
#: constraint before it is valued, so that every reported value belongs to a feasible design.
FEASIBILITY_TOLERANCE = 1e-6


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
        Judged by :func:`cgcopt.evaluate`, never by what the solver says of itself. A solver that
        fails yields a solution of status ``none`` and termination ``error``, not an exception.

    Raises
    ------
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
    form = _form(old_level(form, fields.pop("level", None)))
    options = _options(options, fields)
    chosen = _choose(problem, solver, form)
    chosen.check(problem)
    # A solver of the relaxed form serves the block form by rounding.
    inner = form if chosen.treats(type(problem.objective), form) else Form.RELAXED
    run = _Run(problem, chosen, form, options)
    given, drawn = _given_problem(problem, chosen, options)
    chosen.prepare(given, inner)
    warm_up(problem)
    started = time.perf_counter()
    try:
        with library_output(log=options.verbose), _linear_algebra_threads(problem, options):
            outcome = chosen.solve(given, inner, options)
    except (InvalidInputError, UnsupportedProblemError):
        raise
    except CgcoptError as error:
        if not isinstance(error, SolverError):
            raise
        outcome = _failure(error)
    except Exception as error:
        outcome = _failure(error)
    elapsed = time.perf_counter() - started
    seconds = Seconds(outcome.build_seconds, max(elapsed - outcome.build_seconds, 0.0))
    return run.judge(given if drawn else None, outcome, seconds)


@dataclass(frozen=True)
class _Run:
    problem: Problem
    solver: Solver
    form: Form
    options: Options

    def judge(self, sampled: Problem | None, outcome: Outcome, seconds: Seconds) -> Solution:
        """Check, round, value and certify the outcome; ``sampled`` is the drawn problem, if any."""
        started = time.perf_counter()
        solution = Solution(
            problem=self.problem,
            solver=self.solver.name,
            form=self.form,
            termination=outcome.termination,
            status=SolutionStatus.NONE,
            residual=outcome.residual,
            options=self.options,
            message=outcome.message,
            details=outcome.details,
        )
        if outcome.work is not None:
            evaluation = evaluate_work(self.problem, outcome.work)
            solution = replace(solution, status=SolutionStatus.SCHEME, evaluation=evaluation)
        elif outcome.partition is not None:
            solution = self._with_design(solution, sampled, outcome, outcome.partition)
        elif sampled is None and not math.isnan(outcome.bound):
            solution = replace(solution, bound=outcome.bound, certificate=outcome.certificate)
        spent = time.perf_counter() - started
        return replace(solution, seconds=replace(seconds, evaluate=spent))

    def _with_design(
        self,
        solution: Solution,
        sampled: Problem | None,
        outcome: Outcome,
        partition: NDArray[np.float64],
    ) -> Solution:
        coordinates = self.problem.system.coordinates
        design = _feasible(partition, self.problem.system.workers, coordinates)
        if design is None:
            message = outcome.message or "the point violates the constraints"
            return replace(solution, status=SolutionStatus.INFEASIBLE, message=message)
        if self.form is not Form.RELAXED:
            design = self._whole(design, sampled or self.problem)
        evaluation = evaluate(self.problem, design, gradient=True)
        bound, certificate = certify(self.problem, design, evaluation=evaluation)
        if sampled is None:
            bound, certificate = self._better(bound, certificate, outcome)
            sample = None
        else:
            sample = self._sample(sampled, outcome, design)
        judged = replace(
            solution,
            design=design,
            evaluation=evaluation,
            bound=bound,
            certificate=certificate,
            sample=sample,
        )
        proven = judged.gap <= self.options.gap
        return replace(judged, status=SolutionStatus.OPTIMAL if proven else SolutionStatus.FEASIBLE)

    def _whole(self, design: Design, problem: Problem) -> Design:
        """Round what came from the relaxed form; clean what came as whole numbers up to tolerance."""
        nearest = np.round(design.partition)
        off = np.abs(nearest - design.partition).max()
        if off <= FEASIBILITY_TOLERANCE and nearest.sum() == problem.system.coordinates:
            return Design(nearest)
        if self.solver.role is Role.SCHEME:  # as published: no exchange
            return Design(largest_remainder(design.partition, problem.system.coordinates))
        return round_design(problem, design)

    def _better(
        self, bound: float, certificate: Certificate, outcome: Outcome
    ) -> tuple[float, Certificate]:
        if math.isnan(outcome.bound):
            return bound, certificate
        minimize = self.problem.objective.sense is Sense.MINIMIZE
        claimed_better = outcome.bound > bound if minimize else outcome.bound < bound
        return (outcome.bound, outcome.certificate) if claimed_better else (bound, certificate)

    def _sample(self, sampled: Problem, outcome: Outcome, design: Design) -> Sample:
        bound, certificate = self._better(*certify(sampled, design), outcome)
        value = evaluate(sampled, design).value
        return Sample(
            scenarios=self.options.scenarios,
            seed=self.options.seed,
            value=value,
            bound=bound,
            gap=relative_gap(value, bound, self.problem.objective.sense),
            certificate=certificate,
        )


def _linear_algebra_threads(problem: Problem, options: Options) -> AbstractContextManager[Any]:
    """Cap the threads of BLAS: on small matrices they cost far more than they give."""
    from threadpoolctl import threadpool_limits

    small = 1 if problem.system.workers <= THREADED else None
    limits: AbstractContextManager[Any] = threadpool_limits(
        options.threads or small, user_api="blas"
    )
    return limits


def _form(form: Form | str) -> Form:
    try:
        return Form(form)
    except ValueError:
        names = ", ".join(Form)
        raise InvalidInputError("form", form, f"one of: {names}") from None


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
    return find_solver(solver or DEFAULT_SOLVER, problem.objective, form)()


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


def _feasible(partition: NDArray[np.float64], workers: int, coordinates: int) -> Design | None:
    x = np.asarray(partition, dtype=np.float64)
    slack = FEASIBILITY_TOLERANCE * coordinates
    if x.shape != (workers,) or not np.all(np.isfinite(x)):
        return None
    if x.min() < -slack or abs(x.sum() - coordinates) > slack:
        return None
    x = np.maximum(x, 0.0)
    return Design(x * (coordinates / x.sum()))


def _failure(error: Exception) -> Outcome:
    reason = " ".join(str(error).split()) or type(error).__name__
    return Outcome(TerminationCondition.ERROR, message=f"{type(error).__name__}: {reason}")
