"""What writes a problem as a program, by objective and kind of worker times; the choice among it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from cgcopt._renamed import old_level
from cgcopt.errors import UnsupportedProblemError
from cgcopt.evaluation.dispatch import Table
from cgcopt.formulations.base import Formulation
from cgcopt.formulations.exact_probability import ExactProbability
from cgcopt.formulations.exact_runtime import ExactRuntime
from cgcopt.formulations.limited.probability import ProbabilityWithin
from cgcopt.formulations.limited.quantile import QuantileWithin
from cgcopt.formulations.limited.runtime import RuntimeWithin
from cgcopt.formulations.limited.tail_mean import TailMeanWithin
from cgcopt.formulations.probability_coordinate import ProbabilityCoordinate
from cgcopt.formulations.probability_partition import ProbabilityPartition
from cgcopt.formulations.risk.quantile import QuantileCoordinate, QuantilePartition
from cgcopt.formulations.risk.tail_mean import TailMeanCoordinate, TailMeanPartition
from cgcopt.formulations.runtime_coordinate import RuntimeCoordinate
from cgcopt.formulations.runtime_partition import RuntimePartition
from cgcopt.objective import (
    CompletionProbability,
    ConditionalValueAtRisk,
    ExpectedRuntime,
    Objective,
    Quantile,
)
from cgcopt.problem import Form, Problem, form_of
from cgcopt.workers.base import Times

__all__ = ["BUILDERS", "Builders", "Written", "formulate", "formulate_as"]

F = TypeVar("F", bound=Formulation)


def formulate(
    problem: Problem,
    form: Form | str = Form.RELAXED,
    *,
    strong: bool = True,
    symmetry: bool = True,
    equivalence: bool = True,
    at_least: int = 0,
    at_most: float | None = None,
    level: Form | str | None = None,
) -> Formulation:
    """Write a problem as a mathematical program.

    Parameters
    ----------
    problem : Problem
        With expected runtime, completion probability, quantile or conditional value at risk as
        objective; the last two on scenarios only.  With
        :class:`~cgcopt.Scenarios` as worker times (``problem.sampled(1000)``) it has all three
        forms; with a distribution that has a density, the relaxed one, and the block form as a
        pyomo model.
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
    at_most : float, optional
        For a quantile on scenarios: seconds that some design is known to have; worse designs are left
        out, and the model is far easier to solve.

    level : Form or str, optional
        The old name of ``form``.

    Returns
    -------
    Formulation
        On scenarios a linear or mixed-integer program
        (:class:`~cgcopt.formulations.scenarios.ScenarioFormulation`), else the exact
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
    form = form_of(old_level(form, level))
    written = Written(strong, symmetry, equivalence, at_least, at_most)
    builders = BUILDERS[type(problem.objective)]
    if problem.limits or problem.system.costs:
        return builders.within(problem, form, written)
    return builders.by_kind[problem.system.worker_times.kind](problem, form, written)


def formulate_as(
    wanted: type[F], problem: Problem, form: Form | str = Form.RELAXED, **how: Any
) -> F:
    """Write a problem as the kind of program that a solver is written for.

    Parameters
    ----------
    wanted : type
        A class of formulations.
    problem : Problem
    form : Form or str
    how
        Keywords of :func:`formulate`.

    Raises
    ------
    UnsupportedProblemError
        If the problem has no such formulation, or another one.

    Examples
    --------
    >>> import cgcopt as cg
    >>> problem = cg.Problem(cg.System(2, 6, cg.Exponential(rate=1.0)), cg.ExpectedRuntime())
    >>> formulate_as(ExactRuntime, problem).workers
    2
    >>> formulate_as(RuntimePartition, problem)
    Traceback (most recent call last):
        ...
    cgcopt.errors.UnsupportedProblemError: needs RuntimePartition, not ExactRuntime
    """
    found = formulate(problem, form, **how)
    if not isinstance(found, wanted):
        raise UnsupportedProblemError(f"needs {wanted.__name__}, not {type(found).__name__}")
    return found


