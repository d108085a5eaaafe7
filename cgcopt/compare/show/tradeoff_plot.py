"""The picture of a trade-off: what copies and blocks cost, alone and together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cgcopt.compare.results.tradeoff import TradeOff, TradePoint
from cgcopt.compare.show.drawing import COLOURS, figure, plain_text, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_tradeoff"]

_LINE: dict[str, Any] = {"color": COLOURS[0], "marker": "o", "markersize": 4.5, "linewidth": 1.8}


def plot_tradeoff(found: TradeOff, path: str | Path) -> None:
    """Draw the runtime over the best one against copies and blocks, and the grid of both.

    A bar below a point reaches down to its proven bound, where that can be seen.
    """
    grid = found.grid()
    ratios = (1.0, 0.8, 1.5) if grid else (1.0, 0.8)
    layout = {"ncols": len(ratios), "width_ratios": ratios}
    with figure(3.7 * sum(ratios), 3.9, **layout) as (drawn, axes):
        title = plain_text(found.problem.name)
        drawn.suptitle(title, x=0.01, ha="left", fontsize=9, fontweight="bold")
        _curve(axes[0], found, found.against_copies(), [p.copies for p in found.against_copies()])
        axes[0].set_xticks(_spaced([p.copies for p in found.against_copies()]))
        axes[0].set_xlabel(f"subsets a worker stores (of {found.problem.system.workers})")
        axes[0].set_ylabel("runtime over the best one")
        _curve(axes[1], found, found.against_blocks(), [p.blocks for p in found.against_blocks()])
        axes[1].set_xlabel("blocks (messages of a worker)")
        axes[1].set_xticks([p.blocks for p in found.against_blocks()])
        if grid:
            _heat(axes[2], found, grid)
        save(drawn, path)


def _curve(axis: Axes, found: TradeOff, points: list[TradePoint], at: list[int]) -> None:
    heights = [1.0 + found.price(point) for point in points]
    proven = [1.0 + found.proven_price(point) for point in points]
    below = [max(h - p, 0.0) for h, p in zip(heights, proven, strict=True)]
    axis.axhline(1.0, color="#000000", linewidth=0.9, linestyle=":")
    axis.errorbar(at, heights, yerr=[below, [0.0] * len(at)], ecolor=COLOURS[1], capsize=2, **_LINE)
    if max(below) > 0.01 * (max(heights) - 1.0):
        axis.plot([], [], color=COLOURS[1], label="down to what is proven")
        axis.legend(loc="upper right")
    top, low = max(heights), min(heights)
    for x, height in zip(at, heights, strict=True):
        text = _percent(height - 1.0)
        if height < 1.005 and x != at[-1]:
            continue
        axis.annotate(
            text, (x, height), xytext=(4, 5), textcoords="offset points", fontsize=7.5, ha="left"
        )
    axis.set_ylim(1.0 - 0.06 * (top - 1.0 + 1e-3), top + 0.12 * (top - low + 1e-3))
    axis.set_xlim(min(at) - 0.04 * max(at), 1.13 * max(at) + 0.2)


def _spaced(numbers: list[int]) -> list[int]:
    """Those of increasing numbers whose labels do not run into each other, the last one kept."""
    apart, kept = 0.06 * numbers[-1], [numbers[-1]]
    for number in reversed(numbers[:-1]):
        if kept[-1] - number >= apart:
            kept.append(number)
    return kept[::-1]


def _heat(axis: Axes, found: TradeOff, grid: list[TradePoint]) -> None:
    """Prices under both limits, one cell a pair."""
    copies = sorted({point.copies for point in grid})
    blocks = sorted({point.blocks for point in grid})
    prices = np.full((len(blocks) + 1, len(copies)), np.nan)
    for point in grid:
        prices[blocks.index(point.blocks), copies.index(point.copies)] = found.price(point)
    for point in found.against_copies():
        if point.copies in copies:
            prices[-1, copies.index(point.copies)] = found.price(point)
    shade = np.log1p(np.maximum(prices, 0.0) / 0.02)
    deepest = 1.25 * float(np.nanmax(shade)) or 1.0
    axis.imshow(shade, aspect="auto", origin="lower", cmap="Blues", vmin=0.0, vmax=deepest)
    for row, column in np.ndindex(prices.shape):
        if np.isfinite(prices[row, column]):
            dark = shade[row, column] > 0.6 * deepest
            axis.text(
                column,
                row,
                _percent(float(prices[row, column])).strip("+% "),
                ha="center",
                va="center",
                fontsize=7.5,
                color="#ffffff" if dark else "#000000",
            )
    axis.grid(visible=False)
    axis.set_xticks(range(len(copies)), [str(r) for r in copies])
    axis.set_yticks(range(len(blocks) + 1), [*(str(b) for b in blocks), "any"])
    axis.set_xlabel("subsets a worker stores at most")
    axis.set_ylabel("blocks at most")
    axis.set_title("price of both limits in %", loc="left", fontsize=9)


def _percent(share: float) -> str:
    """A price in percent with two or three digits.

    Examples
    --------
    >>> _percent(0.0722), _percent(1.4045), _percent(0.0), _percent(0.00004)
    ('+7.2 %', '+140 %', '0', '0')
    """
    if share < 5e-5:
        return "0"
    digits = 0 if share >= 0.995 else 1 if share >= 0.00995 else 2
    return f"+{100 * share:.{digits}f} %"
