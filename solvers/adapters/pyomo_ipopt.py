"""Ipopt on the algebraic model: pyomo writes it, casadi's Ipopt solves it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from cgcopt.design import Design
from cgcopt.formulations.exact import ExactFormulation
from cgcopt.formulations.models.casadi_program import CASADI_IMPORTS, CasadiProgram
from cgcopt.options import Options
from cgcopt.solution import TerminationCondition as T
from cgcopt.solvers.adapters.base import Answer, native_options, termination
from cgcopt.solvers.adapters.exact_adapter import ExactAdapter

__all__ = ["PyomoIpopt"]

#: Violation of the scaled constraints up to which a point of a run that was cut short is handed on.
FEASIBLE = 1e-7
#: ``tol`` of Ipopt at most; no measurement of it is on record.
LARGEST_TOLERANCE = 1e-9
#: ``tol`` at least: rounding of the model.
LEAST_TOLERANCE = 1e-12

#: ``return_status`` of casadi's interface to Ipopt.
TERMINATIONS: Mapping[str, T] = {
    "Solve_Succeeded": T.CONVERGED,
    "Solved_To_Acceptable_Level": T.CONVERGED,
    "Feasible_Point_Found": T.CONVERGED,
    "Search_Direction_Becomes_Too_Small": T.CONVERGED,
    "Infeasible_Problem_Detected": T.INFEASIBLE,
    "Diverging_Iterates": T.UNBOUNDED,
    "User_Requested_Stop": T.INTERRUPTED,
    "Maximum_Iterations_Exceeded": T.ITERATION_LIMIT,
    "Maximum_CpuTime_Exceeded": T.TIME_LIMIT,
    "Maximum_WallTime_Exceeded": T.TIME_LIMIT,
    "Restoration_Failed": T.ERROR,
    "Error_In_Step_Computation": T.ERROR,
    "Not_Enough_Degrees_Of_Freedom": T.ERROR,
    "Invalid_Problem_Definition": T.ERROR,
    "Invalid_Option": T.ERROR,
    "Invalid_Number_Detected": T.ERROR,
    "Unrecoverable_Exception": T.ERROR,
    "NonIpopt_Exception_Thrown": T.ERROR,
    "Insufficient_Memory": T.ERROR,
    "Internal_Error": T.ERROR,
}


class PyomoIpopt(ExactAdapter):
    """The algebraic model as an NL file, solved by the Ipopt that casadi brings."""

    name = "pyomo-ipopt"
    summary = "pyomo with Ipopt (casadi's) on the algebraic model, for few workers"
    requires = "casadi"
    extra = "ipopt"
    distribution = "casadi"
    licence = "BSD-3-Clause, LGPL-3.0, EPL-2.0"
    imports = CASADI_IMPORTS
    neutral: ClassVar[Mapping[str, str]] = {
        "time_limit": "max_wall_time",
        "gap": "tol",
        "verbose": "print_level",
    }

    def build(self, formulation: ExactFormulation, start: Design | None) -> CasadiProgram:
        """Write the model with pyomo and read it with casadi."""
        model = formulation.to_pyomo()
        if start is not None:
            formulation.warm_start(model, start)
        return CasadiProgram.of(model)

    def run(self, formulation: ExactFormulation, model: CasadiProgram, options: Options) -> Answer:
        """Run Ipopt."""
        native = {
            "sb": "yes",
            "tol": min(max(options.gap, LEAST_TOLERANCE), LARGEST_TOLERANCE),
            "print_level": 5 if options.verbose else 0,
            **native_options(options, {"time_limit": "max_wall_time"}),
        }
        result, point, statistics = model.solve("ipopt", native)
        status = termination("Ipopt", statistics["return_status"], TERMINATIONS)
        feasible = status is T.CONVERGED or _violation(result, model.limits) <= FEASIBLE
        return Answer(
            status,
            point=formulation.read(model.model) if feasible else None,
            message=statistics["return_status"],
            details={"iterations": statistics["iter_count"], "variables": point.size},
        )


def _violation(result: Any, limits: Mapping[str, Any]) -> float:
    """Largest violation of bounds and constraints at the point that Ipopt ended with."""
    worst = 0.0
    for values, lower, upper in (("x", "lbx", "ubx"), ("g", "lbg", "ubg")):
        value = np.array(result[values]).ravel()
        over = value - np.asarray(limits[upper], dtype=np.float64)
        under = np.asarray(limits[lower], dtype=np.float64) - value
        worst = max(worst, float(over.max(initial=0.0)), float(under.max(initial=0.0)))
    return worst if math.isfinite(worst) else math.inf
