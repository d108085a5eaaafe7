"""A witness without any solver: all redundancy vectors of a small problem on scenarios, tried out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.evaluation.dispatch import Table
from cgcopt.evaluation.rounds.runtimes import sorted_rounds
from cgcopt.objective import CompletionProbability, ExpectedRuntime, Objective
from cgcopt.problem import Problem

__all__ = ["best_over_all_vectors", "with_middling_deadline"]

#: Share of the scenarios in time, at the fastest vectors, that makes forms differ.
_MIDDLING = 0.5


def best_over_all_vectors(problem: Problem) -> float:
    """Return the best value over all ``N^L`` redundancy vectors, by definition.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 2, cg.Scenarios([[1.0, 4.0], [2.0, 2.0]]), samples=2)
    >>> best_over_all_vectors(cg.Problem(system, cg.ExpectedRuntime()))  # s = (0, 1): 4 and 6 s
    5.0
    """
    best = _BEST[type(problem.objective)]
    return best(_runtimes(problem), *problem.objective.parameters)


def with_middling_deadline(problem: Problem) -> Problem:
    """Return the problem with a deadline that the best vectors keep in some of the scenarios.

    It lies between two possible runtimes, so that rounding decides nothing.
    """
    fastest = np.unique(_runtimes(problem).min(axis=0))
    place = min(int(_MIDDLING * fastest.size), fastest.size - 1)
    above = fastest[place + 1] if place + 1 < fastest.size else 2 * fastest[place]
    deadline = float(np.sqrt(fastest[place] * above))
    return replace(problem, objective=CompletionProbability(deadline))


def _runtimes(problem: Problem) -> FloatArray:
    """Runtimes of all vectors on all scenarios, shape ``(N**L, K)``, seconds."""
    system = problem.system
    ordered = sorted_rounds(system)
    vectors = np.array(list(product(range(system.workers), repeat=system.coordinates)))
    work = np.cumsum(vectors + 1, axis=1)
    # Coordinate l is recovered when the (N - s_l)-th fastest worker has done its work.
    finished = ordered[:, system.workers - 1 - vectors] * work
    runtimes: FloatArray = system.unit * finished.max(axis=2).T
    return runtimes


def _least_mean(runtimes: FloatArray) -> float:
    return float(runtimes.mean(axis=1).min())


def _largest_share(runtimes: FloatArray, deadline: float) -> float:
    return float((runtimes <= deadline).mean(axis=1).max())


#: The best value of each objective, from the runtimes of all vectors and its parameters.
_BEST: Table[type[Objective], Callable[..., float]] = Table(
    "no enumeration",
    {ExpectedRuntime: _least_mean, CompletionProbability: _largest_share},
)
