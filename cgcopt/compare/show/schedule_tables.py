"""Tables and pictures of schedules."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgcopt.compare.schedules.copies import CopiesRow, CopiesTable
from cgcopt.compare.schedules.table import HINDSIGHT, LIGHT, METHODS, Entry, ScheduleTable
from cgcopt.compare.show.drawing import COLOURS, MARKERS, figure, plain_text, save
from cgcopt.compare.show.folder import ReportFolder
from cgcopt.compare.show.tables import markdown_table, markdown_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "copies_heading",
    "crossing_lines",
    "plot_copies",
    "plot_ratios",
    "readable",
    "readable_copies",
    "write",
]


def readable(table: ScheduleTable) -> dict[str, pd.DataFrame]:
    """One table a case: the ratio, its error, and what the design cost."""
    import pandas as pd

    cases = dict.fromkeys(entry.case for entry in table.entries)
    return {
        case: pd.DataFrame(
            [
                {
                    "method": entry.method,
                    "over uncoded": "" if math.isnan(entry.ratio) else f"{entry.ratio:.3f}",
                    "std. error": "" if math.isnan(entry.error) else f"{entry.error:.3f}",
                    "sent / L": _sent(entry),
                    "seconds": "" if math.isnan(entry.seconds) else f"{entry.seconds:.2f}",
                    "programs": str(entry.programs or ""),
                    "work": entry.work,
                    "note": entry.message,
                }
                for entry in table.entries
                if entry.case == case
            ]
        )
        for case in cases
    }


def _sent(entry: Entry) -> str:
    if math.isnan(entry.sent):
        return ""
    text = f"{entry.sent:g}"
    if METHODS.get(entry.method, ("", {}))[0] == "dynamic":
        return f"{text} on average"
    return f"up to {text}" if entry.sent > 1 else text


def crossing_lines(table: ScheduleTable) -> list[str]:
    """What the crossings say, one line each."""
    lines = []
    for each in table.crossings:
        if each.latency > 0:
            lines.append(
                f"{each.case}: handing out cells on request is faster than the best schedule while a "
                f"request costs less than {100 * each.latency:.1f} % of an uncoded round"
            )
        else:
            lines.append(f"{each.case}: the best schedule is faster than cells on request")
    return lines


def readable_copies(table: CopiesTable) -> pd.DataFrame:
    """Time against copies, and from which cost of sending on coding is faster."""
    import pandas as pd

    def sending(row: CopiesRow) -> str:
        if math.isnan(row.per_coordinate):
            return ""
        if row.per_coordinate == 0:
            return "always"
        if math.isinf(row.per_coordinate):
            return "never"
        return f"from {100 * row.per_coordinate:.2g} %"

    return pd.DataFrame(
        [
            {
                "copies": str(row.copies),
                "coded, one order": f"{row.one_order:.3f}",
                "coded, rotated": f"{row.rotated:.3f}",
                "uncoded, cyclic": f"{row.cyclic:.3f}",
                "rotated faster than cyclic": sending(row),
            }
            for row in table.rows
        ]
    )


def copies_heading(table: CopiesTable) -> str:
    """Heading of the table of copies."""
    return (
        f"{table.case}: mean round over uncoded by copies of the data; last column: cost of sending "
        "all coordinates, in uncoded rounds"
    )


def plot_copies(table: CopiesTable, path: Path) -> None:
    """Draw time against copies for the three ways."""
    with figure(5.5, 3.4) as (drawn, axes):
        copies = [row.copies for row in table.rows]
        ways = {
            "coded, one order": [row.one_order for row in table.rows],
            "coded, rotated": [row.rotated for row in table.rows],
            "uncoded, cyclic": [row.cyclic for row in table.rows],
        }
        for (name, values), colour, marker in zip(ways.items(), COLOURS, MARKERS, strict=False):
            axes.plot(copies, values, marker=marker, color=colour, label=name)
        axes.set_xscale("log", base=2)
        axes.set_xticks(copies, [str(number) for number in copies])
        axes.minorticks_off()
        axes.set_xlabel("copies of the data (subsets that a worker stores)")
        axes.set_ylabel("mean round over uncoded")
        axes.set_ylim(bottom=0)
        axes.set_title(plain_text(table.case), loc="left", fontsize=9, fontweight="bold")
        axes.legend()
        save(drawn, path)


#: Bounds, drawn as lines.
_LINES: dict[str, Any] = {
    LIGHT: {"color": COLOURS[1]},
    **{
        name: {"color": colour, "linestyle": "--"}
        for name, colour in zip(HINDSIGHT, COLOURS[2:], strict=False)
    },
}


def plot_ratios(table: ScheduleTable, path: Path) -> None:
    """Draw the ratios of every case, best last, with speed of light and hindsight as lines."""
    cases = list(dict.fromkeys(entry.case for entry in table.entries))
    with figure(7.0, 2.6 * len(cases), nrows=len(cases), squeeze=False) as (drawn, all_axes):
        for case, axes in zip(cases, all_axes[:, 0], strict=True):
            rows = [e for e in table.entries if e.case == case and not math.isnan(e.ratio)]
            lines = {e.method: e.ratio for e in rows if e.method in _LINES}
            bars = sorted((e for e in rows if e.method not in lines), key=lambda e: -e.ratio)
            axes.barh([e.method for e in bars], [e.ratio for e in bars], color=COLOURS[0])
            for method, value in lines.items():
                axes.axvline(value, label=method, **_LINES[method])
            axes.axvline(1.0, color=COLOURS[-1], linestyle=":", label="uncoded")
            axes.set_title(plain_text(case), loc="left", fontsize=9, fontweight="bold")
            axes.grid(axis="y", visible=False)
        handles = {
            label: handle
            for axes in all_axes[:, 0]
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        drawn.legend(
            handles.values(), handles.keys(), loc="outside lower center", ncols=4, fontsize=7.5
        )
        drawn.supxlabel("mean round over the uncoded one, unseen rounds", fontsize=9)
        save(drawn, path)


def write(table: ScheduleTable, copies: list[CopiesTable], folder: Path) -> list[Path]:
    """Write ``schedules.md``, ``.csv``, ``.png``, ``crossings.csv`` and one plot a table of copies."""
    target = ReportFolder(folder)
    target.table("schedules.csv", table.frame())
    target.table("crossings.csv", table.crossing_frame())
    parts = ["# Beyond one order and equal work\n"]
    for case, frame in readable(table).items():
        parts.append(f"## {markdown_text(case)}\n\n{markdown_table(frame)}\n")
    parts += [f"- {markdown_text(line)}\n" for line in crossing_lines(table)]
    picture = target.picture("schedules.png", partial(plot_ratios, table), "schedules")
    parts.append(f"{picture}\n")
    for number, each in enumerate(copies, start=1):
        name = f"copies_{number}"
        picture = target.picture(f"{name}.png", partial(plot_copies, each), name)
        rows = markdown_table(readable_copies(each))
        parts.append(f"## {markdown_text(copies_heading(each))}\n\n{rows}\n\n{picture}\n")
    target.text("schedules.md", "\n".join(parts))
    return [target.files[-1], *target.files[:-1]]
