"""SCIP through pyomo and PySCIPOpt."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, ClassVar

from cgcopt.formulations.scenarios import ScenarioFormulation
from cgcopt.limits import ALL_LIMITS
from cgcopt.solvers.adapters.pyomo_adapter import COMMON, PyomoAdapter
from cgcopt.solvers.adapters.scenario_adapter import MIXED_INTEGER

__all__ = ["SCIP_DEFAULTS", "PyomoScip", "scip_parameters"]


#: A wall clock for the time limit, and tolerances near those that SCIP is made for, below the one that
#: a budget is judged by (at 1e-6 a point misses it by a hair more): at 1e-9 its linear
#: programs fail, and its complaints fill the pipe that pyomo reads only at the end.
SCIP_DEFAULTS: Mapping[str, float] = {
    "timing/clocktype": 2,
    "numerics/feastol": 5e-7,
    "numerics/dualfeastol": 1e-7,
}


@cache
def scip_parameters() -> frozenset[str]:
    """Names of the parameters of SCIP, some thousands."""
    from pyscipopt import Model

    return frozenset(Model().getParams())


class PyomoScip(PyomoAdapter):
    """The scenario problems in pyomo, solved by the branch-and-cut framework SCIP."""

    name = "pyomo-scip"
    summary = "pyomo with SCIP on the scenario LP or MILP"
    solves = MIXED_INTEGER
    limits = ALL_LIMITS
    costs = True
    requires = "pyscipopt"
    extra = "scip"
    distribution = "pyscipopt"
    licence = "MIT, Apache-2.0"
    starts = "in whole numbers"
    imports = ("pyomo.environ", "pyomo.contrib.solver.solvers.scip.scip_direct", "pyscipopt")
    neutral: ClassVar[Mapping[str, str]] = {
        **COMMON,
        "threads": "lp/threads",
        "seed": "randomization/randomseedshift",
    }
    has_duals = False
    start_options: ClassVar[Mapping[str, Any]] = {"warmstart_discrete_vars": True}

    def defaults(self, formulation: ScenarioFormulation) -> Mapping[str, Any]:
        """Return a wall clock for the time limit, and tolerances that the linear programs bear."""
        return SCIP_DEFAULTS

    def option_names(self) -> Collection[str]:
        """All parameters of SCIP."""
        return scip_parameters()

    def interface(self) -> Any:
        """Return pyomo's SCIP."""
        from pyomo.contrib.solver.solvers.scip.scip_direct import ScipDirect

        return ScipDirect()
