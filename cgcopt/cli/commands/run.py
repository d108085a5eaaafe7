"""``cgcopt run``: coded training on this machine or on a Ray cluster, beside the prediction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cgcopt.cli.arguments import Json, Seed, refuse_given
from cgcopt.cli.commands.plan import Order

__all__ = ["run"]


def run(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            help="An instance (solved first), a shipped instance, a solution (.json) or a plan (.npz).",
            metavar="INSTANCE|SOLUTION|PLAN",
            show_default=False,
        ),
    ],
    rounds: Annotated[int, typer.Option(help="Rounds of training.")] = 20,
    schedule: Annotated[
        Order | None,
        typer.Option(
            help="same: all workers take the cells of a block in one order; rotated: each starts at a "
            "cell of its own. By default what the solution says, else same."
        ),
    ] = None,
    task: Annotated[
        str,
        typer.Option(
            help="Model to train on handwritten digits: least-squares, softmax or network."
        ),
    ] = "softmax",
    against: Annotated[
        str | None,
        typer.Option(
            help="Solvers whose designs are run in turn under the same delays, such as "
            "uncoded,single-level; +rotated behind a name for rotated order.",
            metavar="A,B,...",
        ),
    ] = None,
    delays: Annotated[
        str | None,
        typer.Option(
            help="Where workers get their slowness from: an instance (drawn), a trace (.csv, replayed "
            "round by round), or none. By default the instance that is run or was planned for.",
        ),
    ] = None,
    round_seconds: Annotated[
        float,
        typer.Option(
            help="Seconds that a round is predicted to take; injected delays are scaled to it."
        ),
    ] = 0.5,
    compute: Annotated[
        bool,
        typer.Option(
            "--compute",
            help="Workers compute through injected delays and do not sleep.",
            metavar="",
        ),
    ] = False,
    redesign_every: Annotated[
        int | None,
        typer.Option(
            help="After so many rounds design anew from them, and switch where held-out rounds say "
            "that it pays; the first plan is kept beside as 'fixed'.",
            metavar="R",
        ),
    ] = None,
    redesign_with: Annotated[
        str, typer.Option(help="The solver that designs anew, on recorded rounds.")
    ] = "schedule",
    address: Annotated[
        str | None, typer.Option(help="A Ray cluster to join; by default this machine alone.")
    ] = None,
    seed: Seed = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the plan, all rounds, and a plot.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Train with coded gradients for real, and compare measured with predicted rounds."""
    from cgcopt._validate import finite_number
    from cgcopt.cli.outputs import writable_folder
    from cgcopt.cli.run_inputs import delays_of, plans_of
    from cgcopt.cli.run_output import rounds_file, show_run, write_run
    from cgcopt.cli.terminal import console, print_json, progress
    from cgcopt.process.stopping import requested
    from cgcopt.training.costs import measure_costs
    from cgcopt.training.experiment import run_plans
    from cgcopt.training.redesign import Redesign
    from cgcopt.training.tasks import digits_task

    if redesign_every is None:
        refuse_given(context, ("redesign_with",), "left out without --redesign-every")
    redesign = None if redesign_every is None else Redesign(redesign_every, redesign_with)
    finite_number("round-seconds", round_seconds, above=0)
    if out is not None:
        writable_folder("out", out)
    chosen = digits_task(task)
    with progress(f"{source}: planning") as report:
        order = None if schedule is None else str(schedule)
        planned = plans_of(source, order, chosen, against, delays, seed)
        first = planned.first
        slow = delays_of(delays, planned.problem, first, rounds, round_seconds, seed, compute)
        if redesign is not None:
            planned.plans["fixed"] = first
        if requested():
            raise KeyboardInterrupt
        with rounds_file(out) as keep:
            result = run_plans(
                chosen,
                planned.plans,
                slow,
                rounds=rounds,
                address=address,
                redesign=redesign,
                progress=report,
                after_round=keep,
            )
    result = replace(result, notes=(*planned.notes, *result.notes))
    stopped = requested()  # then there is no time for more
    measured = None if stopped else measure_costs(chosen, result.first.plan)
    table = result.to_dict() | ({} if measured is None else {"cost_model": measured.to_dict()})
    if out is not None:
        write_run(result, table, measured, out, stopped=stopped)
    if as_json:
        print_json(table)
    else:
        show_run(console(), result)
        if measured is not None:
            console().print(str(measured))
    return 0
