"""The picture of a deadline curve."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgcopt.compare.results.row import Row
from cgcopt.compare.show.drawing import COLOURS, MARKERS, figure, plain_text, save
from cgcopt.objective import CompletionProbability, Objective, Quantile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cgcopt.compare.results.curve import Curve

__all__ = ["plot_curve"]

#: The scale of odds begins here, or where the curves do.
_LEAST = 1e-4
#: It ends here, or where the curves do.
_MOST = 1 - 1e-9


def plot_curve(curve: Curve, path: str | Path) -> None:
    """Draw probabilities against the deadline: plain above, and on the scale of odds below.

    The scale of odds, ``log P - log(1 - P)``, shows both tails.
    """
    with figure(7.2, 6.4, nrows=2, sharex=True) as (drawn, axes):
        for index, solver in enumerate(curve.solvers):
            rows = curve.of(solver)
            style: dict[str, Any] = {
                "color": COLOURS[index % len(COLOURS)],
                "marker": MARKERS[index % len(MARKERS)],
                "markersize": 3.5,
                "linewidth": 2.2 if solver == "optimal" else 1.3,
                "zorder": 4 if solver == "optimal" else 3,
            }
            axes[0].plot(curve.deadlines, [row.value for row in rows], label=solver, **style)
            axes[1].plot(curve.deadlines, [_log_odds(row) for row in rows], **style)
        axes[0].set_ylim(-0.02, 1.02)
        axes[0].set_ylabel("completion probability")
        axes[1].set_ylabel("completion probability, scale of odds")
        _scale_of_odds(axes[1], curve)
        _mark(axes, curve)
        axes[1].set_xscale("log")
        _decimal_ticks(axes[1])
        axes[1].set_xlabel("deadline t [s]")
        axes[0].set_title(plain_text(curve.problem.name), loc="left", fontsize=9, fontweight="bold")
        drawn.legend(loc="outside lower center", ncols=4, handlelength=2.6)
        save(drawn, path)


def _log_odds(row: Row) -> float:
    """``log P - log(1 - P)``; NaN, which is not drawn, where it is infinite."""
    if row.value > 0 and row.solution.complement > 0:
        return math.log(row.value) - math.log(row.solution.complement)
    return math.nan


def _odds_at(probability: float) -> float:
    return math.log(probability / (1 - probability))


def _scale_of_odds(axis: Axes, curve: Curve) -> None:
    heights = [_log_odds(row) for row in curve.rows]
    finite = [height for height in heights if math.isfinite(height)]
    low = max(min(finite, default=0.0), _odds_at(_LEAST))
    high = min(max(finite, default=0.0), _odds_at(_MOST))
    margin = 0.04 * (high - low) + 0.1
    axis.set_ylim(low - margin, high + margin)
    ticks = [(_odds_at(0.5), "0.5")]
    for power in range(1, 10):
        tail = 10.0**-power
        ticks.append((_odds_at(tail), f"{tail:.{power}f}" if power <= 3 else f"$10^{{-{power}}}$"))
        name = f"{1 - tail:.{power}f}" if power <= 4 else f"$1-10^{{-{power}}}$"
        ticks.append((-_odds_at(tail), name))
    inside = sorted(tick for tick in ticks if low - margin <= tick[0] <= high + margin)
    axis.set_yticks([at for at, _ in inside], [name for _, name in inside])


def _mark(axes: Any, curve: Curve) -> None:
    """Draw what the problem itself asks for."""
    mark = _MARKS.get(type(curve.problem.objective))
    if mark is not None:
        line: dict[str, Any] = {"color": "#000000", "linestyle": ":", "linewidth": 1.2}
        mark(axes, curve, line, *curve.problem.objective.parameters)


def _mark_deadline(axes: Any, curve: Curve, line: dict[str, Any], deadline: float) -> None:
    if curve.deadlines[0] <= deadline <= curve.deadlines[-1]:
        axes[0].axvline(deadline, label="the instance's deadline", **line)
        axes[1].axvline(deadline, **line)


def _mark_probability(axes: Any, curve: Curve, line: dict[str, Any], probability: float) -> None:
    axes[0].axhline(probability, label="the instance's probability", **line)
    axes[1].axhline(_odds_at(probability), **line)


#: How what an objective asks for is drawn.
_MARKS: dict[type[Objective], Callable[..., None]] = {
    CompletionProbability: _mark_deadline,
    Quantile: _mark_probability,
}


def _decimal_ticks(axis: Axes) -> None:
    """Label a logarithmic axis, which may span less than one decade."""
    from matplotlib.ticker import LogFormatterSciNotation, LogLocator

    low, high = axis.get_xlim()
    decades = math.log10(high / low)
    digits = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0) if decades < 1.3 else (1.0, 3.0)
    subs = digits if decades < 4 else (1.0,)
    axis.xaxis.set_major_locator(LogLocator(subs=subs, numticks=20))
    axis.xaxis.set_major_formatter(LogFormatterSciNotation(minor_thresholds=(math.inf, math.inf)))
    axis.xaxis.set_minor_formatter("")
