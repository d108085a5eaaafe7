"""Reading measured times: from a file to a table, from a table to rounds and workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cgcopt._packages import on_first_use

if TYPE_CHECKING:
    from cgcopt.workers.reading.formats import is_table
    from cgcopt.workers.reading.options import MISSING_POLICIES, UNITS, ReadOptions
    from cgcopt.workers.reading.read import Read, Reading, read_loads, read_table
else:
    __getattr__ = on_first_use(
        __name__,
        {
            "cgcopt.workers.reading.formats": ("is_table",),
            "cgcopt.workers.reading.options": ("MISSING_POLICIES", "UNITS", "ReadOptions"),
            "cgcopt.workers.reading.read": (
                "Read",
                "Reading",
                "read_loads",
                "read_table",
            ),
        },
    )

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
