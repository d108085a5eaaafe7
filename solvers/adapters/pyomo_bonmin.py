"""Bonmin on the expected runtime in whole blocks: pyomo writes it, casadi's Bonmin solves it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from io import StringIO
from typing import Any, ClassVar

import numpy as np

from cgcopt.design import Design
from cgcopt.formulations.exact_runtime import ExactRuntime
from cgcopt.formulations.models.casadi_program import CASADI_IMPORTS, CasadiProgram
from cgcopt.objective import ExpectedRuntime
from cgcopt.options import Options
from cgcopt.problem import Form
from cgcopt.solution import TerminationCondition as T
from cgcopt.solvers.adapters.base import Answer, native_options, termination
from cgcopt.solvers.adapters.exact_adapter import ExactAdapter
from cgcopt.solvers.base import tasks

__all__ = ["PyomoBonmin"]

#: Distance from whole numbers, and of their sum from the budget, at which a point is a design.
WHOLE = 1e-3

#: ``return_status`` of casadi's interface to Bonmin.
TERMINATIONS: Mapping[str, T] = {
    "SUCCESS": T.CONVERGED,
    "INFEASIBLE": T.INFEASIBLE,
    "CONTINUOUS_UNBOUNDED": T.UNBOUNDED,
    "LIMIT_EXCEEDED": T.TIME_LIMIT,
    "USER_INTERRUPT": T.INTERRUPTED,
    "MINLP_ERROR": T.ERROR,
}


class PyomoBonmin(ExactAdapter):
    """Branch and bound with nonlinear relaxations on the convex program in the blocks.

    The mean is a finite sum for exponential and shifted exponential times and up to eight workers.
    casadi's Bonmin ends its process on programs with further nonlinear rows, so that the completion
    probability, which has some, is left out.  It tells no dual bound.
    """

    name = "pyomo-bonmin"
    summary = (
        "pyomo with Bonmin (casadi's) on the expected runtime in whole blocks, for few workers"
    )
    solves = tasks(ExpectedRuntime, forms=(Form.BLOCK,))
    requires = "casadi"
    extra = "ipopt"
    distribution = "casadi"
    licence = "LGPL-3.0, EPL-2.0, CPL-1.0"
    tolerance = 1e-3
    needs_sum = True
    imports = CASADI_IMPORTS
    neutral: ClassVar[Mapping[str, str]] = {
        "time_limit": "time_limit",
        "gap": "allowable_fraction_gap",
        "verbose": "print_level",
    }

    def build(self, formulation: ExactRuntime, start: Design | None) -> CasadiProgram:
        """Write the model with pyomo and read it with casadi."""
        model = formulation.to_convex_pyomo()
        if start is not None:
            formulation.warm_start(model, start)
        return CasadiProgram.of(model)

    def run(self, formulation: ExactRuntime, model: CasadiProgram, options: Options) -> Answer:
        """Run Bonmin."""
        native: dict[str, Any] = {
            "algorithm": "B-BB",
            "print_level": 5 if options.verbose else 0,
            "sb": "yes",
        }
        native |= native_options(
            options, {"time_limit": "time_limit", "gap": "allowable_fraction_gap"}
        )
        discrete = [bool(whole) for whole in model.program.discrete]
        # casadi passes the log of Bonmin, which no option silences, to Python's standard output.
        with redirect_stdout(sys.stderr if options.verbose else StringIO()):
            _, point, statistics = model.solve("bonmin", native, discrete=discrete)
        status = termination("Bonmin", statistics["return_status"], TERMINATIONS)
        whole = bool(np.abs(point - np.round(point)).max() < WHOLE)
        found = whole and abs(point.sum() - formulation.problem.system.coordinates) < WHOLE
        return Answer(
            status,
            point=formulation.read(model.model) if found else None,
            message=str(statistics["return_status"]),
            details={"variables": point.size},
        )
