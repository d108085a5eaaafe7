"""Whole numbers of coordinates within limits: the used levels stay, coordinates move between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import Design, largest_remainder
from cgcopt.evaluation.certificates import partition_gradient
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.evaluation.result import WithGradient
from cgcopt.objective import Sense
from cgcopt.problem import Form, Problem
from cgcopt.solvers.rounding.whole import round_design

__all__ = ["first_partitions", "round_within"]


@dataclass(frozen=True)
class LimitedRoundingTuning:
    """Numbers of the exchange of coordinates; no measurement of them is on record."""

    evaluations: int = 60
    """Designs to evaluate at most."""
    resolution: float = 1e-12
    """Relative improvement that counts."""
    tried: int = 4
    """Most promising moves that are tried before the exchange ends."""


_TUNING = LimitedRoundingTuning()


def first_partitions(
    problem: Problem, form: Form, partition: FloatArray | None
) -> Iterator[FloatArray]:
    """Yield partitions to begin a search with: every single level, then a given one.

    Parameters
    ----------
    problem : Problem
        With any limits.
    form : Form
        Whole numbers are asked for but in the relaxed form; the given partition is then rounded.
    partition : ndarray, shape (N,), optional
        Its shares count; left out where they miss the limits.
    """
    system = problem.system
    for level in problem.limits.allowed_levels(system.workers):
        yield np.eye(system.workers)[level] * system.coordinates
    if partition is None:
        return
    x = np.asarray(partition) * (system.coordinates / partition.sum())
    if problem.limits.violation(x):
        return
    if form is not Form.RELAXED:
        rounding = round_within if problem.limits else round_design
        x = rounding(problem, Design(x)).partition
    yield x


def round_within(problem: Problem, design: Design) -> Design:
    """Round a design within its limits to whole numbers that sum to ``L``.

    Largest remainders on the used levels, every one with its least share; then coordinates move from
    one used level to another, one at a time, as long as that improves the objective.

    Parameters
    ----------
    problem : Problem
        Judges the designs.
    design : Design
        Within the limits; designs with given boundaries are whole already.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(4, 9, cg.Exponential(1.0))
    >>> problem = cg.Problem(system, cg.ExpectedRuntime(), limits=cg.Limits(blocks=2))
    >>> round_within(problem, cg.Design([4.4, 0, 0, 4.6])).coordinates
    9.0
    """
    total = problem.system.coordinates
    if problem.limits.boundaries is not None:
        return Design(np.round(design.partition))
    used = np.flatnonzero(design.partition > 0.0)
    floor = problem.limits.least_block(total, whole=True)
    if floor * used.size > total:  # fewer coordinates than blocks: keep the largest ones
        kept = np.argsort(-design.partition[used])[: max(int(total // floor), 1)]
        used = np.sort(used[kept])
    x = np.zeros(design.workers)
    share = design.partition[used] / design.partition[used].sum()
    x[used] = floor
    rest = total - floor * used.size
    over = np.maximum(share * total - floor, 0.0)
    if rest > 0:
        x[used] += largest_remainder(over if over.sum() > 0 else share, int(rest))
    return Design(_exchanged(problem, x, used, floor))


def _exchanged(problem: Problem, x: FloatArray, used: IntArray, floor: float) -> FloatArray:
    """Move single coordinates between used levels, the most promising move first."""
    sign = 1.0 if problem.objective.sense is Sense.MINIMIZE else -1.0
    best = evaluate(problem, Design(x), gradient=True)
    value, spent = sign * best.value, 1
    while spent < _TUNING.evaluations:
        gradient = np.zeros(x.size)
        if isinstance(best, WithGradient):
            gradient = sign * partition_gradient(best.gradient)
        moves = [
            (gradient[there] - gradient[here], here, there)
            for here in used
            for there in used
            if here != there and x[here] > floor
        ]
        for _, here, there in sorted(moves)[: _TUNING.tried]:
            trial = x.copy()
            trial[here] -= 1.0
            trial[there] += 1.0
            found = evaluate(problem, Design(trial), gradient=True)
            spent += 1
            if sign * found.value < value - _TUNING.resolution * abs(value):
                x, best, value = trial, found, sign * found.value
                break
        else:
            return x
    return x
