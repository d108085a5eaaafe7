"""HiGHS as this package uses it: without a banner, and with the threads that a run asks for."""

from __future__ import annotations

from typing import Any

from cgcopt.process.streams import library_output

__all__ = ["forget_threads", "silent_highs", "use_threads"]


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


def forget_threads() -> None:
    """Drop the threads of HiGHS: they are the process's own, and their number is else fixed."""
    import highspy

    highs = highspy.Highs
    reset = getattr(highs, "resetThreadScheduler", None) or highs.resetGlobalScheduler
    reset(True)


def use_threads(highs: Any, threads: int | None) -> None:
    """Let a ``highspy.Highs`` run on so many threads; without a number on those that there are.

    A run with another number than the last one in the process would end as an error of HiGHS.
    """
    if threads is not None:
        forget_threads()
        highs.setOptionValue("threads", threads)
