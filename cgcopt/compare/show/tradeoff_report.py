"""A trade-off as tables of text, and written to a folder."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cgcopt.compare.results.tradeoff import TradeOff, TradePoint
from cgcopt.compare.show.folder import ReportFolder
from cgcopt.compare.show.numbers import show_gap, show_number
from cgcopt.compare.show.report import settings_section
from cgcopt.compare.show.tables import markdown_table, markdown_text
from cgcopt.compare.show.tradeoff_plot import plot_tradeoff

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["grid_table", "points_table", "write_tradeoff"]

#: Levels that are written out in a table.
_LISTED = 6


def points_table(found: TradeOff, points: list[TradePoint], heading: str) -> pd.DataFrame:
    """Points along one limit as texts: value, price, proven gap and levels."""
    import pandas as pd

    limit = [str(point.copies or point.blocks) for point in points]
    table = {
        heading: limit,
        "value [s]": [show_number(point.solution.value, 7) for point in points],
        "price": [f"{100 * found.price(point):.2f} %" for point in points],
        "gap": [show_gap(point.solution.gap) for point in points],
        "blocks" if heading == "copies" else "copies": [_other(p, heading) for p in points],
        "shares of the levels": [_levels(point) for point in points],
        "seconds": [f"{point.solution.seconds.solve:.2f}" for point in points],
    }
    return pd.DataFrame(table)


def grid_table(found: TradeOff) -> pd.DataFrame:
    """Prices under both limits: a row for every limit on the blocks, a column for copies."""
    import pandas as pd

    grid, alone = found.grid(), {point.copies: point for point in found.against_copies()}
    copies = sorted({point.copies for point in grid})
    rows = []
    for blocks in sorted({point.blocks for point in grid}):
        at = {point.copies: point for point in grid if point.blocks == blocks}
        rows.append({"blocks": str(blocks), **{str(r): _price(found, at.get(r)) for r in copies}})
    rows.append({"blocks": "any", **{str(r): _price(found, alone.get(r)) for r in copies}})
    return pd.DataFrame(rows)


def write_tradeoff(found: TradeOff, folder: Path, command: str = "") -> list[Path]:
    """Write tables and a picture into a folder that exists, and return the files."""
    target = ReportFolder(folder)
    target.table("tradeoff.csv", found.frame())
    picture = target.picture("tradeoff.png", partial(plot_tradeoff, found), "trade-off")
    best = found.best
    sections = [
        f"# What copies and blocks are worth: {markdown_text(found.problem.name)}",
        f"Best without these limits: {best.value:.8g} s, bound {best.bound:.8g} s, "
        f"gap {best.gap:.1e}. A price is the runtime over that one, less 1; a gap is proven.",
        picture,
        "## Copies: subsets of the data that a worker stores at most",
        markdown_table(points_table(found, found.against_copies(), "copies")),
        "## Blocks at most",
        markdown_table(points_table(found, found.against_blocks(), "blocks")),
        "## Both: price, with the copies in the columns",
        markdown_table(grid_table(found)),
        settings_section(found.options, command, ()),
    ]
    target.text("tradeoff.md", "\n\n".join(sections) + "\n")
    return [target.files[-1], *target.files[:-1]]


def _other(point: TradePoint, heading: str) -> str:
    design = point.solution.design
    if design is None:
        return ""
    return str(design.blocks if heading == "copies" else design.copies)


def _levels(point: TradePoint) -> str:
    design = point.solution.design
    if design is None:
        return point.solution.message
    used = np.flatnonzero(design.partition > 1e-9 * design.coordinates)
    if used.size > _LISTED:
        return f"{used.size} levels from {used[0]} to {used[-1]}"
    shares = design.partition[used] / design.coordinates
    return ", ".join(f"{n}: {100 * share:.1f} %" for n, share in zip(used, shares, strict=True))


def _price(found: TradeOff, point: TradePoint | None) -> str:
    return "" if point is None else f"{100 * found.price(point):.2f} %"
