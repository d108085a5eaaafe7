"""The commands of ``cgcopt`` put together."""

from __future__ import annotations

from typing import Annotated

import typer

from cgcopt.cli.commands.advise import advise
from cgcopt.cli.commands.compare import compare
from cgcopt.cli.commands.curve import curve
from cgcopt.cli.commands.evaluate import evaluate
from cgcopt.cli.commands.fit import fit
from cgcopt.cli.commands.inspect import inspect
from cgcopt.cli.commands.judge import judge
from cgcopt.cli.commands.library import library
from cgcopt.cli.commands.plan import plan
from cgcopt.cli.commands.record import record
from cgcopt.cli.commands.reproduce import reproduce
from cgcopt.cli.commands.run import run
from cgcopt.cli.commands.schedules import schedules
from cgcopt.cli.commands.solve import solve
from cgcopt.cli.commands.solvers import solvers
from cgcopt.cli.commands.study import study
from cgcopt.cli.commands.tradeoff import tradeoff
from cgcopt.cli.commands.verify import verify
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
    study,
    curve,
    schedules,
    tradeoff,
    reproduce,
    plan,
    run,
    inspect,
    advise,
    fit,
    record,
    library,
    judge,
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
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version.", metavar=""
        ),
    ] = False,
) -> None:
    """Certified redundancy designs for gradient coding under partial stragglers."""
