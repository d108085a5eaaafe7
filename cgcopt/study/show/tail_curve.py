"""A curve of quantiles and conditional values at risk as a table and a picture, in a folder."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgcopt.compare.show.drawing import COLOURS, figure, plain_text, save
from cgcopt.compare.show.folder import ReportFolder
from cgcopt.compare.show.numbers import show_gap, show_number
from cgcopt.study.tail_curve import TailCurve

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["plot_tail_curve", "tail_table", "write_tail_curve"]


def tail_table(curve: TailCurve) -> pd.DataFrame:
    """One line a probability: both optima with their gaps, and each design by the other objective."""
    import pandas as pd

    lines = [
        {
            "q": f"{point.probability:g}",
            "quantile [s]": show_number(point.quantile.value, 6),
            "gap": show_gap(point.quantile.gap),
            "CVaR [s]": show_number(point.tail_mean.value, 6),
            "its gap": show_gap(point.tail_mean.gap),
            "quantile of CVaR design": show_number(point.quantile_of_tail_mean, 6),
            "CVaR of quantile design": show_number(point.tail_mean_of_quantile, 6),
        }
        for point in curve.points
    ]
    return pd.DataFrame(lines)


def plot_tail_curve(curve: TailCurve, path: str | Path) -> None:
    """Draw seconds against the share of rounds that may be later, both optima and the other designs."""
    beyond = [1.0 - point.probability for point in curve.points]
    lines: list[tuple[str, list[float], dict[str, Any]]] = [
        (
            "best conditional value at risk (CVaR)",
            [point.tail_mean.value for point in curve.points],
            {"color": COLOURS[1], "marker": "s", "linewidth": 2.0},
        ),
        (
            "CVaR of the design with the best quantile",
            [point.tail_mean_of_quantile for point in curve.points],
            {"color": COLOURS[1], "linestyle": ":", "linewidth": 1.4},
        ),
        (
            "best quantile",
            [point.quantile.value for point in curve.points],
            {"color": COLOURS[0], "marker": "o", "linewidth": 2.0},
        ),
        (
            "quantile of the design with the best CVaR",
            [point.quantile_of_tail_mean for point in curve.points],
            {"color": COLOURS[0], "linestyle": ":", "linewidth": 1.4},
        ),
    ]
    with figure(7.2, 4.6) as (drawn, axis):
        for label, values, style in lines:
            axis.plot(beyond, values, label=label, markersize=4, **style)
        axis.set_xscale("log")
        axis.invert_xaxis()
        axis.set_xlabel("share of the rounds beyond, 1 - q")
        axis.set_ylabel("seconds")
        axis.set_title(plain_text(curve.problem.name), loc="left", fontsize=9, fontweight="bold")
        drawn.legend(loc="outside lower center", ncols=2, handlelength=2.6)
        save(drawn, path)


def write_tail_curve(curve: TailCurve, folder: Path) -> list[Path]:
    """Write ``tail.csv`` and ``tail.png`` into a folder that exists, and return the files."""
    target = ReportFolder(folder)
    target.table("tail.csv", curve.frame())
    target.picture("tail.png", partial(plot_tail_curve, curve), "tail")
    return target.files
