"""From real blocks to whole numbers of coordinates, with and without limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cgcopt._packages import on_first_use

if TYPE_CHECKING:
    from cgcopt.solvers.rounding.whole import round_design
else:
    __getattr__ = on_first_use(__name__, {"cgcopt.solvers.rounding.whole": ("round_design",)})

__all__ = ["HOLDS_SOLVERS", "round_design"]

HOLDS_SOLVERS = False
