"""Arguments that several commands share."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Annotated

import typer

from cgcopt.cli.complete import complete_instance

__all__ = [
    "Fresh",
    "Gap",
    "Instance",
    "Jobs",
    "Json",
    "Raw",
    "ScenarioCount",
    "Scheduler",
    "Seed",
    "Threads",
    "TimeLimit",
    "command_line",
    "refuse_given",
    "was_given",
]

Instance = Annotated[
    str,
    typer.Argument(
        help="An instance file (TOML), a file of measured times (CSV, JSON lines, Parquet), a "
        "shipped instance (paper, recorded), or a name listed by `cgcopt library`.",
        metavar="INSTANCE",
        show_default=False,
        autocompletion=complete_instance,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.", metavar="")]
Seed = Annotated[int, typer.Option(help="Seed of every random choice.")]
ScenarioCount = Annotated[
    int,
    typer.Option(
        "--scenarios",
        help="Rounds to draw for solvers that need drawn rounds in place of a distribution.",
    ),
]
TimeLimit = Annotated[
    float | None,
    typer.Option(
        "--time-limit", help="Seconds after which a solver is to stop; by default no limit."
    ),
]
Gap = Annotated[
    float,
    typer.Option(
        help="A solver may stop when value and proven bound differ by this share of the value."
    ),
]
Threads = Annotated[
    int | None, typer.Option(help="Threads that a solver may use; by default its own choice.")
]
Fresh = Annotated[
    bool,
    typer.Option(
        "--fresh",
        help="Compute again the results that the folder of --out already holds.",
        metavar="",
    ),
]
Jobs = Annotated[
    int,
    typer.Option(
        help="Runs made at a time, each in a process of its own with its share of the cores; "
        "seconds measured beside other runs are noisy.",
        metavar="N",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        help="Hand the runs to the workers of this dask scheduler, such as "
        "tcp://127.0.0.1:8786; needs the extra dask, and workers of one thread each. Seconds are "
        "those of their machines, and noisy.",
        metavar="ADDRESS",
    ),
]
Raw = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        help="An option of the solver under its own name; may be given again.",
        metavar="NAME=VALUE",
    ),
]


def refuse_given(context: typer.Context, names: Sequence[str], allowed: str) -> None:
    """Refuse options that would count for nothing.

    Raises
    ------
    InvalidInputError
        If one of them was given.
    """
    from cgcopt.errors import InvalidInputError

    for name in names:
        if was_given(context, name):
            raise InvalidInputError(name.replace("_", "-"), context.params[name], allowed)


def was_given(context: typer.Context, name: str) -> bool:
    """Whether an option was typed, be it with its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def command_line(context: typer.Context) -> str:
    """Return the command line that does this again, without what is at its default."""
    positional: list[str] = []
    named: list[str] = []
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        if value in (None, parameter.default):
            continue
        if parameter.param_type_name == "argument":
            positional += value if isinstance(value, list | tuple) else [str(value)]
        elif parameter.opts:
            named += [parameter.opts[0]] if value is True else [parameter.opts[0], str(value)]
    return shlex.join(["cgcopt", context.command.name or "", *positional, *named])
