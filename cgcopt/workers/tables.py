"""The ``[worker_times]`` table of an instance file.

======================  ==========================================================================
family                  keys
======================  ==========================================================================
exponential             rate
shifted-exponential     rate, shift
weibull                 shape, scale, shift (optional, 0)
gamma                   shape, scale, shift (optional, 0)
lognormal               sigma, scale, shift (optional, 0)
pareto                  shape, scale, shift (optional, 0); the support starts at shift + scale
trace                   path (relative to the folder of the instance file), mode (optional):
                        ``"pooled"`` (default; all entries as one step distribution of
                        independent workers) or ``"rounds"`` (whole rounds, with the dependence
                        between workers); rounds = [first, stop] and columns = ["w0", ...]
                        (optional) take a part of the file; unit, time, worker, round,
                        separator, decimal, missing (optional) say how it is read
                        (:class:`~cgcopt.workers.reading.ReadOptions`)
empirical               values, weights (optional): a step distribution written out
scenarios               times: whole rounds written out, a list of lists
groups                  groups: one table a group, with workers, family and the keys of the family
constant                time (seconds per cycle of every worker) and start
sampled                 model (a table like this one), rounds, workers, seed: whole rounds drawn
======================  ==========================================================================

Every family with a density takes ``start`` besides, a table like this one of seconds that a worker
takes to start, and ``dependence``, ``"comonotone"`` (default) or ``"independent"``
(:class:`~cgcopt.workers.start.RandomStart`).

``"pooled"`` is the default mode, because it fits every number of workers; the rounds of a trace
with W columns describe W workers and no other number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING as NO_DEFAULT
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from cgcopt._validate import did_you_mean
from cgcopt.errors import InvalidInputError
from cgcopt.workers.base import WorkerTimes
from cgcopt.workers.empirical import Empirical
from cgcopt.workers.families import (
    Exponential,
    Gamma,
    LogNormal,
    Pareto,
    ShiftedExponential,
    Weibull,
)
from cgcopt.workers.groups import Groups
from cgcopt.workers.reading.options import ReadOptions
from cgcopt.workers.scenarios import Scenarios
from cgcopt.workers.start import Dependence, RandomStart
from cgcopt.workers.trace import Trace
from cgcopt.workers.validation import MISSING

__all__ = ["family_names", "trace_from_dict", "worker_times_from_dict"]


@dataclass(frozen=True)
class _Family:
    """How one family is read: its keys, and what makes a model of their values."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    build: Callable[[Mapping[str, Any], Path], WorkerTimes]


def _parametric(family: Any) -> _Family:
    items = fields(family)
    required = tuple(item.name for item in items if item.default is NO_DEFAULT)
    optional = tuple(item.name for item in items if item.default is not NO_DEFAULT)
    return _Family(required, optional, lambda values, _: family(**values))


def _trace(values: Mapping[str, Any], base: Path) -> WorkerTimes:
    path = values["path"]
    if not isinstance(path, str | Path) or not str(path):
        raise InvalidInputError("worker_times.path", path, "the path of a CSV file")
    mode = values.get("mode", "pooled")
    if mode not in ("pooled", "rounds"):
        raise InvalidInputError("worker_times.mode", mode, 'one of "pooled", "rounds"')
    trace = trace_from_dict(values, base)
    written = {key: value for key, value in values.items() if key != "mode"}
    source = {"family": "trace", **written, "path": Path(path).as_posix()}
    if mode == "rounds":
        return Scenarios(trace.times, source, trace.notes)
    return Empirical(trace.times.ravel(), None, source, trace.notes)


def trace_from_dict(table: Mapping[str, Any], base_dir: str | Path = ".") -> Trace:
    """Read the part of a trace that the ``[worker_times]`` table of an instance file names.

    Parameters
    ----------
    table : mapping
        ``path``, and where they are given ``rounds``, ``columns`` and how the file is written.
    base_dir : path-like, optional
        The folder that the path is relative to.

    Raises
    ------
    InvalidInputError
        If the file or the part is refused.
    """
    trace = Trace.read(Path(base_dir) / table["path"], ReadOptions.from_dict(table))
    if "rounds" not in table:
        return trace
    span = table["rounds"]
    if not isinstance(span, list | tuple) or len(span) != 2:
        raise InvalidInputError("worker_times.rounds", span, "[first, stop]")
    return trace.between(*span)


def _sampled(values: Mapping[str, Any], base: Path) -> WorkerTimes:
    model = worker_times_from_dict(values["model"], base, field="worker_times.model")
    return Scenarios.draw(model, values["rounds"], values["workers"], values["seed"])


