"""Outside nonlinear solvers of the exact relaxed problems, without sampling."""

from __future__ import annotations

from typing import Any, ClassVar

from cgcopt.design import Design
from cgcopt.errors import UnsupportedProblemError
from cgcopt.formulations.builders import formulate_as
from cgcopt.formulations.closed_runtime import MOST_WORKERS
from cgcopt.formulations.exact import ExactFormulation
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
    starts = "always"
    needs_sum: ClassVar[bool] = False
    """Whether the mean has to be a finite sum, since a quadrature has an error that no bound sees."""

    def formulate(
        self, problem: Problem, form: Form, raw: dict[str, Any]
    ) -> tuple[ExactFormulation, Design | None]:
        """Return the exact formulation and the raw option ``start``.

        Raises
        ------
        UnsupportedProblemError
            If the mean is no finite sum where it has to be one.
        """
        start = raw.pop("start", None)
        formulation = formulate_as(ExactFormulation, problem, form)
        if self.needs_sum and not formulation.closed:
            raise UnsupportedProblemError(
                f"{self.name} takes the expected runtime of exponential and shifted-exponential times "
                f"and at most {MOST_WORKERS} workers, not {problem.system.workers} with "
                f"{problem.system.worker_times.label}; optimal-integer takes it"
            )
        return formulation, None if start is None else Design(start)
