"""The best value and the best bound that are known of every instance of the library."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

from cgcopt.bounds import relative_gap
from cgcopt.library.catalogue import LibraryInstance, library, library_instance

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BestKnown", "best_known", "library_table"]


@dataclass(frozen=True)
class BestKnown:
    """What is known of an instance.

    Attributes
    ----------
    value : float
        Of the best design, in seconds or as a probability; NaN where there is none.
    bound : float
        The best proven bound; NaN without one.
    by, proven_by : str
        The solvers that found and proved them.
    """

    value: float = math.nan
    bound: float = math.nan
    by: str = ""
    proven_by: str = ""


@cache
def best_known() -> Mapping[str, BestKnown]:
    """Return what ``python -m tests.benchmarks.bench_library --write`` wrote, by name."""
    text = files("cgcopt").joinpath("data", "library.csv").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return MappingProxyType(
        {
            row["name"]: BestKnown(
                _number(row["value"]), _number(row["bound"]), row["by"], row["proven_by"]
            )
            for row in csv.DictReader(lines)
        }
    )


def _number(text: str) -> float:
    return float(text) if text else math.nan


def library_table(names: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the instances with what is known of them, a line each.

    Parameters
    ----------
    names : sequence of str, optional
        Names, or beginnings of names.

    Returns
    -------
    DataFrame
        Columns ``name``, ``objective``, ``form``, ``workers``, ``coordinates``, ``worker times``,
        ``limits``, ``costs``, ``value``, ``bound``, ``gap``, ``by`` and ``proven_by``.

    Raises
    ------
    InvalidInputError
        If no instance begins with a name.
    """
    import pandas as pd

    chosen: dict[str, LibraryInstance] = {}
    for name in names or [""]:
        found = {full: each for full, each in library().items() if full.startswith(name)}
        chosen |= found or {name: library_instance(name)}
    rows = []
    for instance in chosen.values():
        known = best_known().get(instance.name, BestKnown())
        sense = instance.problem.objective.sense
        gap = relative_gap(known.value, known.bound, sense)
        rows.append({**instance.facts(), **asdict(known), "gap": gap})
    return pd.DataFrame(rows)
