"""Choose the formulation of a problem at a level."""

from __future__ import annotations

from collections.abc import Callable

from cgcopt.errors import InvalidInputError, UnsupportedProblemError
from cgcopt.formulations.probability_coordinate import ProbabilityCoordinate
from cgcopt.formulations.probability_partition import ProbabilityPartition
from cgcopt.formulations.runtime_coordinate import RuntimeCoordinate
from cgcopt.formulations.runtime_partition import RuntimePartition
from cgcopt.formulations.scenarios import ScenarioFormulation
from cgcopt.objective import CompletionProbability, ExpectedRuntime
from cgcopt.problem import Level, Problem

__all__ = ["formulate"]


def formulate(
    problem: Problem,
    level: Level | str = Level.RELAXED,
    *,
    strong: bool = True,
    symmetry: bool = True,
) -> ScenarioFormulation:
    """Write a problem as a mathematical program.

    Parameters
    ----------
    problem : Problem
        With :class:`~cgcopt.Scenarios` as worker times (``problem.sampled(1000)``) and expected
        runtime or completion probability as objective.
    level : Level or str
        ``"coordinate"``, ``"block"`` or ``"relaxed"``.
    strong : bool
        Whether to write the stronger inequalities.
    symmetry : bool
        Whether the coordinate level asks for increasing redundancies.

    Returns
    -------
    ScenarioFormulation

    Raises
    ------
    InvalidInputError
        If the level is unknown, or the coordinate level would be too large.
    UnsupportedProblemError
        If the objective has no such formulation.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 6, cg.Scenarios([[3.0, 1.0], [2.0, 5.0]]))
    >>> formulation = formulate(cg.Problem(system, cg.ExpectedRuntime()), "block")
    >>> highs = formulation.to_highspy()
    >>> _ = highs.run()
    >>> formulation.design(highs).partition
    array([2., 4.])
    >>> formulation.value(highs.getObjectiveValue())
    13.0
    """
    try:
        level = Level(level)
    except ValueError:
        raise InvalidInputError("level", level, f"one of: {', '.join(Level)}") from None
    discrete = level is Level.COORDINATE
    kind: Callable[..., ScenarioFormulation]
    if isinstance(problem.objective, ExpectedRuntime):
        kind = RuntimeCoordinate if discrete else RuntimePartition
    elif isinstance(problem.objective, CompletionProbability):
        kind = ProbabilityCoordinate if discrete else ProbabilityPartition
    else:
        raise UnsupportedProblemError(f"no formulation of the objective {problem.objective.kind}")
    return kind(problem, level, strong=strong, symmetry=symmetry)
