"""The commands of ``cgcopt`` put together; each is imported and built when it is called."""

from __future__ import annotations

from importlib import import_module
from inspect import getdoc
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from cgcopt.cli.labels import label_values
from cgcopt.version import __version__

__all__ = ["COMMANDS", "app"]

#: In the order of the help; each is the function of this name in ``cgcopt.cli.commands.<name>``.
COMMANDS = (
    "solve",
    "evaluate",
    "verify",
    "compare",
    "study",
    "curve",
    "schedules",
    "tradeoff",
    "reproduce",
    "plan",
    "run",
    "inspect",
    "advise",
    "fit",
    "record",
    "library",
    "judge",
    "solvers",
)


class _Commands(TyperGroup):
    """Builds the command that is called; the list of all needs no more than their docstrings."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands: dict[str, Any] = dict.fromkeys(COMMANDS)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        for name in COMMANDS:
            self.commands[name] = TyperCommand(name, help=getdoc(_function(name)))
        super().format_help(ctx, formatter)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in COMMANDS and self.commands[cmd_name] is None:
            alone = typer.Typer(add_completion=False, rich_markup_mode="rich")
            alone.command(cmd_name)(_function(cmd_name))
            command = typer.main.get_command(alone)
            label_values(command, _function(cmd_name), ctx)
            self.commands[cmd_name] = command
        return self.commands.get(cmd_name)


def _function(name: str) -> Any:
    return getattr(import_module(f"cgcopt.cli.commands.{name}"), name)


app = typer.Typer(
    cls=_Commands,
    help="Certified redundancy designs for gradient coding under partial stragglers.",
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
