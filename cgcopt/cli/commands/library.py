"""``cgcopt library``: named instances, with what is known of them, to take home."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cgcopt.cli.arguments import Json
from cgcopt.cli.complete import complete_library

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

__all__ = ["library"]

#: Columns that a narrow terminal does without, the fewest first.
_LEFT_OUT: tuple[tuple[str, ...], ...] = ((), ("bound",), ("bound", "form"))


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
    from cgcopt.cli.outputs import writable_folder
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
    from cgcopt.cli.terminal import PLAIN_WIDTH, console
    from cgcopt.instance import example_instances

    output = console()
    unbounded = output.options.update(max_width=PLAIN_WIDTH)
    for left_out in _LEFT_OUT:
        table = _table(frame, left_out)
        if output.measure(table, options=unbounded).maximum <= output.width:
            break
    output.print(table)
    if left_out:
        output.print(f"A wider terminal, --out and --json show {' and '.join(left_out)} too.")
    shipped = " and ".join(example_instances())
    output.print(
        f"{len(frame)} instance{'' if len(frame) == 1 else 's'}; "
        "seconds (runtime, quantile) or a probability. "
        f"Every command takes these names, and {shipped}."
    )


def _table(frame: pd.DataFrame, left_out: tuple[str, ...]) -> Table:
    """The instances without some columns; a number is never broken."""
    from rich import box
    from rich.table import Table

    styles = {"value": ".6g", "bound": ".6g", "gap": ".1e"}
    texts = {"name": frame["name"], "form": frame["form"]}
    texts |= {"N": frame["workers"].astype(str), "L": frame["coordinates"].astype(str)}
    for name, style in styles.items():
        texts[name] = frame[name].map(lambda x, s=style: "" if math.isnan(x) else f"{x:{s}}")
    shown = [name for name in texts if name not in left_out]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for name in shown:
        justify: Any = "left" if name in ("name", "form") else "right"
        table.add_column(name, justify=justify, no_wrap=name != "name", overflow="fold")
    for line in zip(*(texts[name] for name in shown), strict=True):
        table.add_row(*line)
    return table


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
