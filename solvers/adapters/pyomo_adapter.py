"""What the adapters of pyomo share."""

from __future__ import annotations

import math
import os
import sys
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar, TextIO

import numpy as np

from cgcopt.design import Design
from cgcopt.errors import InvalidInputError
from cgcopt.formulations.base import Formulation
from cgcopt.formulations.scenarios import ScenarioFormulation
from cgcopt.options import Options
from cgcopt.solution import TerminationCondition as T
from cgcopt.solvers.adapters.base import Answer, native_options, termination
from cgcopt.solvers.adapters.scenario_adapter import ScenarioAdapter

__all__ = ["COMMON", "PYOMO_TERMINATIONS", "PyomoAdapter", "own_names", "run_pyomo"]

#: Descriptor of standard error.
_STDERR = 2

#: ``pyomo.contrib.solver.common.results.TerminationCondition`` by name.
PYOMO_TERMINATIONS: Mapping[str, T] = {
    "convergenceCriteriaSatisfied": T.OPTIMAL,
    "maxTimeLimit": T.TIME_LIMIT,
    "iterationLimit": T.ITERATION_LIMIT,
    "objectiveLimit": T.CONVERGED,
    "minStepLength": T.ERROR,
    "unbounded": T.UNBOUNDED,
    "infeasibleOrUnbounded": T.UNBOUNDED,
    "provenInfeasible": T.INFEASIBLE,
    "locallyInfeasible": T.INFEASIBLE,
    "error": T.ERROR,
    "interrupted": T.INTERRUPTED,
    "licensingProblems": T.ERROR,
    "emptyModel": T.ERROR,
    "unknown": T.UNKNOWN,
}


#: Neutral options that pyomo itself has a name for.
COMMON: Mapping[str, str] = {"time_limit": "time_limit", "gap": "rel_gap", "verbose": "tee"}


def own_names(neutral: Mapping[str, str]) -> dict[str, str]:
    """Return the options that pyomo leaves to the solver."""
    return {name: label for name, label in neutral.items() if name not in COMMON}


def run_pyomo(
    interface: Any,
    formulation: Formulation,
    model: Any,
    native: Mapping[str, Any],
    options: Options,
    **own: Any,
) -> tuple[Answer, Any]:
    """Run one of pyomo's solver interfaces on a model; also return pyomo's own results.

    ``own`` are options of this interface alone.
    """
    try:
        with _log(options.verbose) as log:
            results = interface.solve(
                model,
                time_limit=options.time_limit,
                rel_gap=options.gap,
                tee=log,
                load_solutions=False,
                raise_exception_on_nonoptimal_result=False,
                solver_options=dict(native),
                **own,
            )
    except KeyError as error:  # SCIP does not say which name it does not know
        raise InvalidInputError(
            "options.raw", dict(options.raw), "options of the solver"
        ) from error
    condition = results.termination_condition.name
    feasible = results.solution_status.name in ("feasible", "optimal")
    if feasible:
        results.solution_loader.load_vars()
    bound = results.objective_bound
    answer = Answer(
        termination("pyomo", condition, PYOMO_TERMINATIONS),
        point=formulation.read(model) if feasible else None,
        dual_bound=math.nan if bound is None else bound,
        message=condition,
        details=dict(results.extra_info),
    )
    return answer, results


@contextmanager
def _log(verbose: bool) -> Iterator[bool | TextIO]:
    """Where pyomo writes the log of the solver: a copy of standard error.

    pyomo catches descriptors 1 and 2 during the run, and waits for itself where the log goes there.
    """
    if not verbose:
        yield False
        return
    try:
        own = sys.stderr.fileno() == _STDERR
    except (AttributeError, OSError, ValueError):  # a notebook, a captured stream
        own = False
    if not own:
        yield sys.stderr
        return
    with open(os.dup(_STDERR), "w", encoding="utf-8", buffering=1) as stream:
        yield stream


class PyomoAdapter(ScenarioAdapter):
    """A solver reached through the solver interfaces of pyomo."""

    def build(self, formulation: ScenarioFormulation, start: Design | None) -> Any:
        """Write the model with pyomo, with the point to start from where it is taken."""
        model = formulation.to_pyomo()
        if start is not None and not formulation.linear:
            formulation.warm_start(model, start)
        return formulation.leave_out_blocks(model)

    def run(self, formulation: ScenarioFormulation, model: Any, options: Options) -> Answer:
        """Run the solver."""
        native = {**self.defaults(formulation), **native_options(options, own_names(self.neutral))}
        own = self.start_options if _has_values(model) else {}
        answer, results = run_pyomo(self.interface(), formulation, model, native, options, **own)
        if not (formulation.linear and self.has_duals and answer.termination is T.OPTIMAL):
            return answer
        found = results.solution_loader.get_duals(list(model.runtime.values()))
        duals = np.array([found[row] for row in model.runtime.values()])
        shape = (formulation.rounds, formulation.workers)
        return replace(answer, duals=duals.reshape(shape))

    start_options: ClassVar[Mapping[str, Any]] = {}
    """Options with which the interface starts from the values of the model, where it has such ones."""
    has_duals: ClassVar[bool] = True
    """Whether the interface returns the multipliers of a linear program."""

    def defaults(self, formulation: ScenarioFormulation) -> Mapping[str, Any]:
        """Return options of the solver, which neutral and raw ones replace."""
        return {}

    @abstractmethod
    def interface(self) -> Any:
        """Return pyomo's interface of the solver."""


def _has_values(model: Any) -> bool:
    import pyomo.environ as pyo

    return all(variable.value is not None for variable in model.component_data_objects(pyo.Var))
