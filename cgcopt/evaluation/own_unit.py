"""Problems near the ends of the range of doubles, in a unit of time in which a worker takes about 1.

Products and squares on the way leave the range long before the result does. A problem whose workers
take extremely short or long is therefore handed on in a unit of its own, a power of two, in which no
number is rounded; what was found is returned in seconds. Evaluations, certificates and solvers
pass this door, and know nothing of it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from cgcopt.costs import Costs
from cgcopt.errors import CgcoptError, InvalidInputError, SolverError
from cgcopt.evaluation.result import Evaluation, WithGradient
from cgcopt.problem import Problem

__all__ = ["OwnUnit", "in_own_unit", "own_unit"]

P = ParamSpec("P")
R = TypeVar("R")

#: Binary exponent of a typical time from which products and squares on the way may leave the range.
_EXTREME = 128
#: The largest one of a factor.
_LARGEST = 1023


@dataclass(frozen=True)
class OwnUnit:
    """A problem in a unit of its own.

    Attributes
    ----------
    given : Problem
        The problem in seconds.
    problem : Problem
        The same problem in the unit.
    factor : float
        How many such units a second has, a power of two.
    """

    given: Problem
    problem: Problem
    factor: float

    @property
    def power(self) -> int:
        """How a value of the objective changes with the unit: 1 for seconds, 0 for a probability."""
        return self.given.objective.time_power or 0

    def to_seconds(self, value: float) -> float:
        """Return a value of the objective in seconds."""
        return value if self.power == 0 else value / self.factor

    def from_seconds(self, found: Evaluation) -> Evaluation:
        """Return an evaluation in the unit."""
        return self._changed(found, lambda value: value * self.factor)

    def evaluation(self, found: Evaluation) -> Evaluation:
        """Return an evaluation in seconds.

        Raises
        ------
        SolverError
            If its value is beyond the range of doubles in seconds.
        """
        changed = self._changed(found, lambda value: value / self.factor)
        what = self.given.objective.kind
        if math.isfinite(found.value) and not math.isfinite(changed.value):
            raise SolverError(f"the {what} leaves the range of double precision")
        if abs(changed.value) < sys.float_info.min <= abs(found.value):  # few digits would be left
            raise SolverError(f"the {what} underflows: it leaves the range of double precision")
        return changed

    def bound(self, found: tuple[float, R]) -> tuple[float, R]:
        """Return a bound in seconds, with its certificate."""
        return self.to_seconds(found[0]), found[1]

    def _changed(self, found: Evaluation, change: Callable[[Any], Any]) -> Evaluation:
        if self.power == 0:
            return found
        with np.errstate(all="ignore"):
            numbers = {
                name: change(getattr(found, name))
                for name in ("value", "lower", "upper", "standard_error")
            }
            if isinstance(found, WithGradient):
                numbers["gradient"] = change(found.gradient)
        return replace(found, **numbers)

    def name(self, error: CgcoptError) -> None:
        """Let an error name the given worker times in place of those in the unit."""
        inside, given = self.problem.system.worker_times.label, self.given.system.worker_times.label
        error.args = tuple(
            part.replace(inside, given) if isinstance(part, str) else part for part in error.args
        )


def own_unit(problem: Problem) -> OwnUnit | None:
    """Return a problem in a unit of its own; ``None`` where seconds serve as well.

    Parameters
    ----------
    problem : Problem
        Any. It stays in seconds unless a typical time of a worker is below ``2**-128`` or above
        ``2**128``, the objective says how it changes with the unit, and nothing would be rounded.

    Examples
    --------
    >>> import cgcopt as cg
    >>> def with_rate(rate):
    ...     return cg.Problem(cg.System(3, 30, cg.Exponential(rate)), cg.ExpectedRuntime())
    >>> own_unit(with_rate(2.0)) is None
    True
    >>> own = own_unit(with_rate(2.0**957))
    >>> own.problem.system.worker_times.rate, own.factor == 2.0**957
    (1.0, True)
    """
    times, objective = problem.system.worker_times, problem.objective
    typical = times.typical
    if objective.time_power is None or not (math.isfinite(typical) and typical > 0.0):
        return None
    exponent = math.frexp(typical)[1]
    if abs(exponent) <= _EXTREME:
        return None
    factor = math.ldexp(1.0, min(-exponent, _LARGEST))
    scaled = times.in_unit(factor)
    if scaled is None:
        return None
    paid = {item.name: getattr(problem.system.costs, item.name) * factor for item in fields(Costs)}
    try:
        system = replace(problem.system, worker_times=scaled, costs=Costs(**paid))
    except InvalidInputError:  # costs beyond the range
        return None
    return OwnUnit(
        problem, replace(problem, system=system, objective=objective.in_unit(factor)), factor
    )


def in_own_unit(
    back: Callable[[OwnUnit, R], R],
) -> Callable[[Callable[Concatenate[Problem, P], R]], Callable[Concatenate[Problem, P], R]]:
    """Decorate a function of a problem: it is given one in a unit of its own, where that helps.

    Parameters
    ----------
    back : callable
        Brings what the function returns back to seconds: ``OwnUnit.evaluation``, for instance.

    Examples
    --------
    >>> import cgcopt as cg
    >>> @in_own_unit(OwnUnit.evaluation)
    ... def one_worker(problem):
    ...     print(problem.system.worker_times.label)
    ...     return cg.evaluate(problem, [1])
    >>> system = cg.System(1, 1, cg.Exponential(2.0**957))
    >>> one_worker(cg.Problem(system, cg.ExpectedRuntime())).value * 2.0**957
    exponential(rate=1)
    1.0...
    """

    def decorate(
        function: Callable[Concatenate[Problem, P], R],
    ) -> Callable[Concatenate[Problem, P], R]:
        @wraps(function)
        def door(problem: Problem, /, *args: P.args, **kwargs: P.kwargs) -> R:
            own = own_unit(problem)
            if own is None:
                return function(problem, *args, **kwargs)
            try:
                return back(own, function(own.problem, *args, **kwargs))
            except CgcoptError as error:
                own.name(error)
                raise

        return door

    return decorate
