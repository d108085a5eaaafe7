"""The one judge: what a design or a scheme is worth, what bounds it, and whether that is proven.

``solve`` gives it what a solver found, ``cgcopt evaluate`` what a user wrote down, a replay what was
designed for another model. Feasibility, value, bound, gap and status are worked out here, and are
never copied from a solver. What a solver says of its own bound is believed only as long as no known
design contradicts it (:mod:`cgcopt.bounds`).
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import singledispatch
from typing import Any

from numpy.typing import ArrayLike

from cgcopt._validate import real_array
from cgcopt.design import FEASIBILITY_TOLERANCE, Design, straightened
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.evaluate import warm_up
from cgcopt.evaluation.own_unit import in_own_unit
from cgcopt.evaluation.schedules.baselines import Cyclic, Dynamic
from cgcopt.evaluation.schedules.ends import Assignment
from cgcopt.options import Options
from cgcopt.problem import Form, Problem, form_of
from cgcopt.schedule import Schedule
from cgcopt.solution import (
    Solution,
    SolutionStatus,
    TerminationCondition,
)
from cgcopt.solvers.judging.claims import with_proven_bound
from cgcopt.solvers.judging.outcome import concluded, timed
from cgcopt.solvers.judging.units import solution_in_seconds
from cgcopt.solvers.judging.worth import (
    valued_assignment,
    valued_design,
    valued_scheme,
)

__all__ = ["FEASIBILITY_TOLERANCE", "judge"]


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
        return timed(valued_scheme(blank, real_array("work", work, "numbers")), started)
    solution = _valued(design, blank, None if form is None else blank.form, bound_seconds)
    return timed(solution, started)


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
    return concluded(solution)


@_valued.register
def _(design: Design, blank: Solution, form: Form | None, bound_seconds: float) -> Solution:
    return _valued(design.partition, blank, form, bound_seconds)


@_valued.register(Schedule)
@_valued.register(Cyclic)
@_valued.register(Dynamic)
def _(assignment: Assignment, blank: Solution, form: Form | None, bound_seconds: float) -> Solution:
    return valued_assignment(blank, assignment)
