"""``cgcopt solve``: one instance, one solver, one design."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cgcopt.cli.arguments import Gap, Instance, Json, Raw, ScenarioCount, Seed, Threads, TimeLimit
from cgcopt.cli.complete import complete_form, complete_solver
from cgcopt.cli.reading import TraceInput, reads_traces_as_instances

if TYPE_CHECKING:
    from cgcopt.solution import Solution

__all__ = ["solve"]


@reads_traces_as_instances
def solve(
    context: typer.Context,
    instance: Instance,
    solver: Annotated[
        str | None,
        typer.Option(
            help="A name listed by `cgcopt solvers`; by default the best method for the instance.",
            autocompletion=complete_solver,
        ),
    ] = None,
    integer: Annotated[
        bool,
        typer.Option(
            "--integer",
            help="Whole numbers of coordinates on every level; the same as --form block.",
            metavar="",
        ),
    ] = False,
    form: Annotated[
        str | None,
        typer.Option(
            help="relaxed (real numbers of coordinates on each level; default), block (whole numbers) "
            "or coordinate (a level for each single coordinate).",
            autocompletion=complete_form,
        ),
    ] = None,
    level: Annotated[str | None, typer.Option(hidden=True, help="The old name of --form.")] = None,
    scenarios: ScenarioCount = 1000,
    seed: Seed = 0,
    time_limit: TimeLimit = None,
    gap: Gap = 1e-6,
    threads: Threads = None,
    option: Raw = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the partition (.csv) or the whole solution (.json).")
    ] = None,
    prices: Annotated[
        bool,
        typer.Option(
            "--prices",
            help="Show what one more coordinate of the model costs, and how much more than "
            "that one costs on each level.",
            metavar="",
        ),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show the solver's log on standard error.", metavar="")
    ] = False,
    as_json: Json = False,
    *,
    reading: TraceInput,
) -> int:
    """Find a design, with its exact value, a bound and the proof of the gap."""
    from cgcopt.cli.inputs import problem_of, raw_options
    from cgcopt.cli.outputs import writable_file
    from cgcopt.cli.show import show_prices, show_solution
    from cgcopt.cli.terminal import console, print_json, progress, show_then_write
    from cgcopt.cli.unused import unused_in_run
    from cgcopt.errors import InvalidInputError
    from cgcopt.options import Options
    from cgcopt.solution import SolutionStatus
    from cgcopt.solvers.solve import solve as run

    if level is not None:
        typer.echo("--level is now called --form", err=True)
        form = form or level
    if integer and form not in (None, "block"):
        raise InvalidInputError("form", form, "block, or not given, beside --integer")
    problem = problem_of(instance, reading)
    if out is not None:
        writable_file("out", out, (".csv", ".json"))
    with progress(f"{problem.name}: {solver or 'solving'}") as report:
        options = Options(
            gap=gap,
            time_limit=time_limit,
            threads=threads,
            seed=seed,
            scenarios=scenarios,
            raw=raw_options(option),
            verbose=verbose,
            progress=report,
        )
        chosen = form or ("block" if integer else "relaxed")
        solution = run(problem, solver, form=chosen, options=options)
    notes = [*_notes(solution), *unused_in_run(context, solution)]

    def show() -> None:
        if as_json:
            shown = solution.to_dict() | {"notes": notes}
            if prices:
                shown["prices"] = None if solution.prices is None else solution.prices.to_dict()
            print_json(shown)
        else:
            output = console()
            show_solution(output, solution)
            if prices:
                show_prices(output, solution)
            for note in notes:
                output.print(note)

    show_then_write(
        show, None if out is None else partial(_write, solution, out), quiet=True, pictures=False
    )
    found = solution.status not in (SolutionStatus.NONE, SolutionStatus.INFEASIBLE)
    if not found:
        typer.echo(f"no design: {solution.message or solution.termination}", err=True)
    return 0 if found else 1


def _notes(solution: Solution) -> list[str]:
    """What a reader of the result should know about its worker times."""
    times = solution.problem.system.worker_times
    notes = list(times.notes)
    if times.to_dict().get("family") == "trace":
        notes.append(
            "The value is in-sample: of the times that the design was made from. "
            "`cgcopt compare --replay` judges designs on rounds that they have not seen."
        )
    return notes


def _write(solution: Solution, path: Path) -> list[Path]:
    from cgcopt._writing import write_text
    from cgcopt.errors import InvalidInputError, OutputError

    if path.suffix.lower() == ".json":
        try:
            solution.save(path)
        except InvalidInputError as error:  # what was asked for is not wrong
            raise OutputError(str(error)) from None
        return [path]
    partition = [] if solution.partition is None else solution.partition.tolist()
    text = "n,coordinates\n" + "".join(f"{n},{x!r}\n" for n, x in enumerate(partition))
    return [write_text(path, text)]
