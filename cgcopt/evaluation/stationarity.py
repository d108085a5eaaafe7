"""How far a design is from one that no small change improves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.design import Design, work_of_partition
from cgcopt.evaluation.certificates import partition_gradient
from cgcopt.evaluation.evaluate import evaluate_work
from cgcopt.evaluation.result import Evaluation, ProbabilityWithGradient, WithGradient
from cgcopt.problem import Problem

__all__ = ["residual_of"]


@dataclass(frozen=True)
class _Tuning:
    """Numbers of the residual, chosen without a recorded measurement."""

    used: float = 1e-13
    """Share of the coordinates from which a level counts as used."""
    little: float = 1e-9
    """Part of the first used block that is put on an empty level before it."""


_TUNING = _Tuning()


def residual_of(problem: Problem, design: Design, evaluation: Evaluation) -> float | None:
    """Stationarity residual ``L (max_n dP/dx_n - min_{used n} dP/dx_n) / P`` of a design.

    At a design that no small change improves, all used levels have the same derivative and no
    other level a larger one: the residual is 0.

    Parameters
    ----------
    problem : Problem
        Any; only a completion probability has a residual.
    design : Design
        The design.
    evaluation : Evaluation
        Of the design, with its gradient.

    Returns
    -------
    float or None
        ``None`` for other objectives, without a gradient, and where it is no finite number.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(1, 3, cg.Exponential(rate=1.0))
    >>> problem, design = cg.Problem(system, cg.CompletionProbability(2.0)), cg.Design([3])
    >>> residual_of(problem, design, cg.evaluate(problem, design, gradient=True))
    0.0
    """
    if not isinstance(evaluation, ProbabilityWithGradient) or evaluation.value == 0:
        return None
    coordinates = problem.system.coordinates
    used = design.partition > _TUNING.used * coordinates
    derivative = partition_gradient(evaluation.gradient)
    if math.isfinite(problem.system.worker_times.tail_index):
        _fill_leading(derivative, problem, design.partition, int(np.argmax(used)))
    with np.errstate(all="ignore"):
        spread = derivative.max() - derivative[used].min()
        residual = float(spread * coordinates / evaluation.value)
    return residual if math.isfinite(residual) else None


def _fill_leading(
    derivative: FloatArray, problem: Problem, partition: FloatArray, first: int
) -> None:
    """Put in the derivatives of the empty levels before the first used one.

    They have no threshold of their own, and with a heavy tail the first bit of work there costs
    most: each is looked at with a little work.
    """
    for level in range(first):
        beside = partition.copy()
        beside[level] = _TUNING.little * partition[first]
        found = evaluate_work(problem, work_of_partition(beside), gradient=True)
        if isinstance(found, WithGradient):
            derivative[level] = partition_gradient(found.gradient)[level]
