"""Solvers that are objects or stand in a file, not names of the registry."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from inspect import isabstract
from pathlib import Path
from types import ModuleType
from typing import Any

from cgcopt.errors import InvalidInputError
from cgcopt.solvers.base import Solver

__all__ = ["OwnSolver", "own_solver", "solver_from_file"]

_STATED = ("name", "summary", "role", "solves")


@dataclass(frozen=True)
class OwnSolver:
    """A solver object that takes part in a comparison, and can be sent to another process.

    Attributes
    ----------
    solver : Solver
        The object.
    path : str
        The file that it was loaded from; empty where it was given.
    """

    solver: Solver
    path: str = ""

    @property
    def state(self) -> Mapping[str, Any]:
        """Fields of the object, beside its class."""
        return dict(getattr(self.solver, "__dict__", {}))

    def __reduce__(self) -> tuple[Any, ...]:
        """Send the name of the file: another process cannot import what was loaded from a path."""
        if self.path:
            return (solver_from_file, (self.path, type(self.solver).__qualname__))
        return (OwnSolver, (self.solver,))


def own_solver(given: Solver | type[Solver]) -> OwnSolver:
    """Return an instance or a class of :class:`~cgcopt.solvers.base.Solver` as an entrant's solver.

    Raises
    ------
    InvalidInputError
        If it does not state what a solver states, or cannot be made without arguments.
    """
    cls = given if isinstance(given, type) else type(given)
    missing = [name for name in _STATED if not hasattr(given, name)]
    if missing or isabstract(cls):
        allowed = f"a Solver with {', '.join(_STATED)} and solve"
        lacks = ", ".join(missing) or "solve"
        raise InvalidInputError("solvers", cls.__qualname__, f"{allowed} (it lacks {lacks})")
    if not isinstance(given, type):
        return OwnSolver(given)
    try:
        return OwnSolver(given())
    except TypeError as error:
        allowed = f"a class that needs no arguments, or an instance ({error})"
        raise InvalidInputError("solvers", cls.__qualname__, allowed) from None


def solver_from_file(path: str, name: str = "") -> OwnSolver:
    """Load a solver class from a Python file; without a name, the only one that stands there.

    The file is run. Its digest is part of the name of its module, so that an edited file is another
    module, and rows of a store know it.

    Raises
    ------
    InvalidInputError
        If the file cannot be read or run, or has no such class.
    """
    module = _module(Path(path))
    found = {
        value.__qualname__: value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Solver)
        and value.__module__ == module.__name__
        and not isabstract(value)
    }
    names = ", ".join(found) or "none"
    if name not in found and (name or len(found) != 1):
        allowed = f"FILE.py:CLASS with a Solver class of that file ({names})"
        raise InvalidInputError("solvers", f"{path}:{name}".rstrip(":"), allowed)
    chosen = found[name] if name else next(iter(found.values()))
    return OwnSolver(own_solver(chosen).solver, str(Path(path).resolve()))


def _module(path: Path) -> ModuleType:
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise InvalidInputError("solvers", str(path), f"a Python file ({reason})") from None
    name = f"cgcopt_file_{path.stem}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise InvalidInputError("solvers", str(path), "a Python file, whose name ends in .py")
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise InvalidInputError("solvers", str(path), f"a file that runs ({reason})") from None
    return module
