"""A deadline curve written to a folder: tables as Markdown and CSV, the picture as PNG."""

from __future__ import annotations

from pathlib import Path

from cgcopt.compare.results.curve import Curve
from cgcopt.compare.show.curve_plot import plot_curve
from cgcopt.compare.show.report import settings_section
from cgcopt.compare.show.results_as_text import curve_table
from cgcopt.compare.show.tables import markdown_table, markdown_text

__all__ = ["write_curve"]


def write_curve(curve: Curve, folder: Path, command: str = "") -> list[Path]:
    """Write tables and a picture into a folder that exists, and return the files."""
    names = ("curve.md", "curve.csv", "designs.csv", "curve.png")
    files = [folder / name for name in names]
    curve.frame().to_csv(files[1], index=False)
    curve.designs().to_csv(files[2], index=False)
    plot_curve(curve, files[3])
    notes = [f"- {name}: {markdown_text(text)}" for name, text in curve.failures.items()]
    sections = [
        f"# Completion probability against the deadline: {markdown_text(curve.problem.name)}",
        markdown_table(curve_table(curve)),
        *(["\n".join(notes)] if notes else []),
        "![curve](curve.png)",
        settings_section(curve.options, command, curve.rows),
    ]
    files[0].write_text("\n\n".join(sections) + "\n", encoding="utf-8")
    return files
