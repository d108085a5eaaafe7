"""Reproduced plots as tables to read, and written to a folder with their pictures."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cgcopt.compare.published.figures import SOLVERS_OF, plot_remark
from cgcopt.compare.published.judgement import Judgement, Verdict, tolerance
from cgcopt.compare.published.reproduction import Reproduction
from cgcopt.compare.published.sweep import Sweep
from cgcopt.compare.results.row import Row
from cgcopt.compare.show.folder import ReportFolder
from cgcopt.compare.show.numbers import show_gap, show_probability
from cgcopt.compare.show.plots import plot_sweep
from cgcopt.compare.show.report import settings_section
from cgcopt.compare.show.results_as_text import PUBLISHED_UNIT
from cgcopt.compare.show.tables import latex_table, markdown_table
from cgcopt.objective import CompletionProbability

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "REPORT_NAME",
    "plot_heading",
    "plot_setting",
    "readable",
    "summary",
    "write",
]

REPORT_NAME = "reproduction.md"

_READING = """\
Lines `published` are the figures of the plots in arXiv 2206.02450, read off by hand; `reproduced` is
the same method, run here and valued exactly; `improved` is our best design (solver `optimal`).
Differences are relative for runtimes and absolute for probabilities. A difference marked `*` does not
reproduce for a known reason, which stands in its note; one marked `!` should reproduce and does not.
The paper's own iterative methods ran with the paper's settings. In the pictures lines are computed
and marks are published."""

_MARKS = {Verdict.KNOWN: " *", Verdict.FAILED: " !"}


def readable(reproduction: Reproduction, sweep: Sweep) -> pd.DataFrame:
    """Return one plot as texts: a column for each point, some lines for each published scheme.

    Runtimes are in the unit of the published plots, ``1e7 M b/N`` seconds.
    """
    import pandas as pd

    judgements = reproduction.of(sweep)
    lines: list[list[str]] = []
    shown: set[str] = set()
    for scheme in dict.fromkeys(judged.figure.scheme for judged in judgements):
        part = [judged for judged in judgements if judged.figure.scheme == scheme]
        lines += _lines(sweep, part)
        shown.update(SOLVERS_OF[scheme])
    # What stands beside the published schemes without a figure of its own.
    for solver in sweep.solvers:
        if solver not in shown:
            cells = [_shown(row) for row in sweep.curve(solver)]
            lines.append([solver, "computed", *cells, "not among the published schemes"])
    return pd.DataFrame(lines, columns=["scheme", "figure", *sweep.headings, "note"])


def plot_heading(sweep: Sweep) -> str:
    """Heading of a plot."""
    runtime = not _is_probability(sweep)
    kind = f"Expected runtime in {PUBLISHED_UNIT}" if runtime else "Completion probability"
    return f"{kind} against {sweep.parameter}"


def plot_setting(reproduction: Reproduction, sweep: Sweep) -> str:
    """What does not vary in a plot, and what a reader should know of it."""
    problem = reproduction.of(sweep)[0].figure.problem
    system, times = problem.system, problem.system.worker_times.to_dict()
    facts = {
        "workers": f"N = {system.workers}",
        "coordinates": f"L = {system.coordinates}",
        "rate": f"rate {times['rate']:g}",
        "shift": f"shift {times['shift']:g}",
        "samples": f"M = {system.samples}",
        "cycles": f"b = {system.cycles:g}",
    }
    for deadline in problem.objective.parameters:  # that of a completion probability
        facts["deadline"] = f"t = 10^{math.log10(deadline):.4g}"
    fixed = ", ".join(text for name, text in facts.items() if name != sweep.parameter)
    remark = plot_remark(problem.objective.kind, sweep.parameter)
    return f"Shifted-exponential workers, {fixed}.{' ' if remark else ''}{remark}"


def summary(reproduction: Reproduction) -> list[str]:
    """Return the counts in words, and what was left out."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in reproduction.counts.items())
    lines = [f"{len(reproduction.judgements)} published figures: {counts}"]
    if reproduction.left_out:
        lines.append(f"left out: {reproduction.left_out} published figures")
    if reproduction.methods_left_out:
        lines.append(f"not run: {', '.join(reproduction.methods_left_out)}")
    return lines


