"""What ``cgcopt run`` keeps and shows."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgcopt._writing import write_text
from cgcopt.errors import MissingExtraError

if TYPE_CHECKING:
    from cgcopt.training.collect import Rounds
    from cgcopt.training.costs import MeasuredCosts
    from cgcopt.training.result import TrainingRun

__all__ = ["rounds_file", "show_run", "write_run"]


@contextmanager
def rounds_file(
    folder: Path | None,
) -> Iterator[Callable[[int, Mapping[str, Rounds]], None] | None]:
    """Write every round to ``rounds.csv`` when it is over: whatever ends the run, it is kept."""
    if folder is None:
        yield None
        return
    with (folder / "rounds.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")

        def keep(number: int, collected: Mapping[str, Rounds]) -> None:
            for name, own in collected.items():
                row = own.row(name, number)
                if stream.tell() == 0:
                    writer.writerow(row)
                writer.writerow(row.values())
            stream.flush()

        yield keep


def write_run(
    result: TrainingRun,
    table: Mapping[str, Any],
    measured: MeasuredCosts | None,
    folder: Path,
    *,
    stopped: bool,
) -> None:
    """Write the plan, the numbers and the measured costs into a folder, and draw the rounds.

    A run that was stopped has no time for a picture.
    """
    from cgcopt.codes.plan_file import save_plan

    save_plan(result.first.plan, folder / "plan.npz")
    text = json.dumps(table, indent=2, allow_nan=False) + "\n"
    write_text(folder / "run.json", text)
    if measured is not None:
        write_text(folder / "costs.toml", measured.table())
    if not stopped:
        from cgcopt.compare.show.training_plot import plot_training

        try:
            plot_training(result, folder / "rounds.png")
        except MissingExtraError as missing:
            print(f"rounds.png is left out: {missing}", file=sys.stderr)


def show_run(output: Any, result: TrainingRun) -> None:
    """Print a column a plan, and a line a block of the first one."""
    from rich.table import Table

    output.print(f"{result.task}, {result.rounds} rounds; delays: {result.delays}")
    frame = result.table().set_index("plan").T
    table = Table("", *map(str, frame.columns), box=None, header_style="bold", pad_edge=False)
    for name, line in zip(frame.index, frame.itertuples(index=False), strict=True):
        table.add_row(str(name), *map(_cell, line))
    output.print(table)
    first = result.first
    if first.blocks:
        output.print(f"blocks of {first.name}:")
        titles = ("level", "coordinates", "cells", "overhead [ms]", "decoding [ms]")
        blocks = Table(*titles, box=None, header_style="bold", pad_edge=False)
        for block in first.blocks:
            numbers = (block.level, block.coordinates, block.cells)
            blocks.add_row(
                *map(str, numbers), _cell(1e3 * block.overhead), _cell(1e3 * block.decoding)
            )
        output.print(blocks)
    for note in result.notes:
        output.print(note)


def _cell(value: Any) -> str:
    number = float(value)
    return "" if number != number else f"{number:.4g}"
