"""Choose the formulation of a problem at a form."""

from __future__ import annotations

from cgcopt._renamed import old_level
from cgcopt.errors import InvalidInputError, UnsupportedProblemError
from cgcopt.formulations.base import Formulation
from cgcopt.formulations.exact_probability import ExactProbability
from cgcopt.formulations.exact_runtime import ExactRuntime
from cgcopt.formulations.probability_coordinate import ProbabilityCoordinate
from cgcopt.formulations.probability_partition import ProbabilityPartition
from cgcopt.formulations.runtime_coordinate import RuntimeCoordinate
from cgcopt.formulations.runtime_partition import RuntimePartition
from cgcopt.formulations.runtime_within import RuntimeWithin
from cgcopt.objective import CompletionProbability, ExpectedRuntime
from cgcopt.problem import Form, Problem
from cgcopt.workers.empirical import Scenarios

__all__ = ["formulate"]


def formulate(
    problem: Problem,
    form: Form | str = Form.RELAXED,
    *,
    strong: bool = True,
    symmetry: bool = True,
    equivalence: bool = True,
    at_least: int = 0,
    level: Form | str | None = None,
) -> Formulation:
    """Write a problem as a mathematical program.

    Parameters
    ----------
    problem : Problem
        With expected runtime or completion probability as objective.  With
        :class:`~cgcopt.Scenarios` as worker times (``problem.sampled(1000)``) it has all three
        forms; with a distribution that has a density, the relaxed one.
    form : Form or str
        ``"coordinate"``, ``"block"`` or ``"relaxed"``.
    strong : bool
        Whether to write the stronger inequalities.
    symmetry : bool
        Whether the coordinate form asks for increasing redundancies.
    equivalence : bool
        Whether the coordinate form carries the rows of the block program, which sorting the
        coordinates makes valid (see
        :class:`~cgcopt.formulations.coordinate.CoordinateFormulation`).
    at_least : int
        For a completion probability on scenarios: how many of them some design is known to meet;
        worse designs are left out, and the model is far easier to solve (see
        :class:`~cgcopt.formulations.probability.ProbabilityFormulation`).

    level : Form or str, optional
        The old name of ``form``.

    Returns
    -------
    Formulation
        On scenarios a linear or mixed-integer program
        (:class:`~cgcopt.formulations.scenarios.ScenarioFormulation`), else the exact relaxed
        problem (:class:`~cgcopt.formulations.exact.ExactFormulation`).

    Raises
    ------
    InvalidInputError
        If the form is unknown, or the coordinate form would be too large.
    UnsupportedProblemError
        If the objective or the form has no such formulation.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 6, cg.Scenarios([[3.0, 1.0], [2.0, 5.0]]))
    >>> formulation = formulate(cg.Problem(system, cg.ExpectedRuntime()), "block")
    >>> highs = formulation.to_highspy()
    >>> _ = highs.run()
    >>> formulation.design(highs).partition
    array([3., 3.])
    >>> formulation.value(highs.getObjectiveValue())
    6.75
    """
    form = old_level(form, level)
    try:
        form = Form(form)
    except ValueError:
        raise InvalidInputError("form", form, f"one of: {', '.join(Form)}") from None
    if not isinstance(problem.objective, ExpectedRuntime | CompletionProbability):
        raise UnsupportedProblemError(f"no formulation of the objective {problem.objective.kind}")
    runtime = isinstance(problem.objective, ExpectedRuntime)
    if problem.limits or problem.system.costs:
        return _within(problem, form, strong=strong)
    if not isinstance(problem.system.worker_times, Scenarios):
        return ExactRuntime(problem, form) if runtime else ExactProbability(problem, form)
    if form is Form.COORDINATE:
        if runtime:
            return RuntimeCoordinate(
                problem, form, strong=strong, symmetry=symmetry, equivalence=equivalence
            )
        return ProbabilityCoordinate(
            problem,
            form,
            strong=strong,
            symmetry=symmetry,
            equivalence=equivalence,
            at_least=at_least,
        )
    if runtime:
        return RuntimePartition(problem, form, strong=strong)
    return ProbabilityPartition(problem, form, strong=strong, at_least=at_least)


def _within(problem: Problem, form: Form, *, strong: bool) -> Formulation:
    """The formulation with limits and costs: the expected runtime on scenarios, in the blocks."""
    rounds = isinstance(problem.system.worker_times, Scenarios)
    runtime = isinstance(problem.objective, ExpectedRuntime)
    if not (rounds and runtime) or form is Form.COORDINATE:
        raise UnsupportedProblemError(
            "limits and costs are formulated for the expected runtime on scenarios, at the block and "
            "the relaxed form (problem.sampled(1000) draws scenarios)"
        )
    return RuntimeWithin(problem, form, strong=strong)
