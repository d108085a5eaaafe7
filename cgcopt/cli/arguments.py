"""Arguments that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["Gap", "Instance", "Json", "Raw", "ScenarioCount", "Seed", "Threads", "TimeLimit"]

Instance = Annotated[
    str,
    typer.Argument(
        help="An instance file (TOML), or a shipped instance: paper, recorded.",
        metavar="INSTANCE",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Seed = Annotated[int, typer.Option(help="Seed of every random choice.")]
ScenarioCount = Annotated[
    int, typer.Option("--scenarios", help="Rounds to draw for solvers that need a finite sample.")
]
TimeLimit = Annotated[
    float | None,
    typer.Option("--time-limit", help="Seconds after which a solver is to stop."),
]
Gap = Annotated[float, typer.Option(help="Relative gap at which a solver may stop.")]
Threads = Annotated[int | None, typer.Option(help="Threads that a solver may use.")]
Raw = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        help="An option of the solver under its own name; may be given again.",
        metavar="NAME=VALUE",
    ),
]
