"""Rows of an advice: candidates on the held-out rounds, and what nobody can have."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from cgcopt.compare.results.advice_candidates import HINDSIGHT
from cgcopt.compare.results.advice_result import AdviceRow
from cgcopt.compare.results.held_out import HeldOut, Judged, held_out
from cgcopt.compare.results.verdict import Kind
from cgcopt.compare.results.yardstick import Yardstick
from cgcopt.options import Options
from cgcopt.problem import Problem
from cgcopt.process import stopping
from cgcopt.workers.blocks import Block
from cgcopt.workers.trace import Trace

__all__ = ["bound_rows", "candidate_rows"]

#: Workers beyond which the schedule of hindsight takes too long.
_MOST_HINDSIGHT = 128


def candidate_rows(
    found: HeldOut, kinds: Mapping[str, Kind], yardstick: Yardstick
) -> list[AdviceRow]:
    """The candidates that were judged, the best first, then those without a design."""
    rows = [_candidate_row(each, kinds[each.name], found, yardstick) for each in found.judged]
    rows.sort(key=lambda row: yardstick.loss(row.held_out))
    return rows + [
        AdviceRow(each.name, str(kinds[each.name]), message=each.message) for each in found.failed
    ]


def _candidate_row(each: Judged, kind: Kind, found: HeldOut, yardstick: Yardstick) -> AdviceRow:
    """What a candidate did on the held-out rounds."""
    return AdviceRow(
        each.name,
        str(kind),
        yardstick.value(each.ends),
        yardstick.error(each.ends),
        each.promised,
        yardstick.ratio(each.ends, found.uncoded),
        yardstick.ratio_error(each.ends, found.uncoded),
        math.nan if each.size.copies is None else each.size.copies,
        math.nan if each.size.blocks is None else float(each.size.blocks),
        each.sent,
    )


def bound_rows(
    trace: Trace,
    problem: Problem,
    blocks: list[Block],
    found: HeldOut,
    yardstick: Yardstick,
    options: Options,
    every: int,
) -> tuple[AdviceRow, ...]:
    """The speed of light, and designs that have seen the rounds that judge them."""
    rows = [_bound("speed of light", found.light, found, yardstick)]
    if found.stopped or problem.system.workers > _MOST_HINDSIGHT:
        return tuple(rows)
    later = trace.between(blocks[0].later.start, blocks[-1].later.stop)
    whole = Block(slice(0, later.round_count), slice(0, later.round_count))
    try:
        best = held_out(later, problem, HINDSIGHT, [whole], options, title="hindsight", every=every)
    except KeyboardInterrupt:  # what was judged before is shown
        stopping.finishing()
        return tuple(rows)
    rows += [_bound(each.name, each.ends, found, yardstick) for each in best.judged]
    return tuple(rows)


def _bound(name: str, ends: Any, found: HeldOut, yardstick: Yardstick) -> AdviceRow:
    return AdviceRow(
        name,
        "",
        yardstick.value(ends),
        yardstick.error(ends),
        math.nan,
        yardstick.ratio(ends, found.uncoded),
        yardstick.ratio_error(ends, found.uncoded),
    )
