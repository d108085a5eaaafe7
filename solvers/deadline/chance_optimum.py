"""The best completion probability of independent workers: a good design first, then the proof."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from cgcopt.evaluation.result import Certificate
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process.clock import Clock
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import Outcome, unproven
from cgcopt.solvers.deadline.best_chance import BestChance
from cgcopt.solvers.limited.local_search import limited_search
from cgcopt.solvers.probability.finite_times import search
from cgcopt.solvers.rounding.within_limits import first_partitions

__all__ = [
    "OptimumSettings",
    "limited_optimum_of_chance",
    "proven_chance",
    "steps_optimum",
]


@dataclass(frozen=True)
class OptimumSettings:
    """Numbers of the search; no measurement of them is on record."""

    patience: float = 10.0
    """Seconds for the proof where no time limit is set."""
    searched: float = 0.4
    """Share of a time limit for the search of a first design."""
    least_seconds: float = 1e-3
    """Seconds that it gets at least."""


_SETTINGS = OptimumSettings()


def steps_optimum(problem: Problem, form: Form, options: Options) -> Outcome:
    """Maximise the completion probability of a step distribution, to a proven gap; anytime.

    Parameters
    ----------
    problem : Problem
        With any limits, without costs.
    form : Form
        The coordinate form has the optimum of the block form.
    options : Options
        ``gap``, ``time_limit``, ``threads`` and ``seed`` count.
    """
    (deadline,) = problem.objective.parameters
    clock = Clock.started(options.time_limit)
    first = Clock.started(_share(options))
    plain = replace(problem, limits=type(problem.limits)())
    found = search(plain, deadline, options, lambda: first.expired)
    return proven_chance(problem, form, options, found, clock)


def limited_optimum_of_chance(problem: Problem, form: Form, options: Options) -> Outcome:
    """The best completion probability within limits, for times with a density."""
    clock = Clock.started(options.time_limit)
    first = limited_search(problem, replace(options, time_limit=_share(options)))
    return proven_chance(problem, form, options, first, clock)


def _share(options: Options) -> float | None:
    limit = options.time_limit
    return None if limit is None else max(limit * _SETTINGS.searched, _SETTINGS.least_seconds)


def proven_chance(
    problem: Problem, form: Form, options: Options, first: Outcome, clock: Clock
) -> Outcome:
    """Improve on a first design and bound all designs.

    Parameters
    ----------
    problem : Problem
        Completion probability of independent workers, with any limits, without costs.
    form : Form
        Of the design that is wanted.
    options : Options
    first : Outcome
        With a partition that may miss the limits and the whole numbers, and a bound if it has one.
    clock : Clock
        Of the whole run.
    """
    if math.isinf(clock.end):
        clock = Clock.started(_SETTINGS.patience)
    run = BestChance(problem, form, options, clock)
    if first.partition is not None:
        for x in first_partitions(problem, form, first.partition):
            run.offer(x)
    options.report(None, f"probability {math.exp(-run.loss):.9g}, proof")
    run.prove()
    bound = min(math.exp(-run.least), 1.0)
    # A bound of the first search, as that of the relaxed form, holds too.
    if first.bound < bound:
        bound = max(first.bound, math.exp(-run.loss))
    closed = 1.0 - math.exp(-run.loss) / bound <= options.gap if bound > 0 else True
    termination, message = TerminationCondition.OPTIMAL, ""
    if not closed:
        termination, message = unproven(clock, options, _SETTINGS.patience)
    return Outcome(
        termination,
        partition=run.partition if run.partition is not None else first.partition,
        bound=bound,
        certificate=Certificate.OUTER_APPROXIMATION,
        message=message,
        residual=first.residual,
        details={
            **first.details,
            "cuts": len(run.cuts),
            "masters": run.masters,
            "nodes": run.nodes,
        },
    )
