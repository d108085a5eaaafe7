"""What the two models of measured times share: where the times come from, their unit and range.

A measured trace is in seconds per round, a model of worker times in seconds per cycle.  A system
with ``samples = N`` and ``cycles = 1/L`` has the unit ``u = M b / N = 1/L``, so that the uncoded
runtime ``u T_(N) L`` is ``T_(N)`` itself: with these two numbers every runtime is in the seconds
of the trace.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray

__all__ = ["in_unit", "longest_time", "range_label", "source_label"]


def source_label(source: Mapping[str, Any] | None, default: str, *details: str) -> str:
    """Where times come from, and details of them.

    Examples
    --------
    >>> source_label(None, "empirical", "3 values")
    'empirical(3 values)'
    >>> source_label({"family": "trace", "path": "logs/a.csv"}, "empirical", "pooled")
    'trace(a.csv, pooled)'
    """
    if source is None:
        return f"{default}({', '.join(details)})"
    origin = [PurePath(source["path"]).name] if "path" in source else []
    if "rounds" in source and "path" in source:
        origin.append("rounds {}:{}".format(*source["rounds"]))
    return f"{source.get('family', default)}({', '.join([*origin, *details])})"


def in_unit(times: FloatArray, factor: float) -> FloatArray | None:
    """Return the product, where the quotient gives every time again."""
    with np.errstate(all="ignore"):
        changed = times * factor
        return changed if np.array_equal(changed / factor, times) else None


def longest_time(times: FloatArray) -> float:
    """Return the largest finite time, or 1 if there is none."""
    return float(np.max(times, where=np.isfinite(times), initial=0.0)) or 1.0


def range_label(times: FloatArray) -> str:
    """Return the smallest and the largest time, as they are printed."""
    return f"[{times.min():.6g}, {times.max():.6g}]"
