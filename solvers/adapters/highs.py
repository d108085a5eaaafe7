"""HiGHS through highspy, its own Python interface."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from cgcopt._validate import did_you_mean
from cgcopt.design import Design
from cgcopt.errors import InvalidInputError
from cgcopt.formulations.highs_model import run_interior_point
from cgcopt.formulations.models.duals import read_duals
from cgcopt.formulations.scenarios import ScenarioFormulation
from cgcopt.limits import ALL_LIMITS
from cgcopt.options import Options
from cgcopt.process.highs import forget_threads, silent_highs
from cgcopt.solution import TerminationCondition as T
from cgcopt.solvers.adapters.base import Answer, native_options, termination
from cgcopt.solvers.adapters.scenario_adapter import MIXED_INTEGER, ScenarioAdapter
from cgcopt.solvers.adapters.serving import report_incumbent

__all__ = ["HIGHS_TERMINATIONS", "Highs", "check_highs_names", "highs_tolerances"]

#: ``highspy.HighsModelStatus`` by name.
HIGHS_TERMINATIONS: Mapping[str, T] = {
    "kOptimal": T.OPTIMAL,
    "kInfeasible": T.INFEASIBLE,
    "kUnbounded": T.UNBOUNDED,
    "kUnboundedOrInfeasible": T.UNBOUNDED,
    "kObjectiveBound": T.CONVERGED,
    "kObjectiveTarget": T.CONVERGED,
    "kTimeLimit": T.TIME_LIMIT,
    "kIterationLimit": T.ITERATION_LIMIT,
    "kSolutionLimit": T.ITERATION_LIMIT,
    "kInterrupt": T.INTERRUPTED,
    "kHighsInterrupt": T.INTERRUPTED,
    "kMemoryLimit": T.ERROR,
    "kModelEmpty": T.ERROR,
    "kLoadError": T.ERROR,
    "kModelError": T.ERROR,
    "kPresolveError": T.ERROR,
    "kSolveError": T.ERROR,
    "kPostsolveError": T.ERROR,
    "kNotset": T.ERROR,
    "kUnknown": T.UNKNOWN,
}


def highs_tolerances(linear: bool) -> Mapping[str, float]:
    """Return feasibility and optimality, tighter than HiGHS's own for linear programs only.

    Programs in whole numbers keep the tolerances that HiGHS is made for: below 1e-7 its branch and
    cut excludes feasible points, and a bound that it proves is none.  The formulations are scaled
    such that 1e-6 is 1e-9 of ``L``.

    Examples
    --------
    >>> highs_tolerances(linear=False)
    {}
    """
    if not linear:
        return {}
    return {"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9}


def check_highs_names(raw: Mapping[str, Any]) -> None:
    """Refuse an option that HiGHS does not know; the message lists those that highspy names.

    Raises
    ------
    InvalidInputError
        Naming the option.

    Examples
    --------
    >>> check_highs_names({"mip_rel_gap": 0.1})
    """
    import highspy

    known = silent_highs()
    for name, value in raw.items():
        if known.getOptionType(str(name))[0] != highspy.HighsStatus.kOk:
            listed = [each for each in dir(known.getOptions()) if not each.startswith("_")]
            raise InvalidInputError(f"options.raw[{name!r}]", value, did_you_mean(name, listed))


class Highs(ScenarioAdapter):
    """HiGHS: dual simplex and interior point for the LPs, branch and cut for the MILPs."""

    name = "highs"
    summary = "HiGHS on the scenario LP or MILP, through highspy"
    solves = MIXED_INTEGER
    limits = ALL_LIMITS
    costs = True
    requires = "highspy"
    distribution = "highspy"
    licence = "MIT"
    starts = "in whole numbers"
    imports = ("highspy", "scipy.sparse", "cgcopt.formulations.highs_model")
    neutral: ClassVar[Mapping[str, str]] = {
        "time_limit": "time_limit",
        "gap": "mip_rel_gap",
        "threads": "threads",
        "seed": "random_seed",
        "verbose": "output_flag",
    }

    def check_names(self, raw: Mapping[str, Any]) -> None:
        """Refuse an option that HiGHS does not know."""
        check_highs_names(raw)

    def build(self, formulation: ScenarioFormulation, start: Design | None) -> Any:
        """Write the model with highspy."""
        model = formulation.to_highspy()
        if start is not None:
            formulation.warm_start(model, start)
        return model

    def run(self, formulation: ScenarioFormulation, model: Any, options: Options) -> Answer:
        """Run HiGHS."""
        import highspy

        linear = formulation.linear
        settings = {**highs_tolerances(linear), **native_options(options, self.neutral)}
        _set_options(model, settings)
        forget_threads()
        if not linear:
            _report_incumbents(formulation, model)
        if linear and "solver" not in options.raw:
            # With crossover it takes half the time of the simplex method on these programs.
            run_interior_point(model)
        else:
            model.run()
        info = model.getInfo()
        feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        status = termination("HiGHS", model.getModelStatus().name, HIGHS_TERMINATIONS)
        feasible = feasible and status is not T.UNBOUNDED
        duals = None
        if linear and status is T.OPTIMAL:
            runtime = {"runtime": (formulation.rounds, formulation.workers)}
            duals = read_duals(model, runtime)["runtime"]
        return Answer(
            status,
            point=formulation.read(model) if feasible else None,
            dual_bound=math.nan if linear else info.mip_dual_bound,
            duals=duals,
            message=model.modelStatusToString(model.getModelStatus()),
            details={
                "nodes": max(info.mip_node_count, 0),
                "iterations": info.simplex_iteration_count + info.ipm_iteration_count,
                "columns": model.getNumCol(),
                "rows": model.getNumRow(),
                "nonzeros": model.getNumNz(),
            },
        )


def _report_incumbents(formulation: ScenarioFormulation, model: Any) -> None:
    """Have HiGHS report every better point that it finds."""

    def better(event: Any) -> None:
        point = formulation.unflatten(np.array(event.data_out.mip_solution))
        report_incumbent(formulation.partition(point))

    model.cbMipImprovingSolution.subscribe(better)


def _set_options(model: Any, options: Mapping[str, Any]) -> None:
    import highspy

    for name, value in options.items():
        value = float(value) if name in _REAL else value
        if model.setOptionValue(name, value) != highspy.HighsStatus.kOk:
            allowed = "an option of HiGHS with a value that it accepts"
            raise InvalidInputError(f"options.raw[{name!r}]", value, allowed)


_REAL = {"time_limit", "mip_rel_gap"}
