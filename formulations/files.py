"""Models as files that every solver reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cgcopt.errors import InvalidInputError

__all__ = ["HIGHS_FILES", "NL_FILE", "Writers", "write_model"]

#: Language and method that write a model file, by suffix.
Writers = Mapping[str, tuple[str, Callable[[Any, str], Any]]]

#: What HiGHS writes: linear models, with the names of columns and rows.
HIGHS_FILES: Writers = dict.fromkeys(
    (".lp", ".mps"), ("to_highspy", lambda model, path: model.writeModel(path))
)
#: What pyomo writes, whatever the model; the names of columns and rows stand in files beside it.
NL_FILE: Writers = {
    ".nl": (
        "to_pyomo",
        lambda model, path: model.write(
            path, format="nl", io_options={"symbolic_solver_labels": True}
        ),
    )
}


def write_model(formulation: Any, path: Path, writers: Writers) -> Path:
    """Write a model as one of the kinds of files that are named by their suffix.

    Raises
    ------
    InvalidInputError
        If the suffix is not one that this formulation can be written with, or the path is not
        writable.
    """
    if path.suffix not in writers:
        raise InvalidInputError("path", str(path), f"a file name ending in {' or '.join(writers)}")
    try:
        path.touch()
    except OSError as error:
        raise InvalidInputError("path", str(path), f"writable ({error.strerror})") from error
    language, write = writers[path.suffix]
    write(getattr(formulation, language)(), str(path))
    return path
