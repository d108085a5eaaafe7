"""Plots of comparisons (matplotlib, written to files; no display is needed)."""

from __future__ import annotations

import math
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from cgcopt.compare.published.figures import SOLVERS_OF
from cgcopt.compare.results.comparison import Comparison
from cgcopt.compare.results.row import Row
from cgcopt.compare.show.drawing import COLOURS, MARKERS, figure, plain_text, save
from cgcopt.objective import CompletionProbability, Sense
from cgcopt.problem import Form
from cgcopt.solvers.base import Role

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cgcopt.compare.published.sweep import Sweep
    from cgcopt.compare.results.replay import Replay

__all__ = ["plot_blocks", "plot_replay", "plot_sweep", "plot_values"]

_DASHES = ("-", (0, (4, 3)))

_PARAMETERS = {
    "workers": "workers N",
    "coordinates": "coordinates L",
    "rate": "rate of the shifted exponential [1/s], log scale",
    "deadline": "deadline t [s], log scale",
}

_ROLE_COLOURS = dict(zip(map(str, Role), COLOURS, strict=False))

#: How far beyond no coding the plot of a replay reaches.
_FAR = 1.4

#: What no scheme, no design and no schedule beats on the held-out rounds: lines in the plot of a replay.
_LIMITS: dict[str, Any] = {
    "speed of light": {"color": COLOURS[1], "linestyle": ":"},
    "hindsight schedule": {"color": COLOURS[2], "linestyle": "-."},
    "hindsight optimum": {"color": COLOURS[3], "linestyle": "-."},
}


def plot_values(comparison: Comparison, path: str | Path) -> None:
    """Draw what every solver reached and the best bound, one panel for each problem."""
    parts = [comparison.of(name) for name in comparison.problems]
    counts = [sum(not math.isnan(row.value) for row in part.rows) for part in parts]
    height = sum(0.27 * count + 1.1 for count in counts)
    ratios = [0.27 * count + 1.1 for count in counts]
    with figure(
        7.2, height, nrows=len(parts), squeeze=False, gridspec_kw={"height_ratios": ratios}
    ) as (drawn, axes):
        for part, axis in zip(parts, axes[:, 0], strict=True):
            _values(axis, part)
        used = {row.role for row in comparison.rows}
        for role, colour in _ROLE_COLOURS.items():
            if role in used:
                axes[0, 0].plot([], [], "o-", color=colour, markersize=5, label=role)
        drawn.legend(loc="outside lower center", ncols=5, fontsize=7.5)
        save(drawn, path)


def _values(axis: Axes, part: Comparison) -> None:
    rows = [row for row in part.rows if not math.isnan(row.value)]
    if not rows:
        return
    minimize = rows[0].sense is Sense.MINIMIZE
    rows.sort(key=lambda row: row.value, reverse=minimize)
    # The bound of the relaxed form holds for every design in the panel.
    bound = part.best_bound(min(rows, key=lambda row: row.form != Form.RELAXED))
    start = 0.0
    if minimize:
        start = bound if math.isfinite(bound) else part.best_value(rows[0])
    for y, row in enumerate(rows):
        colour = _ROLE_COLOURS.get(row.role, "#000000")
        axis.plot([start, row.value], [y, y], color=colour, linewidth=2, alpha=0.5)
        axis.plot(row.value, y, "o", color=colour, markersize=5)
        excess = row.value / start - 1 if minimize else 0.0
        text = f"{100 * excess:+.1f} %" if abs(excess) >= 5e-4 else f"{row.value:.5g}"
        # What lies before the bound has its line on the right.
        offset, flush = ((-6, 0), "right") if excess < 0 else ((6, 0), "left")
        paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.8}
        beside: Any = {"va": "center", "ha": flush, "color": "#444444", "bbox": paper}
        _beside(axis, text, (row.value, y), offset, **beside)
    if math.isfinite(bound):
        axis.axvline(bound, color="#000000", linestyle="--", linewidth=1)
        top = (bound, len(rows) - 0.3)
        side = {"ha": "left"} if minimize else {"ha": "right"}
        label = "certified within one order, equal work"  # schedules may lie beyond
        _beside(axis, label, top, (4 if minimize else -4, 0), va="center", **side)
    light = part.speed_of_light
    if minimize and math.isfinite(light):
        axis.axvline(light, color=COLOURS[1], linestyle=":", linewidth=1.2)
        _beside(axis, "speed of light", (light, len(rows) - 0.3), (4, 0), va="center")
    axis.set_yticks(range(len(rows)), [_label(row) for row in rows])
    axis.set_ylim(-0.7, len(rows) + 0.2)
    axis.margins(x=0.13)
    if not minimize:
        axis.set_xlim(left=0.0)
    axis.grid(axis="y", visible=False)
    axis.set_xlabel(_quantity(rows[0]))
    axis.set_title(plain_text(rows[0].problem), loc="left", fontsize=9, fontweight="bold")


