"""Solutions as text for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cgcopt.solution import Solution

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["show_solution"]


def show_solution(console: Console, solution: Solution) -> None:
    """Print what a solution is worth, and its block structure."""
    from rich.table import Table

    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="bold")
    facts.add_column()
    for name, text in solution.facts().items():
        facts.add_row(name, text)
    console.print(facts)
    if solution.partition is not None:
        console.print(_blocks(solution))


def _blocks(solution: Solution) -> Table:
    from rich import box
    from rich.table import Table

    blocks = solution.blocks()
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("stragglers tolerated", justify="right")
    table.add_column("coordinates", justify="right")
    table.add_column("share", justify="right")
    table.add_column("")
    total = solution.problem.system.coordinates
    largest = max((x for _, x in blocks), default=1.0)
    for n, x in blocks:
        bar = "█" * round(24 * x / largest)
        text = f"{x:.0f}" if x == round(x) else f"{x:.3f}"
        table.add_row(str(n), text, f"{100 * x / total:.2f} %", bar)
    return table
