"""The design problems written as mathematical programs."""

from __future__ import annotations

if __name__ != "cgcopt.formulations":
    raise ImportError(
        f"'{__name__}' is the source folder of 'cgcopt.formulations': import it under that name"
    )
