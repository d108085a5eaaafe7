"""Who computes which cell when: a picture of one round."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from cgcopt.arrays import FloatArray
from cgcopt.compare.show.drawing import COLOURS, figure, save
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.schedules.rounds import finish_of, runtimes_of, slowest_cells
from cgcopt.schedule import Schedule

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Bar", "bars_of", "plot_round", "typical_round"]

#: Cells of a block up to which they are numbered.
_NUMBERED = 12
#: Share of the round from which a bar has room for a number.
_WIDE = 0.04
#: Share from which it has room for a white edge.
_EDGED = 0.008
#: Levels that are drawn in colours of their own; more are shades of one scale.
_COLOURED = 8


@dataclass(frozen=True)
class Bar:
    """A worker's work on one cell.

    Attributes
    ----------
    worker, level, cell : int
    start, end : float
        Seconds; the round may be over before.
    needed : bool
        Whether the worker is among the first ``N - n`` to finish the cell.
    """

    worker: int
    level: int
    cell: int
    start: float
    end: float
    needed: bool


def bars_of(schedule: Schedule, times: ArrayLike, unit: float = 1.0) -> tuple[list[Bar], float]:
    """What every worker does in a round, and when the round ends, seconds.

    Parameters
    ----------
    schedule : Schedule
    times : array_like, shape (N,)
        Seconds per cycle of every worker.
    unit : float
        ``u = M b / N``.

    Examples
    --------
    >>> bars, end = bars_of(Schedule([2.0, 1.0]), [1.0, 3.0])
    >>> end, len(bars), sum(bar.needed for bar in bars)
    (6.0, 6, 4)
    """
    t = np.asarray(times, dtype=np.float64)
    if t.shape != (schedule.workers,):
        raise InvalidInputError("times", f"shape {t.shape}", f"one round of {schedule.workers}")
    finish = finish_of(schedule, unit)
    end = float(slowest_cells(finish, t[np.newaxis])[0][0])
    before = np.pad(schedule.cumulative_work, ((0, 0), (1, 0)))
    bars = []
    for b, level in enumerate(finish.levels.tolist()):
        cells = range(schedule.cells) if level else range(1)
        for cell in cells:
            done: FloatArray = t * (
                finish.factors[b, cell] if level else finish.factors[b].max(axis=0)
            )
            limit = np.sort(done)[schedule.workers - 1 - level]
            place = finish.places[:, cell] if level else np.ones(schedule.workers)
            share = (place - 1) / schedule.cells if level else np.zeros(schedule.workers)
            started = t * unit * (before[:, level] + schedule.work[:, level] * share)
            bars += [
                Bar(i, level, cell, float(started[i]), float(done[i]), bool(done[i] <= limit))
                for i in range(schedule.workers)
            ]
    return bars, end


def typical_round(schedules: Iterable[Schedule], times: ArrayLike, unit: float = 1.0) -> int:
    """The round whose runtimes are closest to the means under all schedules.

    Parameters
    ----------
    schedules : iterable of Schedule
    times : array_like, shape (K, N)
        Seconds per cycle.
    unit : float
        ``u = M b / N``.

    Examples
    --------
    >>> typical_round([Schedule([2.0, 1.0])], [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    1
    """
    ends = np.array([runtimes_of(each, times, unit) for each in schedules])
    off = np.abs(ends / ends.mean(axis=1, keepdims=True) - 1.0).sum(axis=0)
    return int(off.argmin())


def plot_round(
    schedules: Mapping[str, Schedule], times: ArrayLike, path: str | Path, *, unit: float = 1.0
) -> None:
    """Draw one round under several schedules side by side, on one scale of time.

    Full colours are cells that are waited for, pale ones come too late or are not needed; the number
    is that of the cell; the line is the end of the round.
    """
    rounds = {name: bars_of(schedule, times, unit) for name, schedule in schedules.items()}
    latest = max(end for _, end in rounds.values())
    count = len(np.asarray(times))
    levels = sorted({bar.level for bars, _ in rounds.values() for bar in bars})
    colours = _colours(levels)
    with figure(
        4.2 * len(rounds), 0.32 * count + 1.3, ncols=len(rounds), sharey=True, squeeze=False
    ) as (drawn, all_axes):
        for (name, (bars, end)), axes in zip(rounds.items(), all_axes[0], strict=True):
            _draw(axes, bars, end, latest, schedules[name].cells, colours)
            axes.set_title(f"{name}: {end:.4g} s")
            axes.set_xlim(0, 1.05 * latest)
            axes.set_ylim(count - 0.4, -0.6)
            axes.set_xlabel("seconds")
            axes.set_yticks(range(count), [str(i) for i in range(count)])
            axes.grid(visible=False)
        all_axes[0, 0].set_ylabel("worker")
        for level in levels:
            all_axes[0, 0].barh([0], [0], color=colours[level], label=f"level {level}")
        all_axes[0, 0].barh([0], [0], color="#dddddd", label="pale: nobody waits for it")
        drawn.legend(loc="outside lower center", ncols=min(len(levels) + 1, 10))
        save(drawn, path)


def _colours(levels: list[int]) -> dict[int, Any]:
    if len(levels) <= _COLOURED:
        return dict(zip(levels, COLOURS, strict=False))
    from matplotlib import colormaps

    shades = colormaps["viridis"](np.linspace(0.0, 0.95, len(levels)))
    return dict(zip(levels, shades, strict=True))


def _draw(
    axes: Axes,
    bars: list[Bar],
    end: float,
    latest: float,
    cells: int,
    colours: Mapping[int, Any],
) -> None:
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import to_rgba

    shown = [bar for bar in bars if bar.start < end]
    corners, faces, edges = [], [], []
    for bar in shown:
        left, right = bar.start, min(bar.end, end)
        low, high = bar.worker - 0.4, bar.worker + 0.4
        corners.append([(left, low), (right, low), (right, high), (left, high)])
        faces.append(to_rgba(colours[bar.level], 1.0 if bar.needed else 0.3))
        # The edges of narrow bars would hide them.
        edges.append(0.5 if right - left > _EDGED * latest else 0.0)
        numbered = bar.level and 1 < cells <= _NUMBERED
        if numbered and right - left > _WIDE * latest:
            colour = "white" if bar.needed else "black"
            at = (0.5 * (left + right), bar.worker)
            axes.text(*at, str(bar.cell), ha="center", va="center", fontsize=6, color=colour)
    axes.add_collection(
        PolyCollection(corners, facecolors=faces, edgecolors="white", linewidths=edges)
    )
    axes.axvline(end, color="black", linewidth=1)
