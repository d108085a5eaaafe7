"""The picture of a training run: measured rounds beside the predicted ones, and the losses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cgcopt.compare.show.drawing import COLOURS, figure, save
from cgcopt.training.result import TrainingRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_training"]


def plot_training(run: TrainingRun, path: str | Path) -> None:
    """Draw three panels: distributions of rounds, their means, losses against rounds."""
    with figure(12.0, 3.9, ncols=3) as (drawn, axes):
        _distributions(axes[0], run)
        _means(axes[1], run)
        _losses(axes[2], run)
        title = f"{run.task}, {run.rounds} rounds, delays: {run.delays}"
        drawn.suptitle(title, fontsize=9, fontweight="bold", x=0.01, ha="left")
        drawn.legend(loc="outside lower center", ncols=5)
        save(drawn, path)


def _distributions(axis: Axes, run: TrainingRun) -> None:
    most = max(float(own.seconds.max()) for own in run.plans.values())
    for index, (name, own) in enumerate(run.plans.items()):
        colour = COLOURS[index % len(COLOURS)]
        axis.ecdf(own.seconds, color=colour, linewidth=1.8, label=name)
        if own.predicted.size:
            share = np.linspace(0.001, 0.999, 200)
            axis.plot(np.quantile(own.predicted, share), share, ":", color=colour, linewidth=1.2)
    axis.set_xlim(0, 1.05 * most)
    axis.set_xlabel("seconds of a round")
    axis.set_title("share of rounds: measured (steps), predicted (dotted)", loc="left", fontsize=9)


def _means(axis: Axes, run: TrainingRun) -> None:
    names = list(run.plans)
    for index, own in enumerate(run.plans.values()):
        colour = COLOURS[index % len(COLOURS)]
        error = 0.0 if np.isnan(own.standard_error) else own.standard_error
        axis.errorbar(own.mean, index, xerr=error, fmt="o", color=colour, capsize=3)
        if own.predicted.size:
            axis.plot(own.predicted_mean, index, "|", color="k", markersize=14)
            axis.plot(own.modelled.mean(), index, "x", color=colour, markersize=6)
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.set_xlim(left=0)
    axis.set_xlabel("mean seconds of a round")
    axis.set_title("measured (o), same delays (x), predicted (|)", loc="left", fontsize=9)


def _losses(axis: Axes, run: TrainingRun) -> None:
    for index, own in enumerate(run.plans.values()):
        colour = COLOURS[index % len(COLOURS)]
        ends = np.concatenate([[0.0], np.cumsum(own.seconds)])
        axis.plot(ends, own.losses, color=colour)
    axis.set_xlabel("seconds of training")
    axis.set_ylabel("mean loss")
    axis.set_title("loss: equal after equal rounds", loc="left", fontsize=9)
