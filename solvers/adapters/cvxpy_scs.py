"""SCS through cvxpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from cgcopt.formulations.scenarios import ScenarioFormulation
from cgcopt.solution import TerminationCondition as T
from cgcopt.solvers.adapters.base import Answer, termination
from cgcopt.solvers.adapters.cvxpy_adapter import CvxpyAdapter
from cgcopt.solvers.adapters.scenario_adapter import LinearAdapter

__all__ = ["CvxpyScs"]

#: ``info.status_val`` of SCS.
TERMINATIONS: Mapping[int, T] = {
    1: T.OPTIMAL,
    2: T.ITERATION_LIMIT,
    -1: T.UNBOUNDED,
    -2: T.INFEASIBLE,
    -3: T.ERROR,
    -4: T.ERROR,
    -5: T.INTERRUPTED,
    -6: T.ITERATION_LIMIT,
    -7: T.ITERATION_LIMIT,
}


class CvxpyScs(LinearAdapter, CvxpyAdapter):
    """The scenario LP in cvxpy, solved by the first-order method SCS."""

    name = "cvxpy-scs"
    summary = "cvxpy with SCS on the scenario LP, to lower accuracy"
    tolerance = 1e-4
    requires = "scs"
    distribution = "scs"
    licence = "MIT"
    starts = "no: it needs multipliers too"
    imports = ("cvxpy", "scs")
    solver = "SCS"
    neutral: ClassVar[Mapping[str, str]] = {
        "time_limit": "time_limit_secs",
        "verbose": "verbose",
    }

    def defaults(self, formulation: ScenarioFormulation) -> Mapping[str, Any]:
        """Return tolerances that promise the declared accuracy."""
        return {"eps_abs": 1e-7, "eps_rel": 1e-7, "max_iters": 200_000}

    def interpret(self, raw: Any, formulation: ScenarioFormulation) -> tuple[Answer, bool]:
        """Translate the status of SCS."""
        info = raw["info"]
        status = termination("SCS", info["status_val"], TERMINATIONS)
        if status is T.ITERATION_LIMIT and "time" in info["status"]:
            status = T.TIME_LIMIT
        answer = Answer(status, message=info["status"], details={"iterations": info["iter"]})
        return answer, status is T.OPTIMAL
