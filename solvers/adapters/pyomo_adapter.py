"""What the adapters of pyomo share."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from cgcopt.design import Design
from cgcopt.formulations.scenarios import ScenarioFormulation
from cgcopt.options import Options
from cgcopt.solution import TerminationCondition as T
from cgcopt.solvers.adapters.scenario_adapter import (
    Answer,
    ScenarioAdapter,
    native_options,
    termination,
)

__all__ = ["PYOMO_TERMINATIONS", "PyomoAdapter"]

#: ``pyomo.contrib.solver.common.results.TerminationCondition`` by name.
PYOMO_TERMINATIONS: Mapping[str, T] = {
    "convergenceCriteriaSatisfied": T.OPTIMAL,
    "maxTimeLimit": T.TIME_LIMIT,
    "iterationLimit": T.ITERATION_LIMIT,
    "objectiveLimit": T.CONVERGED,
    "minStepLength": T.ERROR,
    "unbounded": T.UNBOUNDED,
    "infeasibleOrUnbounded": T.UNBOUNDED,
    "provenInfeasible": T.INFEASIBLE,
    "locallyInfeasible": T.INFEASIBLE,
    "error": T.ERROR,
    "interrupted": T.INTERRUPTED,
    "licensingProblems": T.ERROR,
    "emptyModel": T.ERROR,
    "unknown": T.UNKNOWN,
}


class PyomoAdapter(ScenarioAdapter):
    """A solver reached through the solver interfaces of pyomo."""

    common: ClassVar[Mapping[str, str]] = {"time_limit": "time_limit", "gap": "rel_gap"}
    """Neutral options that pyomo itself has a name for."""

    def build(self, formulation: ScenarioFormulation, start: Design | None) -> Any:
        """Write the model with pyomo."""
        model = formulation.to_pyomo()
        if start is not None:
            formulation.warm_start(model, start)
        return model, start is not None

    def run(self, formulation: ScenarioFormulation, model: Any, options: Options) -> Answer:
        """Run the solver."""
        model, started = model
        own = {name: label for name, label in self.neutral.items() if name not in self.common}
        native = {**self.defaults(), **native_options(options, own)}
        results = self.interface(started).solve(
            model,
            time_limit=options.time_limit,
            rel_gap=options.gap,
            tee=options.verbose,
            load_solutions=False,
            raise_exception_on_nonoptimal_result=False,
            solver_options=native,
        )
        condition = results.termination_condition.name
        status = termination(f"pyomo ({self.name})", condition, PYOMO_TERMINATIONS)
        feasible = results.solution_status.name in ("feasible", "optimal")
        if feasible:
            results.solution_loader.load_vars()
        duals = None
        if formulation.linear and status is T.OPTIMAL and self.has_duals:
            found = results.solution_loader.get_duals(list(model.runtime.values()))
            duals = np.array([found[row] for row in model.runtime.values()])
            duals = duals.reshape(formulation.rounds, formulation.workers)
        bound = results.objective_bound
        return Answer(
            status,
            point=formulation.read(model) if feasible else None,
            dual_bound=math.nan if bound is None else bound,
            duals=duals,
            message=condition,
            details=dict(results.extra_info),
        )

    has_duals: ClassVar[bool] = True
    """Whether the interface returns the multipliers of a linear program."""

    def defaults(self) -> Mapping[str, Any]:
        """Return the solver's options where neither neutral nor raw ones speak."""
        return {}

    @abstractmethod
    def interface(self, started: bool) -> Any:
        """Return pyomo's interface of the solver; the model may be ``started`` from a point."""
