"""Options that were typed and count for nothing: they are said, not passed over in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cgcopt.cli.arguments import was_given

if TYPE_CHECKING:
    import typer

    from cgcopt.compare.results.comparison import Comparison
    from cgcopt.solution import Solution

__all__ = ["unused_in_comparison", "unused_in_replay", "unused_in_run"]


def unused_in_run(context: typer.Context, solution: Solution) -> list[str]:
    """Say which of the options of one run its solver had no use for."""
    given = [name for name in ("scenarios", "seed", "threads") if was_given(context, name)]
    if not given:
        return []
    from cgcopt.solvers.registry import all_solvers

    name = solution.solver
    classes = [cls for cls in all_solvers() if cls.name == name]
    drawn = solution.sample is not None
    kind = solution.problem.system.worker_times.kind
    used = {
        "scenarios": drawn or any(cls.draws and kind != "scenarios" for cls in classes),
        "seed": drawn or any(cls.honours("seed") for cls in classes),
        "threads": any(cls.honours("threads") for cls in classes),
    }
    why = {
        "scenarios": f"solver '{name}' draws no rounds for this problem",
        "seed": f"solver '{name}' makes no random choice here",
        "threads": f"solver '{name}' does not take a number of threads",
    }
    return [
        f"--{option} {context.params[option]} counts for nothing: {why[option]}."
        for option in given
        if classes and not used[option]
    ]


def unused_in_comparison(context: typer.Context, comparison: Comparison) -> list[str]:
    """Say which of the options of a comparison none of its solvers had a use for."""
    from cgcopt.solvers.registry import all_solvers

    rows = comparison.rows
    if not rows or any(row.failed for row in rows):
        return []
    classes = [cls for cls in all_solvers() if cls.name in {row.solver for row in rows}]
    if {cls.name for cls in classes} != {row.solver for row in rows}:
        return []  # a solver of a file, of which nothing is known
    drawn = any(cls.draws for cls in classes) or any(row.solution.sample for row in rows)
    used = {
        "scenarios": drawn,
        "seed": drawn or any(cls.honours("seed") for cls in classes),
        "threads": any(cls.honours("threads") for cls in classes),
    }
    why = {
        "scenarios": "no solver of the comparison draws rounds",
        "seed": "no solver of the comparison makes a random choice",
        "threads": "no solver of the comparison takes a number of threads",
    }
    return [
        f"--{option} {context.params[option]} counts for nothing: {why[option]}."
        for option, counts in used.items()
        if not counts and was_given(context, option)
    ]


def unused_in_replay(context: typer.Context) -> list[str]:
    """Say that a replay, which designs on recorded rounds and models of them, draws no rounds."""
    if not was_given(context, "scenarios"):
        return []
    count = context.params["scenarios"]
    return [f"--scenarios {count} counts for nothing: a replay designs on the rounds of its trace."]
