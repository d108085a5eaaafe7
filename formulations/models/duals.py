"""Read the multipliers of named rows out of a solved model of any language, with one sign."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.errors import InvalidInputError
from cgcopt.formulations.points import language_of

__all__ = ["read_duals"]

_HINTS = {
    "pyomo": "a model that had `model.dual = Suffix(direction=Suffix.IMPORT)` when it was solved",
    "scipy": "a result of linprog, which has marginals",
}


def read_duals(model: Any, rows: Mapping[str, tuple[int, ...]]) -> dict[str, FloatArray]:
    """Return by how much the optimal value changes with the right-hand side of rows.

    Parameters
    ----------
    model : solved model
        Of cvxpy, pyomo or highspy, or a result of :func:`scipy.optimize.linprog` for
        :meth:`~cgcopt.formulations.scipy_program.LinearProgram.linprog_arguments`.
    rows : mapping
        Name and shape.  For scipy, which keeps no names, a row of shape ``()`` is the first
        equation and any other name the last inequalities.

    Returns
    -------
    dict
        Derivatives of the model's objective for equations; absolute values for inequalities,
        whose sides the languages turn as they please.

    Raises
    ------
    InvalidInputError
        If the model holds no multipliers.
    """
    language = language_of(model)
    found = _READERS[language](model, rows)
    if found is None:
        allowed = _HINTS.get(language, "a linear model that was solved to optimality")
        raise InvalidInputError("model", "without multipliers of its rows", allowed)
    return {
        name: values.reshape(rows[name]) if rows[name] == () else np.abs(values.reshape(rows[name]))
        for name, values in found.items()
    }


def _of_highspy(model: Any, rows: Mapping[str, tuple[int, ...]]) -> dict[str, FloatArray] | None:
    solution = model.getSolution()
    if not solution.dual_valid:
        return None
    duals = np.asarray(solution.row_dual)
    number = {name: i for i, name in enumerate(model.getLp().row_names_)}
    return {
        name: np.array(
            [duals[number["_".join((name, *map(str, at)))]] for at in np.ndindex(*shape)]
        )
        for name, shape in rows.items()
    }


def _of_cvxpy(model: Any, rows: Mapping[str, tuple[int, ...]]) -> dict[str, FloatArray] | None:
    found = {row.label: row.dual_value for row in model.constraints if row.label in rows}
    if any(found.get(name) is None for name in rows):
        return None
    # cvxpy adds nu (left - right) to the objective: the derivative in the right side is -nu.
    return {name: -np.asarray(found[name], dtype=np.float64) for name in rows}


def _of_pyomo(model: Any, rows: Mapping[str, tuple[int, ...]]) -> dict[str, FloatArray] | None:
    suffix = model.component("dual")
    every = {name: list(model.component(name).values()) for name in rows}
    if suffix is None or any(row not in suffix for part in every.values() for row in part):
        return None
    return {name: np.array([suffix[row] for row in part]) for name, part in every.items()}


def _of_scipy(model: Any, rows: Mapping[str, tuple[int, ...]]) -> dict[str, FloatArray] | None:
    if "eqlin" not in model or model.x is None:
        return None
    found = {}
    for name, shape in rows.items():
        count = int(np.prod(shape))
        found[name] = (
            np.asarray(model.eqlin.marginals)[:1]
            if shape == ()
            else np.asarray(model.ineqlin.marginals)[-count:]
        )
    return found


_READERS = {
    "highspy": _of_highspy,
    "cvxpy": _of_cvxpy,
    "pyomo": _of_pyomo,
    "scipy": _of_scipy,
}
