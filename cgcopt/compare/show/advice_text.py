"""An advice in words, as a table, as a picture and as a report."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cgcopt.compare.results.advice import AdviceSettings
from cgcopt.compare.results.advice_result import Advice, AdviceRow
from cgcopt.compare.results.verdict import Decision, Kind
from cgcopt.compare.results.yardstick import Gain, yardstick_of
from cgcopt.compare.show.drawing import COLOURS, figure, plain_text, save
from cgcopt.compare.show.folder import ReportFolder
from cgcopt.compare.show.numbers import show_number, unit_of
from cgcopt.compare.show.tables import markdown_table, markdown_text
from cgcopt.objective import Sense

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["advice_heading", "advice_lines", "advice_table", "plot_advice", "verdict", "write"]

_COUNSEL = {
    Kind.DO_NOT_CODE: "Do not code: keep equal uncoded shares",
    Kind.BALANCE: "Do not code: balance the loads",
    Kind.LEAVE_OUT: "Do not code: leave out the slowest workers",
    Kind.CYCLIC: "Do not code: give every worker several subsets in cyclic order",
    Kind.DYNAMIC: "Do not code: hand out cells on request",
    Kind.CODE: "Code",
    Kind.SCHEDULE: "Schedule",
}
#: Beyond this many times the uncoded value a candidate is drawn at the edge.
_EDGE = 1.3


def verdict(advice: Advice) -> str:
    """The decision in two sentences.

    Examples
    --------
    >>> import numpy as np
    >>> import cgcopt as cg
    >>> from cgcopt.compare.results.advice import advise
    >>> print(verdict(advise(cg.Trace([[1.0, 2.0], [2.0, 1.0]]))))
    Do not code: 2 rounds are too few to hold any out. At least 16 rounds are needed to judge anything.
    """
    decision = advice.decision
    if decision is None:
        return (
            f"Do not code: {_rounds(advice.trace.round_count)} "
            f"{_is(advice.trace.round_count)} too few to hold any out. "
            f"At least {advice.needed} rounds are needed to judge anything."
        )
    kind = decision.chosen.kind
    if kind is Kind.DO_NOT_CODE:
        return _nothing_helps(advice, decision)
    counsel = _COUNSEL[kind]
    if kind in (Kind.CODE, Kind.SCHEDULE, Kind.CYCLIC):
        counsel += f" ('{decision.chosen.name}')"
    first = f"{counsel}; expected gain {_gain(advice, decision.gain)}"
    first += "" if advice.significant else ", which is not significant"
    return f"{first}. {_second(advice, decision)}"


def _nothing_helps(advice: Advice, decision: Decision) -> str:
    count = _rounds(advice.trace.round_count)
    first = f"{_COUNSEL[Kind.DO_NOT_CODE]}; nothing gains more than these {count} can show."
    alternative = decision.alternative
    name = alternative.name
    best = yardstick_of(advice.problem.objective).gain(alternative.ends, decision.chosen.ends)
    if name == decision.chosen.name:
        return f"{first} No other way is within the limits, or was judged."
    if not best.size > 0:
        return f"{first} The best of the others, '{name}', loses {_gain(advice, _less(best))}."
    second = f"The best of the others, '{name}', gains {_gain(advice, best)} on rounds held out"
    if advice.needed is not None and advice.needed > advice.trace.round_count:
        return f"{first} {second}; about {advice.needed} rounds would be needed to show that."
    return f"{first} {second}, which is not enough to count."


def _second(advice: Advice, decision: Decision) -> str:
    count = f"these {_rounds(advice.trace.round_count)}"
    if decision.chosen.kind in (Kind.CODE, Kind.SCHEDULE):
        other, over = decision.alternative, decision.over_alternative
        text = f"Over the best simple alternative, '{other.name}', it gains {_gain(advice, over)}"
        if not advice.significant:
            text += f", which {count} cannot show"
        return f"{text}."
    best = decision.best_coded
    if best is None:
        return "No code and no schedule is within the limits."
    over = yardstick_of(advice.problem.objective).gain(best.ends, decision.chosen.ends)
    if over.size == over.error == 0.0:
        return f"Coding adds nothing: the best coded or scheduled way, '{best.name}', comes to the same."
    sign = "gains" if over.size > 0 else "loses"
    size = over if over.size > 0 else _less(over)
    rule = AdviceSettings().decision
    adds = "next to nothing" if over.shown(rule.errors) else f"nothing that {count} can show"
    return (
        f"Coding adds {adds}: the best coded or scheduled way, '{best.name}', {sign} "
        f"{_gain(advice, size)} against it."
    )


def _less(gain: Gain) -> Gain:
    return Gain(-gain.size, gain.error)


def _gain(advice: Advice, gain: Gain) -> str:
    error = 100 * gain.error
    digits = 0 if not error < 1 else 1 if error >= 0.1 else 2
    unit = "%" if advice.problem.objective.unit else "points"
    size = round(100 * gain.size, digits) + 0.0  # no minus before a zero
    return f"{size:.{digits}f} {unit} ± {error:.{digits}f} {unit}"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _rounds(count: int) -> str:
    return f"{count} round{'' if count == 1 else 's'}"


def advice_heading(advice: Advice) -> str:
    """Heading of the table of an advice."""
    split = f"{advice.judged_rounds} of {_rounds(advice.trace.round_count)} held out, in blocks"
    return f"{advice.title}: {split} ({advice.trace.workers} workers)"


def advice_table(advice: Advice) -> pd.DataFrame:
    """One line for each candidate, the best on held-out rounds first, then what nobody can have."""
    import pandas as pd

    unit = unit_of(advice.problem.objective)
    records = [
        {
            "candidate": row.name + (" (chosen)" if row.name == advice.chosen else ""),
            "kind": row.kind or "nobody's",
            f"held-out{unit}": show_number(row.held_out, 5),
            "std. error": show_number(row.standard_error, 2),
            "vs uncoded": _ratio(row),
            f"promised{unit}": show_number(row.promised, 5),
            "copies": show_number(row.copies, 3),
            "blocks": show_number(row.blocks, 3),
            "sent / L": show_number(row.sent, 3),
            "note": row.message,
        }
        for row in (*advice.rows, *advice.bounds)
    ]
    frame = pd.DataFrame(records)
    return frame if any(frame["note"]) else frame.drop(columns="note")


def _ratio(row: AdviceRow) -> str:
    if math.isnan(row.ratio_to_uncoded):
        return ""
    error = "" if math.isnan(row.ratio_error) else f" ± {row.ratio_error:.3f}"
    return f"{row.ratio_to_uncoded:.3f}{error}"


def advice_lines(advice: Advice) -> list[str]:
    """What stands beside the table: how it was judged, and what the choice itself is worth."""
    lines = [*advice.trace.notes, *advice.notes]
    if advice.decision is None:
        return lines
    lines.append(
        "Every design saw only rounds before those that judge it; errors are of paired rounds and "
        "allow for dependence between successive ones; promised is in-sample."
    )
    if not math.isnan(advice.nested.size):
        lines.append(
            "The choice itself, made on the earlier blocks alone, gained "
            f"{_gain(advice, advice.nested)} on the blocks after."
        )
    if advice.verdict is Kind.CYCLIC:
        lines.append(
            f"Cyclic order sends up to {advice.row(advice.chosen).sent:g} gradients a round (sent / L), "
            "where a code sends one: say what sending costs (--costs) before you rely on it."
        )
    if advice.coded is not None:
        lines.append(
            f"A plan carries out codes and schedules alone: coded.json and --plan (with --out) hold "
            f"the best of them, '{advice.coded.solver}', not '{advice.chosen}'."
        )
    return lines


def plot_advice(advice: Advice, path: str | Path) -> None:
    """Draw every candidate on the held-out rounds, with errors, beside what it promised."""
    rows = [row for row in advice.rows if not math.isnan(row.held_out)][::-1]
    rising = advice.problem.objective.sense is Sense.MAXIMIZE
    base = next((row.held_out for row in rows if row.name == "uncoded"), math.nan)
    edge = math.inf if rising or math.isnan(base) else _EDGE * base
    with figure(7.2, 0.25 * max(len(rows), 3) + 1.4) as (drawn, axis):
        for y, row in enumerate(rows):
            colour = COLOURS[1] if row.name == advice.chosen else COLOURS[0]
            if row.held_out > edge:
                axis.plot(edge, y, ">", color=colour, markersize=5)
                continue
            if row.promised <= edge:
                axis.plot(row.promised, y, "|", color="#000000", markersize=8)
            error = None if math.isnan(row.standard_error) else row.standard_error
            axis.errorbar(
                row.held_out, y, xerr=error, fmt="o", color=colour, markersize=5, capsize=2
            )
        axis.plot([], [], "o", color=COLOURS[0], label="held out, standard error")
        axis.plot([], [], "o", color=COLOURS[1], label="chosen")
        axis.plot([], [], "|", color="#000000", markersize=8, label="promised (in-sample)")
        if not math.isnan(base):
            axis.axvline(base, color="#000000", linestyle="--", linewidth=1, label="no coding")
        for row in advice.bounds:
            if row.name == "speed of light":
                axis.axvline(row.held_out, color="#888888", linestyle=":", label=row.name)
        axis.set_yticks(range(len(rows)), [row.name for row in rows])
        axis.grid(axis="y", visible=False)
        axis.set_xlabel(
            "completion probability" if rising else f"{advice.problem.objective.kind} [s]"
        )
        axis.set_title(plain_text(advice_heading(advice)), loc="left", fontsize=9)
        drawn.legend(loc="outside lower center", ncols=3, fontsize=7.5)
        save(drawn, path)


def write(advice: Advice, folder: Path, command: str = "", *, plan: bool = False) -> list[Path]:
    """Write report, table, picture, the chosen design, and its plan if asked; the report first.

    Raises
    ------
    CgcoptError
        If a file cannot be written, or what was chosen has no plan.
    """
    target = ReportFolder(folder)
    target.table("advice.csv", advice.frame())
    picture = target.picture("advice.png", partial(plot_advice, advice), "advice")
    advice.solution.save(folder / "design.json")
    target.files.append(folder / "design.json")
    if advice.coded is not None:
        advice.coded.save(folder / "coded.json")
        target.files.append(folder / "coded.json")
    schedule = (advice.coded or advice.solution).schedule
    if plan and schedule is not None:
        from cgcopt.codes.plan_file import save_plan
        from cgcopt.codes.planning import make_plan

        save_plan(make_plan(schedule, title=advice.title), folder / "plan.npz")
        target.files.append(folder / "plan.npz")
    sections = [
        f"# {markdown_text(advice.title)}: advice",
        markdown_text(verdict(advice)),
        *map(markdown_text, advice_lines(advice)),
        f"## {markdown_text(advice_heading(advice))}",
        markdown_table(advice_table(advice)),
        picture,
    ]
    if command:
        sections.append(f"Command: `{command}`")
    target.text("advice.md", "\n\n".join(sections) + "\n")
    return [target.files[-1], *target.files[:-1]]
