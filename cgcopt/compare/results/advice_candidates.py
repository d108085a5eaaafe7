"""Which ways an advice compares, from simple to elaborate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cgcopt.compare.results.designer import Candidate, Model
from cgcopt.compare.results.entrant import Entrant
from cgcopt.compare.results.verdict import Kind
from cgcopt.evaluation.dispatch import Table
from cgcopt.objective import CompletionProbability, ExpectedRuntime, Objective
from cgcopt.problem import Problem

__all__ = ["HINDSIGHT", "advice_candidates"]

HINDSIGHT = (
    Candidate("hindsight optimum", Entrant("optimal")),
    Candidate("hindsight schedule", Entrant("schedule"), raw=(("work", "equal"),)),
)

_SINGLE_LEVEL = Candidate("single level", Entrant("single-level"))
_CLOSED_FORMS = tuple(
    Candidate(name, Entrant(name), Model.SHIFTED)
    for name in ("closed-form-time", "closed-form-frequency")
)
#: Codes without a search, by objective.
_SIMPLE: Table[type[Objective], tuple[Candidate, ...]] = Table(
    "no simple codes",
    {
        ExpectedRuntime: (_SINGLE_LEVEL, *_CLOSED_FORMS),
        CompletionProbability: (_SINGLE_LEVEL,),
    },
    others=(),
)

#: Copies of the data that are tried beside those that the user allows.
_COPIES = (2, 4)
#: Blocks that are tried beside those that the user allows.
_BLOCKS = 2
#: Workers beyond which a schedule with equal work has too many numbers for any trace.
_MOST_SCHEDULED = 128
#: Workers beyond which one with shares has.
_MOST_SHARES = 64
#: Workers beyond which one with free work has.
_MOST_FULL = 32


def advice_candidates(
    problem: Problem, latency: float | None = None
) -> Iterator[tuple[Kind, Candidate]]:
    """Yield the candidates within the user's limits, simple ones first.

    Parameters
    ----------
    problem : Problem
        Its objective, limits and number of workers count.
    latency : float, optional
        Seconds of a request; without it there is no dynamic assignment.
    """
    count = problem.system.workers
    most = problem.limits.copies or count
    copies = [each for each in _COPIES if each < most]
    yield Kind.DO_NOT_CODE, Candidate("uncoded", Entrant("uncoded"), Model.NONE)
    yield Kind.BALANCE, Candidate("balanced shares", Entrant("balanced"))
    yield Kind.LEAVE_OUT, Candidate("leave out the slowest", Entrant("leave-out"))
    for each in copies:
        yield (
            Kind.CYCLIC,
            Candidate(f"cyclic, {each} copies", Entrant("cyclic"), raw=(("copies", each),)),
        )
    if most > 1:
        yield Kind.CYCLIC, Candidate("cyclic, best copies", Entrant("cyclic"))
    if latency is not None:
        raw = (("latency", latency),)
        yield Kind.DYNAMIC, Candidate("dynamic", Entrant("dynamic"), raw=raw)
    if most > 1 and count > 1:
        yield from _coded(problem, copies)


def _coded(problem: Problem, copies: list[int]) -> Iterator[tuple[Kind, Candidate]]:
    count = problem.system.workers
    for each in _SIMPLE[type(problem.objective)]:
        yield Kind.CODE, each
    models = [Model.ROUNDS, Model.POOLED, Model.FAMILY]
    optima = [Candidate(f"optimal, {model}", Entrant("optimal"), model) for model in models]
    limited = [
        replace(optima[0], name=f"{optima[0].name}, {each} copies", limits=(("copies", each),))
        for each in copies
    ]
    blocks = problem.limits.blocks
    if count > _BLOCKS and (blocks is None or blocks > _BLOCKS):
        name = f"{optima[0].name}, {_BLOCKS} blocks"
        limited.append(replace(optima[0], name=name, limits=(("blocks", _BLOCKS),)))
    for each in (*optima, *limited):
        yield Kind.CODE, each
    for each in (*optima, *limited):
        name = each.name.replace("optimal", "rotated")
        yield Kind.SCHEDULE, replace(each, name=name, rotated=True)
    for work, workers in (
        ("equal", _MOST_SCHEDULED),
        ("shares", _MOST_SHARES),
        ("full", _MOST_FULL),
    ):
        if count <= workers:
            candidate = Candidate(f"schedule, {work}", Entrant("schedule"), raw=(("work", work),))
            yield Kind.SCHEDULE, candidate
