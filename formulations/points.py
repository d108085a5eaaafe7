"""Read a point out of a solved model, and write one into a model to start from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cgcopt.errors import InvalidInputError

if TYPE_CHECKING:
    from cgcopt.design import Design
    from cgcopt.formulations.base import Formulation

__all__ = ["read_point", "write_point"]

FloatArray = NDArray[np.float64]


def read_point(formulation: Formulation, model: Any) -> dict[str, FloatArray]:
    """Return the values of the variables that a solved model holds."""
    language = _language(model)
    if language == "highspy":
        solution = model.getSolution()
        return formulation.unflatten(_present(solution.col_value if solution.value_valid else None))
    if language == "scipy":
        return formulation.unflatten(_present(model.x))
    if language == "cvxpy":
        shapes = formulation.variables
        found = {variable.name(): variable.value for variable in model.variables()}
        return {name: _present(found[name]).reshape(shape) for name, shape in shapes.items()}
    return {
        name: np.array(
            [_present(entry.value) for entry in getattr(model, name).values()], dtype=np.float64
        ).reshape(shape)
        for name, shape in formulation.pyomo_variables.items()
    }


def write_point(formulation: Formulation, model: Any, design: Design) -> None:
    """Set the variables of a model to a feasible point with the given design."""
    language = _language(model)
    if language == "pyomo":
        formulation.set_pyomo(model, design)
        return
    point = formulation.point(design)
    if language == "highspy":
        import highspy

        solution = highspy.HighsSolution()
        solution.col_value = formulation.flatten(point).tolist()
        solution.value_valid = True
        model.setSolution(solution)
    elif language == "cvxpy":
        for variable in model.variables():
            variable.value = point[variable.name()]
    else:
        raise InvalidInputError("model", type(model).__name__, "a model of cvxpy, pyomo or highspy")


def _language(model: Any) -> str:
    package = type(model).__module__.split(".")[0]
    known = {"highspy": "highspy", "cvxpy": "cvxpy", "pyomo": "pyomo", "scipy": "scipy"}
    if package not in known:
        raise InvalidInputError(
            "model",
            type(model).__name__,
            "a mapping, a vector, or a model of cvxpy, pyomo, highspy or a result of scipy",
        )
    return known[package]


def _present(value: Any) -> Any:
    if value is None:
        raise InvalidInputError("model", "without values", "a solved model")
    return np.asarray(value, dtype=np.float64)
