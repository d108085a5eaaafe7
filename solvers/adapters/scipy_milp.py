"""scipy.optimize.milp, which runs the HiGHS that scipy carries."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from cgcopt.design import Design
from cgcopt.formulations.scenarios import ScenarioFormulation
from cgcopt.limits import ALL_LIMITS
from cgcopt.options import Options
from cgcopt.solution import TerminationCondition as T
from cgcopt.solvers.adapters.base import (
    Answer,
    native_options,
    termination,
    unknown_options_refused,
)
from cgcopt.solvers.adapters.scenario_adapter import MIXED_INTEGER, ScenarioAdapter

__all__ = ["ScipyMilp"]

#: ``OptimizeResult.status`` of :func:`scipy.optimize.milp`.
TERMINATIONS: Mapping[int, T] = {
    0: T.OPTIMAL,
    1: T.TIME_LIMIT,
    2: T.INFEASIBLE,
    3: T.UNBOUNDED,
    4: T.ERROR,
}


class ScipyMilp(ScenarioAdapter):
    """Branch and cut on the program as scipy takes it."""

    name = "scipy-milp"
    summary = "scipy.optimize.milp on the scenario LP or MILP"
    solves = MIXED_INTEGER
    limits = ALL_LIMITS
    costs = True
    requires = "scipy"
    distribution = "scipy"
    licence = "BSD-3-Clause"
    starts = "no: scipy passes HiGHS no point"
    imports = ("scipy.optimize", "scipy.sparse")
    neutral: ClassVar[Mapping[str, str]] = {
        "time_limit": "time_limit",
        "gap": "mip_rel_gap",
        "verbose": "disp",
    }

    def build(self, formulation: ScenarioFormulation, start: Design | None) -> Any:
        """Write the program with scipy; it takes no point to start from."""
        return formulation.to_scipy()

    def run(self, formulation: ScenarioFormulation, model: Any, options: Options) -> Answer:
        """Run ``milp``."""
        from scipy.optimize import milp

        native: Any = native_options(options, self.neutral)
        with unknown_options_refused(options.raw):
            result = milp(**model.milp_arguments(), options=native)
        status = termination("scipy.optimize.milp", result.status, TERMINATIONS)
        if status is T.ERROR and "limit reached" in result.message:
            status = T.ITERATION_LIMIT  # a limit on nodes or solutions has no code of its own
        found = result.x is not None
        # For a linear program scipy names no bound: the optimum is one.
        proven = formulation.linear and status is T.OPTIMAL
        bound = result.fun if proven else result.get("mip_dual_bound")
        return Answer(
            status,
            point=formulation.read(result) if found else None,
            dual_bound=math.nan if bound is None else model.sign * bound,
            message=result.message,
            details={"nodes": result.get("mip_node_count")},
        )
