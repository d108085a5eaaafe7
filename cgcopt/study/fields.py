"""Fields of a problem by name: what a sweep may change."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from cgcopt._validate import did_you_mean
from cgcopt.costs import Costs
from cgcopt.errors import InvalidInputError
from cgcopt.instance import OBJECTIVES
from cgcopt.limits import Limits
from cgcopt.objective import Objective
from cgcopt.problem import Problem
from cgcopt.workers import worker_times_from_dict
from cgcopt.workers.base import WorkerTimes

__all__ = ["WHOLE", "changed", "place_of"]

_SYSTEM = ("workers", "coordinates", "samples", "cycles")
_PARTS = ("system", "worker_times", "objective", "limits", "costs")
#: Fields that are whole numbers.
WHOLE = frozenset(
    {"system.workers", "system.coordinates", "system.samples", "limits.copies", "limits.blocks"}
)


def place_of(problem: Problem, name: str) -> str:
    """Return the place of a field, such as ``objective.deadline`` for ``deadline``.

    Parameters
    ----------
    problem : Problem
        Whose worker times have parameters.
    name : str
        A key of the tables of an instance file (``workers``, ``rate``, ``deadline``, ``copies``,
        ``startup``), alone or behind the name of its table (``worker_times.groups.0.rate``), or a
        whole table (``worker_times``, ``objective``, ``limits``, ``costs``).

    Raises
    ------
    InvalidInputError
        If there is no such field, or several.

    Examples
    --------
    >>> import cgcopt as cg
    >>> place_of(cg.load_instance("paper"), "rate"), place_of(cg.load_instance("paper"), "copies")
    ('worker_times.rate', 'limits.copies')
    """
    part, dot, _ = name.partition(".")
    if part in _PARTS[1:] or (dot and part == "system"):
        if part != "worker_times" and dot and name not in _places(problem):
            raise InvalidInputError("sweep", name, did_you_mean(name, _places(problem)))
        return name
    found = [place for place in _places(problem) if place.partition(".")[2] == name]
    if not found:
        known = [place.partition(".")[2] for place in _places(problem)]
        raise InvalidInputError("sweep", name, did_you_mean(name, [*known, *_PARTS[1:]]))
    if len(found) > 1:
        raise InvalidInputError("sweep", name, f"one of {', '.join(found)}")
    return found[0]


def _places(problem: Problem) -> list[str]:
    times = problem.system.worker_times.to_dict()
    parameters = [key for key in times if key != "family"]
    objective = dict.fromkeys(key for _, key in OBJECTIVES.values() if key is not None)
    return [
        *(f"system.{key}" for key in _SYSTEM),
        *(f"worker_times.{key}" for key in parameters),
        *(f"objective.{key}" for key in objective),
        *(f"limits.{key}" for key in Limits.__dataclass_fields__),
        *(f"costs.{key}" for key in Costs.__dataclass_fields__),
    ]


def changed(problem: Problem, values: Mapping[str, Any]) -> Problem:
    """Return the problem with other values at some places, all changed at once.

    Parameters
    ----------
    problem : Problem
    values : mapping
        Values by the names that :func:`place_of` takes. A deadline makes the objective the completion
        probability, a probability makes it the quantile where it has none.

    Raises
    ------
    InvalidInputError
        If a name or a value is refused.

    Examples
    --------
    >>> import cgcopt as cg
    >>> other = changed(cg.load_instance("paper"), {"workers": 10, "rate": 0.01, "deadline": 2e7})
    >>> other.system.workers, other.system.worker_times.rate, other.objective.deadline
    (10, 0.01, 20000000.0)
    """
    by_part: dict[str, dict[str, Any]] = {part: {} for part in _PARTS}
    for name, value in values.items():
        part, _, key = place_of(problem, name).partition(".")
        by_part[part][key] = value.item() if isinstance(value, np.generic) else value
    times = _times(problem.system.worker_times, by_part["worker_times"])
    costs = _record(Costs, problem.system.costs, by_part["costs"])
    system = replace(problem.system, worker_times=times, costs=costs, **by_part["system"])
    return Problem(
        system,
        _objective(problem.objective, by_part["objective"]),
        title=problem.title,
        limits=_record(Limits, problem.limits, by_part["limits"]),
    )


def _times(times: WorkerTimes, values: Mapping[str, Any]) -> WorkerTimes:
    for key, value in values.items():
        if not key:
            times = value if isinstance(value, WorkerTimes) else _times_of(value)
            continue
        table = copy.deepcopy(dict(times.to_dict()))
        _put(table, key, value)
        times = _times_of(table)
    return times


def _times_of(table: Any) -> WorkerTimes:
    if not isinstance(table, Mapping):
        raise InvalidInputError("worker_times", table, "worker times, or a table [worker_times]")
    return worker_times_from_dict(table)


def _put(table: Any, key: str, value: Any) -> None:
    """Set an entry of a nested table; numbers count entries of lists."""
    *path, last = key.split(".")
    inner = table
    try:
        for step in path:
            inner = inner[int(step)] if isinstance(inner, list) else inner[step]
        inner[int(last) if isinstance(inner, list) else last] = value
    except (KeyError, IndexError, ValueError, TypeError):
        allowed = f"a field of the worker times ({', '.join(map(str, table))})"
        raise InvalidInputError("sweep", f"worker_times.{key}", allowed) from None


def _objective(objective: Objective, values: Mapping[str, Any]) -> Objective:
    for key, value in values.items():
        if not key:
            objective = value if isinstance(value, Objective) else _objective_of(value)
        elif is_dataclass(objective) and key in {each.name for each in fields(objective)}:
            objective = replace(objective, **{key: value})
        else:
            cls = next(cls for cls, parameter in OBJECTIVES.values() if parameter == key)
            objective = cls(value)  # type: ignore[call-arg]
    return objective


def _objective_of(value: Any) -> Objective:
    """An objective from its kind, or from its table in an instance file."""
    table = {"kind": value} if isinstance(value, str) else value
    kind = table.get("kind") if isinstance(table, Mapping) else None
    if not isinstance(kind, str) or kind not in OBJECTIVES:
        raise InvalidInputError("objective", value, f"a kind, or a table: {', '.join(OBJECTIVES)}")
    cls, parameter = OBJECTIVES[kind]
    wanted = {"kind"} if parameter is None else {"kind", parameter}
    if set(table) != wanted:
        raise InvalidInputError("objective", value, f"a table with {', '.join(sorted(wanted))}")
    return cls(*([] if parameter is None else [table[parameter]]))


def _record(cls: Any, given: Any, values: Mapping[str, Any]) -> Any:
    """Limits or costs with other fields, or all of them anew."""
    for key, value in values.items():
        if key:
            given = replace(given, **{key: value})
        elif isinstance(value, Mapping):
            unknown = [name for name in value if name not in cls.__dataclass_fields__]
            if unknown:
                allowed = did_you_mean(unknown[0], list(cls.__dataclass_fields__))
                raise InvalidInputError(cls.__name__.lower(), unknown[0], allowed)
            given = cls(**value)
        elif isinstance(value, cls):
            given = value
        else:
            name = cls.__name__
            raise InvalidInputError(name.lower(), value, f"{name}, or a table of its fields")
    return given
