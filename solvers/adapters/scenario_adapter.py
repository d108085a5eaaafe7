"""Outside solvers of the linear and mixed-integer programs on scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cgcopt.design import Design
from cgcopt.errors import InvalidInputError, UnsupportedProblemError
from cgcopt.formulations.builders import formulate_as
from cgcopt.formulations.scenarios import ScenarioFormulation
from cgcopt.objective import (
    CompletionProbability,
    ConditionalValueAtRisk,
    ExpectedRuntime,
    Quantile,
)
from cgcopt.problem import Form, Problem
from cgcopt.solvers.adapters.base import OutsideSolver
from cgcopt.solvers.base import SAMPLED, tasks
from cgcopt.solvers.deadline.rounds_optimum import good_design

__all__ = ["MIXED_INTEGER", "LinearAdapter", "ScenarioAdapter"]

#: What a solver of mixed-integer linear programs can do.
MIXED_INTEGER = tasks(
    ExpectedRuntime, CompletionProbability, Quantile, ConditionalValueAtRisk, forms=tuple(Form)
)


class ScenarioAdapter(OutsideSolver):
    """An outside solver applied to a formulation on scenarios.

    Two raw options are the adapter's own: ``formulation``, a mapping with the arguments ``strong``,
    ``symmetry``, ``equivalence``, ``at_least``, ``at_most`` of :func:`~cgcopt.formulations.formulate`,
    and ``start``, the partition to start from where the solver supports it.  All others go to the
    solver under its own names.  A design in closed form is the start, for a completion probability
    one that a few seconds of search led to, and only designs that are as good are then in the model,
    unless these options say otherwise.
    """

    times = SAMPLED

    def formulate(
        self, problem: Problem, form: Form, raw: dict[str, Any]
    ) -> tuple[ScenarioFormulation, Design | None]:
        """Return the formulation and the design to start from; take their options out of ``raw``."""
        chosen = raw.pop("formulation", {})
        if not isinstance(chosen, Mapping) or not set(chosen) <= _FORMULATION_OPTIONS:
            allowed = f"a mapping with the keys {', '.join(sorted(_FORMULATION_OPTIONS))}"
            raise InvalidInputError("options.raw['formulation']", chosen, allowed)
        given = raw.pop("start", None)
        start = None if given is None else Design(given)
        formulation = formulate_as(ScenarioFormulation, problem, form, **chosen)
        if start is not None:
            formulation.point(start)  # refuses what is no design of this form
        if formulation.linear:
            return formulation, start
        if formulation.counts_rounds and not problem.system.costs:
            start = start or good_design(problem, form)
        start = start or formulation.quick_design()
        known_as = formulation.known_as
        if start is not None and known_as:
            if known_as not in chosen:
                known = {known_as: formulation.reached(start)}
                formulation = formulate_as(ScenarioFormulation, problem, form, **chosen, **known)
            elif formulation.leaves_out(start):
                start = None
        return formulation, start

    def no_start(self, formulation: ScenarioFormulation) -> str:
        """Say why a given start counts for nothing; one that bounds what is searched always counts."""
        if formulation.linear:
            return "linear programs are solved without one"
        bounds = bool(formulation.known_as)
        answer, _, why = self.starts.partition(": ")
        return f"solver '{self.name}' takes none, {why}" if answer == "no" and not bounds else ""


class LinearAdapter(ScenarioAdapter):
    """An outside solver of linear programs: limits of the levels and costs of coordinates stay linear."""

    solves = tasks(ExpectedRuntime, ConditionalValueAtRisk, forms=(Form.RELAXED,))
    limits = frozenset({"copies", "levels"})
    costs = True

    @classmethod
    def check(cls, problem: Problem) -> None:
        """Refuse what makes the program one in whole numbers."""
        super().check(problem)
        if problem.system.costs.per_message:
            raise UnsupportedProblemError(
                f"solver '{cls.name}' takes linear programs, which a cost per message is no part of"
            )


_FORMULATION_OPTIONS = {"strong", "symmetry", "equivalence", "at_least", "at_most"}
