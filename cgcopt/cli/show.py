"""Solutions as text for the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cgcopt.design import Design
from cgcopt.evaluation.result import Probability
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
    for name, text in _facts(solution):
        facts.add_row(name, text)
    console.print(facts)
    if solution.partition is not None:
        console.print(_blocks(solution))


def _facts(solution: Solution) -> list[tuple[str, str]]:
    problem, seconds = solution.problem, solution.seconds
    unit = f" {problem.objective.unit}" if problem.objective.unit else ""
    system = problem.system
    facts = [
        ("instance", problem.name),
        ("objective", problem.objective.kind),
        (
            "system",
            f"{system.workers} workers, {system.coordinates} coordinates, "
            f"{system.worker_times.label}",
        ),
        *([("costs", system.costs.label)] if system.costs else []),
        *([("limits", problem.limits.label)] if problem.limits else []),
        ("solver", f"{solution.solver}, {solution.form} form"),
        ("status", f"{solution.status} ({solution.termination})"),
    ]
    evaluation = solution.evaluation
    if evaluation is not None:
        note = str(evaluation.method)
        if evaluation.standard_error > 0:
            note += f", standard error {evaluation.standard_error:.2g}"
        if evaluation.lower < evaluation.upper and evaluation.standard_error == 0:
            note += f", in [{evaluation.lower:.10g}, {evaluation.upper:.10g}]"
        facts.append(("value", f"{solution.value:.10g}{unit} ({note})"))
        if isinstance(evaluation, Probability):
            facts.append(("1 - value", f"{evaluation.complement:.6g}"))
    if math.isfinite(solution.bound):
        facts.append(("bound", f"{solution.bound:.10g}{unit} ({solution.certificate})"))
        if not math.isnan(solution.gap):
            facts.append(("gap", f"{solution.gap:.2e}"))
    if solution.residual is not None:
        facts.append(("residual", f"{solution.residual:.2e}"))
    sample = solution.sample
    if sample is not None:
        facts.append(
            (
                "sample",
                f"{sample.value:.10g}{unit} on {sample.scenarios} scenarios (seed {sample.seed}), "
                f"bound {sample.bound:.10g} ({sample.certificate}), gap {sample.gap:.2e}",
            )
        )
    if solution.design is not None:
        facts.append(("storage", _storage(solution.design)))
    facts.append(
        (
            "seconds",
            f"build {seconds.build:.3f}, solve {seconds.solve:.3f}, "
            f"evaluate {seconds.evaluate:.3f}",
        )
    )
    if solution.message:
        facts.append(("message", solution.message))
    return facts


def _storage(design: Design) -> str:
    copies, blocks = design.copies, design.blocks
    many = "block" if blocks == 1 else "blocks"
    return f"a worker stores {copies} of {design.workers} subsets; {blocks} {many}"


def _blocks(solution: Solution) -> Table:
    from rich import box
    from rich.table import Table

    partition = solution.partition
    assert partition is not None
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("stragglers tolerated", justify="right")
    table.add_column("coordinates", justify="right")
    table.add_column("share", justify="right")
    table.add_column("")
    total, largest = partition.sum(), partition.max()
    for n, x in enumerate(partition.tolist()):
        if x > 1e-9 * total:
            bar = "█" * round(24 * x / largest)
            text = f"{x:.0f}" if x == round(x) else f"{x:.3f}"
            table.add_row(str(n), text, f"{100 * x / total:.2f} %", bar)
    return table
