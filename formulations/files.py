"""Models as files that every solver reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cgcopt.errors import InvalidInputError

if TYPE_CHECKING:
    from cgcopt.formulations.base import Formulation

__all__ = ["write_model"]


def write_model(formulation: Formulation, path: Path) -> Path:
    """Write a model as ``.lp`` or ``.mps`` (through HiGHS) or ``.nl`` (through pyomo).

    Raises
    ------
    InvalidInputError
        If the suffix is not one that this formulation can be written with, or the path is not
        writable.
    """
    from cgcopt.formulations.scenarios import ScenarioFormulation

    linear = isinstance(formulation, ScenarioFormulation)
    allowed = (".lp", ".mps", ".nl") if linear else (".nl",)
    if path.suffix not in allowed:
        raise InvalidInputError("path", str(path), f"a file name ending in {' or '.join(allowed)}")
    try:
        path.touch()
    except OSError as error:
        raise InvalidInputError("path", str(path), f"writable ({error.strerror})") from error
    if path.suffix == ".nl":
        formulation.to_pyomo().write(str(path), format="nl")
    elif isinstance(formulation, ScenarioFormulation):
        formulation.to_highspy().writeModel(str(path))
    return path
