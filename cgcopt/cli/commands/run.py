"""``cgcopt run``: coded training on this machine or on a Ray cluster, beside the prediction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cgcopt.cli.arguments import Json, Seed
from cgcopt.cli.commands.plan import Order

if TYPE_CHECKING:
    from cgcopt.codes.plan import Plan
    from cgcopt.problem import Problem
    from cgcopt.training.delays import Delays
    from cgcopt.training.result import TrainingRun
    from cgcopt.training.task import Task

__all__ = ["run"]


def run(
    source: Annotated[
        str,
        typer.Argument(
            help="An instance (solved first), a shipped instance, or a plan (.npz).",
            metavar="INSTANCE|PLAN",
            show_default=False,
        ),
    ],
    rounds: Annotated[int, typer.Option(help="Rounds of training.")] = 20,
    schedule: Annotated[
        Order, typer.Option(help="Order of the cells of a block, for an instance.")
    ] = Order.SAME,
    task: Annotated[
        str, typer.Option(help="least-squares, softmax or network, on handwritten digits.")
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
            "round by round), or none. By default the instance that is run; none for a plan.",
        ),
    ] = None,
    round_seconds: Annotated[
        float, typer.Option(help="Predicted mean of a round; injected delays are scaled to it.")
    ] = 0.5,
    compute: Annotated[
        bool, typer.Option("--compute", help="Injected delays are computed, not slept.")
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
    from cgcopt.cli.inputs import writable_folder
    from cgcopt.cli.terminal import console, print_json, progress
    from cgcopt.training.costs import measure_costs
    from cgcopt.training.experiment import run_plans
    from cgcopt.training.redesign import Redesign
    from cgcopt.training.tasks import digits_task

    redesign = None if redesign_every is None else Redesign(redesign_every, redesign_with)
    finite_number("round-seconds", round_seconds, above=0)
    if out is not None:
        writable_folder("out", out)
    chosen = digits_task(task)
    with progress(f"{source}: planning") as report:
        plans, problem = _plans(source, str(schedule), chosen, against, seed)
        slow = _delays(
            delays, problem, next(iter(plans.values())), rounds, round_seconds, seed, compute
        )
        if redesign is not None:
            plans["fixed"] = next(iter(plans.values()))
        result = run_plans(
            chosen,
            plans,
            slow,
            rounds=rounds,
            address=address,
            redesign=redesign,
            progress=report,
        )
    measured = measure_costs(chosen, result.first.plan)
    table = {**result.to_dict(), "cost_model": measured.to_dict()}
    if out is not None:
        _write(result, table, out)
    if as_json:
        print_json(table)
    else:
        _show(console(), result)
        console().print(str(measured))
    return 0


def _plans(
    source: str, order: str, task: Task, against: str | None, seed: int
) -> tuple[dict[str, Plan], Problem | None]:
    """The plans by name, the one in question first, and the problem where one was given."""
    from cgcopt.cli.inputs import deployable, problem_of
    from cgcopt.codes.plan_file import load_plan
    from cgcopt.codes.planning import fit_plan
    from cgcopt.errors import InvalidInputError
    from cgcopt.training.experiment import plan_for
    from cgcopt.training.fit_task import plan_of_schedule

    names = [name.strip() for name in (against or "").split(",") if name.strip()]
    if Path(source).suffix.lower() == ".npz":
        if names:
            raise InvalidInputError(
                "against", against, "left out beside a plan: it has no instance"
            )
        plan = load_plan(source)
        size = (task.samples, task.coordinates)
        if (plan.samples, plan.coordinates) != size:
            plan = fit_plan(plan, *size, boundaries=task.boundaries, seed=seed)
        return {Path(source).stem: plan}, None
    problem = problem_of(source)
    design, _, _ = deployable(source, order)
    own = "optimal+rotated" if order == "rotated" else "optimal"
    plans = {own: plan_of_schedule(design, task, seed=seed, title=own)}
    for name in names:
        if name not in plans:
            plans[name] = plan_for(problem, task, name, seed=seed)
    return plans, problem


def _delays(
    source: str | None,
    problem: Problem | None,
    plan: Plan,
    rounds: int,
    seconds: float,
    seed: int,
    busy: bool,
) -> Delays:
    """Where the slowness of workers comes from."""
    from cgcopt.cli.inputs import problem_of
    from cgcopt.errors import InvalidInputError
    from cgcopt.training.delays import drawn_delays, no_delays, replayed_delays
    from cgcopt.workers.trace import Trace

    if source == "none" or (source is None and problem is None):
        return no_delays(plan.workers)
    if source is not None and Path(source).suffix.lower() == ".csv":
        times = Trace.read(source).times
        own = None if problem is None else problem.system
        return replayed_delays(times, own, plan, seconds=seconds, busy=busy)
    chosen = problem if source is None else problem_of(source)
    assert chosen is not None
    system = chosen.system
    if system.workers != plan.workers:
        raise InvalidInputError("delays", source, f"an instance with {plan.workers} workers")
    return drawn_delays(system, plan, rounds, seconds=seconds, seed=seed, busy=busy)


def _write(result: TrainingRun, table: dict[str, Any], folder: Path) -> None:
    from cgcopt.codes.plan_file import save_plan
    from cgcopt.compare.show.training_plot import plot_training

    save_plan(result.first.plan, folder / "plan.npz")
    text = json.dumps(table, indent=2, allow_nan=False) + "\n"
    (folder / "run.json").write_text(text, encoding="utf-8")
    result.rounds_table().to_csv(folder / "rounds.csv", index=False)
    plot_training(result, folder / "rounds.png")


def _show(output: Any, result: TrainingRun) -> None:
    from rich.table import Table

    output.print(f"{result.task}, {result.rounds} rounds; delays: {result.delays}")
    frame = result.table().set_index("plan").T
    table = Table("", *map(str, frame.columns), box=None, header_style="bold", pad_edge=False)
    for name, line in zip(frame.index, frame.itertuples(index=False), strict=True):
        table.add_row(str(name), *(f"{float(cell):.4g}" for cell in line))
    output.print(table)
    for note in result.notes:
        output.print(note)
