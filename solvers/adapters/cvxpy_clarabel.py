"""Clarabel through cvxpy."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import import_module
from typing import Any, ClassVar

from cgcopt.formulations.scenarios import ScenarioFormulation
from cgcopt.solution import TerminationCondition as T
from cgcopt.solvers.adapters.base import Answer, termination
from cgcopt.solvers.adapters.cvxpy_adapter import CvxpyAdapter
from cgcopt.solvers.adapters.scenario_adapter import LinearAdapter

__all__ = ["CvxpyClarabel"]

#: ``clarabel.SolverStatus`` by name.
TERMINATIONS: Mapping[str, T] = {
    "Solved": T.OPTIMAL,
    "AlmostSolved": T.CONVERGED,
    "PrimalInfeasible": T.INFEASIBLE,
    "AlmostPrimalInfeasible": T.INFEASIBLE,
    "DualInfeasible": T.UNBOUNDED,
    "AlmostDualInfeasible": T.UNBOUNDED,
    "MaxIterations": T.ITERATION_LIMIT,
    "MaxTime": T.TIME_LIMIT,
    "NumericalError": T.ERROR,
    "InsufficientProgress": T.ERROR,
    "CallbackTerminated": T.INTERRUPTED,
    "Unsolved": T.ERROR,
}


class CvxpyClarabel(LinearAdapter, CvxpyAdapter):
    """The scenario LP in cvxpy, solved by the interior point method Clarabel."""

    name = "cvxpy-clarabel"
    summary = "cvxpy with Clarabel on the scenario LP"
    requires = "clarabel"
    distribution = "clarabel"
    licence = "Apache-2.0"
    starts = "no: an interior point method"
    imports = ("cvxpy", "clarabel")
    solver = "CLARABEL"
    neutral: ClassVar[Mapping[str, str]] = {
        "time_limit": "time_limit",
        "threads": "max_threads",
        "verbose": "verbose",
    }

    def option_names(self) -> Collection[str]:
        """All settings of Clarabel."""
        settings = import_module("clarabel").DefaultSettings()
        return {name for name in dir(settings) if name != "default" and not name.startswith("_")}

    def interpret(self, raw: Any, formulation: ScenarioFormulation) -> tuple[Answer, bool]:
        """Translate the status of Clarabel."""
        status = termination("Clarabel", str(raw.status), TERMINATIONS)
        details = {"iterations": raw.iterations}
        answer = Answer(status, message=str(raw.status), details=details)
        return answer, status in (T.OPTIMAL, T.CONVERGED)
