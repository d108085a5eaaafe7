"""``cgcopt plan``: who holds which data, who computes what, with which codes."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cgcopt.cli.arguments import Json, Seed

if TYPE_CHECKING:
    from cgcopt.arrays import FloatArray
    from cgcopt.codes.plan import Plan

__all__ = ["Order", "plan"]


class Order(StrEnum):
    """In which order workers compute the cells of a block."""

    SAME = "same"
    ROTATED = "rotated"


def plan(
    source: Annotated[
        str,
        typer.Argument(
            help="An instance (solved first), a shipped instance, or a solution that "
            "`cgcopt solve --out` wrote (.json).",
            metavar="INSTANCE|SOLUTION",
            show_default=False,
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="Write the plan to this file (.npz).")] = None,
    samples: Annotated[
        int | None,
        typer.Option(
            help="Samples to share out; by default those of the instance, or as few as do."
        ),
    ] = None,
    coordinates: Annotated[
        int | None, typer.Option(help="Coordinates of the model; by default those of the design.")
    ] = None,
    boundaries: Annotated[
        str | None,
        typer.Option(
            help="Where blocks and cells may end, such as ends of tensors: a,b,... or a file.",
        ),
    ] = None,
    schedule: Annotated[
        Order | None,
        typer.Option(
            help="One order for all workers, or rotated: N cells a block, each worker "
            "starting at its own. By default what the solution says, else one order."
        ),
    ] = None,
    seed: Seed = 0,
    picture: Annotated[
        Path | None, typer.Option(help="Draw who holds and computes what (.png, .pdf, .svg).")
    ] = None,
    as_json: Json = False,
) -> int:
    """Make a design concrete: data and coordinate ranges of every worker, and codes."""
    from cgcopt.cli.inputs import deployable
    from cgcopt.cli.outputs import writable_file, writable_picture
    from cgcopt.cli.partitions import numbers_of
    from cgcopt.cli.terminal import console, print_json
    from cgcopt.codes.plan_file import save_plan
    from cgcopt.codes.planning import make_plan
    from cgcopt.compare.show.plan_plot import plot_plan

    if out is not None:
        writable_file("out", out, (".npz",))
    if picture is not None:
        writable_picture("picture", picture)
    found = deployable(source, None if schedule is None else str(schedule))
    made = make_plan(
        found.schedule,
        found.samples if samples is None else samples,
        coordinates=coordinates,
        boundaries=None if boundaries is None else numbers_of("boundaries", boundaries),
        seed=seed,
        title=found.title,
        problem=found.problem,
    )
    if out is not None:
        save_plan(made, out)
    if picture is not None:
        plot_plan(made, picture)
    if as_json:
        print_json(_json(made))
    else:
        _show(console(), made)
    return 0


def _json(plan: Plan) -> dict[str, Any]:
    return {
        "workers": plan.workers,
        "coordinates": plan.coordinates,
        "samples": plan.samples,
        "blocks": plan.describe().to_dict(orient="records"),
        "storage": plan.storage.tolist(),
        "work": plan.work.tolist(),
    }


def _show(output: Any, plan: Plan) -> None:
    from rich.table import Table

    output.print(
        f"{plan.title}: {plan.workers} workers, {plan.coordinates} coordinates, "
        f"{plan.samples} units of data"
    )
    frame = plan.describe()
    table = Table(*map(str, frame.columns), box=None, header_style="bold", pad_edge=False)
    for line in frame.itertuples(index=False):
        table.add_row(*(f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in line))
    output.print(table)
    work = plan.work / plan.work.mean()
    output.print(
        f"a worker stores {_range(plan.storage)} of the data and does {_range(work)} of the mean work"
    )


def _range(shares: FloatArray) -> str:
    """All of it, one share, or the smallest and the largest, in percent."""
    low, high = (f"{100.0 * float(end):.4g} %" for end in (shares.min(), shares.max()))
    return low if low == high else f"{low} to {high}"
