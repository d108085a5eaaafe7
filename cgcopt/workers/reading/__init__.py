"""Reading measured times: from a file to a table, from a table to rounds and workers."""

from __future__ import annotations

from cgcopt.workers.reading.options import MISSING_POLICIES, UNITS, ReadOptions
from cgcopt.workers.reading.read import Read, Reading, is_table, read_loads, read_table

__all__ = [
    "MISSING_POLICIES",
    "UNITS",
    "Read",
    "ReadOptions",
    "Reading",
    "is_table",
    "read_loads",
    "read_table",
]
