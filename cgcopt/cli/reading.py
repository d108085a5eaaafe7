"""The options that say how a file of measured times is read, for every command that takes one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from cgcopt.objective import Objective
    from cgcopt.problem import Problem
    from cgcopt.workers.reading.options import ReadOptions
    from cgcopt.workers.trace import Trace

__all__ = ["TraceInput", "reads_traces", "reads_traces_as_instances"]

PANEL = "Reading a file of measured times"
PROBLEM_PANEL = "A file of measured times as an instance"
LIMITS_PANEL = "Limits of the design"


def _option(*names: str, text: str, panel: str = PANEL, kind: Any = str, metavar: str = "") -> Any:
    return Annotated[
        kind | None,
        typer.Option(*names, help=text, rich_help_panel=panel, metavar=metavar or None),
    ]


_READING = {
    "columns": _option(
        "--columns",
        text="Names of the columns that are workers, with commas between them; found by default.",
        metavar="W0,W1,...",
    ),
    "unit": _option(
        "--unit",
        text="Unit of the times: s, ms, us, ns, min or h; by default what the file says, else s.",
    ),
    "time": _option(
        "--time",
        text="Of a file with one time in each row: the column of the times.",
        metavar="COLUMN",
    ),
    "worker": _option(
        "--worker",
        text="Of a file with one time in each row: the column of the workers, or none where they "
        "have no names.",
        metavar="COLUMN",
    ),
    "round": _option(
        "--round", text="The column that numbers or dates the rounds.", metavar="COLUMN"
    ),
    "separator": _option(
        "--separator",
        text="What separates the columns: comma, semicolon, tab or blanks; found by default.",
    ),
    "decimal": _option("--decimal", text="The decimal mark: . or , (found by default)."),
    "missing": _option(
        "--missing",
        text="What becomes of missing times: drop-round leaves out the round, drop-worker the worker; "
        "with failed the worker never answered. By default they are refused.",
        metavar="POLICY",
    ),
}
_PROBLEM = {
    "mode": _option(
        "--mode",
        text="pooled (all times as one distribution of independent workers; default) or rounds "
        "(whole rounds are kept).",
        panel=PROBLEM_PANEL,
    ),
    "coordinates": _option(
        "--coordinates",
        text="Coordinates (parameters) of the model; 20000 by default.",
        panel=PROBLEM_PANEL,
        kind=int,
    ),
    "deadline": _option(
        "--deadline",
        text="Maximise the probability that a round ends within so many seconds, in place of "
        "minimising the expected runtime.",
        panel=PROBLEM_PANEL,
        kind=float,
    ),
    "quantile": _option(
        "--quantile",
        text="Minimise the deadline that a round meets with this probability (between 0 and 1).",
        panel=PROBLEM_PANEL,
        kind=float,
    ),
    "cvar": _option(
        "--cvar",
        text="Minimise the mean time of the slowest rounds, with 0.9 of the slowest tenth "
        "(conditional value at risk).",
        panel=PROBLEM_PANEL,
        kind=float,
    ),
}
_LIMITS = {
    "copies": _option(
        "--copies",
        text="A worker stores at most this many of the N subsets of the data.",
        panel=LIMITS_PANEL,
        kind=int,
        metavar="R",
    ),
    "blocks": _option(
        "--blocks",
        text="At most this many levels are used; each is a block, and a message of every worker.",
        panel=LIMITS_PANEL,
        kind=int,
        metavar="B",
    ),
    "least": _option(
        "--least",
        text="Every used level carries at least this share of the coordinates (0 to 1).",
        panel=LIMITS_PANEL,
        kind=float,
        metavar="SHARE",
    ),
    "levels": _option(
        "--levels",
        text="The levels that may be used, with commas between them; level n tolerates n stragglers.",
        panel=LIMITS_PANEL,
        metavar="N0,N1,...",
    ),
    "boundaries": _option(
        "--boundaries",
        text="A file with the size of a tensor on every line: blocks end where tensors do.",
        panel=LIMITS_PANEL,
        metavar="FILE",
    ),
}


@dataclass(frozen=True)
class TraceInput:
    """What was typed about a file of measured times, and about limits of the design.

    Attributes
    ----------
    told : dict
        Reading options, as keys of ``[worker_times]``.
    problem : dict
        What makes an instance of it.
    limits : dict
        Limits of the design, in place of those of the instance.
    """

    told: dict[str, Any] = field(default_factory=dict)
    problem: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)

    def limited(self, problem: Problem) -> Problem:
        """The problem with the limits that were typed."""
        from dataclasses import replace

        from cgcopt.limits import boundaries_of_sizes, read_sizes

        if not self.limits:
            return problem
        typed = dict(self.limits)
        if "levels" in typed:
            typed["levels"] = _levels(typed["levels"])
        if "boundaries" in typed:
            typed["boundaries"] = boundaries_of_sizes(read_sizes(typed["boundaries"]))
        return replace(problem, limits=replace(problem.limits, **typed))

    @property
    def options(self) -> ReadOptions:
        """How the file is read."""
        from cgcopt.workers.reading.options import ReadOptions

        told = dict(self.told)
        if "columns" in told:
            told["columns"] = [name.strip() for name in told["columns"].split(",")]
        return ReadOptions(**told)

    def read(self, path: Path) -> Trace:
        """Read a trace."""
        from cgcopt.workers.trace import Trace

        return Trace.read(path, self.options)

    def instance(self, path: Path) -> Problem:
        """The problem of a file of times, in its own seconds."""
        return self.problem_of(self.read(path))

    def problem_of(self, trace: Trace) -> Problem:
        """The problem of a trace that was read."""
        from cgcopt.instance import problem_of_trace

        given = {key: self.problem[key] for key in ("mode", "coordinates") if key in self.problem}
        return problem_of_trace(trace, objective=self._objective(), **given)

    def refuse_beside(self, instance: str) -> None:
        """Refuse what has no meaning beside an instance file, rather than drop it.

        Raises
        ------
        InvalidInputError
            If anything was typed.
        """
        from cgcopt.errors import InvalidInputError

        for name, value in {**self.told, **self.problem}.items():
            allowed = f"left out: {instance} is no file of times, and says it itself"
            raise InvalidInputError(name, value, allowed)

    def _objective(self) -> Objective:
        from cgcopt.errors import InvalidInputError
        from cgcopt.objective import (
            CompletionProbability,
            ConditionalValueAtRisk,
            ExpectedRuntime,
            Quantile,
        )

        kinds = {
            "deadline": CompletionProbability,
            "quantile": Quantile,
            "cvar": ConditionalValueAtRisk,
        }
        asked = [name for name in kinds if self.problem.get(name) is not None]
        if not asked:
            return ExpectedRuntime()
        if len(asked) > 1:
            value = self.problem[asked[1]]
            raise InvalidInputError(asked[1], value, f"left out beside --{asked[0]}")
        return kinds[asked[0]](self.problem[asked[0]])


def reads_traces(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command with a parameter ``reading`` the options of reading."""
    return _with(command, {})


