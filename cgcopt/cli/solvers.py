"""``cgcopt solvers``: which methods there are, and what each can do."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cgcopt.cli.arguments import Json

__all__ = ["solvers"]

_OBJECTIVES = ("expected-runtime", "completion-probability", "quantile")


Options = Annotated[
    bool, typer.Option("--options", help="What every outside solver calls the common options.")
]


def solvers(as_json: Json = False, options: Options = False) -> int:
    """List the solvers: what each solves, and whether it is installed or which extra brings it."""
    from cgcopt.cli.terminal import console, print_json
    from cgcopt.solvers.registry import all_solvers

    if options:
        return _show_options(as_json)
    facts = [_facts(cls) for cls in all_solvers()]
    if as_json:
        print_json({"solvers": facts})
        return 0
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for name in ("name", "kind", "solves", "worker times", "available", "licence", "summary"):
        table.add_column(name, overflow="fold")
    for fact in facts:
        by_objective = "\n".join(f"{kind}: {', '.join(at)}" for kind, at in fact["solves"].items())
        available = (
            (fact["version"] or "yes")
            if fact["available"]
            else f"pip install 'cgcopt[{fact['extra']}]'"
        )
        times = "any" if len(fact["worker_times"]) == 3 else ", ".join(fact["worker_times"])
        table.add_row(
            fact["name"],
            fact["role"],
            by_objective,
            times,
            available,
            fact["licence"],
            fact["summary"],
        )
    console().print(table)
    return 0


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


def _facts(cls: Any) -> dict[str, Any]:
    from cgcopt.problem import Form

    order = list(Form)[::-1]
    objectives = [kind for kind in _OBJECTIVES if any(kind == k for k, _ in _tasks(cls))]
    return {
        "name": cls.name,
        "role": str(cls.role),
        "solves": {
            kind: [str(at) for at in order if (kind, at) in _tasks(cls)] for kind in objectives
        },
        "worker_times": sorted(map(str, cls.times)),
        "available": cls.available(),
        "version": cls.version(),
        "extra": cls.extra,
        "licence": cls.licence,
        "summary": cls.summary,
    }


def _tasks(cls: Any) -> set[tuple[str, Any]]:
    return {(task.objective.kind, task.form) for task in cls.solves}
