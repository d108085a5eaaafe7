"""Solvers that say nothing by themselves."""

from __future__ import annotations

from typing import Any

from cgcopt.process.streams import library_output

__all__ = ["silent_highs"]


def silent_highs() -> Any:
    """Return an empty ``highspy.Highs`` without a log; from version 1.16 making one prints a banner.

    Examples
    --------
    >>> silent_highs().getNumCol()
    0
    """
    import highspy

    with library_output(log=False):
        highs = highspy.Highs()
    highs.silent()
    return highs
