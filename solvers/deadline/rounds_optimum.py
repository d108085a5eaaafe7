"""The best completion probability on rounds: a good design first, then the proof."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import LEAST_DIVISOR, FloatArray, IntArray
from cgcopt.design import Design
from cgcopt.evaluation.result import Certificate
from cgcopt.evaluation.rounds.runtimes import sorted_rounds
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process.clock import Clock
from cgcopt.process.time_left import seconds_left
from cgcopt.seeds import generator
from cgcopt.solution import TerminationCondition
from cgcopt.solvers.base import Outcome, unproven
from cgcopt.solvers.deadline.most_rounds import MostRounds
from cgcopt.solvers.deadline.smoothed_count import smoothed_designs
from cgcopt.solvers.probability.finite_kinds import round_scores
from cgcopt.solvers.probability.finite_times import exchange

__all__ = ["RoundsSettings", "find_designs", "good_design", "optimum_of_probability"]


@dataclass(frozen=True)
class RoundsSettings:
    """Numbers of the search; no measurement of them is on record."""

    patience: float = 20.0
    """Seconds where no time limit is set."""
    descent: float = 0.15
    """Share of the time for the descent on smoothed counts at most."""
    exchanges: float = 0.3
    """Share of the time after which exchanges of budget end."""
    starting: float = 10.0
    """Seconds to which the shares refer where a design is to be a start for others."""
    started: float = 0.2
    """Share of the time limit of such a solver after which its start has to be there."""
    many: int = 2000
    """Thresholds, levels times rounds, from which exchanges are worth their time before the proof."""
    extra: float = 0.1
    """Seconds that the descent on few levels gets besides what is left."""


_SETTINGS = RoundsSettings()


def optimum_of_probability(problem: Problem, form: Form, options: Options) -> Outcome:
    """Maximise the share of rounds that a design meets, to a proven gap; anytime.

    Parameters
    ----------
    problem : Problem
        Completion probability on rounds, with any limits, without costs.
    form : Form
        The coordinate form has the optimum of the block form.
    options : Options
        ``time_limit``, ``threads``, ``seed`` and ``starts`` count.
    """
    seconds = options.time_limit or _SETTINGS.patience
    clock = Clock.started(seconds)
    run = MostRounds(problem, form, options, clock)
    options.report(None, "designs that meet many rounds")
    find_designs(run, seconds)
    options.report(None, f"{max(run.met, 0)} rounds met, proof")
    run.finish()
    termination, message = TerminationCondition.OPTIMAL, ""
    if run.met < run.bound:
        termination, message = unproven(clock, options, seconds)
    rounds = len(run.thresholds)
    return Outcome(
        termination,
        partition=run.partition,
        bound=run.bound / rounds,
        certificate=Certificate.BRANCH_AND_BOUND,
        message=message,
        details={"met": run.met, "most": run.bound, "rounds": rounds, "nodes": run.nodes},
    )


def good_design(problem: Problem, form: Form) -> Design | None:
    """A design that meets many rounds, found in a few seconds: a start for outside solvers.

    It takes a share of the time that is left, where that is short.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 6, cg.Scenarios([[3.0, 1.0], [2.0, 5.0]]), samples=2)
    >>> problem = cg.Problem(system, cg.CompletionProbability(12.0))
    >>> good_design(problem, Form.BLOCK).partition
    array([0., 6.])
    """
    left = _SETTINGS.started / _SETTINGS.exchanges * seconds_left()
    seconds = min(_SETTINGS.starting, left)
    run = MostRounds(problem, form, Options(), Clock.started(seconds))
    find_designs(run, seconds)
    return None if run.partition is None else Design(run.partition)


def find_designs(run: MostRounds, seconds: float) -> None:
    """Offer single levels, equal quantiles, and where descent and exchanges lead from there."""
    part, problem = run.part, run.problem
    total, workers = part.coordinates, problem.system.workers
    for level in part.levels:
        run.offer(np.eye(workers)[level] * total)
    if problem.limits.boundaries is not None or run.met == run.bound:
        return
    plain = np.zeros((2, workers))
    plain[0, part.levels], plain[1, part.levels] = 1.0, 1.0 / (part.levels + 1.0)
    starts = [shares * (total / shares.sum()) for shares in plain]
    first = _equal_quantiles(run)
    if first is not None:
        starts.append(first)
    clock = Clock.started(_SETTINGS.descent * seconds)
    every = np.arange(part.levels.size)
    designs = [*starts, *_descended(run, every, starts[-1], clock)]
    most = problem.limits.most_blocks(workers)
    if most < every.size:
        largest = np.sort(np.argsort(-designs[-1][part.levels])[:most])
        designs = list(
            _descended(run, largest, designs[-1], Clock.started(clock.left + _SETTINGS.extra))
        )
    for x in designs:
        run.offer_near(x)
    large = run.thresholds.size >= _SETTINGS.many and not problem.limits
    if large and run.partition is not None:
        _exchange(run, run.partition, seconds)


def _descended(
    run: MostRounds, places: IntArray, start: FloatArray, clock: Clock
) -> Iterator[FloatArray]:
    """Partitions that meet ever more rounds, on some of the allowed levels."""
    system, levels = run.problem.system, run.part.levels[places]
    relative = sorted_rounds(system)[:, ::-1][:, levels]
    relative = relative * (system.unit * run.part.coordinates / run.deadline)
    share = start[levels] / max(float(start[levels].sum()), LEAST_DIVISOR)
    costs = np.asarray(levels + 1.0)
    for found in smoothed_designs(relative, costs, share, lambda: clock.expired):
        x = np.zeros(system.workers)
        x[levels] = found * run.part.coordinates
        yield x


def _exchange(run: MostRounds, best: FloatArray, seconds: float) -> None:
    """Exchange budget between the levels of the best design."""
    problem, options = run.problem, run.options
    clock = Clock.started((_SETTINGS.exchanges - _SETTINGS.descent) * seconds)
    rng = generator(options.seed, "optimal", problem.name)
    scores = round_scores(problem.system, run.deadline)
    found = exchange(scores, best, rng, stop=lambda: clock.expired or run.clock.expired)
    run.offer_near(found.x * run.part.coordinates)


def _equal_quantiles(run: MostRounds) -> FloatArray | None:
    """Every level takes the same quantile of its thresholds, the lowest that the budget allows."""
    ordered = np.sort(run.thresholds, axis=0)
    worth = ordered @ run.part.weights
    enough = int(np.searchsorted(worth, run.part.coordinates))
    if enough == len(ordered):
        return None
    work = ordered[enough] * (run.part.coordinates / worth[enough])
    x = np.zeros(run.problem.system.workers)
    x[run.part.levels] = np.maximum(np.diff(work, prepend=0.0) / (run.part.levels + 1.0), 0.0)
    return x
