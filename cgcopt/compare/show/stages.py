"""The steps beyond one order and equal work: a table, a sentence and a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cgcopt.compare.results.replay import Replay
from cgcopt.compare.schedules.stages import Stage, Stages
from cgcopt.compare.show.drawing import COLOURS, figure, plain_text, save
from cgcopt.compare.show.gantt import plot_round, typical_round
from cgcopt.compare.show.numbers import show_fixed, show_gap, show_number
from cgcopt.design import Design
from cgcopt.schedule import Schedule

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["plot_replayed_round", "plot_stages", "schedules_of", "stages_sentence", "stages_table"]


def stages_table(stages: Stages) -> pd.DataFrame:
    """One line a step: what it reaches, over the uncoded value, over the step before, and what holds."""
    import pandas as pd

    values = [step.value for step in stages.steps]
    before = [math.nan, *values[:-1]]
    columns = {
        "step": [step.name for step in stages.steps],
        "solver": [step.solver for step in stages.steps],
        "P" if stages.rising else "value [s]": [show_number(value, 6) for value in values],
        "std. error": [show_number(s.error, 2) if s.error > 0 else "" for s in stages.steps],
    }
    if stages.rising:
        columns["1 - P"] = [show_number(1.0 - value, 3) for value in values]
    else:
        columns["over uncoded"] = [show_fixed(value / stages.base, 3) for value in values]
        columns["saved over the step before"] = [
            "" if math.isnan(last) else f"{100 * (1 - value / last):.1f} %"
            for value, last in zip(values, before, strict=True)
        ]
    columns["what holds"] = [_holds(step, stages) for step in stages.steps]
    return pd.DataFrame(columns)


def _holds(step: Stage, stages: Stages) -> str:
    if step.solver == "optimal":
        proof = f"gap {show_gap(step.gap)}, {step.certificate}"
        on = proof if step.gap == step.gap else "on the rounds before"
        return f"certified within one order, equal work: {on}"
    if step.solver == "rotated":
        dear = stages.per_message > 0
        return "more messages, which cost" if dear else "never slower, in any round"
    if step.solver == "two-level":
        return "levels 0 and N - 1, best share"
    if step.solver == "schedule":
        return "no proof of its own: bounded by the speed of light"
    return "" if step.solver else "no scheme is better"


def stages_sentence(stages: Stages) -> str:
    """What is faster than the best schedule without a code; empty if nothing was tried."""
    if not stages.uncoded:
        return ""
    names = {
        "cyclic": "uncoded in cyclic order (every worker sends each of its subsets)",
        "dynamic": "cells handed out on request (all data everywhere, requests for free)",
    }

    def told(each: Stage) -> str:
        reached = f"P = {each.value:.4g}" if stages.rising else f"{each.value / stages.base:.3f}"
        return f"{names[each.solver]} {reached}"

    unit = "" if stages.rising else " of the uncoded value"
    if stages.faster:
        return (
            "The simple thing wins here, without a code: "
            f"{' and '.join(told(each) for each in stages.faster)}{unit}."
        )
    tried = " and ".join(told(each) for each in stages.uncoded)
    return f"Without a code, but slower than the best schedule: {tried}{unit}."


def plot_stages(found: Sequence[Stages], path: str | Path) -> None:
    """Draw the steps of every problem in their order; schemes without a code below."""
    counts = [len(each.steps) + len(each.uncoded) for each in found]
    with figure(
        7.2,
        sum(0.3 * count + 0.85 for count in counts),
        nrows=len(found),
        squeeze=False,
        gridspec_kw={"height_ratios": [0.3 * count + 0.85 for count in counts]},
    ) as (drawn, all_axes):
        for stages, axes in zip(found, all_axes[:, 0], strict=True):
            lines = [*stages.steps, *stages.uncoded]
            scale = 1.0 if stages.rising else stages.base
            for y, line in enumerate(lines):
                colour = COLOURS[0] if y < len(stages.steps) else COLOURS[-1]
                if not line.solver:
                    colour = COLOURS[1]
                axes.barh(y, line.value / scale, color=colour, height=0.65)
                text = f"{line.value / scale:.4g}" if stages.rising else f"{line.value / scale:.3f}"
                axes.annotate(
                    text,
                    (line.value / scale, y),
                    (4, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=7.5,
                )
            names = [_line_name(line) for line in lines]
            axes.set_yticks(range(len(lines)), names)
            axes.invert_yaxis()
            axes.margins(x=0.12)
            axes.grid(axis="y", visible=False)
            axes.set_title(plain_text(stages.title), loc="left", fontsize=9, fontweight="bold")
            axes.set_xlabel("completion probability" if stages.rising else "over the uncoded value")
        save(drawn, path)


def _line_name(line: Stage) -> str:
    if line.name in ("cyclic", "dynamic"):
        return {"cyclic": "uncoded, cyclic order", "dynamic": "uncoded, cells on request"}[
            line.name
        ]
    if line.solver == "optimal":
        return f"{line.name} (certified)" if line.gap == line.gap else line.name
    return line.name


def schedules_of(replay: Replay) -> dict[str, Schedule]:
    """The certified design in one order, rotated, and the best schedule of a replay, as schedules.

    Empty where one of them is missing.
    """
    found: dict[str, Schedule] = {}
    for row in replay.rows:  # best first
        if row.made is None or row.model not in ("whole rounds", "none"):
            continue
        run = row.made.assignment
        if row.design == "optimal" and isinstance(run, Design):
            found["one order"] = Schedule(run.partition, cells=1)
            found["the same, rotated"] = Schedule(run.partition)
        elif row.design in ("schedule", "two-level") and isinstance(run, Schedule):
            found.setdefault("best schedule", run)
    order = ("one order", "the same, rotated", "best schedule")
    return {name: found[name] for name in order} if len(found) == len(order) else {}


def plot_replayed_round(replay: Replay, path: str | Path) -> None:
    """Draw who computes which cell when in a typical held-out round (see :func:`schedules_of`)."""
    schedules, unit = schedules_of(replay), replay.problem.system.unit
    times = replay.test.times
    chosen = typical_round(schedules.values(), times, unit)
    plot_round(schedules, times[chosen], path, unit=unit)
