"""Who solves how many instances of the library, and the best values and bounds known.

    python -m tests.benchmarks.bench_library [--seconds 60] [--jobs 2] [--minutes 40] [--own]
        [--store PATH] [--write] [NAME...]

NAME is an instance or the beginning of names. Runs resume from the store, and the command ends after
``--minutes`` with what there is. Where a solver was at its limit, larger instances of the same series
are not tried, and count as not solved. ``--own`` leaves outside solvers out.

``--write`` renews the tables of README.md and docs/library.md, the picture of the profiles there, and
``cgcopt/data/library.csv``, which keeps the best values and bounds that it has.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgcopt.compare.results.comparison import Comparison
from cgcopt.compare.results.store import Store
from cgcopt.compare.show.environment import environment
from cgcopt.library.catalogue import LibraryInstance, library
from cgcopt.library.known import best_known
from cgcopt.options import Options
from cgcopt.solution import SolutionStatus, TerminationCondition
from cgcopt.solvers.base import Role
from cgcopt.solvers.registry import all_solvers
from cgcopt.study.profiles import (
    HOW_TO_READ_PROFILE,
    label_of,
    shifted_geometric_mean,
    summary_of,
)
from cgcopt.study.show.plots import plot_profile
from tests.benchmarks.library_runs import SOLVED, Runs, TimeUp, tasks_of
from tests.benchmarks.table import markdown, renew, show

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
#: Solvers with a curve in the picture: those that solve most.
CURVES = 12


def run(quick: bool = False) -> list[dict[str, Any]]:
    """Return how many instances each solver solves, of those that it takes."""
    chosen = list(library().values())
    if quick:
        chosen = [each for each in chosen if each.problem.system.workers <= 5]
    options = Options(time_limit=5.0 if quick else 60.0, threads=1)
    runs = Runs(tasks_of(chosen, options), Store())
    try:
        runs.make(jobs=1, minutes=2.0 if quick else 40.0)
    except TimeUp:
        print("the time is over")
    return counts(runs.checked())


def counts(runs: Runs) -> list[dict[str, Any]]:
    """Return a line a solver: taken, solved, proven by itself, mean seconds, refused, not tried.

    An instance is refused where the solver says, once asked, that it has no model of such times.
    """
    lines: dict[str, dict[str, Any]] = {}
    seconds: dict[str, list[float]] = {}
    names = ("takes", "solved", "proved itself", "mean s", "refused", "not tried")
    for task in runs.tasks:
        solver, row = task.run.solver, runs.rows.get(task.run.key)
        line = lines.setdefault(solver, {"solver": solver, **dict.fromkeys(names, 0)})
        line["takes"] += 1
        line["not tried"] += row is None
        if row is None:
            continue
        if row.solution.termination is TerminationCondition.ERROR and not row.seconds:
            line["refused"] += 1
            line["takes"] -= 1
        line["proved itself"] += row.solution.status is SolutionStatus.OPTIMAL
        if runs.gap(row) <= SOLVED:
            line["solved"] += 1
            seconds.setdefault(solver, []).append(row.seconds)
    for solver, line in lines.items():
        mean = shifted_geometric_mean(seconds.get(solver, []))
        line["mean s"] = "" if math.isnan(mean) else f"{mean:.2f}"
    return sorted(lines.values(), key=lambda line: (-line["solved"], -line["proved itself"]))


def frame_of(runs: Runs, options: Options) -> pd.DataFrame:
    """The frame of all rows, with gaps to the best bounds known."""
    frame = Comparison(tuple(runs.rows.values()), options).frame()
    gaps = {(row.problem, row.solver): runs.gap(row) for row in runs.rows.values()}
    pairs = zip(frame["problem"], frame["solver"], strict=True)
    # One curve a solver, whatever the form in which an instance is posed.
    return frame.assign(gap=[gaps[pair] for pair in pairs], form="relaxed")


def _best(found: Sequence[tuple[float, str]], sign: float) -> tuple[float, str]:
    """The best number with its finder; of those that agree to 1e-9, the one known first."""
    best = min((sign * number for number, _ in found), default=math.nan)
    close = (pair for pair in found if sign * pair[0] <= best + 1e-9 * abs(best))
    return next(close, (math.nan, ""))


def best_of(runs: Runs, instance: LibraryInstance) -> dict[str, str]:
    """The best value and bound of the rows and of what was known, with who found them."""
    sense = instance.problem.objective.sense
    sign = 1.0 if sense == "minimize" else -1.0
    rows = [row for row in runs.rows.values() if row.problem == instance.name]
    values = [(row.value, row.solver) for row in rows if math.isfinite(row.value)]
    bounds = [(b, row.solver) for row in rows if math.isfinite(b := row.solution.bound)]
    known = best_known().get(instance.name)
    if known is not None and math.isfinite(known.value):
        values.insert(0, (known.value, known.by))
    if known is not None and math.isfinite(known.bound):
        bounds.insert(0, (known.bound, known.proven_by))
    value = _best(values, sign)
    bound = _best([(-b, by) for b, by in bounds], sign)
    bound = (-bound[0], bound[1]) if bounds else bound
    return {
        "name": instance.name,
        "value": repr(value[0]) if values else "",
        "bound": repr(bound[0]) if bounds else "",
        "by": value[1],
        "proven_by": bound[1],
    }


def write_known(runs: Runs, path: Path) -> None:
    """Renew the table of what is known."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["name", "value", "bound", "by", "proven_by"])
        writer.writeheader()
        writer.writerows(best_of(runs, instance) for instance in library().values())


