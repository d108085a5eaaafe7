"""A mixed-integer linear program as scipy takes it, with its constraints under their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.optimize import Bounds, LinearConstraint

__all__ = ["LinearProgram", "block_row"]


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


def block_row(blocks: Sequence[Any], sizes: Sequence[int]) -> Any:
    """Put blocks beside each other; ``None`` stands for zeros as wide as its size.

    Examples
    --------
    >>> block_row([np.ones((1, 2)), None], (2, 3)).toarray()
    array([[1., 1., 0., 0., 0.]])
    """
    from scipy import sparse

    height = next(block.shape[0] for block in blocks if block is not None)
    filled = [
        sparse.csr_array((height, size)) if block is None else sparse.csr_array(block)
        for block, size in zip(blocks, sizes, strict=True)
    ]
    return sparse.hstack(filled, format="csr")
