"""Change the parameters of a model that is built: the budget, a deadline and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError
from cgcopt.formulations.points import language_of

__all__ = [
    "HighsRows",
    "add_pyomo_parameters",
    "cvxpy_parameters",
    "refuse_language",
    "set_parameters",
]

#: Numbers up to which they are parameters of a cvxpy problem: its compilation is slow beyond.
MOST_PARAMETERS = 5_000


def cvxpy_parameters(values: Mapping[str, FloatArray]) -> dict[str, Any]:
    """Parameters of a cvxpy problem by name; beyond 5,000 numbers the plain values."""
    import cvxpy as cp

    if sum(array.size for array in values.values()) > MOST_PARAMETERS:
        return dict(values)
    return {
        name: cp.Parameter(array.shape, name=name, value=array) for name, array in values.items()
    }


def add_pyomo_parameters(m: Any, values: Mapping[str, FloatArray], doc: Mapping[str, str]) -> None:
    """Add mutable parameters to a pyomo model; arrays are indexed by the places of their entries."""
    import pyomo.environ as pyo

    for name, array in values.items():
        if array.ndim == 0:
            parameter = pyo.Param(initialize=array.item(), mutable=True, doc=doc[name])
        else:
            sets = [range(size) for size in array.shape]
            every = {at if len(at) > 1 else at[0]: v for at, v in _entries(array)}
            parameter = pyo.Param(*sets, initialize=every, mutable=True, doc=doc[name])
        m.add_component(name, parameter)


def set_parameters(model: Any, values: Mapping[str, FloatArray]) -> None:
    """Set the parameters of a model of cvxpy or pyomo.

    Raises
    ------
    InvalidInputError
        If the model has no parameter of a name, or is of another language.
    """
    language = language_of(model)
    if language == "cvxpy":
        found = {parameter.name(): parameter for parameter in model.parameters()}
        _need(values, found)
        for name, array in values.items():
            found[name].value = array if array.ndim else array.item()
    elif language == "pyomo":
        _need(values, {name: 0 for name in values if model.component(name) is not None})
        for name, array in values.items():
            parameter = model.component(name)
            if array.ndim == 0:
                parameter.set_value(array.item())
            else:
                parameter.store_values(
                    {at if len(at) > 1 else at[0]: v for at, v in _entries(array)}
                )
    else:
        refuse_language(model)


def refuse_language(model: Any) -> None:
    """Say which models can be changed."""
    allowed = "a model of cvxpy, pyomo or highspy; what scipy takes is quickly written anew"
    raise InvalidInputError("model", type(model).__name__, allowed)


class HighsRows:
    """The rows and columns of a ``highspy.Highs`` by the names of their blocks.

    Examples
    --------
    >>> from cgcopt.formulations.highs_model import HighsModel
    >>> model = HighsModel()
    >>> x = model.columns("x", (2,), cost=[1.0, 2.0])
    >>> model.rows("total", (), [(1.0, x)], lower=3.0)
    >>> highs = model.build()
    >>> HighsRows(highs).sides("total", (), 5.0, highs.inf)
    >>> _ = highs.run()
    >>> highs.getObjectiveValue()
    5.0
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        lp = model.getLp()
        self._rows = {name: i for i, name in enumerate(lp.row_names_)}
        self._columns = {name: i for i, name in enumerate(lp.col_names_)}

    def sides(self, name: str, shape: tuple[int, ...], lower: ArrayLike, upper: ArrayLike) -> None:
        """Set both sides of a block of rows."""
        at = _numbers(self._rows, name, shape)
        self.model.changeRowsBounds(at.size, at, _full(lower, shape), _full(upper, shape))

    def bounds(self, name: str, shape: tuple[int, ...], lower: ArrayLike, upper: ArrayLike) -> None:
        """Set both bounds of a block of columns."""
        at = _numbers(self._columns, name, shape)
        self.model.changeColsBounds(at.size, at, _full(lower, shape), _full(upper, shape))

    def costs(self, name: str, shape: tuple[int, ...], values: ArrayLike) -> None:
        """Set the coefficients of a block of columns in the objective."""
        at = _numbers(self._columns, name, shape)
        self.model.changeColsCost(at.size, at, _full(values, shape))

    def holds(self, name: str, *index: int) -> bool:
        """Whether the model has a row of that name and place."""
        return "_".join((name, *map(str, index))) in self._rows

    def entry(
        self, row: tuple[str, *tuple[int, ...]], column: tuple[str, *tuple[int, ...]], value: float
    ) -> None:
        """Set a coefficient, by the names and indices of its row and column."""
        self.model.changeCoeff(self.row(*row), self.column(*column), value)

    def row(self, name: str, *index: int) -> int:
        """The number of a row."""
        return self._rows["_".join((name, *map(str, index)))]

    def column(self, name: str, *index: int) -> int:
        """The number of a column."""
        return self._columns["_".join((name, *map(str, index)))]


def _need(values: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    missing = sorted(set(values) - set(found))
    if missing:
        raise InvalidInputError(
            "model",
            f"without the parameter {missing[0]}",
            "a model that this formulation wrote, of cvxpy with at most "
            f"{MOST_PARAMETERS:,} numbers as parameters; a larger one is written anew",
        )


def _entries(array: FloatArray) -> list[tuple[tuple[int, ...], float]]:
    values = array.ravel().tolist()
    return list(zip(np.ndindex(*array.shape), values, strict=True))


def _numbers(known: Mapping[str, int], name: str, shape: tuple[int, ...]) -> NDArray[np.int32]:
    names = ("_".join((name, *map(str, at))) for at in np.ndindex(*shape))
    return np.array([known[each] for each in names], dtype=np.int32)


def _full(values: ArrayLike, shape: tuple[int, ...]) -> FloatArray:
    return np.broadcast_to(np.asarray(values, dtype=np.float64), shape).ravel().copy()
