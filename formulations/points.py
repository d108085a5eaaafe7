"""Read values out of a solved model of any language, and write some into a model to start from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from cgcopt._validate import real_array
from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError

__all__ = [
    "Named",
    "changed_budget",
    "cut",
    "language_of",
    "read_values",
    "refuse_other_point",
    "start_from",
    "write_values",
]

#: Name and shape of every variable, in the order of the columns of the matrix models.
Shapes = Mapping[str, tuple[int, ...]]

_LANGUAGES = ("highspy", "cvxpy", "pyomo", "scipy")


class Named(Mapping[str, FloatArray]):
    """The values of a point by name, each checked when it is asked for.

    Parameters
    ----------
    point : mapping
        Array by name.
    shapes : mapping
        Shape by name.

    Raises
    ------
    InvalidInputError
        When an array is asked for that is missing, has another shape, or holds anything but finite
        numbers. The blocks ``x`` are left to who checks partitions.

    Examples
    --------
    >>> Named({"y": [1, 0]}, {"y": (2,)})["y"].tolist()
    [1.0, 0.0]
    """

    def __init__(self, point: Mapping[str, Any], shapes: Shapes) -> None:
        self.point, self.shapes = point, shapes

    def __getitem__(self, name: str) -> FloatArray:
        shape = self.shapes.get(name)
        if name not in self.point:
            raise InvalidInputError("point", sorted(self.point), f"values of {name} too")
        if name == "x":
            return real_array("partition", self.point[name], "a list of numbers")
        values = real_array(f"point.{name}", self.point[name], "numbers")
        if shape is not None and values.shape != shape:
            raise InvalidInputError(f"point.{name}", f"shape {values.shape}", f"shape {shape}")
        if not np.isfinite(values).all():
            bad = values[~np.isfinite(values)].flat[0].item()
            raise InvalidInputError(f"point.{name}", bad, "finite numbers")
        return values

    def __contains__(self, name: object) -> bool:
        return name in self.point

    def __iter__(self) -> Iterator[str]:
        return iter(self.point)

    def __len__(self) -> int:
        return len(self.point)


def language_of(model: Any) -> str:
    """Return ``"highspy"``, ``"cvxpy"``, ``"pyomo"`` or ``"scipy"``.

    Raises
    ------
    InvalidInputError
        If the model is of another language.
    """
    package = type(model).__module__.split(".")[0]
    if package not in _LANGUAGES:
        raise InvalidInputError(
            "model",
            type(model).__name__,
            "a mapping, a vector, or a model of cvxpy, pyomo, highspy or a result of scipy",
        )
    return package


def changed_budget(model: Any, budget: float) -> float:
    """Return the value of the parameter ``L`` of a cvxpy or pyomo model, else ``budget``."""
    language = language_of(model)
    if language == "cvxpy":
        found = {parameter.name(): parameter.value for parameter in model.parameters()}
        return float(found.get("L", budget))
    if language == "pyomo" and model.component("L") is not None:
        return float(model.component("L").value)
    return budget


def read_values(model: Any, shapes: Shapes) -> dict[str, FloatArray]:
    """Return the values of the named variables that a solved model holds.

    Raises
    ------
    InvalidInputError
        If the model is known to be infeasible or unbounded, holds no values, or not as many as
        the shapes ask for.
    """
    language = language_of(model)
    ended = _no_point(model, language)
    if ended:
        raise InvalidInputError("model", ended, "a model with a solution")
    if language == "highspy":
        solution = model.getSolution()
        return cut(_present(solution.col_value if solution.value_valid else None), shapes)
    if language == "scipy":
        return cut(_present(model.x), shapes)
    if language == "cvxpy":
        found = {variable.name(): variable.value for variable in model.variables()}
        return {name: _present(found[name]).reshape(shape) for name, shape in shapes.items()}
    return {
        name: np.array([_present(entry.value) for entry in getattr(model, name).values()]).reshape(
            shape
        )
        for name, shape in shapes.items()
    }


#: Relative violation of a row of pyomo above which its point is none: solvers allow far less.
_VIOLATED = 1e-4


def refuse_other_point(model: Any) -> None:
    """Refuse the values that a model of pyomo has kept from before: those that violate a row of it.

    Other models know how they ended.

    Raises
    ------
    InvalidInputError
        Naming the row.
    """
    if language_of(model) != "pyomo":
        return
    import pyomo.environ as pyo

    for row in model.component_data_objects(pyo.Constraint, active=True):
        body = pyo.value(row.body, exception=False)
        if body is None:
            continue
        lower, upper = (pyo.value(side) for side in (row.lower, row.upper))
        miss = max(
            0.0 if lower is None else (lower - body) / max(1.0, abs(lower)),
            0.0 if upper is None else (body - upper) / max(1.0, abs(upper)),
        )
        if miss > _VIOLATED:
            allowed = "a model with a solution: was it solved, or is it infeasible or unbounded?"
            raise InvalidInputError("model", f"a point that violates {row.name}", allowed)


def write_values(model: Any, values: Mapping[str, FloatArray]) -> None:
    """Set the variables of a model to the named values, in the order of its columns.

    Raises
    ------
    InvalidInputError
        If the model is one of scipy, which holds no values.
    """
    language = language_of(model)
    if language == "highspy":
        start_from(model, np.concatenate([np.ravel(array) for array in values.values()]).tolist())
    elif language == "cvxpy":
        for variable in model.variables():
            variable.value = values[variable.name()]
    elif language == "pyomo":
        for name, array in values.items():
            entries = getattr(model, name).values()
            for entry, value in zip(entries, np.ravel(array), strict=True):
                entry.set_value(float(value))
    else:
        raise InvalidInputError("model", type(model).__name__, "a model of cvxpy, pyomo or highspy")


def start_from(model: Any, columns: Sequence[float]) -> None:
    """Give a ``highspy.Highs`` the values of its columns to start from."""
    import highspy

    solution = highspy.HighsSolution()
    solution.col_value, solution.value_valid = list(columns), True
    model.setSolution(solution)


def _no_point(model: Any, language: str) -> str:
    """Return why a model has no point, where its solver said so."""
    if language == "highspy":
        status = model.modelStatusToString(model.getModelStatus()).lower()
    elif language == "scipy":
        # Status 4 stands for whatever HiGHS has no other word for; the message tells.
        status = {2: "infeasible", 3: "unbounded"}.get(model.status, str(model.message).lower())
        status = status if model.x is None else ""
    elif language == "cvxpy":
        status = str(model.status)
    else:  # a model of pyomo does not know how it ended
        return ""
    return " or ".join(word for word in ("infeasible", "unbounded") if word in status)


def cut(vector: FloatArray, shapes: Shapes) -> dict[str, FloatArray]:
    """Cut a vector into named arrays.

    Raises
    ------
    InvalidInputError
        If the length is wrong.

    Examples
    --------
    >>> cut(np.arange(3.0), {"x": (2,), "t": ()})
    {'x': array([0., 1.]), 't': array(2.)}
    """
    sizes = [int(np.prod(shape)) for shape in shapes.values()]
    if vector.shape != (sum(sizes),):
        raise InvalidInputError("point", vector.shape, f"a vector of {sum(sizes)} numbers")
    pieces = np.split(vector, np.cumsum(sizes)[:-1])
    return {
        name: piece.reshape(shape)
        for (name, shape), piece in zip(shapes.items(), pieces, strict=True)
    }


def _present(value: Any) -> Any:
    if value is None:
        allowed = "a model with a solution: was it solved, or is it infeasible or unbounded?"
        raise InvalidInputError("model", "without values", allowed)
    return np.asarray(value, dtype=np.float64)
