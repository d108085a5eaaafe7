"""``cgcopt verify``: whether independent methods agree on an instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cgcopt.cli.arguments import Instance, Json, Seed
from cgcopt.cli.complete import complete_solvers
from cgcopt.cli.reading import TraceInput, reads_traces_as_instances

if TYPE_CHECKING:
    from cgcopt.compare.check import Verification

__all__ = ["verify"]


@reads_traces_as_instances
def verify(
    instance: Instance,
    scenarios: Annotated[
        int, typer.Option(help="Rounds to draw, on which outside solvers are compared.")
    ] = 100,
    seed: Seed = 0,
    solvers: Annotated[
        str,
        typer.Option(
            help="Outside solvers to compare with, with commas between them; or all.",
            autocompletion=complete_solvers,
        ),
    ] = "highs",
    time_limit: Annotated[
        float, typer.Option("--time-limit", help="Seconds for each single run.")
    ] = 30.0,
    as_json: Json = False,
    *,
    reading: TraceInput,
) -> int:
    """Check our methods against outside solvers and simulation; exit code 1 on a conflict.

    What was not checked is named, and why. A run that ended early decides nothing: it is open.
    """
    from cgcopt.cli.inputs import problem_of
    from cgcopt.cli.terminal import print_json, progress
    from cgcopt.compare.verify import outside_solvers
    from cgcopt.compare.verify import verify as run
    from cgcopt.options import Options

    problem = problem_of(instance, reading)
    names = [name.strip() for name in solvers.split(",")]
    outside = outside_solvers() if names == ["all"] else names
    with progress(f"{problem.name}: verifying") as report:
        options = Options(scenarios=scenarios, seed=seed, time_limit=time_limit, progress=report)
        result = run(problem, outside=outside, options=options)
    if as_json:
        print_json(result.to_dict())
    else:
        _show(result)
    return 0 if result.passed else 1


def _show(result: Verification) -> None:
    from cgcopt.cli.terminal import console
    from cgcopt.compare.check import Outcome

    styles = {Outcome.PASSED: "green", Outcome.FAILED: "bold red"}
    output = console()
    output.print(result.problem.name, style="bold")
    for check in result.checks:
        took = f"  ({check.seconds:.1f} s)" if check.seconds >= 0.05 else ""
        style = styles.get(check.outcome, "yellow")
        output.print(f"{check.outcome:<11} {check.name}{took}", style=style)
        output.print(f"            {check.detail}")
    counts = ", ".join(f"{count} {name}" for name, count in result.counts.items() if count)
    failed = [check.name for check in result.checks if not check.passed]
    output.print(
        f"{len(result.checks)} checks: {counts}{'; failed: ' if failed else ''}{'; '.join(failed)}"
    )
