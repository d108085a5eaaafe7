"""HiGHS through cvxpy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from cgcopt.formulations.base import Point
from cgcopt.formulations.scenarios import ScenarioFormulation
from cgcopt.limits import ALL_LIMITS
from cgcopt.objective import Sense
from cgcopt.process.highs import forget_threads
from cgcopt.solvers.adapters.base import Answer, termination
from cgcopt.solvers.adapters.cvxpy_adapter import CvxpyAdapter
from cgcopt.solvers.adapters.highs import (
    HIGHS_TERMINATIONS,
    check_highs_names,
    highs_tolerances,
)
from cgcopt.solvers.adapters.scenario_adapter import MIXED_INTEGER

__all__ = ["CvxpyHighs"]


class CvxpyHighs(CvxpyAdapter):
    """The scenario problems in cvxpy, solved by HiGHS."""

    name = "cvxpy-highs"
    summary = "cvxpy with HiGHS on the scenario LP or MILP"
    solves = MIXED_INTEGER
    limits = ALL_LIMITS
    costs = True
    requires = "cvxpy"
    distribution = "cvxpy"
    licence = "Apache-2.0, MIT"
    starts = "in whole numbers"
    imports = ("cvxpy", "highspy")
    solver = "HIGHS"
    neutral: ClassVar[Mapping[str, str]] = {
        "time_limit": "time_limit",
        "gap": "mip_rel_gap",
        "threads": "threads",
        "seed": "random_seed",
        "verbose": "log_to_console",
    }

    def check_names(self, raw: Mapping[str, Any]) -> None:
        """Refuse an option that HiGHS does not know."""
        check_highs_names(raw)

    def defaults(self, formulation: ScenarioFormulation) -> Mapping[str, Any]:
        """Return tolerances like those of the adapter ``highs``."""
        forget_threads()
        return highs_tolerances(formulation.linear)

    def earlier(self, data: Mapping[str, Any], point: Point) -> dict[str, Any]:
        """Return a solution of HiGHS in the order of cvxpy's columns; its own ones stay undefined."""
        import highspy

        program = data["param_prob"]
        values = np.full(program.x.size, highspy.kHighsInf)
        for variable in program.variables:
            if variable.name() in point:
                first = program.var_id_to_col[variable.id]
                entries = np.ravel(point[variable.name()], order="F")
                values[first : first + variable.size] = entries
        solution = highspy.HighsSolution()
        solution.col_value, solution.value_valid = values.tolist(), True
        return {self.solver: (None, None, {"model_status": "kOptimal", "solution": solution})}

    def interpret(self, raw: Any, formulation: ScenarioFormulation) -> tuple[Answer, bool]:
        """Translate the model status of HiGHS."""
        info = raw["info"]
        # cvxpy turns a maximisation around.
        sign = -1.0 if formulation.problem.objective.sense is Sense.MAXIMIZE else 1.0
        bound = math.nan if formulation.linear else sign * info.mip_dual_bound
        said = raw["model_status"]
        status = termination("HiGHS", said, HIGHS_TERMINATIONS)
        if said == "kInterrupt":
            raw["model_status"] = "kTimeLimit"  # cvxpy reads the point of such a run only
        details = {"nodes": max(info.mip_node_count, 0)}
        answer = Answer(status, dual_bound=bound, message=said, details=details)
        return answer, int(info.primal_solution_status) == 2
