"""A pyomo model as a program of casadi, whose plug-ins are the nonlinear solvers that it brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray

__all__ = ["CASADI_IMPORTS", "CasadiProgram"]

#: Modules that writing and reading the program needs.
CASADI_IMPORTS = ("pyomo.environ", "pyomo.repn.plugins.nl_writer", "casadi")


@dataclass(frozen=True, eq=False)
class CasadiProgram:
    """A pyomo model that casadi has read from an NL file.

    Attributes
    ----------
    model : pyomo.environ.ConcreteModel
        Gets the values that a run ends with.
    program : casadi.NlpBuilder
    variables : list
        Variables of the model in the order of the program.
    """

    model: Any
    program: Any
    variables: Any

    @classmethod
    def of(cls, model: Any) -> CasadiProgram:
        """Write the model with pyomo and read it with casadi."""
        import casadi
        from pyomo.repn.plugins.nl_writer import NLWriter

        program = casadi.NlpBuilder()
        with TemporaryDirectory() as folder:
            path = Path(folder) / "model.nl"
            with path.open("w", encoding="utf-8") as stream:
                written = NLWriter().write(model, stream, linear_presolve=False, scale_model=False)
            program.import_nl(str(path), {})
        return cls(model, program, written.variables)

    @property
    def limits(self) -> dict[str, Any]:
        """Bounds of variables (``lbx``, ``ubx``) and constraints (``lbg``, ``ubg``)."""
        program = self.program
        return {
            "lbx": program.x_lb,
            "ubx": program.x_ub,
            "lbg": program.g_lb,
            "ubg": program.g_ub,
        }

    def solve(
        self, plugin: str, settings: Mapping[str, Any], **of_casadi: Any
    ) -> tuple[Mapping[str, Any], FloatArray, Mapping[str, Any]]:
        """Run a solver, and give its point to the pyomo model.

        Parameters
        ----------
        plugin : str
            casadi's name of the solver.
        settings : mapping
            Options of the solver under its own names.
        **of_casadi
            Further options of ``casadi.nlpsol``.

        Returns
        -------
        result : mapping
            Of casadi, by the names ``x``, ``g`` and so on.
        point : ndarray
            Values of the variables.
        statistics : mapping
            Of the run.
        """
        import casadi

        program = self.program
        solver = casadi.nlpsol(
            plugin,
            plugin,
            {"x": casadi.vertcat(*program.x), "f": program.f, "g": casadi.vertcat(*program.g)},
            {
                "print_time": False,
                "error_on_fail": False,
                **of_casadi,
                **{f"{plugin}.{name}": value for name, value in settings.items()},
            },
        )
        result = solver(x0=program.x_init, **self.limits)
        point = np.array(result["x"]).ravel()
        for variable, value in zip(self.variables, point, strict=True):
            variable.set_value(value, skip_validation=True)
        return result, point, solver.stats()
