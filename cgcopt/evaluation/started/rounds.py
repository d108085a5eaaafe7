"""Drawn rounds of workers with a random start."""

from __future__ import annotations

from functools import singledispatch

import numpy as np
from numpy.typing import ArrayLike

from cgcopt.arrays import FloatArray
from cgcopt.design import Design
from cgcopt.errors import UnsupportedProblemError
from cgcopt.evaluation.lines import lines_of_work
from cgcopt.evaluation.schedules.ends import Assignment
from cgcopt.evaluation.started.chances import started_times
from cgcopt.system import System

__all__ = ["drawn_ends"]


def drawn_ends(
    system: System, assignment: Assignment | ArrayLike, rounds: int, rng: np.random.Generator
) -> FloatArray:
    """When ``rounds`` drawn rounds of a design end, seconds: workers sorted anew for every level.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 2, cg.RandomStart(1.0, cg.Empirical([3.0])), samples=2)
    >>> drawn_ends(system, cg.Design([0, 2]), 2, np.random.default_rng(0)).tolist()
    [7.0, 7.0]
    """
    lines = lines_of_work(system, _work_of(assignment, system))
    start, pace = started_times(system).draw(rounds, system.workers, rng)
    ends = np.zeros(rounds)
    for n in np.flatnonzero(np.diff(lines.factor, prepend=0.0) > 0.0):
        place = system.workers - 1 - n
        delivered = np.partition(start + lines.factor[n] * pace, place, axis=1)[:, place]
        ends = np.maximum(ends, lines.delay[n] + delivered)
    return ends


@singledispatch
def _work_of(assignment: object, system: System) -> FloatArray:
    times = system.worker_times.label
    raise UnsupportedProblemError(f"only designs are simulated for {times}, no schedules")


@_work_of.register
def _(assignment: Design, system: System) -> FloatArray:
    return assignment.work


@_work_of.register
def _(assignment: np.ndarray, system: System) -> FloatArray:
    return assignment
