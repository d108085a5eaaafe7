"""Plots of studies: values over what varies, performance profiles, sample averages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cgcopt.compare.show.drawing import COLOURS, MARKERS, figure, plain_text, save
from cgcopt.compare.show.numbers import unit_of
from cgcopt.study.profiles import label_of, performance_profile
from cgcopt.study.samples import SampleStudy

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["numeric_fields", "plot_field", "plot_history", "plot_profile", "plot_samples"]

#: Panels of one picture; the table has the rest.
MOST_PANELS = 12
#: Ratio of the largest to the smallest value from which an axis is logarithmic.
_WIDE = 30.0
#: Points that an axis names one by one, at most.
_TICKS = 7
#: Seconds below which a logarithmic axis of times does not reach.
_QUICKEST = 1e-3
_DASHES: Any = ("-", (0, (4, 3)), (0, (1, 1.5)))


def numeric_fields(frame: pd.DataFrame, names: list[str]) -> list[str]:
    """Return the fields that have at least two different numbers."""
    from pandas.api.types import is_numeric_dtype

    return [
        name
        for name in names
        if name in frame and is_numeric_dtype(frame[name]) and frame[name].nunique() > 1
    ]


def plot_field(frame: pd.DataFrame, field: str, others: list[str], path: str | Path) -> None:
    """Draw the values of all solvers against a field: a panel for each problem otherwise equal.

    Points are means over seeds; bars reach from the smallest to the largest value.

    Parameters
    ----------
    frame : DataFrame
        Of a study.
    field : str
        A column of numbers.
    others : list of str
        Columns that tell the panels apart.
    path : path-like
        PNG, PDF or SVG.
    """
    valued = frame[frame["value"].notna()]
    groups = list(valued.groupby(others, sort=False, dropna=False)) if others else [((), valued)]
    shown = groups[:MOST_PANELS]
    columns = min(len(shown), 3) or 1
    lines = max(math.ceil(len(shown) / columns), 1)
    size = (7.2, 1.2 + (3.4 if lines == 1 else 2.4) * lines)
    with figure(*size, nrows=lines, ncols=columns, squeeze=False, sharex=True) as (drawn, axes):
        labels = list(dict.fromkeys(_labels(valued)))
        for index, axis in enumerate(axes.flat):
            axis.set_visible(index < len(shown))
        for (key, part), axis in zip(shown, axes.flat, strict=False):
            _curves(axis, part, field, labels)
            told = ", ".join(f"{n} = {_short(v)}" for n, v in zip(others, key, strict=True))
            axis.set_title(plain_text(told), loc="left", fontsize=7.5)
        for axis in axes[:, 0]:
            axis.set_ylabel(_quantity(valued))
        for axis in axes[-1]:
            axis.set_xlabel(plain_text(field))
        for place, label in enumerate(labels):
            axes[0, 0].plot([], [], label=label, **_style(place))
        title = f"first {MOST_PANELS} of {len(groups)}" if len(groups) > MOST_PANELS else ""
        drawn.legend(loc="outside lower center", ncols=4, fontsize=7.5, title=title)
        save(drawn, path)


def _curves(axis: Axes, part: pd.DataFrame, field: str, labels: list[str]) -> None:
    named = part.assign(_label=_labels(part))
    for place, label in enumerate(labels):
        rows = named[named["_label"] == label].groupby(field)["value"]
        if not len(rows):
            continue
        middle, low, high = rows.mean(), rows.min(), rows.max()
        axis.plot(middle.index, middle, **_style(place))
        if (high > low).any():
            axis.vlines(middle.index, low, high, color=_style(place)["color"], linewidth=1)
    for scale, values in ((axis.set_xscale, part[field]), (axis.set_yscale, part["value"])):
        if values.min() > 0 and values.max() / values.min() >= _WIDE:
            scale("log")
    points = sorted(part[field].dropna().unique())
    if len(points) <= _TICKS:
        _ticks(axis, points)


def _ticks(axis: Axes, points: Sequence[float]) -> None:
    """Let the axis name the points themselves."""
    axis.minorticks_off()
    axis.set_xticks(points, [f"{point:.4g}" for point in points])


def plot_profile(frame: pd.DataFrame, path: str | Path) -> None:
    """Draw the performance profiles of seconds and of values beside each other."""
    with figure(7.2, 3.5, ncols=2, sharey=True) as (drawn, axes):
        for axis, measure in zip(axes, ("seconds", "value"), strict=True):
            table = performance_profile(frame, measure)
            last = float(table["ratio"].iloc[-1])
            end = max(last * 1.05, 1.05)
            for place, name in enumerate(table.columns[1:]):
                ratios = np.append(table["ratio"], end)
                shares = np.append(table[name], table[name].iloc[-1])
                style = {**_style(place), "marker": "none"}
                axis.step(ratios, shares, where="post", label=name, **style)
            if last > 3.0:
                axis.set_xscale("log")
            axis.set_xlim(1.0, end)
            axis.set_ylim(-0.02, 1.03)
            what = "seconds to a gap of 0.1 %" if measure == "seconds" else "value"
            axis.set_xlabel(f"times the best: {what}")
        axes[0].set_ylabel("share of the instances")
        handles, labels = axes[0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=7.5)
        save(drawn, path)


def plot_history(histories: Mapping[str, pd.DataFrame], path: str | Path, title: str = "") -> None:
    """Draw value (full) and bound (dashed) of several runs against the seconds.

    Parameters
    ----------
    histories : mapping
        Of solvers, from :func:`~cgcopt.study.history.run_history`.
    path : path-like
        PNG, PDF or SVG.
    title : str
        Above the picture.
    """
    with figure(7.2, 4.0) as (drawn, axis):
        for place, (label, history) in enumerate(histories.items()):
            colour = COLOURS[place % len(COLOURS)]
            at = np.maximum(history["seconds"].to_numpy(), _QUICKEST)
            axis.step(at, history["value"], where="post", color=colour, label=label)
            axis.plot(at[-1], history["value"].iloc[-1], "o", color=colour, markersize=4)
            axis.step(at, history["bound"], where="post", color=colour, linestyle="--")
            axis.plot(at[-1], history["bound"].iloc[-1], "_", color=colour, markersize=8)
        axis.set_xscale("log")
        axis.set_xlabel("seconds")
        axis.set_ylabel("value (full), bound (dashed)")
        axis.set_title(plain_text(title), loc="left", fontsize=9, fontweight="bold")
        drawn.legend(loc="outside lower center", ncols=4, fontsize=7.5)
        save(drawn, path)


def plot_samples(study: SampleStudy, path: str | Path) -> None:
    """Draw promises against the optimum, and the gap of a candidate with its interval."""
    frame = study.frame()
    sizes = frame["scenarios"]
    with figure(7.2, 3.4, ncols=2) as (drawn, axes):
        left, right = axes
        left.errorbar(
            sizes,
            frame["promised"],
            yerr=2 * frame["promised_error"],
            fmt="o-",
            color=COLOURS[0],
            capsize=2,
            markersize=4,
            label="promised on the samples, two standard errors",
        )
        left.plot(
            sizes,
            frame["candidate_value"],
            "s-",
            color=COLOURS[1],
            markersize=4,
            label="true worth",
        )
        left.axhline(study.optimum, color="#000000", linestyle="--", linewidth=1, label="optimum")
        objective = study.problem.objective
        left.set_ylabel(f"{objective.kind.replace('-', ' ')}{unit_of(objective)}")
        scale = abs(study.optimum) or 1.0
        right.fill_between(
            sizes,
            0.0,
            100 * frame["gap_upper"] / scale,
            color=COLOURS[0],
            alpha=0.2,
            label=f"{100 * study.confidence:g} % interval from the samples",
        )
        estimate = 100 * frame["gap_estimate"] / scale
        right.plot(sizes, estimate, "o-", color=COLOURS[0], markersize=4, label="estimated gap")
        right.plot(
            sizes,
            100 * frame["true_gap"] / scale,
            "s-",
            color=COLOURS[1],
            markersize=4,
            label="true gap",
        )
        right.set_ylabel("gap of a candidate [% of optimum]")
        for axis in axes:
            axis.set_xscale("log")
            _ticks(axis, sizes.tolist())
            axis.set_xlabel("rounds of a sample")
            # Below the axes, where no curve runs under it.
            axis.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.2), frameon=False)
        save(drawn, path)


def _style(place: int) -> dict[str, Any]:
    """Curves get thinner one by one, so that each is seen where several run on top of each other."""
    return {
        "color": COLOURS[place % len(COLOURS)],
        "marker": MARKERS[place % len(MARKERS)],
        "linestyle": _DASHES[place // len(COLOURS) % len(_DASHES)],
        "markersize": max(6.5 - 0.8 * place, 3.0),
        "linewidth": max(3.6 - 0.8 * place, 1.2),
    }


def _labels(frame: pd.DataFrame) -> list[str]:
    return [label_of(s, f) for s, f in zip(frame["solver"], frame["form"], strict=True)]


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, int | float) else str(value)


def _quantity(frame: pd.DataFrame) -> str:
    kinds = set(frame["objective"])
    if len(kinds) != 1:
        return "value"
    (kind,) = kinds
    name = str(kind).replace("-", " ")
    return name if kind == "completion-probability" else f"{name} [s]"
