"""Changing the parameters of models that stand, without writing them anew."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from cgcopt.costs import Costs
from cgcopt.errors import InvalidInputError, UnsupportedProblemError
from cgcopt.limits import Limits
from cgcopt.problem import Form, Problem

__all__ = ["Changeable"]


@dataclass(frozen=True, eq=False)
class Changeable(ABC):
    """A problem in one form whose models know some of its numbers as parameters."""

    problem: Problem
    form: Form

    changeable: ClassVar[tuple[str, ...]] = ()
    """What :meth:`update` changes in a model that stands, by the names of its parameters."""

    within: ClassVar[bool] = False
    """Whether the models have parameters for limits and costs."""

    def update(
        self,
        model: Any,
        *,
        deadline: float | None = None,
        probability: float | None = None,
        coordinates: int | None = None,
        costs: Costs | None = None,
        limits: Limits | None = None,
        at_least: int = 0,
    ) -> Self:
        """Change the parameters of a model that this formulation wrote, without building it anew.

        Parameters
        ----------
        model : cvxpy.Problem, pyomo model or highspy.Highs
            Changed in place: its parameters, or the sides, bounds and coefficients of HiGHS, whose
            next run starts from the basis that it holds.
        deadline : float, optional
            Seconds, for a completion probability; the present one by default.
        probability : float, optional
            Of a quantile or a conditional value at risk; the present one by default.
        coordinates : int, optional
            ``L``; the present one by default.
        costs : Costs, optional
            Of a model of a problem with limits or costs; the present ones by default.
        limits : Limits, optional
            Likewise.  A model that does not count the used levels has no variables for a number of
            blocks, a least block or a price of messages; boundaries are as many as before.
        at_least : int
            As in :func:`~cgcopt.formulations.formulate`, for the changed problem.

        Returns
        -------
        Formulation
            That of the changed problem, in the same units: it reads the model (``design``,
            ``value``), gives it a start (``warm_start``) and changes it again.

        Raises
        ------
        UnsupportedProblemError
            If something is no parameter of the model; the message says what is.
        InvalidInputError
            If the model has none, or a value is not allowed.

        Examples
        --------
        >>> import cgcopt as cg
        >>> system = cg.System(2, 6, cg.Scenarios([[3.0, 1.0], [2.0, 5.0]]))
        >>> formulation = cg.formulate(cg.Problem(system, cg.ExpectedRuntime()))
        >>> highs = formulation.to_highspy()
        >>> changed = formulation.update(highs, coordinates=12)
        >>> _ = highs.run()
        >>> changed.design(highs).partition
        array([6., 6.])
        """
        given = {
            "deadline": deadline,
            "probability": probability,
            "coordinates": coordinates,
            "costs": costs,
            "limits": limits,
        }
        of_objective = {"deadline": deadline, "probability": probability}
        problem = self._changed(of_objective, coordinates, costs, limits)
        if (problem.limits or problem.system.costs) and not self.within:
            raise UnsupportedProblemError(
                "this model has no parameters for limits and costs; the model of a problem that has "
                "some can be given others"
            )
        fixed = [
            name
            for name, value in given.items()
            if value is not None and name not in (*self.changeable, "costs", "limits")
        ]
        if fixed or not self.changeable:
            allowed = " and ".join(self.changeable) or "nothing"
            besides = f", not {fixed[0]}: {self.fixed_since(fixed[0])}" if fixed else ""
            raise UnsupportedProblemError(
                f"{allowed} can be changed in a model of the {problem.objective.kind} at the "
                f"{self.form} form{besides}; write it anew"
            )
        return self.moved(model, problem, at_least)

    def fixed_since(self, name: str) -> str:
        """Why a parameter cannot be changed in a model that stands; empty where it can.

        Parameters
        ----------
        name : str
            ``"deadline"``, ``"probability"``, ``"coordinates"``, ``"costs"`` or ``"limits"``.

        Examples
        --------
        >>> import cgcopt as cg
        >>> system = cg.System(2, 6, cg.Scenarios([[3.0, 1.0], [2.0, 5.0]]))
        >>> free = cg.formulate(cg.Problem(system, cg.ExpectedRuntime()))
        >>> free.fixed_since("coordinates"), free.fixed_since("deadline")
        ('', 'the objective has none')
        """
        if name in self.changeable:
            return ""
        if name in ("deadline", "probability"):
            return "the objective has none"
        return "the model has no rows for them"

    def moved(self, model: Any, problem: Problem, at_least: int) -> Self:
        """Set the parameters of a model to those of a problem; return the formulation that reads it."""
        raise NotImplementedError

    def _changed(
        self,
        of_objective: Mapping[str, float | None],
        coordinates: int | None,
        costs: Costs | None,
        limits: Limits | None,
    ) -> Problem:
        """The problem with another deadline or probability, budget, costs or limits."""
        problem = self.problem
        system = problem.system
        if coordinates is not None or costs is not None:
            system = replace(
                system,
                coordinates=system.coordinates if coordinates is None else coordinates,
                costs=system.costs if costs is None else costs,
            )
        limits = problem.limits if limits is None else limits
        problem = replace(problem, system=system, limits=limits)
        for name, value in of_objective.items():
            if value is None:
                continue
            if not hasattr(problem.objective, name):
                allowed = f"not given: the {problem.objective.kind} has none"
                raise InvalidInputError(name, value, allowed)
            objective = type(problem.objective)(value)  # type: ignore[call-arg]
            problem = replace(problem, objective=objective)
        return problem
