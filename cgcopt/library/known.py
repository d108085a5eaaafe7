"""The best value and the best bound that are known of every instance of the library."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

__all__ = ["BestKnown", "best_known"]


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
    """Return what ``python -m tests.benchmarks.library`` found and wrote, by name of the instance."""
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
