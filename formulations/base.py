"""What every formulation offers: models in four languages, and the way back to a design."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cgcopt._validate import real_array
from cgcopt.arrays import FloatArray
from cgcopt.design import Design, largest_remainder, straightened
from cgcopt.errors import InvalidInputError, UnsupportedProblemError
from cgcopt.evaluation.prices import Prices
from cgcopt.formulations.changeable import Changeable
from cgcopt.formulations.files import NL_FILE, Writers, write_model
from cgcopt.formulations.latex import plain
from cgcopt.formulations.points import (
    Named,
    changed_budget,
    cut,
    language_of,
    read_values,
    refuse_other_point,
    write_values,
)
from cgcopt.objective import Sense
from cgcopt.problem import Form
from cgcopt.schedule import Schedule

__all__ = ["Formulation", "Point"]

#: Share of a dual bound that is taken off for the feasibility tolerance of a solver.
_LOOSE = 1e-8
#: Values of the variables of a formulation by name, in the units of the model.
Point = Mapping[str, FloatArray]


@dataclass(frozen=True, eq=False)
class Formulation(Changeable):
    """A problem written as a mathematical program in one form.

    A variable or expression called ``x`` counts coordinates, whatever the language.  The others are
    scaled, so that their coefficients are near 1: times in units of :attr:`time_scale`, work in
    units of :attr:`coordinate_scale`.  The variables carry the same names in every language, see
    :attr:`variables`.  Printing a formulation shows its mathematics.

    Attributes
    ----------
    problem : Problem
        What is formulated.
    form : Form
        In which variables.
    """

    files: ClassVar[Writers] = NL_FILE
    """How :meth:`write` writes a file, by its suffix."""

    @property
    @abstractmethod
    def variables(self) -> Mapping[str, tuple[int, ...]]:
        """Name and shape of every variable, in the order of the columns of the matrix models."""

    @property
    def pyomo_variables(self) -> Mapping[str, tuple[int, ...]]:
        """Those of a pyomo model that determine the design, where they are others."""
        return self.variables

    @property
    @abstractmethod
    def time_scale(self) -> float:
        """Seconds per cycle that count as 1 in the model."""

    @property
    def coordinate_scale(self) -> float:
        """Coordinates that count as 1 in the scaled variables: ``L``, where nothing else is said."""
        return float(self.problem.system.coordinates)

    @property
    def budget(self) -> float:
        """The coordinates ``L`` in units of :attr:`coordinate_scale`."""
        return self.problem.system.coordinates / self.coordinate_scale

    @property
    def workers(self) -> int:
        """``N``."""
        return self.problem.system.workers

    @abstractmethod
    def value(self, objective: float) -> float:
        """Convert a value of the model's objective to seconds or to a probability."""

    def bound(self, dual_bound: float) -> float:
        """Convert a dual bound of the model's objective to one on the value of every design.

        It is loosened a little, for the feasibility tolerance of the solver.
        """
        value = self.value(dual_bound)
        minimize = self.problem.objective.sense is Sense.MINIMIZE
        return value - _LOOSE * abs(value) if minimize else value + _LOOSE * abs(value)

    def bound_of_duals(self, duals: FloatArray) -> float:
        """Turn the multipliers of the runtime rows into a bound; NaN where there is none.

        Parameters
        ----------
        duals : ndarray, shape (K, N)
            Of any sign and accuracy; the bound is valid for every array.
        """
        return float("nan")

    @abstractmethod
    def point(self, design: Design) -> dict[str, FloatArray]:
        """Return the best values of all variables for a design: a feasible point of the model.

        Raises
        ------
        InvalidInputError
            If the design does not fit the system, or has fractional blocks at a discrete form.
        """

    @abstractmethod
    def partition(self, point: Point) -> FloatArray:
        """Return the partition ``x`` of a point in coordinates, shape ``(N,)``, unchecked.

        What a solver's tolerances have bent is straightened where the point says how: whole
        numbers are whole, and a scenario that the point claims to meet is met.
        """

    def answer(self, point: Point | ArrayLike | Any) -> Design | Schedule:
        """Map a solver's point back to what the workers do: a :meth:`design`, or a schedule."""
        return self.design(point)

    def design(self, point: Point | ArrayLike | Any) -> Design:
        """Map a solver's point back to a design.

        Parameters
        ----------
        point : mapping, array_like or solved model
            Values by variable name, a flat vector in the order of :attr:`variables`, or a solved
            model of one of the languages (see :meth:`read`).

        Returns
        -------
        Design
            What the point misses of the budget by tolerance is made up for in proportion; at the
            discrete forms it has whole numbers.  The budget is ``L``, or what the parameter ``L``
            of the model was changed to.

        Raises
        ------
        InvalidInputError
            If the model is infeasible or unbounded (a model of pyomo does not say so: the values that it
            has kept violate a row), the point is incomplete or holds anything but
            finite numbers in arrays of the right shapes, or violates the budget or the signs by more
            than 1e-6 ``L``; blocks are refused as :func:`cgcopt.evaluate` refuses them.
        """
        total = self.problem.system.coordinates
        if isinstance(point, np.ndarray | list | tuple):
            point = self.unflatten(point)
        elif not isinstance(point, Mapping) or type(point).__module__.startswith("scipy"):
            total = round(changed_budget(point, total))
            model, point = point, self.read(point)
            refuse_other_point(model)
        shapes = {**self.pyomo_variables, **self.variables, "x": (self.workers,)}
        x = straightened(self.partition(Named(point, shapes)), self.workers, total)
        return Design(x if self.form is Form.RELAXED else largest_remainder(x, total))

    def flatten(self, point: Point) -> FloatArray:
        """Write a point as one vector, in the order of :attr:`variables`."""
        return np.concatenate([np.ravel(point[name]) for name in self.variables])

    def unflatten(self, vector: ArrayLike) -> dict[str, FloatArray]:
        """Cut a vector into named arrays; the inverse of :meth:`flatten`.

        Raises
        ------
        InvalidInputError
            If the length is wrong.
        """
        return cut(real_array("point", vector, "a vector of numbers"), self.variables)

    def read(self, model: Any) -> dict[str, FloatArray]:
        """Read the point out of a solved model of any of the languages.

        Raises
        ------
        InvalidInputError
            If the model holds no point, or is of an unknown kind.
        """
        pyomo = language_of(model) == "pyomo"
        return read_values(model, self.pyomo_variables if pyomo else self.variables)

    def prices(self, model: Any) -> Prices:
        """Return the price of the budget and the reduced costs of the levels of a solved model.

        Parameters
        ----------
        model : solved model
            Of any of the languages.

        Returns
        -------
        Prices
            The same numbers in every language: seconds, or probability, per coordinate.

        Raises
        ------
        UnsupportedProblemError
            If the model has no prices: it is in whole numbers, or counts scenarios.
        InvalidInputError
            If the model holds no solution with multipliers.
        """
        raise UnsupportedProblemError(
            f"no prices are read from a model of the {self.problem.objective.kind} at the "
            f"{self.form} form; solutions have the prices of their designs"
        )

    def to_cvxpy(self) -> Any:
        """Return a ``cvxpy.Problem``."""
        raise self._no_model("cvxpy, whose rules do not see that it is convex")

    def to_highspy(self) -> Any:
        """Return a ``highspy.Highs`` holding the model, with named columns and rows."""
        raise self._no_model("highspy, which takes linear models only")

    @abstractmethod
    def to_pyomo(self) -> Any:
        """Return a ``pyomo.environ.ConcreteModel``."""

    @abstractmethod
    def to_scipy(self) -> Any:
        """Return the program as scipy takes it."""

    def _no_model(self, language: str) -> UnsupportedProblemError:
        return UnsupportedProblemError(
            f"no model of the exact {self.problem.objective.kind} for {language}; "
            "problem.sampled(1000) has one"
        )

    def warm_start(self, model: Any, design: Design) -> None:
        """Give a model of cvxpy, pyomo or highspy the point of a design to start from."""
        if language_of(model) == "pyomo":
            self.set_pyomo(model, design)
        else:
            point = self.point(design)
            write_values(model, {name: point[name] for name in self.variables})

    def set_pyomo(self, model: Any, design: Design) -> None:
        """Set the variables of a pyomo model to the point of a design."""
        point = self.point(design)
        write_values(model, {name: point[name] for name in self.pyomo_variables})

    def write(self, path: str | Path) -> Path:
        """Write the model as ``.lp``, ``.mps`` (linear) or ``.nl`` (any) and return the path.

        Raises
        ------
        InvalidInputError
            If the suffix is unknown, or the model is not linear and so has no such file.
        """
        return write_model(self, Path(path), self.files)

    @abstractmethod
    def latex(self) -> str:
        """Return the mathematics of the model as a LaTeX ``align`` environment."""

    def __str__(self) -> str:
        """Return the mathematics of the model as text."""
        return plain(self.latex())

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex()}\n$$"

    def _whole_partition(self, design: Design) -> FloatArray:
        system = self.problem.system
        design.check(system.workers, system.coordinates)
        if not design.is_integer:
            raise InvalidInputError(
                "partition", design.partition.tolist(), f"whole numbers in the {self.form} form"
            )
        return design.partition
