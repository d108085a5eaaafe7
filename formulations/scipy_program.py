"""A mixed-integer linear program as scipy takes it, with its constraints under their names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.optimize import Bounds, LinearConstraint

__all__ = ["LinearProgram", "Rows", "linear_program"]

#: Name of the rows to the blocks of coefficients by variable, a lower and an upper side.
Rows = dict[str, tuple[Mapping[str, Any], Any, Any]]


@dataclass(frozen=True, eq=False)
class LinearProgram:
    """``min c . v`` subject to named linear constraints, bounds and integrality.

    Attributes
    ----------
    c : ndarray
        Costs, to be minimised; a maximisation carries the opposite sign.
    integrality : ndarray
        1 where a variable is a whole number, else 0.
    bounds : scipy.optimize.Bounds
        Of the variables.
    constraints : mapping
        :class:`scipy.optimize.LinearConstraint` by name.
    sign : float
        1, or -1 for a maximisation: ``sign * (c . v)`` is the objective of the formulation.

    Examples
    --------
    >>> import cgcopt as cg
    >>> from scipy.optimize import milp
    >>> system = cg.System(2, 6, cg.Scenarios([[3.0, 1.0], [2.0, 5.0]]))
    >>> formulation = cg.formulate(cg.Problem(system, cg.ExpectedRuntime()), "block")
    >>> program = formulation.to_scipy()
    >>> result = milp(**program.milp_arguments())
    >>> formulation.design(result).partition, formulation.value(program.sign * result.fun)
    (array([3., 3.]), 6.75)
    """

    c: NDArray[np.float64]
    integrality: NDArray[np.float64]
    bounds: Bounds
    constraints: Mapping[str, LinearConstraint]
    sign: float = 1.0

    def milp_arguments(self) -> dict[str, Any]:
        """Arguments of :func:`scipy.optimize.milp`."""
        return {
            "c": self.c,
            "integrality": self.integrality,
            "bounds": self.bounds,
            "constraints": list(self.constraints.values()),
        }

    def linprog_arguments(self) -> dict[str, Any]:
        """Arguments of :func:`scipy.optimize.linprog`, integrality included.

        Equations go to ``A_eq``; the others become ``A_ub v <= b_ub``, their finite lower sides
        first with the sign turned, each in the order of :attr:`constraints`.
        """
        from scipy import sparse

        equal, below, right_equal, right_below = [], [], [], []
        for constraint in self.constraints.values():
            matrix: Any = sparse.csr_array(constraint.A)  # type: ignore[arg-type]
            lower = np.broadcast_to(constraint.lb, matrix.shape[0])
            upper = np.broadcast_to(constraint.ub, matrix.shape[0])
            same = lower == upper
            over, under = ~same & np.isfinite(lower), ~same & np.isfinite(upper)
            equal.append(matrix[same])
            right_equal.append(upper[same])
            below += [-matrix[over], matrix[under]]
            right_below += [-lower[over], upper[under]]
        return {
            "c": self.c,
            "A_ub": sparse.vstack(below, format="csr"),
            "b_ub": np.concatenate(right_below),
            "A_eq": sparse.vstack(equal, format="csr"),
            "b_eq": np.concatenate(right_equal),
            "bounds": np.column_stack([self.bounds.lb, self.bounds.ub]),
            "integrality": self.integrality,
        }


def linear_program(
    shapes: Mapping[str, tuple[int, ...]],
    rows: Rows,
    *,
    cost: Mapping[str, Any],
    lower: Mapping[str, Any] = MappingProxyType({}),
    upper: Mapping[str, Any] = MappingProxyType({}),
    integer: Collection[str] = (),
    sign: float = 1.0,
) -> LinearProgram:
    """Put blocks of named variables and rows together.

    Parameters
    ----------
    shapes : mapping
        Name and shape of every variable, in the order of the columns.
    rows : Rows
        Coefficients; a variable that does not occur is left out.
    cost : mapping
        Coefficients of the objective by variable; it is minimised, or maximised where ``sign`` is -1.
    lower, upper : mapping
        Bounds by variable, by default 0 and none.
    integer : collection of str
        Variables in whole numbers.

    Examples
    --------
    >>> rows = {"total": ({"x": np.ones((1, 2)), "t": -np.ones((1, 1))}, 0.0, 0.0)}
    >>> program = linear_program({"x": (2,), "t": (1,)}, rows, cost={"t": 1.0}, upper={"x": 1.0})
    >>> program.constraints["total"].A.toarray()
    array([[ 1.,  1., -1.]])
    >>> program.bounds.ub
    array([ 1.,  1., inf])
    """
    from scipy import sparse
    from scipy.optimize import Bounds, LinearConstraint

    sizes = {name: int(np.prod(shape)) for name, shape in shapes.items()}

    def beside(blocks: Mapping[str, Any]) -> Any:
        height = next(iter(blocks.values())).shape[0]
        parts = [
            sparse.csr_array(blocks[name]) if name in blocks else sparse.csr_array((height, size))
            for name, size in sizes.items()
        ]
        return sparse.hstack(parts, format="csr")

    def by_variable(values: Mapping[str, Any], default: float) -> NDArray[np.float64]:
        parts = [
            np.broadcast_to(np.ravel(values.get(name, default)), size).astype(np.float64)
            for name, size in sizes.items()
        ]
        return np.concatenate(parts)

    return LinearProgram(
        c=sign * by_variable(cost, 0.0),
        integrality=by_variable(dict.fromkeys(integer, 1.0), 0.0),
        bounds=Bounds(by_variable(lower, 0.0), by_variable(upper, np.inf)),
        constraints={
            name: LinearConstraint(beside(blocks), low, high)
            for name, (blocks, low, high) in rows.items()
        },
        sign=sign,
    )
