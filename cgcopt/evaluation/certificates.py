"""What one evaluation proves for every design.

The bounds themselves are in :mod:`cgcopt.evaluation.gradient_bounds` (convexity and homogeneity of the
expected runtime) and :mod:`cgcopt.evaluation.level_bounds` (every level alone).
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import Design
from cgcopt.errors import SolverError
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.evaluation.gradient_bounds import (
    cost_bound,
    first_finite_level,
    partition_gradient,
    runtime_bound,
    subgradient_bound,
)
from cgcopt.evaluation.level_bounds import jensen_bound, probability_bound, quantile_bound
from cgcopt.evaluation.own_unit import own_unit
from cgcopt.evaluation.result import Certificate, Evaluation, WithGradient
from cgcopt.evaluation.table import entry_of
from cgcopt.objective import Sense
from cgcopt.problem import Problem
from cgcopt.system import System

__all__ = [
    "at_most_one",
    "certified_probability",
    "certified_quantile",
    "certified_runtime",
    "certified_tail_mean",
    "certify",
    "cost_bound",
    "first_finite_level",
    "jensen_bound",
    "partition_gradient",
    "probability_bound",
    "quantile_bound",
    "runtime_bound",
    "subgradient_bound",
]


def certify(
    problem: Problem, design: Design, *, evaluation: Evaluation | None = None
) -> tuple[float, Certificate]:
    """Return the best bound on the objective that one evaluation of ``design`` proves.

    Parameters
    ----------
    problem : Problem
        Any.
    design : Design
        The better the design, the better the bound.
    evaluation : Evaluation, optional
        Of the design with its gradient, where it is known already.

    Returns
    -------
    tuple of float and Certificate
        Expected runtime: the larger of the subgradient and the Jensen bound; conditional value at
        risk: these and the bound on the quantile. Completion probability
        and quantile: every level alone must be in time. Models that can only be sampled have the
        trivial bound 1, or none (``-inf``).

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 6, cg.Scenarios([[1.0, 3.0]]), samples=2)
    >>> bound, certificate = certify(cg.Problem(system, cg.ExpectedRuntime()), cg.Design([0, 6]))
    >>> float(round(bound, 9)), str(certificate)
    (9.0, 'jensen')
    """
    if (own := own_unit(problem)) is not None:
        there = None if evaluation is None else own.from_seconds(evaluation)
        return own.bound(certify(own.problem, design, evaluation=there))
    objective = problem.objective
    entry = entry_of(objective, problem.system.worker_times.kind)
    unknown = math.inf if objective.sense is Sense.MAXIMIZE else -math.inf, Certificate.NONE
    if entry.bound is None:
        return unknown
    if evaluation is None:
        evaluation = evaluate(problem, design, gradient=True)
    bound = partial(
        entry.bound, problem.system, design.work, *objective.parameters, evaluation=evaluation
    )
    try:
        if not problem.limits:
            return bound()
        return bound(levels=problem.limits.allowed_levels(problem.system.workers))
    except SolverError:  # beyond the range of doubles
        return unknown


def certified_runtime(
    system: System,
    work: FloatArray,
    *,
    evaluation: Evaluation,
    levels: IntArray | None = None,
) -> tuple[float, Certificate]:
    """Return the larger of the Jensen bound and, with a gradient, the subgradient bound."""
    jensen = jensen_bound(system, levels), Certificate.JENSEN
    return _or_by_gradient(jensen, system, work, evaluation, levels)


def _or_by_gradient(
    known: tuple[float, Certificate],
    system: System,
    work: FloatArray,
    evaluation: Evaluation,
    levels: IntArray | None,
) -> tuple[float, Certificate]:
    """A known bound, or that of the gradient where there is one and it is larger."""
    if not isinstance(evaluation, WithGradient):
        return known
    bound = _gradient_bound(system, work, evaluation, levels)
    return (bound, Certificate.SUBGRADIENT) if bound > known[0] else known


def _gradient_bound(
    system: System, work: FloatArray, evaluation: WithGradient, levels: IntArray | None
) -> float:
    """:func:`runtime_bound` over the allowed levels, or :func:`cost_bound` where there are costs."""
    first = first_finite_level(system)
    allowed = np.arange(system.workers) if levels is None else levels
    allowed = allowed[allowed >= first]
    if system.costs:
        return cost_bound(system, work, allowed)
    bound = runtime_bound(evaluation, work, system.coordinates, first_level=first)
    if levels is None:
        return bound
    entries = partition_gradient(evaluation.gradient)
    forbidden = entries[first:].min()
    return bound + system.coordinates * float(entries[allowed].min(initial=np.inf) - forbidden)


def certified_probability(
    system: System,
    work: FloatArray,
    deadline: float,
    *,
    evaluation: Evaluation,
    levels: IntArray | None = None,
) -> tuple[float, Certificate]:
    """Return :func:`probability_bound`, the same for every design."""
    bound = probability_bound(system, deadline, levels)
    return bound, Certificate.LEVELS if bound < 1 else Certificate.TRIVIAL


def certified_quantile(
    system: System,
    work: FloatArray,
    probability: float,
    *,
    evaluation: Evaluation,
    levels: IntArray | None = None,
) -> tuple[float, Certificate]:
    """Return :func:`quantile_bound`, the same for every design."""
    return quantile_bound(system, probability, levels), Certificate.LEVELS


def certified_tail_mean(
    system: System,
    work: FloatArray,
    probability: float,
    *,
    evaluation: Evaluation,
    levels: IntArray | None = None,
) -> tuple[float, Certificate]:
    """Return the largest of the subgradient bound and what bounds the quantile and the expected runtime.

    The conditional value at risk is convex and homogeneous like the expected runtime, and at least
    the quantile and the expected runtime, whose bounds are bounds on it.
    """
    best, certificate = quantile_bound(system, probability, levels), Certificate.LEVELS
    mean = jensen_bound(system, levels)
    if mean > best:
        best, certificate = mean, Certificate.JENSEN
    return _or_by_gradient((best, certificate), system, work, evaluation, levels)


def at_most_one(
    system: System,
    work: FloatArray,
    deadline: float,
    *,
    evaluation: Evaluation,
    levels: IntArray | None = None,
) -> tuple[float, Certificate]:
    """Return the bound of a probability of which nothing else is known."""
    return 1.0, Certificate.TRIVIAL