def _beside(
    axis: Axes, text: str, at: tuple[float, float], offset: tuple[float, float], **style: Any
) -> None:
    axis.annotate(text, at, offset, textcoords="offset points", fontsize=7.5, **style)


def plot_blocks(comparison: Comparison, path: str | Path, *, limit: int = 8) -> None:
    """Draw the shares ``x_n / L`` of up to ``limit`` designs of one problem, best ones first.

    The axis is linear, so that bars can be compared by their size.  A design with a single block would
    flatten the others: it is named below, as is what is no partition.
    """
    valued = [row for row in comparison.rows if not math.isnan(row.value)]
    minimize = not valued or valued[0].sense is Sense.MINIMIZE
    valued.sort(key=lambda row: row.value if minimize else -row.value)
    alike = _alike([row for row in valued if np.count_nonzero(row.partition) > 1])
    rows = [same[0] for same in alike[:limit]]
    columns = 2 if len(rows) > 1 else 1
    lines = max(math.ceil(len(rows) / columns), 1)
    with figure(
        7.2, 1.75 * lines + 0.4, nrows=lines, ncols=columns, squeeze=False, sharex=True, sharey=True
    ) as (drawn, axes):
        for index, axis in enumerate(axes.flat):
            axis.set_visible(index < len(rows))
        for same, axis in zip(alike, axes.flat, strict=False):
            row, others = same[0], [_label(each) for each in same[1:]]
            x = np.asarray(row.partition)
            colour = _ROLE_COLOURS.get(row.role, "#000000")
            axis.bar(np.arange(x.size), 100.0 * x / x.sum(), width=0.8, color=colour)
            unit = "" if row.objective == CompletionProbability.kind else " s"
            more = f"; also {', '.join(others)}" if others else ""
            title = f"{_label(row)}: {row.value:.5g}{unit}{more}"
            title = fill(title, 50, max_lines=2, placeholder=" ...")
            axis.set_title(title, loc="left", fontsize=8.5)
            axis.set_xlim(-0.6, x.size - 0.4)
            axis.grid(axis="x", visible=False)
            axis.xaxis.get_major_locator().set_params(integer=True)
        for axis in axes[-1]:
            axis.set_xlabel("redundancy level n (stragglers tolerated)")
        for axis in axes[:, 0]:
            axis.set_ylabel("coordinates [%]")
        note = fill(_not_drawn(valued, alike[limit:]), 120)
        drawn.supxlabel(note, x=0.01, ha="left", fontsize=7.5)
        save(drawn, path)


def _alike(rows: list[Row]) -> list[list[Row]]:
    """The rows by design, equal to a thousandth of ``L``; a rotated order stands behind its design."""
    found: list[list[Row]] = []
    for row in sorted(rows, key=lambda row: row.role == Role.SCHEDULE):
        slack = sum(row.partition) / 1000
        for same in found:
            if np.allclose(row.partition, same[0].partition, rtol=0, atol=slack):
                same.append(row)
                break
        else:
            found.append([row])
    return sorted(found, key=lambda same: rows.index(same[0]))


def _not_drawn(valued: list[Row], beyond: list[list[Row]]) -> str:
    """What a plot of blocks does not show, in words."""
    single = [row for row in valued if np.count_nonzero(row.partition) == 1]
    levels = [f"{_label(row)} (level {int(np.flatnonzero(row.partition)[0])})" for row in single]
    other = [_label(row) for row in valued if not any(row.partition)]
    more = [_label(same[0]) for same in beyond]
    said = {"one block": levels, "no partition": other, "not drawn": more}
    return ".  ".join(f"{what}: {', '.join(names)}" for what, names in said.items() if names)


def _label(row: Row) -> str:
    return row.solver if row.form == Form.RELAXED else f"{row.solver} ({row.form})"


def _quantity(row: Row) -> str:
    if row.objective == CompletionProbability.kind:
        return "completion probability"
    return f"{row.objective.replace('-', ' ')} [s]"