def texts(runs: Runs, options: Options, jobs: int) -> tuple[str, str]:
    """The short table of README and the long section of the page on the library."""
    lines = counts(runs)
    tried, left = len(runs.rows), len(runs.tasks) - len(runs.rows)
    facts = environment()
    how = (
        f"{len({task.instance.name for task in runs.tasks})} instances, "
        f"{options.time_limit:g} s a run on one thread, {jobs} run{'s' if jobs > 1 else ''} at a "
        f"time ({facts['processor']}, {facts['CPUs']} CPUs, {datetime.now(UTC):%Y-%m-%d}). "
        f"Solved: a design within {SOLVED:g} of the best bound known, whoever proved it. "
    )
    skipped = (
        f"{tried} runs were made; {left} were not, since their solver had been at its limit on a "
        "smaller instance of the same series or the time for all runs was over, and count as not solved. "
    )
    own = {cls.name for cls in all_solvers() if cls.role is not Role.ADAPTER}
    names = ("solver", "takes", "solved", "proved itself")
    short = [
        {**{name: line[name] for name in names}, "seconds": line["mean s"]}
        for line in lines
        if line["solved"]
    ]
    none = ", ".join(f"`{line['solver']}`" for line in lines if not line["solved"])
    rest = f"None within {SOLVED:g} of a bound: {none}.\n" if none else ""
    for line in short:
        line["solver"] = f"`{line['solver']}`" + (" (own)" if line["solver"] in own else "")
    seconds = "Seconds are shifted geometric means over the instances that a solver solved.\n"
    summary = summary_of(frame_of(runs, options), time_limit=options.time_limit)
    summary = summary.drop(columns=["form"]).round(4)
    long = (
        f"{how}{skipped}{seconds}\n{markdown(lines)}\n"
        "![performance profiles](images/library_profile.png)\n\n"
        f"{HOW_TO_READ_PROFILE} Of {len({row.problem for row in runs.rows.values()})} instances; "
        "who does not take an instance has not solved it, so that the profile shows reach and speed "
        "at once; "
        f"the {CURVES} solvers that solve most.\n\n"
        "The runs that were made, by their values:\n\n"
        f"{markdown(summary.to_dict('records'))}"
    )
    return f"{how}{seconds}\n{markdown(short)}\n{rest}", long


def write(runs: Runs, options: Options, jobs: int) -> None:
    """Renew the tables, the picture and what is known."""
    write_known(runs, ROOT / "cgcopt" / "data" / "library.csv")
    short, long = texts(runs, options, jobs)
    renew(ROOT / "README.md", "who solves how many", short)
    renew(ROOT / "docs" / "library.md", "who solves how many", long)
    draw(runs, options, ROOT / "docs" / "images" / "library_profile.png")


def draw(runs: Runs, options: Options, path: Path) -> None:
    """Draw the profiles of those that solve most."""
    frame = frame_of(runs, options)
    best = [line["solver"] for line in counts(runs)[:CURVES]]
    kept = frame[frame["solver"].isin(best)]
    order = {label_of(name, "relaxed"): place for place, name in enumerate(best)}
    plot_profile(kept.sort_values("solver", key=lambda names: names.map(order)), path)


def chosen_instances(names: Sequence[str]) -> list[LibraryInstance]:
    """Instances with these names, or that begin so; all without names."""
    found = [
        each
        for name, each in library().items()
        if not names or any(name.startswith(start) for start in names)
    ]
    if not found:
        raise SystemExit(f"no instance of the library begins with {', '.join(names)}")
    return found


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=40.0)
    parser.add_argument("--store", type=Path, default=ROOT / "build" / "library.sqlite")
    parser.add_argument("--own", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--out", type=Path, help="write summary.md and profile.png there")
    arguments = parser.parse_args()
    arguments.store.parent.mkdir(parents=True, exist_ok=True)
    options = Options(time_limit=arguments.seconds, threads=1)
    tasks = tasks_of(chosen_instances(arguments.names), options, own=arguments.own)
    runs = Runs(tasks, Store(arguments.store))
    try:
        runs.make(arguments.jobs, arguments.minutes)
    except (TimeUp, KeyboardInterrupt) as error:
        print(f"ended early ({type(error).__name__}); the same command goes on")
    runs = runs.checked()
    show("Solved of the library", counts(runs))
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "summary.md").write_text(texts(runs, options, arguments.jobs)[1])
        draw(runs, options, arguments.out / "profile.png")
    if arguments.write:
        write(runs, options, arguments.jobs)


if __name__ == "__main__":
    main()
