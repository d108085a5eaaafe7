"""``cgcopt evaluate``: what a given design is worth."""

from __future__ import annotations

from typing import Annotated

import typer

from cgcopt.cli.arguments import Instance, Json
from cgcopt.cli.reading import TraceInput, reads_traces_as_instances

__all__ = ["evaluate"]


@reads_traces_as_instances
def evaluate(
    instance: Instance,
    partition: Annotated[
        str,
        typer.Option(
            help="Numbers x0,x1,... (one for each level), or a file: CSV, JSON, plain numbers, "
            "or what `cgcopt solve` wrote.",
            metavar="FILE|x0,x1,...",
        ),
    ],
    bound_seconds: Annotated[
        float,
        typer.Option(
            help="Seconds in which the own method may prove how far the optimum is; with 0, what "
            "the design itself proves is shown.",
            min=0.0,
        ),
    ] = 10.0,
    as_json: Json = False,
    *,
    reading: TraceInput,
) -> int:
    """Say what a given design is worth, exactly, and how far from the optimum it can be."""
    from cgcopt.cli.inputs import problem_of
    from cgcopt.cli.partitions import partition_of
    from cgcopt.cli.show import show_solution
    from cgcopt.cli.terminal import console, print_json, progress
    from cgcopt.solvers.judge import judge

    problem = problem_of(instance, reading)
    design = partition_of(partition, problem.system.workers)
    with progress(f"{problem.name}: judging"):
        solution = judge(problem, design, bound_seconds=bound_seconds)
    if as_json:
        print_json(solution.to_dict())
    else:
        show_solution(console(), solution)
    return 0
