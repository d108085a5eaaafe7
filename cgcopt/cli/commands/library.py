"""``cgcopt library``: named instances, with what is known of them, to take home."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cgcopt.cli.arguments import Json
from cgcopt.cli.complete import complete_library

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["library"]


def library(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Instances by name, or the beginnings of names; all by default.",
            metavar="NAME",
            show_default=False,
            autocompletion=complete_library,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the instances as TOML, LP, MPS and NL, and the table as CSV."
        ),
    ] = None,
    as_json: Json = False,
) -> int:
    """List the named instances with the best known values and bounds, or write them as files.

    A program keeps the names of its variables in every kind of file, so that
    any solver can be run from outside; `cgcopt judge NAME SOLUTION` says what
    its answer is worth.
    """
    from cgcopt.cli.inputs import writable_folder
    from cgcopt.cli.terminal import print_json, records, show_then_write
    from cgcopt.library.known import library_table

    frame = library_table(names)
    if as_json:
        print_json({"instances": records(frame)})
    folder = None if out is None else writable_folder("out", out)
    write = None if folder is None else partial(_write, frame, folder)
    show_then_write(lambda: None if as_json else _show(frame), write, quiet=as_json, pictures=False)
    return 0


def _show(frame: pd.DataFrame) -> None:
    from rich import box
    from rich.table import Table

    from cgcopt.cli.terminal import console
    from cgcopt.instance import example_instances

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("name", overflow="fold")
    for heading in ("form", "N", "L", "value", "bound", "gap"):
        table.add_column(heading, justify="left" if heading == "form" else "right")
    for line in frame.to_dict(orient="records"):
        numbers = (
            "" if math.isnan(line[name]) else f"{line[name]:{style}}"
            for name, style in (("value", ".6g"), ("bound", ".6g"), ("gap", ".1e"))
        )
        sizes = (str(line["workers"]), str(line["coordinates"]))
        table.add_row(line["name"], line["form"], *sizes, *numbers)
    console().print(table)
    shipped = " and ".join(example_instances())
    console().print(
        f"{len(frame)} instances; seconds (runtime, quantile) or a probability. "
        f"Every command takes these names, and {shipped}."
    )


def _write(frame: pd.DataFrame, folder: Path) -> list[Path]:
    from cgcopt._writing import write_text
    from cgcopt.library.catalogue import library_instance
    from cgcopt.library.export import export_instance

    table = folder / "library.csv"
    write_text(table, frame.to_csv(index=False))
    written = [table]
    for name in frame["name"]:
        written += export_instance(library_instance(name), folder)
    return written
