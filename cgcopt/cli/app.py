"""The commands of ``cgcopt`` put together."""

from __future__ import annotations

from typing import Annotated

import typer

from cgcopt.cli.compare import compare
from cgcopt.cli.curve import curve
from cgcopt.cli.evaluate import evaluate
from cgcopt.cli.fit import fit
from cgcopt.cli.inspect import inspect
from cgcopt.cli.plan import plan
from cgcopt.cli.record import record
from cgcopt.cli.reproduce import reproduce
from cgcopt.cli.run import run
from cgcopt.cli.schedules import schedules
from cgcopt.cli.solve import solve
from cgcopt.cli.solvers import solvers
from cgcopt.cli.tradeoff import tradeoff
from cgcopt.cli.verify import verify
from cgcopt.version import __version__

__all__ = ["app"]

app = typer.Typer(
    help="Certified redundancy designs for gradient coding under partial stragglers.",
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (
    solve,
    evaluate,
    verify,
    compare,
    curve,
    schedules,
    tradeoff,
    reproduce,
    plan,
    run,
    inspect,
    fit,
    record,
    solvers,
):
    app.command()(command)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"cgcopt {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Certified redundancy designs for gradient coding under partial stragglers."""
