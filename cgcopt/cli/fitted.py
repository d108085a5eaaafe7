"""Fitted families of worker times as a table, as JSON, and as an instance."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cgcopt.costs import Costs
    from cgcopt.system import System
    from cgcopt.workers.base import ContinuousTimes, WorkerTimes
    from cgcopt.workers.fitting import FitResult, FitRow

__all__ = [
    "commented",
    "families_of",
    "family_of",
    "instance_of",
    "show_families",
    "system_of",
]


def instance_of(result: FitResult, family: str | None, workers: int, coordinates: int) -> str:
    """The text of an instance with a fitted family, whose runtimes are seconds of the trace."""
    model = family_of(result, family)
    system = system_of(model, workers, coordinates)
    return commented(f"{model.label}, fitted", result.train.path, system)


def family_of(result: FitResult, family: str | None) -> ContinuousTimes:
    """The fitted family of this name, or the best one with a finite mean."""
    from cgcopt.errors import InvalidInputError

    model = result.best_finite if family is None else result.row(family).model
    if model is None:
        raise InvalidInputError("family", family, "one that can be fitted to this trace")
    return model


def system_of(
    times: WorkerTimes, workers: int, coordinates: int, costs: Costs | None = None
) -> System:
    """A system whose runtimes are seconds of the trace: without redundancy the load is 1."""
    from cgcopt._validate import whole_number
    from cgcopt.costs import Costs
    from cgcopt.system import System

    length = whole_number("coordinates", coordinates, least=1)
    count = whole_number("workers", workers, least=1)
    return System(count, length, times, samples=count, cycles=1 / length, costs=costs or Costs())


def commented(comment: str, path: Path | None, system: System) -> str:
    """The text of an instance that says in its first line where it comes from."""
    from cgcopt.instance import instance_text
    from cgcopt.objective import ExpectedRuntime
    from cgcopt.problem import Problem

    source = "" if path is None else f" to {path.name}"
    return f"# {comment}{source}.\n" + instance_text(Problem(system, ExpectedRuntime()))


def families_of(result: FitResult) -> dict[str, Any]:
    """The fitted families in plain values, for JSON."""
    return {
        "families": [
            {
                "family": row.family,
                "worker_times": None if row.model is None else dict(row.model.to_dict()),
                "log_likelihood": _finite(row.log_likelihood_in),
                "held_out_log_likelihood": _finite(row.log_likelihood_out),
                "ks_distance": _finite(row.distance),
                "outside": _finite(row.outside),
                "failure": row.failure,
            }
            for row in result.rows
        ],
        "rounds_fitted": result.train.round_count,
        "rounds_held_out": result.test.round_count,
        "drift": result.drift,
        "note": result.note,
    }


def show_families(console: Any, result: FitResult, name: str) -> None:
    """Print a line a family."""
    from rich import box
    from rich.table import Table

    table = Table(title=name, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("family, fitted to all rounds", overflow="fold")
    for heading in ("in-sample", "held-out", "KS", "outside"):
        table.add_column(heading, justify="right")
    for row in result.rows:
        table.add_row(*_texts(row))
    console.print(table)
    console.print(
        f"Log-likelihoods in nats per time: in-sample on the first {result.train.round_count} rounds, "
        f"held-out on the last {result.test.round_count} that no fit has seen (the rank); there also "
        "the KS distance, and the share of times outside the support."
    )
    console.print(f"KS distance between the two parts themselves: {result.drift:.3f}.")
    if result.note:
        console.print(result.note)


def _texts(row: FitRow) -> tuple[str, ...]:
    if row.model is None:
        return (row.family, row.failure, "", "", "")
    return (
        row.model.label,
        f"{row.log_likelihood_in:.4f}",
        f"{row.log_likelihood_out:.4f}",
        f"{row.distance:.4f}",
        f"{100 * row.outside:.2f} %",
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
