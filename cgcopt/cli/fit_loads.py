"""``cgcopt fit`` for times at several loads: start-up and work told apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgcopt.cli.fitted import (
    commented,
    families_of,
    family_of,
    show_families,
    system_of,
)
from cgcopt.costs import Costs

if TYPE_CHECKING:
    from cgcopt.workers.load_fit import LoadFit
    from cgcopt.workers.reading.options import ReadOptions

__all__ = ["fit_at_loads"]

_MODELS = {
    "work-alone": "seconds proportional to the load",
    "fixed-start": "the same start-up for all, and random work",
    "fixed-work": "a random start, and the same work for all",
}


def fit_at_loads(
    path: Path,
    options: ReadOptions,
    holdout: float,
    out: Path | None,
    chosen: tuple[str | None, int | None, int],
    start: str | None,
    as_json: bool,
) -> int:
    """Fit a file of times at several loads, show it, and write an instance.

    Parameters
    ----------
    path : Path
    options : ReadOptions
    holdout : float
    out : Path, optional
        Of the instance.
    chosen : tuple
        Family, workers and coordinates of the instance; ``None`` for the best, and for those of the
        trace.
    start : str, optional
        ``fixed`` or ``random`` in the instance; by default what is off by less.
    as_json : bool
    """
    from cgcopt._writing import write_text
    from cgcopt.cli.terminal import console, print_json
    from cgcopt.workers.load_fit import fit_loads
    from cgcopt.workers.loads import LoadTrace

    found = fit_loads(LoadTrace.read(path, options), holdout=holdout)
    family, workers, coordinates = chosen
    random = found.best == "fixed-work" if start is None else start == "random"
    if out is not None:
        count = found.trace.workers if workers is None else workers
        write_text(out, _instance(found, random, family, count, coordinates))
    if as_json:
        print_json(_to_dict(found, coordinates))
    else:
        _show(console(), found, coordinates, random)
        if out is not None:
            console().print(
                f"written to {out}: an instance with {'a random' if random else 'this'} start"
            )
    return 0


def _instance(
    found: LoadFit, random: bool, family: str | None, workers: int, coordinates: int
) -> str:
    """The text of an instance: start-up in its costs, or a random start in its worker times."""
    from cgcopt.workers.start import RandomStart

    path = found.trace.path
    if not random:
        times = family_of(found.work, family)
        system = system_of(times, workers, coordinates, Costs(found.startup))
        return commented(f"Start-up, and work like {times.label}, fitted", path, system)
    started = RandomStart(found.fixed_work, family_of(found.start, family))
    system = system_of(started, workers, coordinates)
    return commented(f"Work {started.label}, fitted", path, system)


def _to_dict(found: LoadFit, coordinates: int) -> dict[str, Any]:
    return {
        "loads": list(found.trace.loads),
        "startup": found.startup,
        "startup_error": found.startup_error,
        "per_load": found.per_load,
        "per_load_error": found.per_load_error,
        "per_coordinate": found.per_load / coordinates,
        "fixed_work": found.fixed_work,
        "costs": dict(Costs(found.startup).to_dict()),
        "off_by": found.errors,
        "best_model": found.best,
        **families_of(found.work),
        "start_families": families_of(found.start)["families"],
    }


def _show(output: Any, found: LoadFit, coordinates: int, random: bool) -> None:
    from rich import box
    from rich.table import Table

    trace = found.trace
    table = Table(title=str(trace), title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("load", "rounds", "mean [s]", "median [s]", "start + work [s]"):
        table.add_column(heading, justify="right")
    for load, part in trace.by_load.items():
        times, model = part.times, found.startup + found.per_load * load
        numbers = (times.mean(), float(sorted(times.ravel())[times.size // 2]), model)
        table.add_row(f"{load:g}", str(part.round_count), *(f"{x:.4g}" for x in numbers))
    output.print(table)
    output.print(
        f"start-up {found.startup:.4g} +- {found.startup_error:.2g} s; a load of 1 takes "
        f"{found.per_load:.4g} +- {found.per_load_error:.2g} s besides in the mean, that is "
        f"{found.per_load / coordinates:.4g} s a coordinate of {coordinates}"
    )
    for name, words in _MODELS.items():
        least = "   <- the least" if name == found.best else ""
        output.print(f"off by {found.errors[name]:6.1%} on the last rounds: {words}{least}")
    if random:
        output.print(f"with a random start a load of 1 takes {found.fixed_work:.4g} s of work")
        show_families(output, found.start, "seconds of the start")
    else:
        show_families(output, found.work, "seconds of a load of 1, without the start-up")
    output.print("for an instance in which load 1 is the work of a worker without redundancy:")
    output.print(f"[costs]\nstartup = {found.startup!r}")