def _groups(values: Mapping[str, Any], base: Path) -> WorkerTimes:
    tables = values["groups"]
    if not isinstance(tables, list | tuple) or not all(isinstance(t, Mapping) for t in tables):
        allowed = "tables [[worker_times.groups]] with workers, family and its keys"
        raise InvalidInputError("worker_times.groups", tables, allowed)
    pairs = []
    for place, table in enumerate(tables):
        field = f"worker_times.groups[{place}]"
        rest = {key: value for key, value in table.items() if key != "workers"}
        model = worker_times_from_dict(rest, base, field=field)
        pairs.append((table.get("workers", MISSING), model))
    return Groups(pairs)  # type: ignore[arg-type]


def _constant(values: Mapping[str, Any], base: Path) -> WorkerTimes:
    start = worker_times_from_dict(values["start"], base, field="worker_times.start")
    return RandomStart(values["time"], start)  # type: ignore[arg-type]


def _started(table: Mapping[str, Any], base: Path, field: str) -> WorkerTimes:
    """A table with a start: the same without it, and the start by itself."""
    rest = {key: value for key, value in table.items() if key not in ("start", "dependence")}
    times = worker_times_from_dict(rest, base, field=field)
    start = worker_times_from_dict(table["start"], base, field=f"{field}.start")
    dependence = table.get("dependence", Dependence.COMONOTONE)
    return RandomStart(times, start, dependence)  # type: ignore[arg-type]


_FAMILIES: dict[str, _Family] = {
    **{
        family.family: _parametric(family)
        for family in (Exponential, ShiftedExponential, Weibull, Gamma, LogNormal, Pareto)
    },
    "trace": _Family(("path",), ("mode", "rounds", *ReadOptions.names()), _trace),
    "empirical": _Family(("values",), ("weights",), lambda values, _: Empirical(**values)),
    "scenarios": _Family(("times",), (), lambda values, _: Scenarios(**values)),
    "constant": _Family(("time", "start"), (), _constant),
    "groups": _Family(("groups",), (), _groups),
    "sampled": _Family(("model", "rounds", "workers", "seed"), (), _sampled),
}


def family_names() -> tuple[str, ...]:
    """Names of the families of worker times, as written in instance files.

    Examples
    --------
    >>> family_names()[:3]
    ('exponential', 'shifted-exponential', 'weibull')
    """
    return tuple(_FAMILIES)


def worker_times_from_dict(
    table: Mapping[str, Any], base_dir: str | Path = ".", *, field: str = "worker_times"
) -> WorkerTimes:
    """Make a model of worker times from the ``[worker_times]`` table of an instance file.

    Parameters
    ----------
    table : mapping
        ``family`` and the keys of that family (see the table of this module).
    base_dir : path-like, optional
        The folder that the path of a trace is relative to: that of the instance file.
    field : str, optional
        What the table is called in error messages.

    Returns
    -------
    WorkerTimes
        A model whose :meth:`~cgcopt.workers.base.WorkerTimes.to_dict` gives the table back.

    Raises
    ------
    InvalidInputError
        If the family or a key is unknown, a key is missing, or a value is refused.

    Examples
    --------
    >>> worker_times_from_dict({"family": "shifted-exponential", "rate": 1e-3, "shift": 50})
    ShiftedExponential(rate=0.001, shift=50.0)
    >>> worker_times_from_dict({"family": "wiebull"})
    Traceback (most recent call last):
        ...
    cgcopt.errors.InvalidInputError: worker_times.family = 'wiebull': must be one of \
exponential, shifted-exponential, weibull, gamma, lognormal, pareto, trace, empirical, \
scenarios, constant, groups, sampled (did you mean 'weibull'?)
    """
    if not isinstance(table, Mapping):
        raise InvalidInputError(field, table, "a table with the key family")
    name = table.get("family", "groups" if "groups" in table else MISSING)
    if not isinstance(name, str) or name not in _FAMILIES:
        raise InvalidInputError(f"{field}.family", name, did_you_mean(str(name), _FAMILIES))
    family = _FAMILIES[name]
    if "start" in table and "start" not in family.required:
        return _started(table, Path(base_dir), field)
    keys = (*family.required, *family.optional)
    values = {key: value for key, value in table.items() if key != "family"}
    for key in values:
        if key not in keys:
            allowed = f"left out: {name} takes {did_you_mean(key, keys)}"
            raise InvalidInputError(f"{field}.{key}", values[key], allowed)
    for key in family.required:
        if key not in values:
            raise InvalidInputError(
                f"{field}.{key}", MISSING, f"given: {name} takes {', '.join(keys)}"
            )
    return family.build(values, Path(base_dir))
