"""Outside nonlinear solvers of the exact relaxed problems, without sampling."""

from __future__ import annotations

from typing import Any, ClassVar

from cgcopt.design import Design
from cgcopt.formulations.exact import ExactFormulation
from cgcopt.formulations.formulate import formulate_as
from cgcopt.objective import CompletionProbability, ExpectedRuntime
from cgcopt.problem import Form, Problem
from cgcopt.solvers.adapters.base import OutsideSolver
from cgcopt.solvers.base import Times, tasks

__all__ = ["ExactAdapter"]


class ExactAdapter(OutsideSolver):
    """An outside nonlinear solver applied to the exact relaxed problem.

    The raw option ``start`` is the partition to start from; all others go to the solver under its
    own names.
    """

    solves = tasks(ExpectedRuntime, CompletionProbability, forms=(Form.RELAXED,))
    times: ClassVar[frozenset[Times]] = frozenset({Times.CONTINUOUS})

    def formulate(
        self, problem: Problem, form: Form, raw: dict[str, Any]
    ) -> tuple[ExactFormulation, Design | None]:
        """Return the exact formulation and the raw option ``start``."""
        start = raw.pop("start", None)
        formulation = formulate_as(ExactFormulation, problem, form)
        return formulation, None if start is None else Design(start)