def plot_sweep(sweep: Sweep, path: str | Path) -> None:
    """Draw our curves of a published plot as lines, and the published figures as hollow marks."""
    first = sweep.comparison.rows[0]
    probability = first.objective == CompletionProbability.kind

    def height(row: Row, value: float) -> float:
        return value if probability else value / row.scale / 1e7

    with figure(7.2, 4.4) as (drawn, axis):
        for index, solver in enumerate(sweep.solvers):
            rows = sweep.curve(solver)
            style: Any = {
                "color": COLOURS[index % len(COLOURS)],
                "marker": MARKERS[index % len(MARKERS)],
                "markerfacecolor": "none",
                "markersize": 6,
            }
            dashes = _DASHES[index % len(_DASHES)]
            # Curves on top of each other are all seen: the later ones are thinner.
            width = 2.8 - 1.8 * index / max(len(sweep.solvers) - 1, 1)
            line = [height(row, row.value) for row in rows]
            marks = [height(row, row.published) for row in rows]
            if _marked_elsewhere(sweep, solver) or np.isnan(marks).all():
                style["marker"] = "none"
            axis.plot(
                sweep.points,
                line,
                color=style["color"],
                linestyle=dashes,
                linewidth=width,
                zorder=3,
            )
            axis.plot(sweep.points, marks, linestyle="none", zorder=4, **style)
            axis.plot([], [], linestyle=dashes, linewidth=width, label=solver, **style)
        if sweep.parameter in ("rate", "deadline"):  # in equal ratios, as published
            axis.set_xscale("log")
            axis.minorticks_off()
        axis.set_xticks(sweep.points, [f"{point:.5g}" for point in sweep.points])
        axis.set_xlabel(_PARAMETERS[sweep.parameter])
        quantity = "completion probability" if probability else r"$E[\tau]\,N/(M b)\;/\;10^7$ [s]"
        axis.set_ylabel(quantity)
        axis.set_title("lines: computed here; marks: published figures", loc="left", fontsize=8.5)
        drawn.legend(loc="outside right upper", handlelength=3.2)
        save(drawn, path)


def _marked_elsewhere(sweep: Sweep, solver: str) -> bool:
    """Whether the marks of a solver belong to the published method that is drawn too."""
    return any(solver in names[:-1] and names[-1] in sweep.solvers for names in SOLVERS_OF.values())


def plot_replay(replay: Replay, path: str | Path) -> None:
    """Draw what every design promised and what became of it on the held-out rounds."""
    rows = [row for row in replay.rows if not math.isnan(row.held_out)][::-1]
    uncoded = next((row.held_out / row.ratio for row in rows), math.nan)
    # What loses by far would squeeze the rest together: it is written at the edge.
    edge = _FAR * max([uncoded, *(row.held_out for row in rows if row.held_out <= uncoded)])
    with figure(7.2, 0.27 * len(rows) + 1.3) as (drawn, axis):
        for y, row in enumerate(rows):
            colour = COLOURS[1] if row.ratio > 1 else COLOURS[0]
            if row.held_out > edge:
                axis.plot(edge, y, ">", color=colour, markersize=5)
                _beside(axis, f"{row.held_out:.4g} s", (edge, y), (-6, 0), va="center", ha="right")
                continue
            axis.plot([min(row.promised, edge), row.held_out], [y, y], color="#bbbbbb", linewidth=1)
            if row.promised <= edge:
                axis.plot(row.promised, y, "|", color="#000000", markersize=9)
            error = {"xerr": row.standard_error, "capsize": 2, "elinewidth": 1}
            axis.errorbar(row.held_out, y, fmt="o", color=colour, markersize=5, **error)
        axis.plot([], [], "o", color=COLOURS[0], label="held-out mean, standard error")
        if any(row.ratio > 1 for row in rows):
            axis.plot([], [], "o", color=COLOURS[1], label="the same, worse than no coding")
        axis.plot([], [], "|", color="#000000", markersize=9, label="promised by the model")
        if not math.isnan(uncoded):
            axis.axvline(uncoded, color="#000000", linestyle="--", linewidth=1, label="no coding")
        for name, style in _LIMITS.items():
            found = [row.held_out for row in rows if row.design == name and row.held_out <= edge]
            for value in found:
                axis.axvline(value, linewidth=1, label=name, zorder=0, **style)
        axis.set_yticks(range(len(rows)), [row.short_name for row in rows])
        axis.grid(axis="y", visible=False)
        axis.locator_params(axis="x", nbins=6)
        quantity = replay.problem.objective.kind.replace("-", " ")
        axis.set_xlabel(quantity if any(row.rising for row in rows) else f"{quantity} [s]")
        title = f"{replay.title}: {replay.test.round_count} held-out rounds"
        axis.set_title(plain_text(title), loc="left", fontsize=9, fontweight="bold")
        drawn.legend(loc="outside lower center", ncols=3, fontsize=7.5)
        save(drawn, path)
