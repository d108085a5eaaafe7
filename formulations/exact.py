"""The exact relaxed problems for independent workers: what both objectives have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import Design, budget_weights, partition_of_work
from cgcopt.errors import InvalidInputError, UnsupportedProblemError
from cgcopt.evaluation.prices import Prices, prices_of
from cgcopt.formulations.algebra import settle
from cgcopt.formulations.base import Formulation, Point
from cgcopt.formulations.points import language_of
from cgcopt.problem import Form, Problem
from cgcopt.workers.base import ContinuousTimes

if TYPE_CHECKING:
    from scipy.optimize import Bounds, LinearConstraint, NonlinearConstraint

__all__ = ["ExactFormulation", "NonlinearProgram"]


@dataclass(frozen=True, eq=False)
class NonlinearProgram:
    """``min f(v)`` with its gradient, named constraints, bounds and a feasible start.

    Attributes
    ----------
    value_and_gradient : callable
        ``v -> (f(v), gradient)``.
    start : ndarray
        A feasible ``v``.
    bounds : scipy.optimize.Bounds
        Of the variables.
    constraints : mapping
        :class:`scipy.optimize.LinearConstraint` or ``NonlinearConstraint`` by name.
    """

    value_and_gradient: Callable[[FloatArray], tuple[float, FloatArray]]
    start: FloatArray
    bounds: Bounds
    constraints: Mapping[str, LinearConstraint | NonlinearConstraint]

    def minimize_arguments(self) -> dict[str, Any]:
        """Arguments of :func:`scipy.optimize.minimize`."""
        return {
            "fun": self.value_and_gradient,
            "jac": True,
            "x0": self.start,
            "bounds": self.bounds,
            "constraints": list(self.constraints.values()),
        }

    def constraint_values(self, v: FloatArray) -> FloatArray:
        """All constraints at ``v`` beside each other, shape ``(m,)``."""
        every: list[Any] = list(self.constraints.values())
        parts = [c.A @ v if hasattr(c, "A") else np.atleast_1d(c.fun(v)) for c in every]
        return np.concatenate(parts)

    def constraint_jacobian(self, v: FloatArray) -> FloatArray:
        """Their derivatives, shape ``(m, len(v))``."""
        every: list[Any] = list(self.constraints.values())
        return np.vstack([c.A if hasattr(c, "A") else c.jac(v) for c in every])

    def constraint_bounds(self) -> tuple[FloatArray, FloatArray]:
        """Their lower and upper bounds, shape ``(m,)`` each."""
        every: list[Any] = list(self.constraints.values())
        sizes = [len(c.A) if hasattr(c, "A") else 1 for c in every]
        lower = [np.full(size, c.lb) for c, size in zip(every, sizes, strict=True)]
        upper = [np.full(size, c.ub) for c, size in zip(every, sizes, strict=True)]
        return np.concatenate(lower), np.concatenate(upper)


def density_of(problem: Problem) -> ContinuousTimes:
    """Return the distribution that an exact formulation is written for.

    Raises
    ------
    InvalidInputError
        If the worker times have no density.
    """
    times = problem.system.worker_times
    if not isinstance(times, ContinuousTimes):
        raise InvalidInputError(
            "problem.system.worker_times",
            times.label,
            "a distribution with a density, or Scenarios (problem.sampled(1000) draws them)",
        )
    return times


@dataclass(frozen=True, eq=False)
class ExactFormulation(Formulation):
    """The relaxed problem with the exact objective, in units in which ``L`` is 1."""

    def __post_init__(self) -> None:
        if self.form is not Form.RELAXED:
            raise UnsupportedProblemError(
                f"the {self.form} form is formulated on scenarios; problem.sampled(K) draws K"
            )
        density_of(self.problem)

    @property
    def worker_times(self) -> ContinuousTimes:
        """The distribution of the worker times."""
        return density_of(self.problem)

    @cached_property
    def time_scale(self) -> float:
        """Median of the worker times, seconds per cycle."""
        return float(self.worker_times.ppf(0.5))

    @cached_property
    def budget_weights(self) -> FloatArray:
        """``v`` with ``v . w = sum x``, shape ``(N,)``."""
        return budget_weights(self.workers)

    @cached_property
    def start(self) -> FloatArray:
        """Feasible cumulative work to start from, in units of ``L``, shape ``(N,)``.

        Work inversely proportional to the ``(N-n)/(N+1)``-quantiles: the order statistics are near
        these, and every distribution has them.
        """
        share = np.arange(self.workers, 0, -1) / (self.workers + 1.0)
        profile = 1.0 / self.worker_times.ppf(share)
        return profile / float(self.budget_weights @ profile)

    def partition(self, point: Point) -> FloatArray:
        """Return the partition ``x`` of a point in coordinates, shape ``(N,)``, unchecked."""
        if "x" in point:
            return np.asarray(point["x"], dtype=np.float64)
        if "share" in point:
            return np.asarray(point["share"]) * self.coordinate_scale
        return partition_of_work(point["omega"]) * self.coordinate_scale

    def point(self, design: Design) -> dict[str, FloatArray]:
        """Return the values of the variables of the scipy program for a design."""
        design.check(self.workers, self.problem.system.coordinates)
        return self._point_of_work(design.work / self.coordinate_scale)

    @property
    def pyomo_variables(self) -> Mapping[str, tuple[int, ...]]:
        """``share`` (of ``L``) and ``omega`` (cumulative work per coordinate), shape ``(N,)``.

        The model also has ``x``, an expression that counts coordinates.
        """
        return {"share": (self.workers,), "omega": (self.workers,)}

    def read(self, model: Any) -> dict[str, FloatArray]:
        """Read the point out of a solved model; of pyomo's the expression ``x`` too."""
        point = super().read(model)
        if language_of(model) == "pyomo":
            share, total = point["share"], float(model.L.value)
            point["x"] = share * total
        return point

    def set_pyomo(self, model: Any, design: Design) -> None:
        """Set the variables of a pyomo model to the point of a design."""
        design.check(self.workers, self.problem.system.coordinates)
        for n in range(self.workers):
            model.share[n].set_value(design.partition[n] / self.coordinate_scale)
            least, most = model.omega[n].bounds
            work = design.work[n] / self.coordinate_scale
            model.omega[n].set_value(min(max(work, least), most))
        settle(model)

    def prices(self, model: Any) -> Prices:
        """Return the prices at the design of a solved model, from the exact gradient there."""
        found = prices_of(self.problem, self.design(model))
        assert found is not None  # densities have gradients
        return found

    @abstractmethod
    def _point_of_work(self, work: FloatArray) -> dict[str, FloatArray]:
        """Return the variables of the scipy program; ``work`` in units of ``L``."""

    @abstractmethod
    def to_scipy(self) -> NonlinearProgram:
        """Return the program for :func:`scipy.optimize.minimize`."""

    @abstractmethod
    def to_pyomo(self) -> Any:
        """Return an algebraic ``pyomo.environ.ConcreteModel`` of ``O(N^2)`` terms per deadline.

        Raises
        ------
        UnsupportedProblemError
            If the distribution function is not elementary.
        """
