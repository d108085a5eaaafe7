"""What a coordinate costs at a design: the price of the budget and of every level.

With ``dE/dx_n = (n+1) sum_{m>=n} dE/dw_m`` the derivative of the value in the coordinates of level
``n``, the price of the budget is

    lambda = sum_n x_n dE/dx_n / L ,

the change of the value with one more coordinate in the proportions of the design; for the expected
runtime without costs it is ``E / L``, by Euler's theorem for homogeneous functions.  The reduced cost
``dE/dx_n - lambda`` is the change of the value with one coordinate that is moved to level ``n`` from the
levels in proportion.  At an optimum it is 0 on the used levels; on the others at least 0 where the value
is minimised and at most 0 where it is maximised (the conditions of Karush, Kuhn and Tucker).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgcopt.arrays import FloatArray
from cgcopt.design import Design
from cgcopt.evaluation.dispatch import Table
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.evaluation.gradient_bounds import partition_gradient
from cgcopt.evaluation.result import Evaluation
from cgcopt.evaluation.rounds.multipliers import best_subgradient
from cgcopt.objective import ConditionalValueAtRisk, ExpectedRuntime, Objective
from cgcopt.problem import Problem
from cgcopt.workers.base import Times

__all__ = ["Prices", "prices_of"]

#: Share of the coordinates from which a level counts as used.
_USED = 1e-9
#: Relative rounding of a derivative and of the price of the budget, whose sign says nothing.
_ROUNDING = 1e-14


@dataclass(frozen=True, eq=False)
class Prices:
    """Prices at a design, in seconds or in probability per coordinate.

    Attributes
    ----------
    budget : float
        ``lambda``, what the value changes by with one more coordinate.
    gradient : ndarray, shape (N,)
        ``dE/dx_n``.
    partition : ndarray, shape (N,)
        ``x`` of the design.
    """

    budget: float
    gradient: FloatArray
    partition: FloatArray

    @property
    def reduced(self) -> FloatArray:
        """``dE/dx_n - lambda`` of every level, shape ``(N,)``; 0 where nothing but rounding is left."""
        difference = self.gradient - self.budget
        rounding = _ROUNDING * (np.abs(self.gradient) + abs(self.budget))
        return np.where(np.abs(difference) > rounding, difference, 0.0)

    @property
    def used(self) -> NDArray[np.bool_]:
        """Which levels carry coordinates, shape ``(N,)``."""
        return np.asarray(self.partition > _USED * self.partition.sum())

    def to_dict(self) -> dict[str, Any]:
        """The price of the budget, and for every level what it has and its reduced cost."""
        rows = zip(self.partition.tolist(), self.used.tolist(), self.reduced.tolist(), strict=True)
        levels = [
            {"level": n, "coordinates": x, "used": used, "reduced": reduced}
            for n, (x, used, reduced) in enumerate(rows)
        ]
        return {"budget": self.budget, "levels": levels}


def prices_of(
    problem: Problem, design: Design, evaluation: Evaluation | None = None
) -> Prices | None:
    """Return the prices at a design, from the gradient of its value.

    Parameters
    ----------
    problem : Problem
        Any.
    design : Design
        Within the problem's budget.
    evaluation : Evaluation, optional
        Of the design, where it is known already.

    Returns
    -------
    Prices or None
        ``None`` where the value has no gradient: it is simulated, or a piecewise constant share.
        On rounds, where means of runtimes have kinks, the subgradient is the one that proves most
        (:func:`~cgcopt.evaluation.rounds.multipliers.best_subgradient`).

    Examples
    --------
    >>> import cgcopt as cg
    >>> problem = cg.Problem(cg.System(2, 6, cg.Exponential(1.0)), cg.ExpectedRuntime())
    >>> solution = cg.solve(problem)
    >>> prices = prices_of(problem, solution.design)
    >>> bool(abs(prices.budget - solution.value / 6) < 1e-9)
    True
    """
    key = (type(problem.objective), problem.system.worker_times.kind)
    gradient = _GRADIENTS[key](problem, design, evaluation)
    if gradient is None or not np.isfinite(gradient).all():
        return None
    derivatives = partition_gradient(gradient)
    x = design.partition
    return Prices(float(derivatives @ x) / float(x.sum()), derivatives, x)


def _of_evaluation(
    problem: Problem, design: Design, evaluation: Evaluation | None
) -> FloatArray | None:
    if evaluation is None or evaluation.gradient is None:
        evaluation = evaluate(problem, design, gradient=True)
    return evaluation.gradient


def _of_rounds(
    problem: Problem, design: Design, evaluation: Evaluation | None
) -> FloatArray | None:
    system = problem.system
    levels = problem.limits.allowed_levels(system.workers)
    return best_subgradient(system, design.work, levels, *problem.objective.parameters)


#: The gradient in the work ``w`` of each objective and kind of worker times.
_GRADIENTS: Table[
    tuple[type[Objective], Times],
    Callable[[Problem, Design, Evaluation | None], FloatArray | None],
] = Table(
    "no prices",
    {
        (ExpectedRuntime, Times.SCENARIOS): _of_rounds,
        (ConditionalValueAtRisk, Times.SCENARIOS): _of_rounds,
    },
    others=_of_evaluation,
)
