"""Uno, a framework of Lagrange-Newton methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from cgcopt.design import Design
from cgcopt.errors import InvalidInputError
from cgcopt.formulations.exact import ExactFormulation, NonlinearProgram
from cgcopt.options import Options
from cgcopt.solution import TerminationCondition as T
from cgcopt.solvers.adapters.base import Answer, native_options, termination
from cgcopt.solvers.adapters.exact_adapter import ExactAdapter

__all__ = ["Uno"]

#: Violation of the scaled constraints up to which a point is handed to the judge.
FEASIBLE = 1e-6

#: ``unopy.OptimizationStatus`` by name.
TERMINATIONS: Mapping[str, T] = {
    "SUCCESS": T.CONVERGED,
    "ITERATION_LIMIT": T.ITERATION_LIMIT,
    "TIME_LIMIT": T.TIME_LIMIT,
    "EVALUATION_ERROR": T.ERROR,
    "ALGORITHMIC_ERROR": T.ERROR,
    "USER_TERMINATION": T.INTERRUPTED,
    "USER_INTERRUPTION": T.INTERRUPTED,
}

#: ``unopy.SolutionStatus`` by name, where it says more than a successful end.
POINTS: Mapping[str, T] = {
    "FEASIBLE_KKT_POINT": T.CONVERGED,
    "FEASIBLE_FJ_POINT": T.CONVERGED,
    "FEASIBLE_SMALL_STEP": T.CONVERGED,
    "INFEASIBLE_STATIONARY_POINT": T.INFEASIBLE,
    "INFEASIBLE_SMALL_STEP": T.INFEASIBLE,
    "UNBOUNDED_OBJECTIVE": T.UNBOUNDED,
    "DIVERGING_ITERATE": T.ERROR,
    "NOT_OPTIMAL": T.ERROR,
}


class Uno(ExactAdapter):
    """Filter SQP with limited-memory second derivatives; raw option ``preset`` chooses another."""

    name = "uno"
    summary = "Uno's filter SQP on the exact objective"
    requires = "unopy"
    extra = "uno"
    distribution = "unopy"
    licence = "MIT"
    imports = ("unopy", "scipy.optimize")
    neutral: ClassVar[Mapping[str, str]] = {"time_limit": "time_limit", "verbose": "logger"}

    def build(self, formulation: ExactFormulation, start: Design | None) -> Any:
        """Write the smooth program as Uno takes it."""
        import unopy

        program = formulation.to_scipy()
        n, bounds = program.start.size, program.bounds
        model = unopy.Model(
            unopy.PROBLEM_NONLINEAR, n, bounds.lb, bounds.ub, unopy.ZERO_BASED_INDEXING
        )
        _set_functions(model, program)
        given = program.start if start is None else formulation.flatten(formulation.point(start))
        model.set_initial_primal_iterate(given)
        return model

    def run(self, formulation: ExactFormulation, model: Any, options: Options) -> Answer:
        """Run Uno."""
        import unopy

        native = native_options(options, {"time_limit": "time_limit"})
        solver = unopy.UnoSolver()
        solver.set_preset(native.pop("preset", "filtersqp"))
        solver.set_option("logger", "INFO" if options.verbose else "SILENT")
        for name, value in native.items():
            try:
                solver.set_option(name, value)
            except KeyError as error:
                allowed = "an option of Uno"
                raise InvalidInputError(f"options.raw[{name!r}]", value, allowed) from error
        result = solver.optimize(model)
        ended, reached = result.optimization_status.name, result.solution_status.name
        status = termination("Uno", ended, TERMINATIONS)
        if status is T.CONVERGED:
            status = termination("Uno", reached, POINTS)
        point = formulation.unflatten(np.array(result.primal_solution))
        feasible = result.solution_primal_feasibility <= FEASIBLE
        return Answer(
            status,
            point=point if feasible else None,
            message=f"{ended}, {reached}",
            details={"iterations": result.number_iterations},
        )


def _set_functions(model: Any, program: NonlinearProgram) -> None:
    import unopy

    def objective(v: Any) -> float:
        return program.value_and_gradient(np.array(v))[0]

    def gradient(v: Any, out: Any) -> None:
        out[:] = program.value_and_gradient(np.array(v))[1]

    def constraints(v: Any, out: Any) -> None:
        out[:] = program.constraint_values(np.array(v))

    def jacobian(v: Any, out: Any) -> None:
        out[:] = program.constraint_jacobian(np.array(v)).ravel()

    model.set_objective(unopy.MINIMIZE, objective, gradient)
    lower, upper = program.constraint_bounds()
    rows, columns = np.indices((lower.size, program.start.size))
    model.set_constraints(
        lower.size,
        constraints,
        lower,
        upper,
        rows.size,
        rows.ravel().tolist(),
        columns.ravel().tolist(),
        jacobian,
    )
