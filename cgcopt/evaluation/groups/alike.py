"""Groups that are alike: workers of one kind."""

from __future__ import annotations

from dataclasses import replace

from cgcopt.problem import Problem

__all__ = ["of_one_kind"]


def of_one_kind(problem: Problem) -> Problem:
    """The problem itself, or, where all groups are alike, that of their common worker times.

    Examples
    --------
    >>> import cgcopt as cg
    >>> fast = cg.Exponential(rate=2.0)
    >>> system = cg.System(3, 10, cg.Groups([(2, fast), (1, fast)]))
    >>> of_one_kind(cg.Problem(system, cg.ExpectedRuntime())).system.worker_times == fast
    True
    """
    given = problem.system.worker_times
    simple = given.simplest
    if simple is given:
        return problem
    return replace(problem, system=problem.system.with_times(simple))
