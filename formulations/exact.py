"""The exact problems for independent workers: what both objectives have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import Design, budget_weights, largest_remainder, partition_of_work
from cgcopt.errors import InvalidInputError, SolverError, UnsupportedProblemError
from cgcopt.evaluation.prices import Prices, prices_of
from cgcopt.formulations.algebra import settle
from cgcopt.formulations.base import Formulation, Point
from cgcopt.formulations.points import language_of
from cgcopt.problem import Form, Problem
from cgcopt.workers.base import ContinuousTimes

if TYPE_CHECKING:
    from scipy.optimize import Bounds, LinearConstraint, NonlinearConstraint

__all__ = ["ExactFormulation", "NonlinearProgram"]

#: Blocks all this close to whole numbers are meant to be whole.
_WHOLE = 1e-3


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
    """The problem with the exact objective, in units in which ``L`` is 1.

    At the block form, in whole numbers, there is an algebraic model alone: a mixed-integer nonlinear
    program for few workers and coordinates.
    """

    def __post_init__(self) -> None:
        if self.form is Form.COORDINATE:
            raise UnsupportedProblemError(
                f"the {self.form} form is formulated on scenarios; problem.sampled(K) draws K"
            )
        density_of(self.problem)

    @property
    def closed(self) -> bool:
        """Whether a finite sum gives the objective, so that dual bounds of the model are valid."""
        return True

    @property
    def integer(self) -> bool:
        """Whether the model asks for whole blocks."""
        return self.form is Form.BLOCK

    @property
    def domain(self) -> str:
        """Where ``x`` lives, in LaTeX."""
        return r"\mathbb{Z}_{\geq 0}^N" if self.integer else r"\mathbb{R}_{\geq 0}^N"

    def refuse_whole(self) -> None:
        """Refuse the block form where a language has no whole numbers."""
        if self.integer:
            raise UnsupportedProblemError(
                "in whole numbers the exact objective has a pyomo model alone; problem.sampled(1000) "
                "has one in four languages"
            )

    def add_blocks(
        self,
        m: Any,
        begin: FloatArray,
        least: float,
        most: FloatArray,
        *,
        equal: bool = False,
        towards: tuple[float, FloatArray] | None = None,
    ) -> None:
        """Add the blocks, the work, the budget and their rows to a pyomo model.

        The model divides by the work, so that none may be 0.  In whole numbers the rows ``work`` are
        inequalities from below, which an optimum attains wherever a level has work; or, if
        ``equal``, ``least`` is added to every work, so that ``x`` determines all other variables; so it
        does with ``towards``, a share and the work of a design that is mixed into every one.
        """
        import pyomo.environ as pyo

        L = self.problem.system.coordinates
        share = np.maximum(partition_of_work(begin), 0.0)
        m.L = pyo.Param(initialize=L, mutable=True, doc="coordinates")
        if self.integer:
            x = largest_remainder(share * (L / share.sum()), L)
            start = {n: int(each) for n, each in enumerate(x)}
            m.x = pyo.Var(m.N, domain=pyo.NonNegativeIntegers, bounds=(0, m.L), initialize=start)
            m.x.doc = "coordinates at a level"
            m.share = pyo.Expression(m.N, rule=lambda m, n: m.x[n] / m.L, doc="x / L")
        else:
            m.share = pyo.Var(m.N, bounds=(0, 1), initialize=dict(enumerate(share)), doc="x / L")
            m.x = pyo.Expression(
                m.N, rule=lambda m, n: m.L * m.share[n], doc="coordinates at a level"
            )
        m.omega = pyo.Var(
            m.N,
            bounds=lambda m, n: (least, float(most[n])),
            initialize=dict(enumerate(np.clip(begin, least, most))),
            doc="cumulative work per coordinate, at most what can be done",
        )
        m.budget = pyo.Constraint(expr=pyo.quicksum(m.share[n] for n in m.N) == 1)

        @m.Constraint(m.N, doc="a coordinate of level n costs n+1 units of work")
        def work(m: Any, n: int) -> Any:
            if not self.integer:
                return m.omega[n] == (m.omega[n - 1] if n else 0.0) + (n + 1) * m.share[n]
            done = pyo.quicksum((i + 1) * m.share[i] for i in range(n + 1))
            if towards is not None:
                return m.omega[n] == (1.0 - towards[0]) * done + towards[0] * float(towards[1][n])
            if equal:
                return m.omega[n] == (done + least) / (1.0 + least)
            return m.omega[n] >= done

        if self.integer:

            @m.Constraint(m.N, doc="work does not fall along the levels")
            def rising(m: Any, n: int) -> Any:
                return m.omega[n] >= m.omega[n - 1] if n else pyo.Constraint.Skip

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
            x = np.asarray(point["x"], dtype=np.float64)
            return np.round(x) if self.integer and np.abs(x - np.round(x)).max() < _WHOLE else x
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

        The model also has ``x``, an expression that counts coordinates; at the block form ``x`` is
        the variable, and ``share`` the expression.
        """
        return {"x" if self.integer else "share": (self.workers,), "omega": (self.workers,)}

    def read(self, model: Any) -> dict[str, FloatArray]:
        """Read the point out of a solved model; of pyomo's the expression ``x`` too."""
        point = super().read(model)
        if language_of(model) == "pyomo" and not self.integer:
            share, total = point["share"], float(model.L.value)
            point["x"] = share * total
        return point

    def set_pyomo(self, model: Any, design: Design) -> None:
        """Set the variables of a pyomo model to the point of a design."""
        design.check(self.workers, self.problem.system.coordinates)
        for n in range(self.workers):
            if self.integer:
                model.x[n].set_value(round(design.partition[n]))
            else:
                model.share[n].set_value(design.partition[n] / self.coordinate_scale)
            least, most = model.omega[n].bounds
            work = design.work[n] / self.coordinate_scale
            model.omega[n].set_value(min(max(work, least), most))
        settle(model)

    def prices(self, model: Any) -> Prices:
        """Return the prices at the design of a solved model, from the exact gradient there."""
        found = prices_of(self.problem, self.design(model))
        if found is None:
            raise SolverError("the value of this design has no finite gradient")
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
