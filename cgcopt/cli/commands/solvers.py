"""``cgcopt solvers``: which methods there are, and what each can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cgcopt.cli.arguments import Json

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["solvers"]

#: Objectives and forms as the table abbreviates them.
LETTERS = {"relaxed": "r", "block": "b", "coordinate": "c"}
HEADINGS = {
    "expected-runtime": "E",
    "completion-probability": "P",
    "quantile": "q",
    "conditional-value-at-risk": "V",
}
LEGEND = (
    "E expected runtime, P completion probability, q quantile, V conditional value\n"
    "at risk; solved in the form r relaxed, b block, c coordinate. What is relaxed\n"
    "only serves the block form by rounding. --json says more: kinds of worker\n"
    "times, limits, costs, licences."
)

Options = Annotated[
    bool,
    typer.Option(
        "--options",
        help="Show how each outside solver names what is common: time limit, gap, threads, seed, log.",
        metavar="",
    ),
]


def solvers(as_json: Json = False, options: Options = False) -> int:
    """List the solvers: what each solves, and whether it is installed or which extra brings it."""
    from cgcopt.cli.terminal import console, print_json
    from cgcopt.instance import OBJECTIVES
    from cgcopt.solvers.registry import all_solvers, solver_facts, solver_table

    if options:
        return _show_options(as_json)
    if as_json:
        print_json({"solvers": [solver_facts(cls) for cls in all_solvers()]})
        return 0
    from rich import box
    from rich.table import Table

    output = console()
    frame = solver_table()
    for role, group in frame.groupby("role", sort=False):
        table = Table(
            box=box.SIMPLE_HEAD,
            title=f"{role}s",
            title_justify="left",
            padding=(0, 1, 0, 0),
            pad_edge=False,
        )
        for heading in ("name", *OBJECTIVES, "version", "summary"):
            shown = HEADINGS.get(heading, heading)
            table.add_column(shown, overflow="fold", no_wrap=heading == "name")
        for name, line in group.iterrows():
            forms = (letters(line[kind]) for kind in OBJECTIVES)
            table.add_row(str(name), *forms, _available(line), line["summary"])
        output.print(table)
    output.print(LEGEND)
    return 0


def letters(forms: str) -> str:
    """Abbreviate the forms that a solver treats: ``relaxed, block`` is ``rb``."""
    return "".join(LETTERS[form] for form in forms.split(", ") if form)


def _available(line: pd.Series[Any]) -> str:
    """The version, or what to install."""
    return line["version"] or "yes" if line["available"] else f"needs cgcopt[{line['extra']}]"


def _show_options(as_json: bool) -> int:
    from cgcopt.cli.terminal import console, print_json
    from cgcopt.solvers.adapters.neutral_options import NEUTRAL, neutral_options

    table = neutral_options()
    if as_json:
        print_json({"options": table})
        return 0
    from rich import box
    from rich.table import Table

    shown = Table(box=box.SIMPLE_HEAD)
    for name in ("solver", *NEUTRAL):
        shown.add_column(name, overflow="fold")
    for solver, names in table.items():
        shown.add_row(solver, *names.values())
    console().print(shown)
    console().print("An empty cell: the solver has no such option, and the common one is ignored.")
    return 0
