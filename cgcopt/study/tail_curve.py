"""The best quantile and the best conditional value at risk, side by side, against the probability."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from cgcopt._validate import finite_number
from cgcopt.design import Design
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.objective import ConditionalValueAtRisk, Objective, Quantile
from cgcopt.options import Options
from cgcopt.problem import Problem
from cgcopt.solution import Solution
from cgcopt.solvers.judge import judge
from cgcopt.solvers.solve import solve

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PROBABILITIES", "TailCurve", "TailPoint", "tail_curve"]

#: Where the curve is drawn by default.
PROBABILITIES = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)


@dataclass(frozen=True, eq=False)
class TailPoint:
    """Both optima at one probability, and what each design is worth by the other objective.

    Attributes
    ----------
    probability : float
        ``q``.
    quantile, tail_mean : Solution
        The best quantile and the best conditional value at risk, with bounds.
    tail_mean_of_quantile, quantile_of_tail_mean : float
        Seconds; NaN where there is no design.
    """

    probability: float
    quantile: Solution
    tail_mean: Solution
    tail_mean_of_quantile: float
    quantile_of_tail_mean: float


@dataclass(frozen=True, eq=False)
class TailCurve:
    """What :func:`tail_curve` found.

    Attributes
    ----------
    problem : Problem
        Whose system it is.
    points : tuple of TailPoint
        By probability, increasing.
    """

    problem: Problem
    points: tuple[TailPoint, ...]

    def frame(self) -> pd.DataFrame:
        """All numbers as a table, one line a probability, unrounded; seconds."""
        import pandas as pd

        lines = [
            {
                "probability": point.probability,
                "quantile": point.quantile.value,
                "quantile_bound": point.quantile.bound,
                "conditional_value_at_risk": point.tail_mean.value,
                "conditional_value_at_risk_bound": point.tail_mean.bound,
                "quantile_of_the_other_design": point.quantile_of_tail_mean,
                "conditional_value_at_risk_of_the_other_design": point.tail_mean_of_quantile,
            }
            for point in self.points
        ]
        return pd.DataFrame(lines)


def tail_curve(
    problem: Problem,
    probabilities: Iterable[float] = PROBABILITIES,
    *,
    options: Options | None = None,
) -> TailCurve:
    """Minimise the quantile and the conditional value at risk at every probability.

    Parameters
    ----------
    problem : Problem
        Its system counts, whatever its objective is; no limits, no costs.
    probabilities : iterable of float
        Between 0 and 1, increasing.
    options : Options, optional
        For every solve.

    Raises
    ------
    InvalidInputError
        If the probabilities are none, or do not increase.
    UnsupportedProblemError
        If the problem has limits or costs.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(4, 100, cg.ShiftedExponential(rate=1.0, shift=0.5))
    >>> (point,) = tail_curve(cg.Problem(system, cg.ExpectedRuntime()), [0.9]).points
    >>> point.quantile.value < point.tail_mean.value
    True
    """
    chosen = tuple(finite_number("probability", q, above=0, below=1) for q in probabilities)
    if not chosen or any(low >= high for low, high in pairwise(chosen)):
        raise InvalidInputError("probabilities", chosen, "increasing, at least one")
    tails = [
        solve(replace(problem, objective=ConditionalValueAtRisk(q)), options=options)
        for q in chosen
    ]
    early = [solve(replace(problem, objective=Quantile(q)), options=options) for q in chosen]
    early = _shared([*early, *tails], early)
    points = zip(chosen, early, tails, strict=True)
    return TailCurve(problem, tuple(_point(problem, *point) for point in points))


def _point(problem: Problem, q: float, best_early: Solution, best_tail: Solution) -> TailPoint:
    return TailPoint(
        q,
        best_early,
        best_tail,
        _worth(problem, ConditionalValueAtRisk(q), best_early),
        _worth(problem, Quantile(q), best_tail),
    )


def _shared(found: Sequence[Solution], quantiles: Sequence[Solution]) -> list[Solution]:
    """Give every quantile the best of all designs, and the largest bound of smaller probabilities.

    What ends at a local optimum, or at a time limit, would otherwise leave a curve that falls: a
    design that is best at a large probability is worth no more at a smaller one.
    """
    designs = [each.design for each in found if each.design is not None]
    shared, proof = [], quantiles[0]
    for own in quantiles:
        if own.bound > proof.bound:
            proof = own
        values = [evaluate(own.problem, design).value for design in designs]
        better = bool(designs) and not min(values) >= own.value
        best = _at(own, designs[int(np.argmin(values))]) if better else own
        shared.append(replace(best, bound=proof.bound, certificate=proof.certificate))
    return shared


def _at(own: Solution, design: Design) -> Solution:
    """The design of another probability, judged at this one."""
    judged = judge(own.problem, design, form=own.form, solver=own.solver, options=own.options)
    return replace(judged, message="design of another probability")


def _worth(problem: Problem, objective: Objective, found: Solution) -> float:
    if found.design is None:
        return float("nan")
    return evaluate(replace(problem, objective=objective), found.design).value