def reads_traces_as_instances(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command with ``reading`` the options of reading, of the instance and of limits."""
    return _with(command, {**_PROBLEM, **_LIMITS})


def _with(command: Callable[..., int], more: dict[str, Any]) -> Callable[..., int]:
    signature = inspect.signature(command, eval_str=True)
    own = [p for name, p in signature.parameters.items() if name != "reading"]
    keyword = inspect.Parameter.KEYWORD_ONLY
    added = [
        inspect.Parameter(name, keyword, default=None, annotation=annotation)
        for name, annotation in {**_READING, **more}.items()
    ]

    @functools.wraps(command)
    def run(*args: Any, **values: Any) -> int:
        typed = {p.name: values.pop(p.name, None) for p in added}
        told = {key: value for key, value in typed.items() if value is not None}
        reading = TraceInput(
            {key: value for key, value in told.items() if key in _READING},
            {key: value for key, value in told.items() if key in more and key in _PROBLEM},
            {key: value for key, value in told.items() if key in more and key in _LIMITS},
        )
        return command(*args, reading=reading, **values)

    parameters = [p.replace(kind=keyword) for p in own] + added
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": int}
    del run.__wrapped__
    return run


def _levels(text: str) -> list[int]:
    from cgcopt.errors import InvalidInputError

    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() for word in words):
        raise InvalidInputError("levels", text, "levels apart by commas, such as 0,3,9")
    return [int(word) for word in words]
