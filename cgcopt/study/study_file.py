"""Study files: instances, sweeps, solvers and seeds as TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from cgcopt._validate import did_you_mean
from cgcopt.compare.results.compare import DEFAULT_OPTIONS
from cgcopt.compare.results.entrant import Entrant, entrants_of
from cgcopt.compare.results.store import Store
from cgcopt.errors import InvalidInputError
from cgcopt.instance import example_instances, load_instance, problem_of_trace
from cgcopt.library.catalogue import library
from cgcopt.options import Options
from cgcopt.problem import Problem
from cgcopt.study.sweep import Point, Swept, carry_out, points_of
from cgcopt.workers.reading.files import read_text
from cgcopt.workers.reading.formats import is_table
from cgcopt.workers.trace import Trace

__all__ = ["Study", "TableOptions", "read_study", "run_study"]

_KEYS = ("title", "instance", "solvers", "seeds", "options", "sweep", "table", "samples")
_OPTION_KEYS = ("gap", "time_limit", "threads", "scenarios", "starts", "raw")
_SAMPLE_KEYS = ("scenarios", "replications", "solver")


@dataclass(frozen=True)
class TableOptions:
    """How the table of a paper looks.

    Attributes
    ----------
    columns : tuple of str
        Columns of the frame, or ``seconds``; the fields, the solver and what it reached by default.
    label : str
        Of the LaTeX table.
    caption : str
        The title by default.
    """

    columns: tuple[str, ...] = ()
    label: str = ""
    caption: str = ""


@dataclass(frozen=True)
class Study:
    """What a study file says.

    Attributes
    ----------
    title : str
    points : tuple of Point
        All problems.
    solvers : tuple of Entrant
    seeds : tuple of int
    options : Options
    table : TableOptions
    samples : mapping
        Arguments of :func:`~cgcopt.study.samples.sample_study`; empty without such a study.
    bases : tuple of Problem
        The instances, unchanged.
    """

    title: str
    points: tuple[Point, ...]
    solvers: tuple[Entrant, ...]
    seeds: tuple[int, ...]
    options: Options
    table: TableOptions = field(default_factory=TableOptions)
    samples: Mapping[str, Any] = field(default_factory=dict)
    bases: tuple[Problem, ...] = ()


def read_study(path: str | Path) -> Study:
    """Read a study file.

    Parameters
    ----------
    path : path-like
        TOML with ``instance`` (a file, beside the study; a shipped instance; a name of the library;
        or a list of them) and, where wanted, ``title``, ``solvers``, ``seeds``, ``[options]``,
        ``[sweep]`` or several ``[[sweep]]`` (each a grid of lists and ranges), ``[table]``
        (``columns``, ``label``, ``caption``) and ``[samples]``.

    Raises
    ------
    InvalidInputError
        If the file cannot be read, or an entry is missing, unknown or refused.
    """
    path = Path(path)
    text = read_text("study", path, "a readable TOML file")
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError("study", str(path), f"a TOML file ({error})") from None
    return study_from_dict(table, folder=path.parent, title=path.stem)


def study_from_dict(table: Mapping[str, Any], *, folder: Path = Path(), title: str = "") -> Study:
    """Build a study from its tables; see :func:`read_study`."""
    _known("", table, _KEYS)
    if "instance" not in table:
        raise InvalidInputError("instance", None, "given: a file, or a name")
    given = table["instance"]
    names = given if isinstance(given, list) else [given]
    bases = tuple(_instance(name, folder) for name in names)
    if not bases:
        raise InvalidInputError("instance", given, "at least one")
    grids = table.get("sweep", {})
    points = [
        point
        for base in bases
        for grid in (grids if isinstance(grids, list) else [grids])
        for point in points_of(base, _table("sweep", grid))
    ]
    return Study(
        title=_text("title", table.get("title", title)),
        points=tuple(points),
        solvers=tuple(entrants_of(_solvers(table.get("solvers", ["optimal"]), folder))),
        seeds=_seeds(table.get("seeds", [0])),
        options=_options(table.get("options", {})),
        table=_table_options(table.get("table", {})),
        samples=_samples(table.get("samples", {})),
        bases=bases,
    )


def run_study(
    study: Study,
    *,
    options: Options | None = None,
    store: Store | None = None,
    fresh: bool = False,
    executor: Executor | None = None,
) -> Swept:
    """Make the runs of a study; rows that the store holds are not made again."""
    return carry_out(
        study.points,
        study.solvers,
        seeds=study.seeds,
        options=study.options if options is None else options,
        store=store,
        fresh=fresh,
        executor=executor,
    )


def _instance(name: Any, folder: Path) -> Problem:
    name = _text("instance", name)
    path = folder / name
    if path.is_file():
        return problem_of_trace(Trace.read(path)) if is_table(path) else load_instance(path)
    if name in example_instances():
        return load_instance(name)
    if name in library():
        return library()[name].problem
    known = [*example_instances(), *library()]
    names = did_you_mean(name, known, listing="cgcopt library")
    allowed = f"a file beside the study, a shipped instance, or {names}"
    raise InvalidInputError("instance", name, allowed)


def _solvers(given: Any, folder: Path) -> list[str]:
    """Names of solvers; a file of a solver is relative to the study."""
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidInputError("solvers", given, "a list of names")
    beside = [folder / name.partition(".py")[0] for name in names]
    return [
        str(folder / name) if ".py" in name and Path(f"{stem}.py").is_file() else name
        for name, stem in zip(names, beside, strict=True)
    ]


def _seeds(given: Any) -> tuple[int, ...]:
    if isinstance(given, int) and not isinstance(given, bool) and given > 0:
        return tuple(range(given))
    if not isinstance(given, list) or not given:
        raise InvalidInputError("seeds", given, "a number of seeds, or a list of them")
    return tuple(given)


def _options(table: Any) -> Options:
    given = _table("options", table)
    _known("options.", given, _OPTION_KEYS)
    values = {each.name: getattr(DEFAULT_OPTIONS, each.name) for each in fields(Options)}
    return Options(**{**values, **given})


def _table_options(table: Any) -> TableOptions:
    given = _table("table", table)
    _known("table.", given, tuple(TableOptions.__dataclass_fields__))
    columns = given.get("columns", [])
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise InvalidInputError("table.columns", columns, "a list of names of columns")
    label, caption = (_text(f"table.{key}", given.get(key, "")) for key in ("label", "caption"))
    return TableOptions(tuple(columns), label, caption)


def _samples(table: Any) -> Mapping[str, Any]:
    given = _table("samples", table)
    _known("samples.", given, _SAMPLE_KEYS)
    if given and "scenarios" not in given:
        raise InvalidInputError("samples.scenarios", None, "given: a list of numbers of rounds")
    return given


def _table(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidInputError(name, value, f"a table [{name}]")
    return value


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidInputError(name, value, "a text")
    return value


def _known(prefix: str, table: Mapping[str, Any], keys: Sequence[str]) -> None:
    for key in table:
        if key not in keys:
            raise InvalidInputError(
                f"{prefix}{key}", table[key], f"absent, or {did_you_mean(key, keys)}"
            )
