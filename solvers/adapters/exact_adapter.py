"""What the adapters of nonlinear solvers share: the exact relaxed problem, without sampling."""

from __future__ import annotations

import time
from abc import abstractmethod
from dataclasses import replace
from typing import Any, ClassVar

from cgcopt.design import Design
from cgcopt.formulations import formulate
from cgcopt.formulations.exact import ExactFormulation
from cgcopt.objective import CompletionProbability, ExpectedRuntime
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.solvers.adapters.outside import OutsideSolver
from cgcopt.solvers.adapters.scenario_adapter import Answer, outcome_of, solver_log
from cgcopt.solvers.base import Outcome, Times, tasks

__all__ = ["ExactAdapter"]


class ExactAdapter(OutsideSolver):
    """An outside nonlinear solver applied to the exact relaxed problem.

    The raw option ``start`` is the partition to start from; all others go to the solver under its
    own names.
    """

    solves = tasks(ExpectedRuntime, CompletionProbability, forms=(Form.RELAXED,))
    times: ClassVar[frozenset[Times]] = frozenset({Times.CONTINUOUS})

    def solve(self, problem: Problem, form: Form, options: Options) -> Outcome:
        """Formulate, hand over, and translate the answer."""
        started = time.perf_counter()
        raw = dict(options.raw)
        start = raw.pop("start", None)
        formulation = formulate(problem, form)
        assert isinstance(formulation, ExactFormulation)
        model = self.build(formulation, None if start is None else Design(start))
        built = time.perf_counter() - started
        if options.time_limit is not None:
            options = replace(options, time_limit=max(options.time_limit - built, 1e-3))
        with solver_log(options):
            answer = self.run(formulation, model, replace(options, raw=raw))
        return replace(outcome_of(formulation, answer), build_seconds=built)

    @abstractmethod
    def build(self, formulation: ExactFormulation, start: Design | None) -> Any:
        """Write the model in the adapter's language, with the point to start from."""

    @abstractmethod
    def run(self, formulation: ExactFormulation, model: Any, options: Options) -> Answer:
        """Solve the model."""
