"""What a row depends on, as one digest: the problem with its data, the solver, the form, the code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from cgcopt.compare.results.code import class_code, code_version, solver_code
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.solvers.base import Solver

__all__ = ["row_key"]


def row_key(
    problem: Problem,
    solver: str,
    classes: Iterable[type[Solver]],
    form: Form,
    options: Options,
    state: Mapping[str, Any] | None = None,
) -> str:
    """Digest of everything that a row depends on, 64 hexadecimal digits.

    Parameters
    ----------
    problem, solver, form, options
        As of the run.
    classes : iterable of solver classes
        Those that the solver's name stands for; an edited one makes another key.
    state : mapping, optional
        Fields of a solver object.
    """
    parts = {
        "problem": _facts(problem),
        "solver": [solver, *solver_code(classes), *([_facts(state)] if state else [])],
        "form": str(form),
        "options": {
            item.name: _facts(getattr(options, item.name))
            for item in fields(options)
            if item.name != "progress"
        },
        "code": code_version(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _facts(value: Any) -> Any:
    """A value as JSON that tells it apart from every other one."""
    if is_dataclass(value):
        shown = {item.name: _facts(getattr(value, item.name)) for item in fields(value)}
        return [class_code(type(value)), shown]
    if isinstance(value, np.ndarray):
        data = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return [str(value.dtype), value.shape, data]
    if isinstance(value, Mapping):
        return {str(name): _facts(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_facts(item) for item in value]
    if hasattr(value, "__dict__") and not isinstance(value, type):
        return [class_code(type(value)), _facts(vars(value))]
    return repr(value)
