"""What the adapters of scipy.optimize.minimize share."""

from __future__ import annotations

import time
import warnings
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import Design
from cgcopt.formulations.exact import ExactFormulation
from cgcopt.options import Options
from cgcopt.solution import TerminationCondition as T
from cgcopt.solvers.adapters.base import (
    Answer,
    native_options,
    termination,
    unknown_options_refused,
)
from cgcopt.solvers.adapters.exact_adapter import ExactAdapter

__all__ = ["ScipyMinimize"]


class ScipyMinimize(ExactAdapter):
    """A method of :func:`scipy.optimize.minimize` on the exact objective and its gradient."""

    requires = "scipy"
    distribution = "scipy"
    licence = "BSD-3-Clause"
    imports = ("scipy.optimize",)
    neutral: ClassVar[Mapping[str, str]] = {
        "time_limit": "(the objective stops)",
        "verbose": "disp",
    }
    method: ClassVar[str]
    """Name of the method in scipy."""
    terminations: ClassVar[Mapping[int, T]]
    """``OptimizeResult.status`` of the method."""

    def build(self, formulation: ExactFormulation, start: Design | None) -> Any:
        """Write the program with scipy."""
        arguments = formulation.to_scipy().minimize_arguments()
        if start is not None:
            arguments["x0"] = formulation.flatten(formulation.point(start))
        return arguments

    def run(self, formulation: ExactFormulation, model: Any, options: Options) -> Answer:
        """Run ``minimize``; a time limit ends it with the last point, which may be infeasible."""
        from scipy.optimize import minimize

        clock = _Clock(model.pop("fun"), options.time_limit)
        native: Any = {**self.defaults(options), **native_options(options, {"verbose": "disp"})}
        with unknown_options_refused(options.raw), warnings.catch_warnings():
            # The second derivatives of the budget are for the methods that use them.
            warnings.filterwarnings("ignore", message="Constraint options")
            warnings.filterwarnings("ignore", message="delta_grad == 0.0")
            warnings.filterwarnings("ignore", message="Values in x were outside bounds")
            try:
                method: Any = self.method
                result: Any = minimize(clock, method=method, options=native, **model)
            except _TimeUpError:
                point = formulation.unflatten(clock.last)
                details = {"evaluations": clock.calls}
                return Answer(T.TIME_LIMIT, point, message="time limit", details=details)
        status = termination(
            f"scipy.optimize.minimize({self.method})", result.status, self.terminations
        )
        return Answer(
            status,
            point=formulation.read(result) if np.isfinite(result.x).all() else None,
            message=result.message,
            details={"iterations": int(result.nit), "evaluations": clock.calls},
        )

    @abstractmethod
    def defaults(self, options: Options) -> Mapping[str, Any]:
        """Return options of the method, which neutral and raw ones replace."""


class _TimeUpError(Exception):
    pass


class _Clock:
    """The objective, until the time is up: not every method of scipy can be stopped otherwise."""

    def __init__(self, objective: Any, limit: float | None) -> None:
        self.objective = objective
        self.end = np.inf if limit is None else time.perf_counter() + limit
        self.calls = 0
        self.last: FloatArray = np.empty(0)

    def __call__(self, v: FloatArray) -> tuple[float, FloatArray]:
        if self.calls and time.perf_counter() > self.end:
            raise _TimeUpError
        self.calls += 1
        self.last = np.array(v)
        value: tuple[float, FloatArray] = self.objective(v)
        return value
