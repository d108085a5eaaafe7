"""Who takes part in a comparison: solvers, each at a form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cgcopt._validate import did_you_mean
from cgcopt.errors import InvalidInputError
from cgcopt.objective import Objective
from cgcopt.problem import Form, Problem
from cgcopt.solvers.base import Role, Times
from cgcopt.solvers.registry import all_solvers, solver_names

__all__ = ["Entrant", "default_entrants", "entrants_of"]

#: The outside solver that is compared with by default; every other one is on call by name.
_DEFAULT_ADAPTERS = ("highs",)

_FORMS = (Form.RELAXED, Form.BLOCK, Form.COORDINATE)


@dataclass(frozen=True)
class Entrant:
    """A solver with the form it is to work at (by default the most relaxed it can).

    Examples
    --------
    >>> Entrant.parse("highs:block")
    Entrant(solver='highs', form=<Form.BLOCK: 'block'>)
    """

    solver: str
    form: Form | None = None

    @classmethod
    def parse(cls, text: str) -> Entrant:
        """Read ``name`` or ``name:form``.

        Raises
        ------
        InvalidInputError
            If there is no such solver or form.
        """
        name, _, form = text.strip().partition(":")
        if name not in solver_names():
            raise InvalidInputError("solver", name, did_you_mean(name, solver_names()))
        if not form:
            return cls(name)
        try:
            return cls(name, Form(form))
        except ValueError:
            raise InvalidInputError(f"form of {name}", form, did_you_mean(form, Form)) from None

    @property
    def label(self) -> str:
        """What :meth:`parse` reads."""
        return self.solver if self.form is None else f"{self.solver}:{self.form}"

    def form_for(self, objective: Objective) -> Form:
        """Return the form asked for, or the most relaxed one that the solver treats."""
        if self.form is not None:
            return self.form
        kind = type(objective)
        named = [cls for cls in all_solvers() if cls.name == self.solver]
        treated = (form for form in _FORMS if any(cls.treats(kind, form) for cls in named))
        return next(treated, Form.RELAXED)


def default_entrants(problem: Problem) -> list[Entrant]:
    """Return every method of this package that treats the problem, and HiGHS."""
    kind = problem.system.worker_times.kind
    names = [
        cls.name
        for cls in all_solvers()
        if any(cls.treats(type(problem.objective), form) for form in _FORMS)
        and (kind in cls.times or Times.SCENARIOS in cls.times)
        and cls.fits(problem)
        and (cls.role is not Role.ADAPTER or cls.name in _DEFAULT_ADAPTERS)
    ]
    return [Entrant(name) for name in dict.fromkeys(names)]


def entrants_of(solvers: Iterable[str | Entrant]) -> list[Entrant]:
    """Read names of solvers.

    Raises
    ------
    InvalidInputError
        If a solver is unknown, or the same one is named twice.

    Examples
    --------
    >>> [entrant.label for entrant in entrants_of(["optimal", "highs:block"])]
    ['optimal', 'highs:block']
    """
    found = [s if isinstance(s, Entrant) else Entrant.parse(s) for s in solvers]
    labels = [entrant.label for entrant in found]
    for label in labels:
        if labels.count(label) > 1:
            raise InvalidInputError(
                "solvers", ",".join(labels), f"each named once ({label} is not)"
            )
    return found
