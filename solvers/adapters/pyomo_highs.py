"""HiGHS through pyomo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from cgcopt.formulations.points import start_from
from cgcopt.formulations.scenarios import ScenarioFormulation
from cgcopt.limits import ALL_LIMITS
from cgcopt.process.highs import forget_threads
from cgcopt.solvers.adapters.highs import check_highs_names, highs_tolerances
from cgcopt.solvers.adapters.pyomo_adapter import COMMON, PyomoAdapter
from cgcopt.solvers.adapters.scenario_adapter import MIXED_INTEGER

__all__ = ["PyomoHighs"]


class PyomoHighs(PyomoAdapter):
    """The scenario problems in pyomo, solved by HiGHS."""

    name = "pyomo-highs"
    summary = "pyomo with HiGHS on the scenario LP or MILP"
    solves = MIXED_INTEGER
    limits = ALL_LIMITS
    costs = True
    requires = "pyomo"
    distribution = "pyomo"
    licence = "BSD-3-Clause, MIT"
    starts = "in whole numbers"
    imports = ("pyomo.environ", "pyomo.contrib.solver.solvers.highs", "highspy")
    neutral: ClassVar[Mapping[str, str]] = {
        **COMMON,
        "threads": "threads",
        "seed": "random_seed",
    }

    def check_names(self, raw: Mapping[str, Any]) -> None:
        """Refuse an option that HiGHS does not know."""
        check_highs_names(raw)

    def defaults(self, formulation: ScenarioFormulation) -> Mapping[str, Any]:
        """Return tolerances like those of the adapter ``highs``."""
        return highs_tolerances(formulation.linear)

    def interface(self) -> Any:
        """Return pyomo's HiGHS, made to start from the values of the variables."""
        from pyomo.contrib.solver.solvers.highs import Highs

        class Started(Highs):  # type: ignore[misc]
            """pyomo's interface has a hook for options, and none for a start."""

            def _solve(self) -> Any:
                columns = self._pyomo_var_to_solver_var_map
                values = {columns[at]: self._vars[at][0].value for at in columns}
                if None not in values.values():
                    start_from(self._solver_model, [values[i] for i in range(len(values))])
                return super()._solve()

        forget_threads()
        return Started()
