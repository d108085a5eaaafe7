"""Run the benchmarks, print their tables and keep them with a description of the machine.

    python -m tests.benchmarks.run [--quick] [--out DIR] [NAME...]

Names are those of the modules without ``bench_``; all of them by default. Writes ``bench.json``,
``bench.md`` and, where the kernel was measured, ``kernel.png`` (time against ``N``).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from cgcopt.compare.show.environment import environment
from tests.benchmarks.table import markdown, show

TITLES = {
    "start": "Start: import, help, first and later solves",
    "kernel": "Kernel: crossing probability and gradient against the plain chain",
    "optimal": "Certified optimum of the expected runtime",
    "profile": "Where the time of the certified optimum goes",
    "scenarios": "Scenario problems against HiGHS and Clarabel",
    "probability": "Completion probability",
    "codes": "Gradient codes: accuracy, and speed beside a plain product",
    "training": "Coded training: workers killed at random moments",
    "deployable": "Limits on copies, levels and blocks",
    "limits": "Time limits against wall time",
    "coordinates": "Proofs at every number of coordinates: runs, wrong, not proven in time",
    "library": "Instances of the library that each solver solves",
    "schedules": "Schedules: time, and what is proven on small cases",
    "global": "Branch and bound for the completion probability",
}


def rows_of(name: str, quick: bool) -> list[dict[str, Any]]:
    """Run one benchmark."""
    module = import_module(f"tests.benchmarks.bench_{name}")
    run: Callable[..., list[dict[str, Any]]] = module.run
    if name == "kernel":
        return run(seconds=0.2) if quick else run()
    return run(quick=quick)


def plot_kernel(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw time against ``N`` on logarithmic axes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    sizes = [row for row in rows if isinstance(row.get("N"), int)]
    figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    labels = {"plain": "plain chain, value", "value": "value", "gradient": "value and gradient"}
    for column, label in labels.items():
        points = [(row["N"], row[column]) for row in sizes if row.get(column)]
        if points:
            axis.loglog(*zip(*points, strict=True), "o-", label=label)
    axis.set(xlabel="workers N", ylabel="median time [s]")
    axis.grid(visible=True, which="major", alpha=0.4)
    axis.legend()
    figure.savefig(path, dpi=150)


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(TITLES))
    parser.add_argument("--quick", action="store_true", help="smaller sizes, fewer repeats")
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(TITLES)
    if unknown:
        parser.error(f"unknown benchmark {unknown.pop()!r}: choose from {', '.join(TITLES)}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    facts = {"date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), **environment()}
    results: dict[str, Any] = {"machine": facts, "tables": {}}
    text = "".join(f"- {name}: {value}\n" for name, value in facts.items())
    for name in arguments.names or TITLES:
        rows = rows_of(name, arguments.quick)
        show(TITLES[name], rows)
        results["tables"][name] = rows
        text += (
            f"\n## {TITLES[name]}\n\n`python -m tests.benchmarks.run {name}`\n\n{markdown(rows)}"
        )
        (arguments.out / "bench.json").write_text(json.dumps(results, indent=1, default=str))
        (arguments.out / "bench.md").write_text(text)
        if name == "kernel":
            plot_kernel(rows, arguments.out / "kernel.png")


if __name__ == "__main__":
    main()
