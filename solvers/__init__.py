"""Everything that turns a problem into a design: own methods, schemes, adapters."""

from __future__ import annotations

if __name__ != "cgcopt.solvers":
    raise ImportError(
        f"'{__name__}' is the source folder of 'cgcopt.solvers': import it under that name"
    )
