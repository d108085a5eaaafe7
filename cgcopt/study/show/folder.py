"""A study written to a folder: tables, pictures in three formats, LaTeX, and one page of HTML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cgcopt.compare.results.names import file_stems
from cgcopt.compare.show.environment import environment
from cgcopt.compare.show.folder import ReportFolder
from cgcopt.compare.show.report import settings_of, settings_section
from cgcopt.compare.show.results_as_text import summary_table
from cgcopt.compare.show.tables import latex_table, markdown_table, markdown_text
from cgcopt.solution import TerminationCondition
from cgcopt.study.profiles import (
    HOW_TO_READ_MEANS,
    HOW_TO_READ_PROFILE,
    HOW_TO_READ_SUMMARY,
    performance_profile,
)
from cgcopt.study.samples import HOW_TO_READ_SAMPLES, SampleStudy
from cgcopt.study.show.page import Section, page
from cgcopt.study.show.plots import numeric_fields, plot_field, plot_profile, plot_samples
from cgcopt.study.show.texts import samples_table, study_table
from cgcopt.study.study_file import Study
from cgcopt.study.sweep import Swept

__all__ = ["PAGE_NAME", "StudyReport", "limitations"]

PAGE_NAME = "report.html"
#: Formats of the pictures: for the page and the screen, for LaTeX, for the web.
FORMATS = ("png", "pdf", "svg")

_READING = (
    "All values belong to the problem itself and come from one evaluator, whoever made the design. "
    "`gap` is the relative distance to the best bound that any solver of the study proved for the "
    "problem; `seconds` is the wall time of building and solving, without imports and compilation."
)


@dataclass(frozen=True)
class StudyReport:
    """What is written.

    Attributes
    ----------
    study : Study
    swept : Swept
        Its runs.
    samples : sequence of SampleStudy
        One for each base, where the study asks for them.
    command : str
        What makes this report again.
    """

    study: Study
    swept: Swept
    samples: Sequence[SampleStudy] = ()
    command: str = ""

    def write(self, folder: Path) -> list[Path]:
        """Write everything into a folder that exists, and return the files, the page first.

        Raises
        ------
        OutputError
            If a file cannot be written; those before it are whole.
        """
        target = ReportFolder(folder)
        sections = [self._results(target), *self._summary(target), *self._fields(target)]
        sections += [*self._profile(target), *self._samples(target)]
        points = limitations(self.swept)
        parts = [f"# {markdown_text(self.study.title)}", *map(_markdown, sections)]
        listed = "\n".join(f"- {markdown_text(point)}" for point in points)
        parts += [f"## Known limitations\n\n{listed}"]
        options, rows = self.swept.comparison.options, self.swept.comparison.rows
        parts += [settings_section(options, self.command, rows)]
        target.text("study.md", "\n\n".join(parts) + "\n")
        facts = {"command": self.command, **settings_of(options, rows)}
        facts["seeds"] = ", ".join(map(str, self.study.seeds))
        sections += [
            Section("Known limitations", points=points),
            Section("Settings", facts=facts),
            Section("Versions and hardware", facts=environment()),
        ]
        target.text(PAGE_NAME, page(self.study.title, sections))
        return [target.files[-1], *target.files[:-1]]

    def _results(self, target: ReportFolder) -> Section:
        frame = self.swept.frame()
        table = study_table(self.swept, self.study.table.columns)
        caption = self.study.table.caption or self.study.title
        target.table("results.csv", frame)
        target.table("partitions.csv", self.swept.comparison.partitions())
        target.table("table.csv", table)
        target.text("table.md", markdown_table(table) + "\n")
        label = self.study.table.label or "tab:study"
        target.text("table.tex", latex_table(table, caption=caption, label=label))
        seconds = frame["build_seconds"] + frame["solve_seconds"]
        numbers = frame.assign(seconds=seconds)[list(table.columns)].astype(object)
        return Section("Results", [_READING], table, numbers)

    def _summary(self, target: ReportFolder) -> list[Section]:
        comparison = self.swept.comparison
        if len(comparison.problems) < 2:
            return []
        table = summary_table(comparison)
        target.table("summary.csv", comparison.summary())
        text = latex_table(table, caption=f"{self.study.title}, all instances", label="tab:summary")
        target.text("summary.tex", text)
        return [Section("All instances", [HOW_TO_READ_MEANS, HOW_TO_READ_SUMMARY], table)]

    def _fields(self, target: ReportFolder) -> list[Section]:
        frame, columns = self.swept.frame(), self.swept.columns
        if frame["value"].isna().all():
            return []
        fields = numeric_fields(frame, columns)
        sections = []
        for field, stem in file_stems(fields).items():
            others = [name for name in columns if name != field]
            draw = partial(plot_field, frame, field, others)
            picture, missing = _picture(f"sweep_{stem}", draw, target)
            sections.append(Section(f"Value against {field}", missing, picture=picture))
        return sections

    def _profile(self, target: ReportFolder) -> list[Section]:
        frame = self.swept.frame()
        solvers = frame[["solver", "form"]].drop_duplicates()
        if len(solvers) < 2 or frame["problem"].nunique() < 2:
            return []
        for measure in ("seconds", "value"):
            target.table(f"profile_{measure}.csv", performance_profile(frame, measure))
        picture, missing = _picture("profile", partial(plot_profile, frame), target)
        texts = [HOW_TO_READ_PROFILE, *missing]
        return [Section("Performance profiles", texts, picture=picture)]

    def _samples(self, target: ReportFolder) -> list[Section]:
        sections = []
        stems = file_stems(dict.fromkeys(found.problem.name for found in self.samples))
        for found in self.samples:
            name = f"samples_{stems[found.problem.name]}"
            table = samples_table(found)
            title = f"Drawn samples: {found.problem.name}"
            target.table(f"{name}.csv", found.frame())
            target.text(f"{name}.tex", latex_table(table, caption=title, label=f"tab:{name}"))
            picture, missing = _picture(name, partial(plot_samples, found), target)
            texts = [HOW_TO_READ_SAMPLES, *missing]
            sections.append(Section(title, texts, table, picture=picture))
        return sections


def limitations(swept: Swept) -> list[str]:
    """Return what a reader of the results should know, as sentences."""
    rows = swept.comparison.rows
    said = [
        "Seconds are wall times of this machine; runs of less than ten milliseconds are not told apart.",
        "Solvers that need a finite sample were given drawn rounds; their designs are judged on the "
        "problem itself, and their own gaps speak of the sample.",
        "A gap to a bound says nothing of schedules beyond one order and equal work.",
    ]
    cut = sum(row.solution.termination is TerminationCondition.TIME_LIMIT for row in rows)
    if cut:
        said.append(f"{cut} of {len(rows)} runs were stopped by their time limit.")
    failed = [row for row in rows if row.value != row.value]
    if failed:
        told = dict.fromkeys(f"{row.solver}: {row.message}" for row in failed if row.message)
        reasons = "; ".join(told)
        said.append(f"{len(failed)} of {len(rows)} runs have no value. {reasons}".strip())
    if any(row.solution.standard_error > 0 for row in rows):
        said.append("Some values are simulated; their standard errors stand in results.csv.")
    if any(row.jobs != 1 for row in rows):
        said.append("Several runs were made at a time, so that seconds are noisy.")
    return said


def _picture(
    name: str, draw: Callable[[Path], None], target: ReportFolder
) -> tuple[Path | None, list[str]]:
    """Draw a picture in every format, and return the PNG, or none and what says why."""
    told = [target.picture(f"{name}.{ending}", draw, name) for ending in FORMATS]
    png = target.path / f"{name}.png"
    return (png, []) if png in target.files else (None, told[:1])


def _markdown(section: Section) -> str:
    parts = [f"## {markdown_text(section.title)}", *section.texts]
    if section.table is not None:
        parts.append(markdown_table(section.table))
    if section.picture is not None:
        parts.append(f"![{section.picture.stem}]({section.picture.name})")
    return "\n\n".join(parts)