def write(reproduction: Reproduction, folder: Path, command: str = "") -> list[Path]:
    """Write the report, tables and pictures into a folder that exists, and return the files."""
    target = ReportFolder(folder)
    target.table("figures.csv", reproduction.frame())
    sections = ["# Published figures, reproduced and improved", _READING]
    sections.append("\n".join(f"- {line}" for line in summary(reproduction)))
    for sweep in reproduction.sweeps:
        name = f"{'probability' if _is_probability(sweep) else 'runtime'}_{sweep.parameter}"
        table, heading = readable(reproduction, sweep), plot_heading(sweep)
        target.table(f"{name}.csv", sweep.frame())
        target.text(f"{name}.tex", latex_table(table, caption=heading))
        picture = target.picture(f"{name}.png", partial(plot_sweep, sweep), heading)
        setting = plot_setting(reproduction, sweep)
        sections += [f"## {heading}", setting, markdown_table(table), picture]
    rows = [row for sweep in reproduction.sweeps for row in sweep.comparison.rows]
    sections.append(settings_section(reproduction.options, command, rows))
    target.text(REPORT_NAME, "\n\n".join(sections) + "\n")
    return [target.files[-1], *target.files[:-1]]


def _lines(sweep: Sweep, part: Sequence[Judgement]) -> list[list[str]]:
    scheme = part[0].figure.scheme
    *best, same = SOLVERS_OF[scheme]
    published = [_published(judged) for judged in part]
    differences = [
        _difference(j, j.difference, "" if best else _MARKS.get(j.verdict, "")) for j in part
    ]
    ran = part[0].row is not None
    reproduced = [_shown(j.row) for j in part if j.row is not None]
    if not best:
        return [
            [same, "published", *published, _note(part)],
            ["", "reproduced", *reproduced, ""],
            ["", "difference", *differences, ""],
        ]
    improved = [_shown(j.best) for j in part]
    gains = [_difference(j, j.improvement, _MARKS.get(j.verdict, "")) for j in part]
    lines = [
        ["published best design", "published", *published, _note(part)],
        [best[0], "improved", *improved, ""],
        ["", "difference", *gains, ""],
    ]
    if _is_probability(sweep):
        bounds = [sweep.comparison.best_bound(judged.best) for judged in part]
        lines.append(["", "upper bound", *(show_probability(b, 1 - b) for b in bounds), ""])
    else:
        gaps = [show_gap(sweep.comparison.gap(judged.best)) for judged in part]
        lines.append(["", "certified gap", *gaps, ""])
    if ran:
        lines.append([same, "reproduced", *reproduced, "the paper's method and settings, our run"])
        lines.append(["", "difference", *differences, ""])
        seconds = [f"{j.row.seconds:.1f} s, {j.best.seconds:.1f} s" for j in part if j.row]
        lines.append(["", "seconds", *seconds, f"{same}, {best[0]}"])
    return lines


def _note(part: Sequence[Judgement]) -> str:
    counts = Counter(judged.verdict for judged in part)
    words = [f"{count} {verdict}" for verdict, count in counts.items()]
    within = tolerance(part[0].figure)
    probability = part[0].best.objective == CompletionProbability.kind
    allowed = f"{within:g}" if probability else f"{100 * within:g} %"
    reasons = dict.fromkeys(judged.reason for judged in part if judged.reason)
    return "; ".join([f"{', '.join(words)} (within {allowed})", *reasons])


def _shown(row: Row) -> str:
    if row.objective == CompletionProbability.kind:
        return show_probability(row.value, row.solution.complement)
    return "-" if math.isnan(row.value) else f"{row.value / row.scale / 1e7:.4f}"


def _published(judged: Judgement) -> str:
    if judged.best.objective == CompletionProbability.kind:
        return f"{judged.figure.value:.3f}"
    return f"{judged.figure.value / judged.best.scale / 1e7:.2f}"


def _difference(judged: Judgement, value: float, mark: str) -> str:
    if math.isnan(value):
        return f"-{mark}"
    if judged.best.objective == CompletionProbability.kind:
        return f"{value:+.4f}{mark}"
    return f"{100 * value:+.2f} %{mark}"


def _is_probability(sweep: Sweep) -> bool:
    return sweep.comparison.rows[0].objective == CompletionProbability.kind
