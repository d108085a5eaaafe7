"""The trust-region interior point method of scipy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from cgcopt.options import Options
from cgcopt.solution import TerminationCondition as T
from cgcopt.solvers.adapters.scipy_minimize import ScipyMinimize

__all__ = ["ScipyTrustConstr"]


class ScipyTrustConstr(ScipyMinimize):
    """trust-constr on the exact objective and its gradient."""

    name = "scipy-trust-constr"
    summary = "scipy's trust-constr on the exact objective"
    method = "trust-constr"
    terminations: ClassVar[Mapping[int, T]] = {
        0: T.ITERATION_LIMIT,
        1: T.CONVERGED,
        2: T.CONVERGED,
        3: T.INTERRUPTED,
        4: T.ERROR,
    }

    def defaults(self, options: Options) -> Mapping[str, Any]:
        """Return tolerances at which the certificate of the result is tight."""
        return {"gtol": 1e-9, "barrier_tol": 1e-10, "xtol": 1e-13, "maxiter": 5000}
