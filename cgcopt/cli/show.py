"""Solutions as text for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cgcopt.solution import Solution

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["show_prices", "show_solution"]


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
        console.print(_blocks(solution, "#" if console.options.ascii_only else "█"))


def show_prices(console: Console, solution: Solution) -> None:
    """Print the price of the budget, and the reduced cost of every level."""
    from rich import box
    from rich.table import Table

    prices = solution.prices
    if prices is None:
        why = "no design" if solution.design is None else "the value has no gradient"
        console.print(f"no prices: {why}")
        return
    unit = solution.problem.objective.unit or "probability"
    value = "E" if solution.problem.objective.unit else "P"
    console.print(f"one more coordinate: {prices.budget:+.6g} {unit} (lambda)")
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("level", "used", "coordinates", f"d{value}/dx - lambda, {unit} a coordinate"):
        table.add_column(title, justify="right")
    for row in prices.to_dict()["levels"]:
        used = "yes" if row["used"] else "no"
        amount = f"{row['coordinates']:.3f}" if row["used"] else "0"
        table.add_row(str(row["level"]), used, amount, f"{row['reduced']:+.4g}")
    console.print(table)


def _blocks(solution: Solution, mark: str) -> Table:
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
        bar = mark * round(24 * x / largest)
        text = f"{x:.0f}" if x == round(x) else f"{x:.3f}"
        table.add_row(str(n), text, f"{100 * x / total:.2f} %", bar)
    return table
