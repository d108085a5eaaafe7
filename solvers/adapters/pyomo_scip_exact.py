"""SCIP on the algebraic model: a proof of the optimum for very few workers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from cgcopt.design import Design
from cgcopt.formulations.exact import ExactFormulation
from cgcopt.objective import CompletionProbability, ExpectedRuntime
from cgcopt.options import Options
from cgcopt.problem import Form
from cgcopt.solvers.adapters.base import Answer, native_options
from cgcopt.solvers.adapters.exact_adapter import ExactAdapter
from cgcopt.solvers.adapters.pyomo_adapter import own_names, run_pyomo
from cgcopt.solvers.adapters.pyomo_scip import SCIP_DEFAULTS, PyomoScip, scip_parameters
from cgcopt.solvers.adapters.serving import report_incumbent
from cgcopt.solvers.base import tasks

__all__ = ["PyomoScipExact"]


class PyomoScipExact(ExactAdapter):
    """Spatial branch and bound on the algebraic model, with a dual bound.

    In whole numbers the model is a mixed-integer nonlinear program.  The expected runtime has one for
    exponential and shifted exponential times and up to eight workers, where the mean is a finite sum;
    its tangents, valid since it is convex, make the proof quick.  Other families have a
    quadrature, whose error no dual bound accounts for.
    """

    name = "pyomo-scip-exact"
    summary = "pyomo with SCIP on the algebraic model: global, for few workers"
    solves = tasks(CompletionProbability, forms=(Form.RELAXED, Form.BLOCK)) | tasks(
        ExpectedRuntime, forms=(Form.BLOCK,)
    )
    requires = "pyscipopt"
    extra = "scip"
    distribution = "pyscipopt"
    licence = "MIT, Apache-2.0"
    tolerance = 1e-4
    needs_sum = True
    imports = PyomoScip.imports
    neutral: ClassVar[Mapping[str, str]] = PyomoScip.neutral

    def option_names(self) -> Collection[str]:
        """All parameters of SCIP."""
        return scip_parameters()

    def build(self, formulation: ExactFormulation, start: Design | None) -> Any:
        """Write the model with pyomo; the design that it starts from is there if SCIP does not stop."""
        model = formulation.to_pyomo()
        if start is not None:
            formulation.warm_start(model, start)
        report_incumbent(formulation.partition(formulation.read(model)))
        return model

    def run(self, formulation: ExactFormulation, model: Any, options: Options) -> Answer:
        """Run SCIP."""
        from pyomo.contrib.solver.solvers.scip.scip_direct import ScipDirect

        native = {**SCIP_DEFAULTS, **native_options(options, own_names(self.neutral))}
        own = {"warmstart_discrete_vars": True} if formulation.integer else {}
        return run_pyomo(ScipDirect(), formulation, model, native, options, **own)[0]
