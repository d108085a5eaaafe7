"""What the help calls the values of options: words of the user, not types of the language."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_type_hints

__all__ = ["label_values"]

#: By the name of the parameter, where its type says too little.
_BY_NAME = {
    "bound_seconds": "SECONDS",
    "cvar": "PROBABILITY",
    "deadline": "SECONDS",
    "gap": "SHARE",
    "first": "SECONDS",
    "holdout": "SHARE",
    "last": "SECONDS",
    "latency": "SECONDS",
    "quantile": "PROBABILITY",
    "round_seconds": "SECONDS",
    "solver": "NAME",
    "redesign_with": "NAME",
    "family": "NAME",
    "form": "FORM",
    "task": "TASK",
    "delays": "SOURCE",
    "address": "ADDRESS",
    "mode": "MODE",
    "separator": "MARK",
    "decimal": "MARK",
    "boundaries": "FILE|a,b,...",
    "solvers": "NAMES",
    "split": "SHARE",
    "time_limit": "SECONDS",
    "unit": "UNIT",
    "work_seconds": "SECONDS",
}
_BY_TYPE: dict[Any, str] = {int: "N", float: "NUMBER", str: "WORD", Path: "PATH", bool: ""}


def label_values(command: Any, function: Callable[..., Any], context: Any) -> None:
    """Name the values of the options of a command; arguments are named already.

    Parameters
    ----------
    command : TyperCommand
    function : callable
        What it was built from: the types are those of its parameters.
    context : Context
        Of the call: it knows the names of ``--help``.
    """
    types = get_type_hints(function)
    for parameter in command.get_params(context):
        if parameter.param_type_name == "argument":
            parameter.display_type_rich = _no_type
        elif parameter.metavar is None:
            parameter.metavar = _label(parameter.name, types.get(parameter.name, bool))


def _label(name: str, kind: Any) -> str | None:
    if name in _BY_NAME:
        return _BY_NAME[name]
    kinds = [kind, *get_args(kind)]
    return next((_BY_TYPE[kind] for kind in kinds if kind in _BY_TYPE), None)


def _no_type(ctx: Any) -> str:
    """For arguments: their name stands where options have the kind of value."""
    return ""
