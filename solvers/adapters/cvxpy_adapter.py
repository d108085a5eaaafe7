"""What the adapters of cvxpy share: they read the solver's own codes, not those of cvxpy."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cgcopt.design import Design
from cgcopt.formulations.base import Point
from cgcopt.formulations.scenarios import ScenarioFormulation
from cgcopt.options import Options
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.adapters.base import Answer, native_options
from cgcopt.solvers.adapters.scenario_adapter import ScenarioAdapter

__all__ = ["CvxpyAdapter"]


class CvxpyAdapter(ScenarioAdapter):
    """A solver reached through cvxpy, always named, never chosen by cvxpy.

    The problem is canonicalised while it is built; solving is the solver's own time.
    """

    solver: ClassVar[str]
    """Name of the solver in cvxpy."""

    def build(self, formulation: ScenarioFormulation, start: Design | None) -> Any:
        """Write the problem with cvxpy and canonicalise it, with what the solver starts from."""
        problem = formulation.leave_out_blocks(formulation.to_cvxpy())
        data, chain, inverse = problem.get_problem_data(self.solver, solver_opts={})
        known = {}
        if start is not None and not formulation.linear:
            known = self.earlier(data, formulation.point(start))
        return problem, data, chain, inverse, known

    def run(self, formulation: ScenarioFormulation, model: Any, options: Options) -> Answer:
        """Run the solver on the canonical problem."""
        problem, data, chain, inverse, known = model
        # cvxpy passes the verbosity on by itself.
        own = {name: label for name, label in self.neutral.items() if name != "verbose"}
        native = {**self.defaults(formulation), **native_options(options, own)}
        raw = chain.solver.solve_via_data(data, bool(known), options.verbose, native, known)
        answer, feasible = self.interpret(raw, formulation)
        if not feasible or answer.termination is TerminationCondition.UNBOUNDED:
            return answer
        with warnings.catch_warnings():
            # cvxpy warns of limits, of which the termination speaks.
            warnings.simplefilter("ignore", UserWarning)
            problem.unpack_results(raw, chain, inverse)
        return Answer(
            answer.termination,
            point=formulation.read(problem),
            dual_bound=answer.dual_bound,
            duals=_runtime_duals(problem) if formulation.linear else None,
            message=answer.message,
            details=answer.details,
        )

    def defaults(self, formulation: ScenarioFormulation) -> Mapping[str, Any]:
        """Return options of the solver, which neutral and raw ones replace."""
        return {}

    def earlier(self, data: Mapping[str, Any], point: Point) -> dict[str, Any]:
        """Return what cvxpy would have kept of an earlier run that ended at this point.

        Parameters
        ----------
        data : mapping
            The canonical problem.
        point : mapping
            Values of the variables of the formulation.

        Returns
        -------
        dict
            cvxpy's cache of solvers; empty where the solver starts from no point.
        """
        return {}

    @abstractmethod
    def interpret(self, raw: Any, formulation: ScenarioFormulation) -> tuple[Answer, bool]:
        """Translate what the solver itself returned; also whether it holds a feasible point."""


def _runtime_duals(problem: Any) -> NDArray[np.float64] | None:
    named = {constraint.label: constraint for constraint in problem.constraints}
    value = named["runtime"].dual_value
    return None if value is None else np.asarray(value, dtype=np.float64)