@dataclass(frozen=True)
class Written:
    """How a formulation is written; see :func:`formulate`."""

    strong: bool
    symmetry: bool
    equivalence: bool
    at_least: int
    at_most: float | None


#: Writes a problem at a form.
Builder = Callable[[Problem, Form, Written], Formulation]


@dataclass(frozen=True)
class Builders:
    """What formulates the problems of one objective.

    Attributes
    ----------
    by_kind : Table
        Of each kind of worker times.
    within : callable
        Problems with limits or costs.
    """

    by_kind: Table[Times, Builder]
    within: Builder


def _on_rounds(
    partition: Callable[..., Formulation], coordinate: Callable[..., Formulation]
) -> Builder:
    """Write a problem on rounds in its blocks, or in its coordinates."""

    def build(problem: Problem, form: Form, written: Written) -> Formulation:
        if form is not Form.COORDINATE:
            return partition(problem, form, strong=written.strong)
        return coordinate(
            problem,
            form,
            strong=written.strong,
            symmetry=written.symmetry,
            equivalence=written.equivalence,
        )

    return build


def _probability_of_rounds(problem: Problem, form: Form, written: Written) -> Formulation:
    build = _on_rounds(
        partial(ProbabilityPartition, at_least=written.at_least),
        partial(ProbabilityCoordinate, at_least=written.at_least),
    )
    return build(problem, form, written)


def _quantile_of_rounds(problem: Problem, form: Form, written: Written) -> Formulation:
    build = _on_rounds(
        partial(QuantilePartition, at_most=written.at_most),
        partial(QuantileCoordinate, at_most=written.at_most),
    )
    return build(problem, form, written)


def _quantile_within(problem: Problem, form: Form, written: Written) -> Formulation:
    return _within(partial(QuantileWithin, at_most=written.at_most))(problem, form, written)


def _scenarios_only(problem: Problem, form: Form, written: Written) -> Formulation:
    system, objective = problem.system, problem.objective
    raise UnsupportedProblemError(
        f"the {objective.kind} is formulated on scenarios (problem.sampled(1000) draws them), "
        f"not on {system.worker_times.label}"
    )


def _within(program: Callable[..., Formulation]) -> Builder:
    """Write a problem with limits or costs on rounds, in its blocks."""

    def build(problem: Problem, form: Form, written: Written) -> Formulation:
        rounds = problem.system.worker_times.kind is Times.SCENARIOS
        if not rounds or form is Form.COORDINATE:
            return _no_limits(problem, form)
        return program(problem, form, strong=written.strong)

    return build


def _no_limits(problem: Problem, form: Form) -> Formulation:
    raise UnsupportedProblemError(
        f"limits and costs are formulated on scenarios, at the block and the relaxed form "
        f"(problem.sampled(1000) draws scenarios), not at the {form} form on "
        f"{problem.system.worker_times.label}"
    )


#: What formulates the problems of each objective.
BUILDERS: Table[type[Objective], Builders] = Table(
    "no formulation",
    {
        ExpectedRuntime: Builders(
            Table(
                "no formulation of the expected runtime",
                {Times.SCENARIOS: _on_rounds(RuntimePartition, RuntimeCoordinate)},
                others=lambda problem, form, written: ExactRuntime(
                    problem, form, strong=written.strong
                ),
            ),
            _within(RuntimeWithin),
        ),
        CompletionProbability: Builders(
            Table(
                "no formulation of the completion probability",
                {Times.SCENARIOS: _probability_of_rounds},
                others=lambda problem, form, written: ExactProbability(problem, form),
            ),
            _within(ProbabilityWithin),
        ),
        Quantile: Builders(
            Table(
                "no formulation of the quantile",
                {Times.SCENARIOS: _quantile_of_rounds},
                others=_scenarios_only,
            ),
            _quantile_within,
        ),
        ConditionalValueAtRisk: Builders(
            Table(
                "no formulation of the conditional value at risk",
                {Times.SCENARIOS: _on_rounds(TailMeanPartition, TailMeanCoordinate)},
                others=_scenarios_only,
            ),
            _within(TailMeanWithin),
        ),
    },
)
