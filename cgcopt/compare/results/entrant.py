"""Who takes part in a comparison: solvers, each at a form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cgcopt._validate import did_you_mean
from cgcopt.errors import InvalidInputError
from cgcopt.objective import Objective
from cgcopt.problem import Form, Problem
from cgcopt.solvers.base import Role, Solver, Times
from cgcopt.solvers.registry import all_solvers, solver_names
from cgcopt.study.own_solver import OwnSolver, own_solver, solver_from_file

__all__ = ["Entrant", "default_entrants", "entrants_of"]

#: The outside solver that is compared with by default; every other one is on call by name.
_DEFAULT_ADAPTERS = ("highs",)

_FORMS = (Form.RELAXED, Form.BLOCK, Form.COORDINATE)


@dataclass(frozen=True)
class Entrant:
    """A solver with the form it is to work at (by default the most relaxed it can).

    Attributes
    ----------
    solver : str
        The name in tables; of the registry, unless there is an object.
    form : Form, optional
    own : OwnSolver, optional
        A solver object that is no part of the registry.

    Examples
    --------
    >>> Entrant.parse("highs:block")
    Entrant(solver='highs', form=<Form.BLOCK: 'block'>)
    """

    solver: str
    form: Form | None = None
    own: OwnSolver | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> Entrant:
        """Read ``name`` or ``name:form``; in place of a name ``FILE.py:CLASS`` for a class of a file.

        Raises
        ------
        InvalidInputError
            If there is no such solver, form, file or class.
        """
        file, ending, rest = text.strip().partition(".py")
        if ending and rest[:1] in ("", ":"):
            named, _, form = rest[1:].partition(":")
            own = solver_from_file(f"{file}.py", named)
            return cls(own.solver.name, _form(own.solver.name, form), own)
        name, _, form = text.strip().partition(":")
        if name not in solver_names():
            allowed = did_you_mean(name, solver_names(), listing="cgcopt solvers")
            raise InvalidInputError("solver", name, allowed)
        return cls(name, _form(name, form))

    @classmethod
    def of(cls, solver: str | Entrant | Solver | type[Solver]) -> Entrant:
        """Return what takes part under a name, or as an instance or a class of a solver."""
        if isinstance(solver, Entrant):
            return solver
        if isinstance(solver, str):
            return cls.parse(solver)
        if isinstance(solver, Solver) or (isinstance(solver, type) and issubclass(solver, Solver)):
            own = own_solver(solver)
            return cls(own.solver.name, own=own)
        allowed = "names of solvers, or instances or classes of cgcopt.solvers.base.Solver"
        raise InvalidInputError("solvers", solver, allowed)

    @property
    def chosen(self) -> str | Solver:
        """The solver as :func:`cgcopt.solve` takes it: a name or an object."""
        return self.solver if self.own is None else self.own.solver

    @property
    def classes(self) -> list[type[Solver]]:
        """Classes of solvers that go by the name."""
        if self.own is not None:
            return [type(self.own.solver)]
        return [cls for cls in all_solvers() if cls.name == self.solver]

    @property
    def label(self) -> str:
        """Its text on the command line, which :meth:`parse` reads."""
        return self.solver if self.form is None else f"{self.solver}:{self.form}"

    def form_for(self, objective: Objective) -> Form:
        """Return the form asked for, or the most relaxed one that the solver treats."""
        if self.form is not None:
            return self.form
        kind = type(objective)
        named = self.classes
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


def _form(solver: str, form: str) -> Form | None:
    if not form:
        return None
    try:
        return Form(form)
    except ValueError:
        raise InvalidInputError(f"form of {solver}", form, did_you_mean(form, Form)) from None


def entrants_of(solvers: Iterable[str | Entrant | Solver | type[Solver]]) -> list[Entrant]:
    """Read names of solvers; solver objects are taken as they are.

    Raises
    ------
    InvalidInputError
        If a solver is unknown, or the same one is named twice.

    Examples
    --------
    >>> [entrant.label for entrant in entrants_of(["optimal", "highs:block"])]
    ['optimal', 'highs:block']
    """
    found = [Entrant.of(each) for each in ([solvers] if isinstance(solvers, str) else solvers)]
    labels = [entrant.label for entrant in found]
    for label in labels:
        if labels.count(label) > 1:
            raise InvalidInputError(
                "solvers", ",".join(labels), f"each named once ({label} is not)"
            )
    return found
