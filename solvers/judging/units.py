"""A solution that was found in a unit of its own, in seconds again."""

from __future__ import annotations

import math
from dataclasses import replace

from cgcopt.evaluation.own_unit import OwnUnit
from cgcopt.solution import Sample, Solution

__all__ = ["solution_in_seconds"]


def solution_in_seconds(own: OwnUnit, solution: Solution) -> Solution:
    """Return the solution of the given problem; what else its details hold stays in the unit of its own.

    Parameters
    ----------
    own : OwnUnit
        The problem that was solved, and the given one.
    solution : Solution
        Of the former.
    """
    evaluation, details = solution.evaluation, dict(solution.details)
    if "history" in details:
        details["history"] = [
            tuple(own.to_seconds(number) for number in pair) for pair in details["history"]
        ]
    return replace(
        solution,
        problem=own.given,
        evaluation=None if evaluation is None else own.evaluation(evaluation),
        bound=own.to_seconds(solution.bound),
        sample=None if solution.sample is None else _sample(own, solution.sample),
        message=_message(own, solution),
        details=details,
    )


def _sample(own: OwnUnit, sample: Sample) -> Sample:
    return replace(sample, value=own.to_seconds(sample.value), bound=own.to_seconds(sample.bound))


def _message(own: OwnUnit, solution: Solution) -> str:
    """The message, which may name numbers, with the unit that they are in."""
    if not solution.message:
        return ""
    inside, given = own.problem.system.worker_times, own.given.system.worker_times
    exponent = -round(math.log2(own.factor))
    text = solution.message.replace(inside.label, given.label)
    return f"{text} (worked out in a unit of 2**{exponent} s)"
