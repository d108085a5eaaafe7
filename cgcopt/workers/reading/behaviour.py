"""What the numbers of a column say: that it counts, tells the clock, or holds ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cgcopt.workers.reading.grid import Grid

__all__ = ["BEHAVIOUR", "Behaviour", "never_falling", "suspicion", "whole_numbers"]


@dataclass(frozen=True)
class Behaviour:
    """From how many rounds on a column is judged by its cells."""

    constant: int = 4  # constant steps: two steps alike may be chance, three hardly
    rising: int = 10  # rising in every row: chance 1/10! for independent times
    rising_alike: int = 20  # for a column that is named as the others are
    named_alike: int = 3  # columns w0, w1, ..., beside which another name is asked about
    whole: int = 8  # whole numbers beside decimals
    epoch: float = 1e9  # seconds since 1970 are above it
    epoch_ratio: float = 1e4  # such a column is so many times above the others
    epoch_growth: float = 1.1  # they grow by less than this factor in a trace
    first_rows: int = 64  # rows that tell most columns apart
    rounding: float = 1e-9  # relative difference of steps that counts as none


BEHAVIOUR = Behaviour()


def never_falling(grid: Grid, columns: Sequence[int]) -> list[int]:
    """Columns that never fall, or fall in constant steps; most are told by their first rows."""
    first = grid.values[: BEHAVIOUR.first_rows, columns]
    if len(first) < 2:
        return []
    steps = np.diff(first, axis=0)
    rising = np.all(steps >= 0.0, axis=0) | np.all(steps == steps[:1], axis=0)
    return [c for c, up in zip(columns, rising, strict=True) if up]


def suspicion(grid: Grid, column: int, *, alike: bool, decimals: bool) -> str:
    """Why a column that never falls is no column of times; empty if it may be one.

    Parameters
    ----------
    grid : Grid
    column : int
    alike : bool
        Whether other columns are named as it is.
    decimals : bool
        Whether some column holds numbers that are not whole.
    """
    values = grid.values[:, column]
    steps, rows = np.diff(values), values.size
    constant = (
        np.all(np.abs(steps - steps[0]) <= BEHAVIOUR.rounding * abs(steps[0])) and steps[0] != 0.0
    )
    if constant and rows >= BEHAVIOUR.constant:
        counts = abs(steps[0]) == 1.0 and values[0] in (0.0, 1.0) and decimals
        if not alike or counts:
            return "rises in constant steps" if steps[0] > 0 else "falls in constant steps"
    needed = BEHAVIOUR.rising_alike if alike else BEHAVIOUR.rising
    if rows >= needed and np.all(steps > 0.0):
        return "rises in every row"
    clock = np.all(values >= BEHAVIOUR.epoch) and values[-1] < BEHAVIOUR.epoch_growth * values[0]
    if clock and not alike:
        lowest = float(np.nanmin(grid.values[: BEHAVIOUR.first_rows, :]))
        if values[0] > BEHAVIOUR.epoch_ratio * lowest:
            return "counts seconds since 1970"
    return ""


def whole_numbers(grid: Grid, columns: Sequence[int]) -> list[int]:
    """Columns of whole numbers."""
    first = grid.values[:1000, columns]
    whole = np.all(first == np.floor(first), axis=0)
    return [c for c, is_whole in zip(columns, whole.tolist(), strict=True) if is_whole]
