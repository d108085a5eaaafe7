"""The picture of a trace: rounds by workers, and the distribution of all times."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cgcopt.arrays import IntArray
from cgcopt.compare.show.drawing import COLOURS, figure, save
from cgcopt.workers.inspection import Inspection

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

__all__ = ["plot_inspection"]

#: With more workers than this, their names are left out.
_MOST_NAMES = 40
#: Families drawn beside the data.
_FAMILIES = 2
#: Rounds, workers and steps that are drawn, evenly chosen: a picture has no more dots.
_MOST_DRAWN = 3000


def plot_inspection(inspection: Inspection, path: str | Path) -> None:
    """Draw a heat map of the times, workers by their medians, and their distribution.

    Left: a row is a worker, the slowest on top, a column is a round; colour is time on a
    logarithmic scale; a worker that never answered is black. Right: share of the times above ``t``,
    both axes logarithmic, so that a tail that is no longer than an exponential one bends down;
    the best fitted families beside it.
    """
    workers = inspection.trace.workers
    height = min(max(3.2, 1.6 + 0.22 * min(workers, _MOST_NAMES)), 9.0)
    with figure(10.5, height, ncols=2, width_ratios=(1.7, 1)) as (drawn, axes):
        _heat_map(axes[0], inspection)
        _distribution(axes[1], inspection)
        name = inspection.trace.path.name if inspection.trace.path is not None else "trace"
        title = f"{name}: {inspection.trace.round_count} rounds, {workers} workers"
        drawn.suptitle(title, fontsize=9, fontweight="bold", x=0.01, ha="left")
        save(drawn, path)


def _heat_map(axis: Axes, inspection: Inspection) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm

    times = inspection.trace.times
    order = np.argsort([worker.median for worker in inspection.workers], kind="stable")[::-1]
    part = times[np.ix_(_evenly(times.shape[0]), order[_evenly(order.size)])].T
    finite = part[np.isfinite(part)]
    low, high = np.quantile(finite, [0.01, 0.995]) if finite.size else (1.0, 2.0)
    high = max(high, low * 1.01)
    colours = colormaps["viridis"].with_extremes(bad="black")
    image = axis.imshow(
        np.where(np.isfinite(part), part, np.nan),
        aspect="auto",
        interpolation="nearest",
        cmap=colours,
        norm=LogNorm(low, high),
        extent=(-0.5, times.shape[0] - 0.5, order.size - 0.5, -0.5),
    )
    axis.grid(False)
    axis.set_xlabel("round")
    names = [inspection.workers[i].name for i in order]
    slow = {worker.name for worker in inspection.slow}
    if len(names) <= _MOST_NAMES:
        axis.set_yticks(range(len(names)), [f"{'slow: ' if n in slow else ''}{n}" for n in names])
    else:
        axis.set_yticks([])
        axis.set_ylabel(f"{len(names)} workers")
    axis.set_title(
        "time of every worker in every round, slowest worker on top", loc="left", fontsize=9
    )
    bar = axis.figure.colorbar(image, ax=axis, extend="both", fraction=0.04, pad=0.015)
    bar.set_label("seconds")
    _ticks(bar.ax.yaxis, low, high)
    bar.outline.set_visible(False)


def _distribution(axis: Axes, inspection: Inspection) -> None:
    times = np.sort(inspection.trace.times, axis=None)
    above = 1.0 - np.arange(times.size) / times.size
    finite = np.isfinite(times)
    drawn = np.union1d(_evenly(times.size), np.arange(max(times.size - _MOST_DRAWN, 0), times.size))
    drawn = drawn[finite[drawn]]
    x, y = times[drawn], above[drawn]
    axis.step(x, y, where="post", color="#000000", linewidth=1.4, label="measured")
    rows = [] if inspection.families is None else inspection.families.rows
    span = np.geomspace(times[0], times[finite][-1] if finite.any() else times[0] * 2, 200)
    for colour, row in zip(COLOURS, [row for row in rows if row.model][:_FAMILIES], strict=False):
        with np.errstate(all="ignore"):
            height = row.model.sf(span) if row.model is not None else span * np.nan
        axis.plot(span, height, color=colour, linewidth=1.2, label=row.family)
    axis.legend(fontsize=7.5, loc="lower left", frameon=False)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_ylim(0.5 / times.size, 1.3)
    _ticks(axis.xaxis, times[0], span[-1])
    axis.set_xlabel("seconds")
    axis.set_title("share of the times above", loc="left", fontsize=9)


def _evenly(count: int) -> IntArray:
    """Numbers from 0 to ``count - 1``, all of them or evenly chosen ones with both ends."""
    return np.unique(np.linspace(0, count - 1, min(count, _MOST_DRAWN)).round().astype(np.int64))


def _ticks(axis: Axis, low: float, high: float) -> None:
    """Plain numbers on a logarithmic axis, as many as fit."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    decades = np.log10(high / low)
    steps = [1.0, 2.0, 5.0] if decades < 2 else [1.0, 3.0] if decades < 3 else [1.0]
    if decades < 0.5:
        steps = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0]
    axis.set_major_locator(LogLocator(subs=steps, numticks=12 if decades < 4 else 6))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
