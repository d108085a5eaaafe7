"""Data common to the formulations on scenarios, in units in which coefficients are near 1."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import (
    Design,
    budget_weights,
    partition_of_work,
    straightened,
    work_of_partition,
)
from cgcopt.errors import InvalidInputError
from cgcopt.formulations.base import Formulation, Point
from cgcopt.formulations.files import HIGHS_FILES, NL_FILE, Writers
from cgcopt.formulations.models.parameters import HighsRows, set_parameters
from cgcopt.formulations.points import language_of, read_values
from cgcopt.formulations.scipy_program import LinearProgram
from cgcopt.problem import Form, Problem
from cgcopt.workers.scenarios import Scenarios

__all__ = ["ScenarioFormulation", "scenarios_of"]

#: Coordinates up to which a model asks for whole numbers.  Beyond, no solver's tolerance tells
#: neighbouring numbers apart: the model leaves ``x`` continuous, which bounds the block form, and
#: costs at most ``H_N / L`` relative to it.
LARGEST_WHOLE_MODEL = 1_000_000
#: Work is counted such that ``L`` coordinates without redundancy are this much: solvers of
#: mixed-integer programs keep to absolute tolerances of 1e-6, hence to 1e-9 of ``L``, while the
#: rounding errors of rows of this size stay far below.
WORK_RANGE = 1e3
#: Most coordinates in a unit of work: HiGHS drops coefficients below 1e-9.
LARGEST_UNIT = 1e8


#: A block this close to a whole number is meant to be it.
_STRAIGHT = 1e-3


def scenarios_of(problem: Problem, *, example: int = 1000) -> Scenarios:
    """Return the rounds that a formulation is written on.

    Raises
    ------
    InvalidInputError
        If the worker times are none; the message says how to draw ``example`` rounds.
    """
    times = problem.system.worker_times
    if not isinstance(times, Scenarios):
        raise InvalidInputError(
            "problem.system.worker_times",
            times.label,
            f"Scenarios; problem.sampled({example}) draws them",
        )
    return times


@dataclass(frozen=True, eq=False)
class ScenarioFormulation(Formulation):
    """A formulation on ``K`` equally likely rounds: a finite linear or mixed-integer program.

    Attributes
    ----------
    strong : bool
        Whether the model carries the stronger inequalities (same optimum, tighter relaxation).
    unit : float, optional
        Coordinates in a unit of the scaled work; by default what suits ``L``.
    """

    files: ClassVar[Writers] = {**HIGHS_FILES, **NL_FILE}
    counts_rounds: ClassVar[bool] = False
    """Whether binaries count the rounds that are met; otherwise ``theta`` bounds every round."""
    known_as: ClassVar[str] = ""
    """The argument that leaves designs worse than a known one out of the model; empty for none."""

    strong: bool = field(default=True, kw_only=True)
    unit: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        scenarios_of(self.problem)

    @property
    def rounds(self) -> int:
        """``K``, the number of scenarios."""
        return self._scenarios.rounds

    @property
    def _scenarios(self) -> Scenarios:
        return scenarios_of(self.problem)

    @cached_property
    def time_scale(self) -> float:
        """Mean of all worker times, seconds per cycle."""
        return float(self._scenarios.times.mean())

    @cached_property
    def times(self) -> FloatArray:
        """``T^k_(N-n)`` in units of :attr:`time_scale`: shape ``(K, N)``, falling along ``n``."""
        return np.ascontiguousarray(self._scenarios.sorted_times[:, ::-1] / self.time_scale)

    @cached_property
    def budget_weights(self) -> FloatArray:
        """``v`` with ``v . w = sum x``, shape ``(N,)``."""
        return budget_weights(self.workers)

    @property
    def coordinate_scale(self) -> float:
        """Coordinates in a unit of the scaled work ``omega``."""
        if self.unit is not None:
            return self.unit
        return min(self.problem.system.coordinates / WORK_RANGE, LARGEST_UNIT)

    @property
    def redundancy(self) -> FloatArray:
        """Work ``n + 1`` that a coordinate of level ``n`` costs, shape ``(N,)``."""
        return np.arange(1.0, self.workers + 1)

    @property
    def least_block(self) -> float:
        """Lower bound of ``x``: none where it is continuous and the work rises anyway.

        Solvers then take ``x``, large as it is, out of the program before they start.
        """
        return 0.0 if self.integer else -np.inf

    @property
    def domain(self) -> str:
        """Where ``x`` lives, in LaTeX."""
        return r"\mathbb{Z}_{\geq 0}^N" if self.integer else r"\mathbb{R}_{\geq 0}^N"

    @property
    def coordinate_work(self) -> FloatArray:
        """Scaled work of a coordinate of level ``n``, shape ``(N,)``."""
        return self.redundancy / self.coordinate_scale

    # -- parameters -----------------------------------------------------------------------------

    @property
    def parameters(self) -> dict[str, FloatArray]:
        """Values of the parameters of the models by name: the budget ``L``."""
        return {"L": np.asarray(float(self.problem.system.coordinates))}

    def updated(self, model: Any, problem: Problem, **kind: Any) -> Self:
        """Set the parameters of a model to those of the changed problem; return its formulation."""
        new = replace(self, problem=problem, unit=self.coordinate_scale, **kind)
        if new.integer is not self.integer:
            allowed = f"at most {LARGEST_WHOLE_MODEL} in a model in whole numbers"
            raise InvalidInputError("coordinates", problem.system.coordinates, allowed)
        if language_of(model) == "highspy":
            new.set_highs(HighsRows(model))
        else:
            set_parameters(model, new.parameters)
        return new

    def set_highs(self, rows: HighsRows) -> None:
        """Set what the parameters stand for in a model of HiGHS."""
        rows.sides("budget", (), self.budget, self.budget)

    # -- points ---------------------------------------------------------------------------------

    def point(self, design: Design) -> dict[str, FloatArray]:
        """Return the best values of all variables for a design: a feasible point of the model."""
        if self.form is Form.BLOCK:
            x = self._whole_partition(design)
        else:
            x = design.check(self.workers, self.problem.system.coordinates).partition
        omega = work_of_partition(x) / self.coordinate_scale
        return {"x": x, "omega": omega, **self._recourse(design)}

    @abstractmethod
    def _recourse(self, design: Design) -> dict[str, FloatArray]:
        """Return the best values of the variables of the scenarios."""

    def partition(self, point: Point) -> FloatArray:
        """Return the partition ``x`` of a point in coordinates, shape ``(N,)``, unchecked."""
        x = np.asarray(point["x"], dtype=np.float64)
        try:
            straight = straightened(x, self.workers, self.problem.system.coordinates)
        except InvalidInputError:  # of another budget, or for the caller to refuse
            return x
        whole = np.round(straight)
        near = self.integer and np.abs(whole - straight).max() <= _STRAIGHT
        return whole if near and whole.sum() == self.problem.system.coordinates else x

    @abstractmethod
    def quick_design(self) -> Design | None:
        """Return a good design without solving anything; ``None`` where none is known."""

    def reached(self, design: Design) -> float:
        """What the argument :attr:`known_as` is for a known design."""
        raise NotImplementedError

    def leaves_out(self, design: Design) -> bool:
        """Whether the model has no room for a design, since better ones are known."""
        return False

    @property
    def theta_seconds(self) -> float:
        """Seconds that count as 1 in ``theta``, where there is one."""
        raise NotImplementedError

    def __str__(self) -> str:
        """Return the mathematics of the model as text, and how its variables are scaled."""
        scaled = f"omega_n = w_n / {self.coordinate_scale:g}"
        if not self.counts_rounds:
            scaled += f", theta in units of {self.theta_seconds:g} s"
        return f"{super().__str__()}\nin the models {scaled}"

    # -- languages ------------------------------------------------------------------------------

    @property
    def integer(self) -> bool:
        """Whether the model asks for whole blocks."""
        few = self.problem.system.coordinates <= LARGEST_WHOLE_MODEL
        return self.form is not Form.RELAXED and few

    @property
    def linear(self) -> bool:
        """Whether the model is a linear program: it has no integer variables at all."""
        return not self.counts_rounds and not self.integer

    def add_pyomo_work(self, m: Any) -> None:
        """Add blocks, work, budget and their rows to a pyomo model that has the parameter ``L``."""
        import pyomo.environ as pyo

        U, v = self.coordinate_scale, self.budget_weights
        kind = pyo.NonNegativeIntegers if self.integer else pyo.Reals
        m.x = pyo.Var(m.N, domain=kind, doc="coordinates at every level")
        m.omega = pyo.Var(m.N, domain=pyo.NonNegativeReals, doc="cumulative work, scaled")
        m.budget = pyo.Constraint(
            expr=pyo.quicksum(float(v[n]) * m.omega[n] for n in m.N) == m.L / U
        )

        @m.Constraint(m.N, doc="a coordinate of level n costs n+1 units of work")
        def work(m: Any, n: int) -> Any:
            return (n + 1) / U * m.x[n] == m.omega[n] - (m.omega[n - 1] if n else 0.0)

        @m.Constraint(m.N, doc="no block is negative")
        def rising(m: Any, n: int) -> Any:
            return m.omega[n] - (m.omega[n - 1] if n else 0.0) >= 0.0

    def leave_out_blocks(self, model: Any) -> Any:
        """Take ``x`` out of a model of cvxpy or pyomo where it is continuous; return the model.

        Only the rows ``work`` hold it then, which :meth:`read` makes up for.  On the way from a work
        of some thousands to 1e12 coordinates tolerances of solvers exclude feasible points.
        """
        if self.integer:
            return model
        if language_of(model) == "pyomo":
            model.work.deactivate()
            return model
        constraints = [row for row in model.constraints if row.label != "work"]
        return type(model)(model.objective, constraints)

    def read(self, model: Any) -> dict[str, FloatArray]:
        """Read the point out of a solved model of any of the languages."""
        language = language_of(model)
        names = [variable.name() for variable in model.variables()] if language == "cvxpy" else "x"
        if "x" in names and (language != "pyomo" or model.work.active):
            return super().read(model)
        shapes = {name: shape for name, shape in self.variables.items() if name != "x"}
        point = read_values(model, shapes)
        x = partition_of_work(point["omega"]) * self.coordinate_scale
        return {"x": x, **point}

    @abstractmethod
    def to_cvxpy(self) -> Any:
        """Return a ``cvxpy.Problem``."""

    @abstractmethod
    def to_highspy(self) -> Any:
        """Return a ``highspy.Highs`` holding the model, with named columns and rows."""

    @abstractmethod
    def to_scipy(self) -> LinearProgram:
        """Return a :class:`~cgcopt.formulations.scipy_program.LinearProgram` for scipy."""
