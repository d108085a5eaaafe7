"""What all adapters of outside solvers have in common."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import ClassVar

from cgcopt.problem import Form, Problem
from cgcopt.solvers.base import Role, Solver

__all__ = ["OutsideSolver"]


class OutsideSolver(Solver):
    """Base of the adapters: modules loaded ahead of time, and names of the neutral options."""

    role = Role.ADAPTER
    imports: ClassVar[tuple[str, ...]] = ()
    """Modules that :meth:`solve` imports; they are loaded outside the measured time."""
    neutral: ClassVar[Mapping[str, str]] = {}
    """The solver's own name of every neutral option that it honours."""

    def prepare(self, problem: Problem, form: Form) -> None:
        """Import what is needed, outside the measured time."""
        for module in self.imports:
            import_module(module)
