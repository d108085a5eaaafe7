"""Sequential quadratic programming of scipy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from cgcopt.options import Options
from cgcopt.solution import TerminationCondition as T
from cgcopt.solvers.adapters.scipy_minimize import ScipyMinimize

__all__ = ["ScipySlsqp"]


class ScipySlsqp(ScipyMinimize):
    """SLSQP on the exact objective and its gradient."""

    name = "scipy-slsqp"
    summary = "scipy's SLSQP on the exact objective"
    method = "SLSQP"
    terminations: ClassVar[Mapping[int, T]] = {
        0: T.CONVERGED,
        2: T.ERROR,  # more equality constraints than variables
        3: T.ERROR,  # inner least squares did not end
        4: T.INFEASIBLE,
        5: T.ERROR,
        6: T.ERROR,
        7: T.ERROR,
        8: T.CONVERGED,  # no direction descends within rounding
        9: T.ITERATION_LIMIT,
    }

    def defaults(self, options: Options) -> Mapping[str, Any]:
        """Return a tolerance on the objective, whose error is the square of the gradient's."""
        return {"ftol": 1e-13, "maxiter": 1000}
