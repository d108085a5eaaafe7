"""Instance files: a problem as TOML."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from cgcopt._validate import did_you_mean, whole_number
from cgcopt.costs import Costs
from cgcopt.errors import InvalidInputError
from cgcopt.limits import Limits, boundaries_of_sizes, read_sizes
from cgcopt.objective import (
    CompletionProbability,
    ConditionalValueAtRisk,
    ExpectedRuntime,
    Objective,
    Quantile,
)
from cgcopt.problem import Problem
from cgcopt.system import System
from cgcopt.workers import worker_times_from_dict
from cgcopt.workers.reading.files import name_of, read_text
from cgcopt.workers.trace import Trace

__all__ = [
    "OBJECTIVES",
    "example_instances",
    "instance_tables",
    "instance_text",
    "load_instance",
    "problem_from_dict",
    "problem_of_trace",
    "standalone_tables",
]

_SYSTEM_KEYS = {"workers", "coordinates", "samples", "cycles"}
_COST_KEYS = frozenset(Costs.__dataclass_fields__)
_LIMIT_KEYS = frozenset(Limits.__dataclass_fields__)
#: Kinds of objectives in instances, with the name of their parameter.
OBJECTIVES: dict[str, tuple[type[Objective], str | None]] = {
    "expected-runtime": (ExpectedRuntime, None),
    "completion-probability": (CompletionProbability, "deadline"),
    "quantile": (Quantile, "probability"),
    "conditional-value-at-risk": (ConditionalValueAtRisk, "probability"),
}


def load_instance(path: str | Path) -> Problem:
    """Read a problem from a TOML file.

    Parameters
    ----------
    path : str or Path
        The file, or the name of an instance that ships with the package
        (:func:`example_instances`); a relative trace path in a file is relative to its folder.

    Returns
    -------
    Problem
        Titled by the file's name.

    Raises
    ------
    InvalidInputError
        If the file cannot be read, is not TOML, or has a missing, unknown or refused entry.

    Examples
    --------
    >>> load_instance("paper").system.workers
    20
    """
    shipped = example_instances()
    name, path = str(path), Path(path)
    if name in shipped and not path.exists():
        path = shipped[name]
    text = read_text("instance", path, "a readable TOML file")
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise InvalidInputError("instance", str(path), "a TOML file (nested too deeply)") from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError("instance", str(path), f"a TOML file ({error})") from None
    except ValueError:  # Python reads no number of thousands of digits
        raise InvalidInputError(
            "instance", str(path), "a TOML file (a number in it has thousands of digits)"
        ) from None
    return problem_from_dict(table, folder=path.parent, title=path.stem)


def problem_from_dict(
    table: Mapping[str, Any], *, folder: Path = Path(), title: str = ""
) -> Problem:
    """Build a problem from its tables.

    ``system`` and ``worker_times`` are needed; ``objective``, ``costs`` and ``limits`` are not.
    """
    optional = {"objective", "costs", "limits"}
    _keys("", table, required={"system", "worker_times"}, optional=optional)
    for name in table:
        if not isinstance(table[name], Mapping):
            raise InvalidInputError(name, table[name], f"a table [{name}]")
    system = table["system"]
    _keys("system.", system, required={"workers", "coordinates"}, optional=_SYSTEM_KEYS)
    times = worker_times_from_dict(table["worker_times"], folder)
    objective = _objective(table.get("objective", {"kind": ExpectedRuntime.kind}))
    costs = table.get("costs", {})
    _keys("costs.", costs, required=set(), optional=_COST_KEYS)
    return Problem(
        System(worker_times=times, costs=Costs(**costs), **system),
        objective,
        title=title,
        limits=_limits(table.get("limits", {}), folder),
    )


def problem_of_trace(
    trace: Trace,
    *,
    mode: str = "pooled",
    coordinates: int = 20_000,
    objective: Objective | None = None,
) -> Problem:
    """Build a problem from a trace, with runtimes in the seconds of the trace.

    A round without coding takes as long as its slowest worker: ``samples = N`` and
    ``cycles = 1/L``.

    Parameters
    ----------
    trace : Trace
        Measured times, ``R`` rounds of ``N`` workers.
    mode : str
        ``"pooled"``: all times as one distribution of independent workers; ``"rounds"``: whole
        rounds, with the dependence between workers.
    coordinates : int
        ``L``.
    objective : Objective, optional
        The expected runtime by default.

    Examples
    --------
    >>> trace = Trace([[1.0, 2.0], [1.5, 9.0]])
    >>> problem = problem_of_trace(trace, mode="rounds", coordinates=100)
    >>> problem.system.workers, problem.system.unit
    (2, 0.01)
    """
    if mode not in ("pooled", "rounds"):
        raise InvalidInputError("mode", mode, 'one of "pooled", "rounds"')
    length = whole_number("coordinates", coordinates, least=1)
    times = trace.rounds() if mode == "rounds" else trace.pooled()
    system = System(trace.workers, length, times, samples=trace.workers, cycles=1 / length)
    title = "" if trace.path is None else name_of(trace.path)
    return Problem(system, objective or ExpectedRuntime(), title=title)


def instance_text(problem: Problem) -> str:
    """Write a problem as the text of an instance file.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(workers=4, coordinates=100, worker_times=cg.Exponential(rate=2.0))
    >>> print(cg.instance_text(cg.Problem(system, cg.ExpectedRuntime())))
    [system]
    workers = 4
    coordinates = 100
    samples = 1
    cycles = 1.0
    <BLANKLINE>
    [worker_times]
    family = "exponential"
    rate = 2.0
    <BLANKLINE>
    [objective]
    kind = "expected-runtime"
    <BLANKLINE>
    """
    import tomli_w

    return tomli_w.dumps(instance_tables(problem))


def instance_tables(problem: Problem) -> dict[str, Mapping[str, Any]]:
    """The tables of an instance file, which :func:`problem_from_dict` reads again."""
    system = problem.system
    tables: dict[str, Mapping[str, Any]] = {
        "system": {
            "workers": system.workers,
            "coordinates": system.coordinates,
            "samples": system.samples,
            "cycles": system.cycles,
        },
        "worker_times": system.worker_times.to_dict(),
        "objective": problem.objective.to_dict(),
    }
    for name, optional in (("costs", system.costs), ("limits", problem.limits)):
        if optional:
            tables[name] = optional.to_dict()
    return tables


def standalone_tables(problem: Problem) -> dict[str, Any]:
    """The title and the tables of an instance; a trace stands with its times, not with its file.

    :func:`problem_from_dict` reads them again, the title apart.
    """
    tables = instance_tables(problem)
    if "path" in tables["worker_times"]:
        alone = copy.copy(problem.system.worker_times)
        object.__setattr__(alone, "source", None)
        tables["worker_times"] = alone.to_dict()
    return {"title": problem.title, **tables}


def example_instances() -> dict[str, Path]:
    """Return the instances that ship with the package, by name."""
    folder = Path(str(files("cgcopt"))) / "data" / "instances"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def _objective(table: Mapping[str, Any]) -> Objective:
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in OBJECTIVES:
        raise InvalidInputError("objective.kind", kind, f"one of: {', '.join(OBJECTIVES)}")
    cls, parameter = OBJECTIVES[kind]
    for _, key in OBJECTIVES.values():
        if key is not None and key != parameter and key in table:
            takers = " or ".join(f'"{name}"' for name, (_, its) in OBJECTIVES.items() if its == key)
            raise InvalidInputError(
                f"objective.{key}", table[key], f"absent: only kind = {takers} takes it"
            )
    required = {"kind"} if parameter is None else {"kind", parameter}
    _keys("objective.", table, required=required)
    return cls(**{key: value for key, value in table.items() if key != "kind"})


def _limits(table: Mapping[str, Any], folder: Path) -> Limits:
    """Read the limits; boundaries may be the name of a file with a tensor size a line."""
    _keys("limits.", table, required=set(), optional=_LIMIT_KEYS)
    fields = dict(table)
    if isinstance(fields.get("boundaries"), str):
        fields["boundaries"] = boundaries_of_sizes(read_sizes(folder / fields["boundaries"]))
    return Limits(**fields)


def _keys(
    prefix: str,
    table: Mapping[str, Any],
    *,
    required: set[str],
    optional: set[str] | frozenset[str] = frozenset(),
) -> None:
    known = sorted(required | optional)
    for key in table:
        if key not in known:
            allowed = f"absent, or {did_you_mean(key, known)}"
            raise InvalidInputError(f"{prefix}{key}", table[key], allowed)
    for key in sorted(required):
        if key not in table:
            raise InvalidInputError(f"{prefix}{key}", None, "given")
