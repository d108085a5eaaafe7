"""Missing times, and values that cannot be times."""

from __future__ import annotations

import numpy as np

from cgcopt.arrays import BoolArray, FloatArray
from cgcopt.errors import InvalidInputError
from cgcopt.workers.reading.cells import expected
from cgcopt.workers.reading.found import Cells
from cgcopt.workers.validation import MISSING

__all__ = ["fill"]

#: How far above the next time a repeated largest time is a mark.
FAR = 3.0


def fill(cells: Cells, policy: str | None) -> tuple[FloatArray, tuple[str, ...], str]:
    """Treat missing times in the way that the options ask for.

    Returns
    -------
    times : ndarray, shape (R, W)
        Positive times; ``inf`` for workers that never answered.
    columns : tuple of str
        The workers that are left.
    note : str
        What was done; empty if nothing is missing.

    Raises
    ------
    InvalidInputError
        If times are missing and nothing is asked for, nothing is left, or a time is not positive.
    """
    times = cells.times
    low = np.argwhere(times <= 0.0)
    if low.size:
        r, w = (int(i) for i in low[0])
        raise InvalidInputError(cells.place(r, w), float(times[r, w]), expected("inf"))
    gone = np.isnan(times)
    count = int(np.count_nonzero(gone))
    if not count:
        return times, cells.columns, _marks(times)
    rounds, workers = gone.any(axis=1), gone.any(axis=0)
    said = (
        f"{count} of {times.size} times are missing, in {int(rounds.sum())} of {rounds.size} "
        f"rounds and of {int(workers.sum())} of {workers.size} workers"
    )
    if policy is None:
        _refuse(cells, gone, said)
    if policy == "failed":
        return np.where(gone, np.inf, times), cells.columns, f"{said}: taken as infinite"
    kept = np.logical_not(rounds if policy == "drop-round" else workers)
    if not kept.any():
        allowed = f"another policy: {said}; nothing would be left"
        raise InvalidInputError("worker_times.missing", policy, allowed)
    if policy == "drop-round":
        return times[kept], cells.columns, f"{said}: these rounds were dropped"
    names = tuple(name for name, keep in zip(cells.columns, kept.tolist(), strict=True) if keep)
    return times[:, kept], names, f"{said}: these workers were dropped"


def _marks(times: FloatArray) -> str:
    """Say that the largest time is repeated far above all others, as marks of failures are."""
    largest = float(times.max())
    others = times[times < largest]
    count = times.size - others.size
    if count < 2 or not others.size or largest < FAR * float(others.max()):
        return ""
    return (
        f"{count} times are exactly {largest:g}, far above all others: if that marks workers which "
        "did not answer, leave these cells empty and type --missing failed"
    )


def _refuse(cells: Cells, gone: BoolArray, said: str) -> None:
    rounds, workers = gone.any(axis=1), gone.any(axis=0)
    r, w = (int(i) for i in np.argwhere(gone)[0])
    without = (
        f"drop-round leaves {int((~rounds).sum())} rounds, "
        f"drop-worker {int((~workers).sum())} workers, failed takes them as infinite"
    )
    allowed = f"a finite number of seconds > 0; {said}; type --missing POLICY ({without})"
    counts = np.count_nonzero(~gone, axis=1)
    if cells.long and not np.ptp(counts):
        allowed += f", or --worker none: {counts[0]} workers without names in every round"
    raise InvalidInputError(cells.place(r, w), MISSING, allowed)
