"""From measured times to a decision: whether to code at all, how, and what is gained."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass, field, replace

import numpy as np

from cgcopt._validate import finite_number
from cgcopt.compare.results.advice_candidates import advice_candidates
from cgcopt.compare.results.advice_result import Advice, AdviceRow
from cgcopt.compare.results.advice_rows import bound_rows, candidate_rows
from cgcopt.compare.results.designer import Designer
from cgcopt.compare.results.held_out import Judged, held_out, no_coding, seen_rounds
from cgcopt.compare.results.names import one_line
from cgcopt.compare.results.verdict import (
    Contender,
    Decision,
    DecisionSettings,
    Kind,
    decide,
    nested_gain,
)
from cgcopt.compare.results.yardstick import Gain, Yardstick, yardstick_of
from cgcopt.errors import CgcoptError, InvalidInputError, RunInterrupted
from cgcopt.evaluation.schedules.baselines import speed_of_light
from cgcopt.evaluation.schedules.ends import ends_of_rounds
from cgcopt.instance import problem_of_trace
from cgcopt.objective import ExpectedRuntime, Objective
from cgcopt.options import Options
from cgcopt.problem import Problem
from cgcopt.process import stopping
from cgcopt.solution import Solution
from cgcopt.solvers.judge import judge
from cgcopt.workers.blocks import TimeBlocks
from cgcopt.workers.trace import Trace

__all__ = ["AdviceSettings", "advise"]


@dataclass(frozen=True)
class AdviceSettings:
    """Numbers of an advice.

    Attributes
    ----------
    blocks : TimeBlocks
        The split: half of the rounds, then four blocks, of three rounds at least.
    decision : DecisionSettings
    design_seconds : float
        For a single design at the most.
    gap : float
        Of the optima.
    least : int
        Rounds below which nothing can be held out.
    most : int
        Rounds that designs are made on, about; of more, every second, third, ... is taken, which is
        said. All held-out rounds judge.
    """

    blocks: TimeBlocks = field(default_factory=lambda: TimeBlocks(0.5, 4, 3))
    decision: DecisionSettings = field(default_factory=DecisionSettings)
    design_seconds: float = 20.0
    gap: float = 1e-4
    least: int = 4
    most: int = 20_000


def advise(
    trace: Trace,
    problem: Problem | None = None,
    *,
    latency: float | None = None,
    title: str = "",
    seconds: float = 120.0,
    options: Options | None = None,
    settings: AdviceSettings | None = None,
) -> Advice:
    """Judge every way to spread the work on rounds that it has not seen, and decide.

    Parameters
    ----------
    trace : Trace
        Measured times, in time order.
    problem : Problem, optional
        System, costs, objective and limits; its worker times are not looked at. By default the
        expected runtime in the seconds of the trace.
    latency : float, optional
        Seconds of a request for work; without it dynamic assignment is no candidate.
    title : str
        By default the name of the file.
    seconds : float
        For everything; what it does not suffice for is left out.
    options : Options, optional
        For every solver.
    settings : AdviceSettings, optional

    Returns
    -------
    Advice

    Raises
    ------
    RunInterrupted
        At Ctrl-C in a script: its ``result`` is the advice on what was judged by then, if any was.

    Examples
    --------
    >>> import cgcopt as cg
    >>> times = [[1.0, 1.2, 3.0], [1.1, 1.0, 3.1], [1.3, 1.0, 3.2], [1.0, 1.1, 3.0]] * 3
    >>> trace = cg.Trace(times)

    Where every worker stores a third of the data and nothing else, only equal shares remain, though
    workers that share the work freely would take less than half of the time:

    >>> problem = cg.problem_of_trace(trace, mode="rounds")
    >>> problem = replace(problem, limits=cg.Limits(copies=1))
    >>> found = advise(trace, problem, settings=AdviceSettings(TimeBlocks(0.5, 1, 3)))
    >>> str(found.verdict), round(found.row("speed of light").ratio_to_uncoded, 2)
    ('do-not-code', 0.45)
    """
    if latency is not None and not (math.isfinite(latency) and latency >= 0):
        raise InvalidInputError("latency", latency, "a finite number of at least 0 seconds")
    finite_number("seconds", seconds, above=0)
    chosen = settings or AdviceSettings()
    with stopping.interruptible() as alone:
        try:
            found = _advice(trace, problem, latency, title, seconds, options or Options(), chosen)
        except KeyboardInterrupt:
            if not alone:
                raise
            raise RunInterrupted(None) from None
        if alone and stopping.requested():
            raise RunInterrupted(found.solution, found)
    return found


def _advice(
    trace: Trace,
    problem: Problem | None,
    latency: float | None,
    title: str,
    seconds: float,
    options: Options,
    chosen: AdviceSettings,
) -> Advice:
    """Judge, decide, and design on all rounds."""
    objective = ExpectedRuntime() if problem is None else problem.objective
    trace, notes = _counting_rounds(trace, objective)
    given = problem or problem_of_trace(trace, mode="rounds")
    given = replace(given, system=given.system.with_times(trace.rounds()))
    name = one_line(title or (trace.path.stem if trace.path is not None else "trace"))
    if trace.round_count < chosen.least:
        return _too_few(trace, given, name, chosen, notes)
    limit = min(chosen.design_seconds, options.time_limit or math.inf)
    base = replace(options, time_limit=limit, gap=max(options.gap, chosen.gap))
    blocks = chosen.blocks.of(trace.round_count)
    every = max(1, math.ceil(trace.round_count / chosen.most))
    if every > 1:
        notes = (*notes, _thinned(trace, every))
    ways = list(advice_candidates(given, latency))
    kinds = {candidate.name: kind for kind, candidate in ways}
    candidates = [each for _, each in ways]
    found = held_out(
        trace, given, candidates, blocks, base, seconds=seconds, title=name, every=every
    )
    if found.stopped:
        notes = (*notes, f"Not everything was judged: {found.stopped}.")
    yardstick = yardstick_of(given.objective)
    contenders = [
        Contender(each.name, kinds[each.name], each.size.copies or 1.0, each.ends)
        for each in found.judged
    ]
    decision = decide(contenders, yardstick, chosen.decision)
    nested, _ = nested_gain(contenders, found.blocks, yardstick, chosen.decision)
    significant = decision.significant and not nested.size <= 0  # NaN: not judged
    bounds = bound_rows(trace, given, blocks, found, yardstick, base, every)

    def made(contender: Contender) -> Solution:
        picked = next(each for each in found.judged if each.name == contender.name)
        return _final(given, trace, picked, base, every, stopped=bool(found.stopped))

    solution, best = made(decision.chosen), decision.best_coded
    coded = made(best) if solution.schedule is None and best is not None else None
    base.report(1.0, "")
    return Advice(
        name,
        trace,
        given,
        decision.chosen.kind,
        significant,
        tuple(candidate_rows(found, kinds, yardstick)),
        bounds,
        decision,
        nested,
        _needed(decision, yardstick, chosen, found.uncoded.size),
        found.uncoded.size,
        solution,
        notes,
        found,
        coded,
    )


def _counting_rounds(trace: Trace, objective: Objective) -> tuple[Trace, tuple[str, ...]]:
    """The rounds that the objective can be asked about, and what was left out."""
    whole = np.isfinite(trace.times).all(axis=1)
    if whole.all() or objective.bears_failures:
        return trace, ()
    if not whole.any():
        raise InvalidInputError(
            "objective", objective.kind, "a deadline or a quantile: no round is complete"
        )
    note = (
        f"The expected runtime is that of the {whole.sum()} of {whole.size} rounds in which every "
        "worker answered; where one never answers it is infinite for any way that waits. Ask for "
        "--deadline or --quantile to count all rounds."
    )
    return replace(trace, times=trace.times[whole]), (note,)


def _thinned(trace: Trace, every: int) -> str:
    used = len(range(0, trace.round_count, every))
    return (
        f"Designs were made on one round in {every}, {used} of {trace.round_count}, evenly spread; "
        "all held-out rounds judge them."
    )


def _needed(
    decision: Decision, yardstick: Yardstick, settings: AdviceSettings, judged: int
) -> int | None:
    """Rounds that would show a gain that these leave open; ``None`` where there is none to show."""
    rule = settings.decision
    gain = decision.over_alternative
    if decision.chosen.kind is Kind.DO_NOT_CODE:
        gain = yardstick.gain(decision.alternative.ends, decision.chosen.ends)
    if not gain.error > 0 or not gain.size > rule.least:
        return None
    if gain.shown(rule.errors):
        return settings.blocks.rounds_for(rule.rounds) if judged < rule.rounds else None
    share = max(judged * (rule.errors * gain.error / gain.size) ** 2, rule.rounds)
    return settings.blocks.rounds_for(share)


def _final(
    problem: Problem, trace: Trace, picked: Judged, options: Options, every: int, *, stopped: bool
) -> Solution:
    """The chosen design made on all rounds (or every so many of them, as the others are).

    That of the last block where there is no time for it.
    """
    assignment = picked.made.assignment
    if not stopped and not stopping.requested():
        with contextlib.suppress(CgcoptError, KeyboardInterrupt):
            seen = seen_rounds(trace, trace.round_count, every)
            anew = Designer(problem, seen, options).make(picked.candidate).assignment
            assignment = assignment if stopping.requested() else anew
    if stopping.requested():
        stopping.finishing()
    if isinstance(assignment, np.ndarray):
        return judge(problem, work=assignment, solver=picked.name)
    return judge(problem, assignment, solver=picked.name)


def _too_few(
    trace: Trace, problem: Problem, title: str, settings: AdviceSettings, notes: tuple[str, ...]
) -> Advice:
    yardstick = yardstick_of(problem.objective)
    plain = no_coding(problem)
    ends = ends_of_rounds(plain, problem.system, trace.times)
    light = speed_of_light(problem.system, trace.times)
    rows = [
        AdviceRow(name, kind, message=f"in-sample {yardstick.value(values):.6g}, nothing held out")
        for name, kind, values in (("uncoded", "do-not-code", ends), ("speed of light", "", light))
    ]
    bound = replace(rows[1], held_out=yardstick.value(light))
    return Advice(
        title,
        trace,
        problem,
        Kind.DO_NOT_CODE,
        False,
        (rows[0],),
        (bound,),
        None,
        Gain(math.nan, math.nan),
        settings.blocks.rounds_for(settings.decision.rounds),
        0,
        judge(problem, plain, solver="uncoded"),
        notes,
    )
