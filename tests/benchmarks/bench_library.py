"""Who solves how many instances of the library, and the best values and bounds known.

    python -m tests.benchmarks.bench_library [--seconds 60] [--own] [--store PATH] [--write] [NAME...]

Runs resume from the store. ``--own`` leaves outside solvers out; ``--write`` renews
``cgcopt/data/library.csv``.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cgcopt.compare.results.compare import compare
from cgcopt.compare.results.comparison import Comparison
from cgcopt.compare.results.entrant import Entrant
from cgcopt.compare.results.store import Store
from cgcopt.errors import CgcoptError
from cgcopt.library.catalogue import LibraryInstance, library, library_instance
from cgcopt.options import Options
from cgcopt.solution import SolutionStatus
from cgcopt.solvers.base import Role, Times
from cgcopt.solvers.registry import all_solvers
from tests.benchmarks.table import show

ROOT = Path(__file__).resolve().parents[2]
#: Relative gap to the best known bound up to which an instance counts as solved.
SOLVED = 1e-4
#: Methods of schedules; they are asked where order and work are free.
SCHEDULES = ("rotated", "two-level", "schedule")


def entrants(instance: LibraryInstance, *, own: bool = False) -> Iterator[Entrant]:
    """Yield the solvers that pose this very problem to themselves, without drawn rounds."""
    problem, form = instance.problem, instance.form
    if instance.schedule:
        yield from map(Entrant, SCHEDULES)
        return
    kind = problem.system.worker_times.kind
    for cls in all_solvers():
        exact = kind in cls.times or (kind is Times.SCENARIOS and Times.SCENARIOS in cls.times)
        outside = cls.role is Role.ADAPTER
        searches = cls.role in (Role.EXACT, Role.ITERATIVE) or (outside and not own)
        treated = cls.treats(type(problem.objective), form)
        if searches and exact and treated and cls.available() and cls.fits(problem):
            yield Entrant(cls.name, form)


def results(
    instances: Sequence[LibraryInstance], seconds: float, store: Store, *, own: bool = False
) -> list[Any]:
    """Run everything, one instance after the other, and say how it goes."""
    found = []
    for instance in instances:
        options = Options(time_limit=seconds, threads=1)
        try:
            comparison = compare(
                instance.problem,
                _distinct(entrants(instance, own=own)),
                options=options,
                store=store,
            )
        except CgcoptError as error:
            print(f"{instance.name}: {error}", flush=True)
            continue
        found.append((instance, comparison))
        best = _best(instance, comparison)
        print(f"{instance.name}: {best['value']}, bound {best['bound']} ({best['by']})", flush=True)
    return found


def run(quick: bool = False) -> list[dict[str, Any]]:
    """Return how many instances each solver solves, of those that it takes."""
    chosen = list(library().values())
    if quick:
        chosen = [each for each in chosen if each.problem.system.workers <= 5]
    return counts(results(chosen, 5.0 if quick else 60.0, Store()))


def counts(found: Sequence[tuple[LibraryInstance, Comparison]]) -> list[dict[str, Any]]:
    """Return a line a solver: taken, proven by itself, as good as the best bound, median seconds."""
    lines: dict[str, dict[str, Any]] = {}
    for _, comparison in found:
        for row in comparison.rows:
            line = lines.setdefault(
                row.solver,
                {"solver": row.solver, "taken": 0, "proved": 0, "solved": 0, "seconds": []},
            )
            line["taken"] += 1
            line["proved"] += row.solution.status is SolutionStatus.OPTIMAL
            gap = comparison.gap(row)
            line["solved"] += gap <= SOLVED
            if gap <= SOLVED:
                line["seconds"].append(row.seconds)
    for line in lines.values():
        times = sorted(line.pop("seconds"))
        line["median s"] = round(times[len(times) // 2], 3) if times else ""
    return sorted(lines.values(), key=lambda line: (-line["solved"], line["solver"]))


def _distinct(chosen: Iterator[Entrant]) -> list[Entrant]:
    return list(dict.fromkeys(chosen))


def _best(instance: LibraryInstance, comparison: Comparison) -> dict[str, Any]:
    """The best value and bound of the rows, with who found them."""
    sign = 1.0 if instance.problem.objective.sense.value == "minimize" else -1.0
    valued = [row for row in comparison.rows if math.isfinite(row.value)]
    proven = [row for row in comparison.rows if math.isfinite(row.solution.bound)]
    best = min(valued, key=lambda row: sign * row.value, default=None)
    bound = max(proven, key=lambda row: sign * row.solution.bound, default=None)
    return {
        "name": instance.name,
        "value": "" if best is None else repr(best.value),
        "bound": "" if bound is None else repr(bound.solution.bound),
        "by": "" if best is None else best.solver,
        "proven_by": "" if bound is None else bound.solver,
    }


def write(found: Sequence[tuple[LibraryInstance, Comparison]], path: Path) -> None:
    """Renew the table of what is known."""
    rows = {row["name"]: row for row in (_best(*pair) for pair in found)}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["name", "value", "bound", "by", "proven_by"])
        writer.writeheader()
        writer.writerows(rows.values())


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--store", type=Path, default=ROOT / "build" / "library.sqlite")
    parser.add_argument("--own", action="store_true")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    arguments.store.parent.mkdir(parents=True, exist_ok=True)
    chosen = [library_instance(name) for name in arguments.names] or list(library().values())
    found = results(chosen, arguments.seconds, Store(arguments.store), own=arguments.own)
    show("Solved of the library", counts(found))
    if arguments.write:
        write(found, ROOT / "cgcopt" / "data" / "library.csv")


if __name__ == "__main__":
    main()
