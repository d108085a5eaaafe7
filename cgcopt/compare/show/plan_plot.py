"""The picture of a plan: who holds and computes what, and in which order."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgcopt.codes.plan import Plan
from cgcopt.compare.show.drawing import figure, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_plan"]

#: With more cells than this, their numbers are left out.
_MOST_NUMBERS = 400
#: With more than this, the lines between them are too.
_MOST_EDGES = 1000


def plot_plan(plan: Plan, path: str | Path) -> None:
    """Draw a plan: data on the left, a round on the right; a colour is a level.

    Left: the samples on which each worker computes each block, one thin line a block, on the grey
    of all that it stores. Right: what it computes one after another, in work (coordinates times
    share of the data); numbers are cells.
    """
    height = min(1.8 + 0.34 * plan.workers, 14.0)
    with figure(11.0, height, ncols=2, width_ratios=(1, 1.4)) as (drawn, axes):
        colours = _colours(plan)
        _draw_data(axes[0], plan, colours)
        _draw_round(axes[1], plan, colours)
        title = f"{plan.title + ': ' if plan.title else ''}{plan.workers} workers, "
        title += f"{plan.coordinates} coordinates, {plan.samples} samples"
        drawn.suptitle(title, fontsize=9, fontweight="bold", x=0.01, ha="left")
        handles = [_patch(colours[b], _label(plan, b)) for b in _legend_blocks(plan)]
        drawn.legend(handles=handles, loc="outside lower center", ncols=6)
        save(drawn, path)


def _draw_data(axis: Axes, plan: Plan, colours: list[Any]) -> None:
    lanes = len(plan.blocks)
    for i in range(plan.workers):
        stored = [(first, end - first) for first, end in plan.held(i)]
        axis.broken_barh(stored, (i - 0.42, 0.84), color="#e4e4e4", linewidth=0)
        for b, block in enumerate(plan.blocks):
            parts = [(first, end - first) for first, end in block.ranges_of(i)[0]]
            low = i - 0.38 + 0.76 * b / lanes
            axis.broken_barh(parts, (low, 0.76 / lanes), color=colours[b], linewidth=0)
    axis.set_xlim(0, plan.samples)
    axis.set_xlabel("samples")
    axis.set_title("data: stored (grey), used for each block", loc="left", fontsize=9)
    _workers(axis, plan)


def _draw_round(axis: Axes, plan: Plan, colours: list[Any]) -> None:
    steps = [plan.steps(i) for i in range(plan.workers)]
    count = sum(map(len, steps))
    edge = 0.5 if count <= _MOST_EDGES else 0.0
    numbered = count <= _MOST_NUMBERS
    longest = max(1, max(sum(step.work for step in own) for own in steps))
    for i, own in enumerate(steps):
        widths = [step.work / plan.samples for step in own]
        begins = [0.0, *accumulate(widths)]
        axis.broken_barh(
            list(zip(begins, widths, strict=False)),
            (i - 0.38, 0.76),
            facecolors=[colours[step.block] for step in own],
            edgecolor="w",
            linewidth=edge,
        )
        for step, begin, width in zip(own, begins, widths, strict=False):
            if numbered and plan.blocks[step.block].cells > 1 and step.work > 0.02 * longest:
                text: Any = {"ha": "center", "va": "center", "fontsize": 6, "color": "w"}
                axis.text(begin + width / 2, i, str(step.cell), **text)
    axis.set_xlim(left=0)
    axis.set_xlabel("work: coordinates times share of the data")
    axis.set_title("a round: blocks and cells in each worker's order", loc="left", fontsize=9)
    _workers(axis, plan)


def _workers(axis: Axes, plan: Plan) -> None:
    axis.set_ylim(plan.workers - 0.5, -0.5)
    step = max(1, plan.workers // 20)
    axis.set_yticks(range(0, plan.workers, step))
    axis.set_ylabel("worker")
    axis.grid(visible=False, axis="y")


def _colours(plan: Plan) -> list[Any]:
    from matplotlib import colormaps

    top = max(plan.workers - 1, 1)
    return [colormaps["viridis_r"](0.08 + 0.84 * block.level / top) for block in plan.blocks]


def _label(plan: Plan, b: int) -> str:
    block = plan.blocks[b]
    return f"level {block.level}: {block.stop - block.start}"


def _legend_blocks(plan: Plan) -> list[int]:
    """All blocks, or the first ten and the last two of many."""
    count = len(plan.blocks)
    return list(range(count)) if count <= 12 else [*range(10), count - 2, count - 1]


def _patch(colour: Any, label: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(color=colour, label=label)
