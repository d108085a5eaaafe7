"""A deadline curve written to a folder: tables as Markdown and CSV, the picture as PNG."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from cgcopt.compare.results.curve import Curve
from cgcopt.compare.show.curve_plot import plot_curve
from cgcopt.compare.show.folder import ReportFolder
from cgcopt.compare.show.report import settings_section
from cgcopt.compare.show.results_as_text import curve_table
from cgcopt.compare.show.tables import markdown_table, markdown_text

__all__ = ["write_curve"]


def write_curve(curve: Curve, folder: Path, command: str = "") -> list[Path]:
    """Write tables and a picture into a folder that exists, and return the files."""
    target = ReportFolder(folder)
    target.table("curve.csv", curve.frame())
    target.table("designs.csv", curve.designs())
    picture = target.picture("curve.png", partial(plot_curve, curve), "curve")
    notes = [f"- {name}: {markdown_text(text)}" for name, text in curve.failures.items()]
    sections = [
        f"# Completion probability against the deadline: {markdown_text(curve.problem.name)}",
        markdown_table(curve_table(curve)),
        *(["\n".join(notes)] if notes else []),
        picture,
        settings_section(curve.options, command, curve.rows),
    ]
    target.text("curve.md", "\n\n".join(sections) + "\n")
    return [target.files[-1], *target.files[:-1]]
