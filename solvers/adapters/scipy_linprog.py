"""scipy.optimize.linprog."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from cgcopt.design import Design
from cgcopt.formulations.scenarios import ScenarioFormulation
from cgcopt.options import Options
from cgcopt.solution import TerminationCondition as T
from cgcopt.solvers.adapters.base import (
    Answer,
    native_options,
    termination,
    unknown_options_refused,
)
from cgcopt.solvers.adapters.scenario_adapter import LinearAdapter

__all__ = ["ScipyLinprog"]

#: ``OptimizeResult.status`` of :func:`scipy.optimize.linprog`.
TERMINATIONS: Mapping[int, T] = {
    0: T.OPTIMAL,
    1: T.ITERATION_LIMIT,
    2: T.INFEASIBLE,
    3: T.UNBOUNDED,
    4: T.ERROR,
}
#: Statuses with which HiGHS's interior point method ends on some programs that have an optimum.
NO_POINT = (2, 3, 4)


class ScipyLinprog(LinearAdapter):
    """The interior point method that scipy carries; raw option ``method`` chooses another."""

    name = "scipy-linprog"
    summary = "scipy.optimize.linprog on the scenario LP"
    requires = "scipy"
    distribution = "scipy"
    licence = "BSD-3-Clause"
    starts = "no: an interior point method"
    imports = ("scipy.optimize", "scipy.sparse")
    neutral: ClassVar[Mapping[str, str]] = {"time_limit": "time_limit", "verbose": "disp"}

    def build(self, formulation: ScenarioFormulation, start: Design | None) -> Any:
        """Write the program with scipy; it takes no point to start from."""
        return formulation.to_scipy().linprog_arguments()

    def run(self, formulation: ScenarioFormulation, model: Any, options: Options) -> Answer:
        """Run ``linprog``."""
        from scipy.optimize import linprog

        native: Any = native_options(options, self.neutral)
        method = native.pop("method", "highs-ipm")
        del model["integrality"]
        with unknown_options_refused(options.raw):
            result: Any = linprog(**model, method=method, options=native)
            if result.status in NO_POINT and "method" not in options.raw:
                result = linprog(**model, method="highs-ds", options=native)
        status = termination("scipy.optimize.linprog", result.status, TERMINATIONS)
        if status is T.ITERATION_LIMIT and "time" in result.message.lower():
            status = T.TIME_LIMIT
        optimal = status is T.OPTIMAL
        duals = None
        if optimal:  # the runtime rows are the last inequalities
            rows = result.ineqlin.marginals[-formulation.rounds * formulation.workers :]
            duals = rows.reshape(formulation.rounds, formulation.workers)
        return Answer(
            status,
            point=formulation.read(result) if optimal else None,
            duals=duals,
            message=result.message,
            details={"iterations": result.nit},
        )
