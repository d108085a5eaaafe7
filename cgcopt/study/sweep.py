"""Sweeps: one problem, changed in some fields over lists, ranges and grids."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from cgcopt._validate import finite_number, whole_number
from cgcopt.compare.results.compare import DEFAULT_OPTIONS, compare
from cgcopt.compare.results.comparison import Comparison
from cgcopt.compare.results.entrant import Entrant
from cgcopt.compare.results.names import different_names
from cgcopt.compare.results.store import Store
from cgcopt.errors import InvalidInputError
from cgcopt.options import Options
from cgcopt.problem import Problem
from cgcopt.solvers.base import Solver
from cgcopt.study.fields import WHOLE, changed, place_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Point", "Swept", "carry_out", "points_of", "sweep"]

#: Points of a sweep at most: a slip of the pen should not fill the memory.
MOST_POINTS = 100_000
_RANGE_KEYS = {"from", "to", "step", "count", "scale"}


@dataclass(frozen=True)
class Point:
    """A problem of a sweep.

    Attributes
    ----------
    problem : Problem
        Titled by the base and the values.
    values : mapping
        What was changed, by the names that the user gave.
    base : str
        Name of the base.
    """

    problem: Problem
    values: Mapping[str, Any]
    base: str = ""


@dataclass(frozen=True)
class Swept:
    """Every solver at every point.

    Attributes
    ----------
    points : tuple of Point
        Under different titles.
    comparison : Comparison
        All rows.
    """

    points: tuple[Point, ...]
    comparison: Comparison

    @property
    def names(self) -> list[str]:
        """What varies, in order."""
        return list(dict.fromkeys(name for point in self.points for name in point.values))

    @property
    def bases(self) -> int:
        """How many base problems there are."""
        return len({point.base for point in self.points})

    @property
    def columns(self) -> list[str]:
        """Columns of :meth:`frame` that tell the points apart."""
        named = {
            place_of(p.problem, n) if n in _RESULTS else n: n for p in self.points for n in p.values
        }
        return [*(["instance"] if self.bases > 1 else []), *named]

    def frame(self) -> pd.DataFrame:
        """The rows of :meth:`Comparison.frame`, with what varies in the first columns.

        Where there are several bases, the first column is ``instance``.
        """
        frame = self.comparison.frame()
        by_name = {point.problem.name: point.values for point in self.points}
        places = {
            name: place_of(point.problem, name) for point in self.points for name in point.values
        }
        for place, name in enumerate(self.names):
            shown = [_shown(by_name[problem].get(name)) for problem in frame["problem"]]
            column = places[name] if name in _RESULTS else name
            frame = frame.drop(columns=column, errors="ignore")
            frame.insert(place, column, shown)
        if self.bases > 1:
            of_problem = {point.problem.name: point.base for point in self.points}
            frame.insert(0, "instance", frame["problem"].map(of_problem))
        return frame


#: Results that carry the name of a field.
_RESULTS = frozenset({"copies", "blocks", "objective"})


def sweep(
    problem: Problem,
    solvers: Iterable[str | Entrant | Solver | type[Solver]] = ("optimal",),
    *,
    seeds: Iterable[int] | None = None,
    options: Options = DEFAULT_OPTIONS,
    store: Store | None = None,
    fresh: bool = False,
    executor: Executor | None = None,
    **fields: Any,
) -> pd.DataFrame:
    """Solve a problem at every point of a grid over some of its fields.

    Parameters
    ----------
    problem : Problem
        The base.
    solvers, seeds, options, store, fresh, executor
        As of :func:`cgcopt.compare`.
    **fields
        Lists of values by name: any key of an instance file (``workers``, ``coordinates``,
        ``deadline``, ``probability``, ``rate``, ``copies``, ``startup``, ...), with its table where
        the name is not enough (``**{"costs.startup": [0, 1]}``), or a whole table
        (``worker_times=[cg.Exponential(1.0), cg.Pareto(2.5)]``). Ranges are mappings:
        ``{"from": 1, "to": 9, "step": 2}`` or ``{"from": 1, "to": 100, "count": 5, "scale": "log"}``.
        All combinations are points. A deadline makes the objective the completion probability.

    Returns
    -------
    DataFrame
        One line for each point, solver and seed: the fields first, then the columns of
        :meth:`~cgcopt.compare.results.comparison.Comparison.frame`.

    Raises
    ------
    InvalidInputError
        If a field or a value is refused.

    Examples
    --------
    >>> import cgcopt as cg
    >>> times = cg.ShiftedExponential(rate=1e-3, shift=50)
    >>> problem = cg.Problem(cg.System(4, 100, times), cg.ExpectedRuntime())
    >>> frame = sweep(problem, ["uncoded"], workers=[3, 4], rate=[1e-3, 1e-2])
    >>> frame[["workers", "rate", "solver"]].values.tolist()
    [[3, 0.001, 'uncoded'], [3, 0.01, 'uncoded'], [4, 0.001, 'uncoded'], [4, 0.01, 'uncoded']]
    """
    if not fields:
        raise InvalidInputError("sweep", "nothing", "at least one field, such as workers=[5, 10]")
    found = carry_out(
        points_of(problem, fields),
        solvers,
        seeds=seeds,
        options=options,
        store=store,
        fresh=fresh,
        executor=executor,
    )
    return found.frame()


def points_of(problem: Problem, fields: Mapping[str, Any]) -> list[Point]:
    """Return the points of a grid: all combinations of the values.

    Raises
    ------
    InvalidInputError
        If a field or a value is refused, or there are too many points.
    """
    lists = {name: _values(name, place_of(problem, name), given) for name, given in fields.items()}
    count = math.prod(map(len, lists.values()))
    if count > MOST_POINTS:
        raise InvalidInputError("sweep", f"{count} points", f"at most {MOST_POINTS}")
    points = []
    for combination in product(*lists.values()):
        values = dict(zip(lists, combination, strict=True))
        told = [f"{name}={_shown(value)}" for name, value in values.items()]
        base = problem.title or problem.objective.kind
        made = replace(changed(problem, values), title=" ".join([base, *told]))
        points.append(Point(made, values, base))
    return points


def carry_out(
    points: Sequence[Point],
    solvers: Iterable[str | Entrant | Solver | type[Solver]] | None,
    **how: Any,
) -> Swept:
    """Run all solvers at all points; ``how`` as of :func:`cgcopt.compare`."""
    names = different_names([point.problem.name for point in points])
    titled = tuple(
        replace(point, problem=replace(point.problem, title=name))
        for point, name in zip(points, names, strict=True)
    )
    return Swept(titled, compare([point.problem for point in titled], solvers, **how))


def _values(name: str, place: str, given: Any) -> list[Any]:
    """The values of a field: of a list, a range, or one value."""
    if isinstance(given, Mapping) and ("." in place or place == "system"):
        found = _range(name, given, whole=place in WHOLE)
    elif isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        found = [given]
    else:
        found = list(given)
    if not found:
        raise InvalidInputError(f"sweep.{name}", given, "at least one value")
    return found


def _range(name: str, table: Mapping[str, Any], *, whole: bool) -> list[Any]:
    field = f"sweep.{name}"
    unknown = [key for key in table if key not in _RANGE_KEYS]
    if unknown or not {"from", "to"} <= set(table) or ("step" in table) == ("count" in table):
        allowed = 'a table with from, to, and step or count (scale = "log" beside count)'
        raise InvalidInputError(field, dict(table), allowed)
    first, last = (finite_number(f"{field}.{end}", table[end]) for end in ("from", "to"))
    scale = table.get("scale", "linear")
    if scale not in ("linear", "log") or (scale == "log" and "step" in table):
        raise InvalidInputError(f"{field}.scale", scale, "linear, or log beside count")
    if "step" in table:
        step = finite_number(f"{field}.step", table["step"], above=0)
        count = math.floor((last - first) / step * (1 + 1e-12) + 1e-9) + 1
        if not 1 <= count <= MOST_POINTS:
            raise InvalidInputError(field, dict(table), f"1 to {MOST_POINTS} values, rising")
        found = [first + step * i for i in range(count)]
    else:
        count = whole_number(f"{field}.count", table["count"], least=1, most=MOST_POINTS)
        if scale == "log" and min(first, last) <= 0:
            raise InvalidInputError(field, dict(table), "numbers above 0 on a log scale")
        spread = np.geomspace if scale == "log" else np.linspace
        found = [float(f"{value:.12g}") for value in spread(first, last, count)]
    exact = all(isinstance(v, int) for k, v in table.items() if k in ("from", "to", "step"))
    if whole or (exact and "step" in table):
        return list(dict.fromkeys(round(value) for value in found))
    return found


def _shown(value: Any) -> Any:
    """A value as a cell of a table: numbers stay numbers, objects and tables become texts."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, int | float | str):
        return value
    if isinstance(value, Mapping):
        return " ".join(f"{key}={entry}" for key, entry in value.items())
    if hasattr(value, "label"):
        return value.label
    if hasattr(value, "to_dict"):
        return _shown(value.to_dict())
    return ", ".join(map(str, value)) if isinstance(value, Iterable) else str(value)
