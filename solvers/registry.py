"""Which solvers there are. Nothing is listed by hand: a solver is found by the file it lives in.

Two classes may share a name when they solve different problems (``optimal`` for each objective);
:func:`find_solver` picks the one that fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from inspect import isabstract
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from cgcopt._validate import did_you_mean
from cgcopt.errors import InvalidInputError, MissingSolverError, UnsupportedProblemError
from cgcopt.instance import OBJECTIVES
from cgcopt.objective import Objective
from cgcopt.problem import Form
from cgcopt.solvers.base import Solver, Task

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ENTRY_POINTS",
    "all_solvers",
    "find_solver",
    "solver_facts",
    "solver_names",
    "solver_table",
]

#: Entry point group under which packages outside offer their solvers.
ENTRY_POINTS = "cgcopt.solvers"


@cache
def all_solvers() -> tuple[type[Solver], ...]:
    """Return every solver class, built-in ones first, ordered by role and name.

    Raises
    ------
    InvalidInputError
        If two solvers of one name claim the same objective and form.
    """
    classes = [cls for module in _built_in_modules() for cls in _solvers_in(module)]
    classes += [point.load() for point in entry_points(group=ENTRY_POINTS)]
    roles = [cls.role for cls in classes]
    classes.sort(key=lambda cls: (roles.index(cls.role), cls.name))
    claimed: set[tuple[str, Task]] = set()
    for cls in classes:
        for task in cls.solves:
            if (cls.name, task) in claimed:
                raise InvalidInputError(
                    "solver.name", cls.name, f"unique for {task.objective.kind} at {task.form}"
                )
            claimed.add((cls.name, task))
    return tuple(classes)


def solver_names() -> list[str]:
    """Return the distinct names in the order of :func:`all_solvers`."""
    return list(dict.fromkeys(cls.name for cls in all_solvers()))


def find_solver(name: str, objective: Objective, form: Form) -> type[Solver]:
    """Return the installed solver class of that name for an objective and a form.

    A solver of the relaxed form is also found for the block form, where its design is rounded.

    Raises
    ------
    InvalidInputError
        If no solver has that name.
    UnsupportedProblemError
        If the solver does not treat this objective or form.
    MissingSolverError
        If the solver needs a package that is not installed.
    """
    accepted = [form, Form.RELAXED] if form is Form.BLOCK else [form]
    fitting = _first(_near(name, objective), name, objective, form)
    for wanted in accepted:
        fitting = fitting or _first(all_solvers(), name, objective, wanted)
    if fitting is not None:
        if not fitting.available():
            raise MissingSolverError(name, fitting.extra)
        return fitting
    named = [cls for cls in all_solvers() if cls.name == name]
    if not named:
        allowed = did_you_mean(name, solver_names(), listing="cgcopt solvers")
        raise InvalidInputError("solver", name, allowed)
    able = [f"{task.objective.kind} ({task.form})" for cls in named for task in cls.solves]
    raise UnsupportedProblemError(
        f"solver '{name}' does not solve {objective.kind} at the {form} form; "
        f"it solves: {', '.join(sorted(able))}"
    )


def _near(name: str, objective: Objective) -> Iterator[type[Solver]]:
    """Classes in files that begin with a name, those with a word of the objective's kind first.

    To import every solver takes half a second, which a single run need not wait for.
    """
    if _plug_ins():
        return  # one of them may claim the same name, which only a look at all of them shows
    start, words = name.replace("-", "_"), objective.kind.split("-")
    files = [file for file in _built_in_modules() if file.rpartition(".")[2].startswith(start)]
    for file in sorted(files, key=lambda file: not any(word in file for word in words)):
        yield from _solvers_in(file)


@cache
def _plug_ins() -> bool:
    return bool(entry_points(group=ENTRY_POINTS))


def _first(
    classes: Iterable[type[Solver]], name: str, objective: Objective, form: Form
) -> type[Solver] | None:
    kind = type(objective)
    return next((cls for cls in classes if cls.name == name and cls.treats(kind, form)), None)


def solver_facts(cls: type[Solver]) -> dict[str, Any]:
    """Return what a solver says of itself, in plain values."""
    return {
        "name": cls.name,
        "role": str(cls.role),
        "solves": _solves(cls),
        "worker_times": sorted(map(str, cls.times)),
        "limits": sorted(cls.limits),
        "costs": cls.costs,
        "available": cls.available(),
        "version": cls.version(),
        "extra": cls.extra,
        "licence": cls.licence,
        "summary": cls.summary,
    }


def solver_table() -> pd.DataFrame:
    """Return the solvers as a table, a line for each name; ``cgcopt.solvers()`` calls this.

    Returns
    -------
    DataFrame
        Index ``name``; columns ``role``, one for each objective with the forms that are solved,
        ``worker_times``, ``limits``, ``costs``, ``available``, ``version``, ``extra``, ``licence``
        and ``summary``.

    Examples
    --------
    >>> import cgcopt as cg
    >>> cg.solvers().loc["optimal", "expected-runtime"]
    'relaxed'
    """
    import pandas as pd

    lines: dict[str, dict[str, Any]] = {}
    for fact in map(solver_facts, all_solvers()):
        forms = {kind: ", ".join(at) for kind, at in fact["solves"].items()}
        many = {name: ", ".join(fact[name]) for name in ("worker_times", "limits")}
        fresh = {"role": "", **dict.fromkeys(OBJECTIVES, ""), **fact, **many}
        line = lines.setdefault(fact["name"], fresh)
        line.update(forms)
    frame = pd.DataFrame(list(lines.values())).set_index("name")
    return frame.drop(columns="solves")


@cache
def _built_in_modules(package: str = "cgcopt.solvers") -> tuple[str, ...]:
    """Modules of the package and of its folders, but for folders that hold parts of algorithms."""
    root = import_module(package)
    if not getattr(root, "HOLDS_SOLVERS", True):
        return ()
    modules: list[str] = []
    folders: list[str] = []
    for info in iter_modules(root.__path__, f"{package}."):
        (folders if info.ispkg else modules).append(info.name)
    found = [name for name in modules if name != __name__]
    return (*found, *(name for folder in folders for name in _built_in_modules(folder)))


def _solvers_in(module_name: str) -> list[type[Solver]]:
    module = import_module(module_name)
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Solver)
        and value.__module__ == module_name
        and not isabstract(value)
    ]


def _solves(cls: type[Solver]) -> dict[str, list[str]]:
    """The forms of every objective that the solver treats, the relaxed one first."""
    treated = {(task.objective.kind, task.form) for task in cls.solves}
    kinds = dict.fromkeys([*OBJECTIVES, *sorted(kind for kind, _ in treated)])
    forms = {
        kind: [str(form) for form in reversed(Form) if (kind, form) in treated] for kind in kinds
    }
    return {kind: at for kind, at in forms.items() if at}
