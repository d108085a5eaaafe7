"""A comparison written to a folder: tables as Markdown, CSV and LaTeX, plots as PNG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cgcopt.compare.published.sweep import Sweep
from cgcopt.compare.results.comparison import Comparison
from cgcopt.compare.results.names import file_stems
from cgcopt.compare.results.replay import Replay
from cgcopt.compare.results.row import Row
from cgcopt.compare.schedules.stages import Stages, stages_of, stages_of_replay
from cgcopt.compare.show.environment import environment
from cgcopt.compare.show.folder import ReportFolder
from cgcopt.compare.show.plots import plot_blocks, plot_replay, plot_sweep, plot_values
from cgcopt.compare.show.results_as_text import (
    PUBLISHED_UNIT,
    comparison_table,
    replay_table,
    summary_table,
    sweep_table,
)
from cgcopt.compare.show.stages import (
    plot_replayed_round,
    plot_stages,
    schedules_of,
    stages_sentence,
    stages_table,
)
from cgcopt.compare.show.tables import code_span, latex_table, markdown_table, markdown_text
from cgcopt.options import Options
from cgcopt.study.profiles import HOW_TO_READ_MEANS, HOW_TO_READ_SUMMARY

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["REPORT_NAME", "Report", "settings_of", "settings_section", "sweep_title"]

REPORT_NAME = "report.md"

_READING = """\
All values belong to the problem itself and come from one evaluator, whoever made the design. `gap`
is the relative distance to the best bound that any solver proved for the problem (relaxed designs
and designs in whole numbers apart); `certificate` names the proof that came with the row itself. A
solver that needs a finite sample was given drawn scenarios; what it reached on them is in its
note. `seconds` is the wall time of building and solving, without imports and compilation; it is
noisy where several runs were made at a time (`jobs`)."""


_STEPS = """\
The paper's optimum is the best of the designs in which every worker processes the coordinates in one
order and all have equal work, and that is proven. The same design is faster when workers start at
different cells of a block, other blocks are better still, and no scheme whatever beats the speed of
light: every coordinate is computed on every piece of the data once."""


@dataclass(frozen=True)
class Report:
    """What is written.

    Attributes
    ----------
    comparison : Comparison
        The main tables.
    sweeps : sequence of Sweep
        Published plots computed again.
    replays : sequence of Replay
        Held-out replays of traces.
    command : str
        What makes this report again.
    notes : sequence of str
        What was taken for what in files of measured times.
    """

    comparison: Comparison
    sweeps: Sequence[Sweep] = ()
    replays: Sequence[Replay] = ()
    command: str = ""
    notes: Sequence[str] = ()

    @property
    def stages(self) -> list[Stages]:
        """The steps from uncoded to the speed of light, of every problem and replay that has them."""
        parts = [self.comparison.of(name) for name in self.comparison.problems]
        found = [*map(stages_of, parts), *map(stages_of_replay, self.replays)]
        return [each for each in found if each is not None]

    def write(self, folder: Path) -> list[Path]:
        """Write everything into a folder that exists, and return the files, the report first.

        Raises
        ------
        OutputError
            If a file cannot be written; those before it are whole.
        """
        target = ReportFolder(folder)
        stages = self.stages
        sections = [_steps(stages, self.replays, target)] if stages else []
        sections += [self._comparison(target)] if self.comparison.rows else []
        sections += [_sweep(sweep, target) for sweep in self.sweeps]
        stems = file_stems(replay.title for replay in self.replays)
        sections += [_replay(replay, stems[replay.title], target) for replay in self.replays]
        parts = [self.comparison, *(sweep.comparison for sweep in self.sweeps)]
        rows = [row for part in parts for row in part.rows]
        if self.notes:
            read = "\n".join(f"- {markdown_text(note)}" for note in self.notes)
            sections.append(f"## How files were read\n\n{read}")
        settings = settings_section(self.comparison.options, self.command, rows)
        target.text(REPORT_NAME, "\n\n".join(["# Comparison", *sections, settings]) + "\n")
        return [target.files[-1], *target.files[:-1]]

    def _comparison(self, target: ReportFolder) -> str:
        comparison = self.comparison
        tables = {name: comparison_table(comparison.of(name)) for name in comparison.problems}
        latex = "\n\n".join(latex_table(table, caption=name) for name, table in tables.items())
        target.table("results.csv", comparison.frame())
        target.table("partitions.csv", comparison.partitions())
        target.text("results.tex", f"{latex}\n")
        values = target.picture("values.png", partial(plot_values, comparison), "values")
        parts = ["## All solvers", _READING]
        if len(tables) > 1:
            target.table("summary.csv", comparison.summary())
            parts += [f"### All instances\n\n{markdown_table(summary_table(comparison))}"]
            parts += [f"{HOW_TO_READ_MEANS} {HOW_TO_READ_SUMMARY}"]
        parts += [f"### {markdown_text(n)}\n\n{markdown_table(t)}" for n, t in tables.items()]
        parts += [values]
        for name, stem in file_stems(tables).items():
            draw = partial(plot_blocks, comparison.of(name))
            blocks = target.picture(f"blocks_{stem}.png", draw, "blocks")
            parts.append(f"Block structure, {markdown_text(name)}:\n\n{blocks}")
        return "\n\n".join(parts)


def _steps(stages: Sequence[Stages], replays: Sequence[Replay], target: ReportFolder) -> str:
    """What every step gains, and who computes what when in a round of a replay."""
    import pandas as pd

    target.table("steps.csv", pd.concat([each.frame() for each in stages], ignore_index=True))
    steps = target.picture("steps.png", partial(plot_stages, stages), "steps")
    parts = [f"## In five steps\n\n{_STEPS}"]
    for each in stages:
        told = markdown_text(stages_sentence(each))
        parts.append(f"### {markdown_text(each.title)}\n\n{markdown_table(stages_table(each))}")
        parts += [told] if told else []
    parts.append(steps)
    stems = file_stems(replay.title for replay in replays)
    for replay in replays:
        if schedules_of(replay):
            name = f"round_{stems[replay.title]}"
            drawn = target.picture(f"{name}.png", partial(plot_replayed_round, replay), name)
            title = markdown_text(replay.title)
            parts.append(
                f"Who computes which cell when, in a typical held-out round of {title}; full "
                f"colours are cells that are waited for:\n\n{drawn}"
            )
    return "\n\n".join(parts)


def _sweep(sweep: Sweep, target: ReportFolder) -> str:
    name, title = f"sweep_{sweep.parameter}", sweep_title(sweep)
    drawn = target.picture(f"{name}.png", partial(plot_sweep, sweep), name)
    return _section(name, title, sweep.frame(), sweep_table(sweep), target, drawn)


def _replay(replay: Replay, stem: str, target: ReportFolder) -> str:
    name = f"replay_{stem}"
    drawn = target.picture(f"{name}.png", partial(plot_replay, replay), name)
    target.table(f"{name}_partitions.csv", replay.partitions())
    return _section(name, replay.heading, replay.frame(), replay_table(replay), target, drawn)


def _section(
    name: str,
    title: str,
    frame: pd.DataFrame,
    table: pd.DataFrame,
    target: ReportFolder,
    picture: str,
) -> str:
    target.table(f"{name}.csv", frame)
    target.text(f"{name}.tex", latex_table(table, caption=title))
    return f"## {markdown_text(title)}\n\n{markdown_table(table)}\n\n{picture}"


def settings_section(options: Options, command: str, rows: Iterable[Row]) -> str:
    """Return what a report was made with: command, date, options, versions, hardware (Markdown)."""
    settings = {
        "command": code_span(command) if command else "",
        **settings_of(options, rows),
        **environment(),
    }
    return "## Settings\n\n" + _pairs(settings)


def settings_of(options: Options, rows: Iterable[Row]) -> dict[str, str]:
    """Return what runs were made with, by name."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "time limit": f"{options.time_limit:g} s a solver",
        "requested gap": f"{options.gap:g}",
        "scenarios": str(options.scenarios),
        "seed": str(options.seed),
        "threads": str(options.threads or "each solver's own choice"),
        "starts": str(options.starts or ""),
        "options": ", ".join(f"{name}={value}" for name, value in options.raw.items()),
        "jobs": _jobs(rows),
    }


def _jobs(rows: Iterable[Row]) -> str:
    """How many runs were made at a time, and what that means for their seconds."""
    found = {row.jobs for row in rows}
    if found <= {1}:
        return "one run at a time"
    count = "several" if 0 in found else f"up to {max(found)}"
    return f"{count} runs at a time, seconds are noisy"


def sweep_title(sweep: Sweep) -> str:
    """Heading of a published plot."""
    first = sweep.comparison.rows[0]
    runtime = first.objective == "expected-runtime"
    unit = f"in {PUBLISHED_UNIT}, " if runtime else ""
    kind = "Expected runtime" if runtime else "Completion probability"
    return f"{kind} against {sweep.parameter}, {unit}published figures in brackets"


def _pairs(facts: Mapping[str, str]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in facts.items() if value)
