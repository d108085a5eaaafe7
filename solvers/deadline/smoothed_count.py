"""Designs that meet many rounds: descent on a smoothed count of the late ones.

A round counts as late to the degree ``1 / (1 + exp(-log(tau_k / t) / h))``, with a smoothed maximum over
the levels.  The count is minimised over the shares with ever smaller ``h``, from where the last one
ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray

__all__ = ["CountSettings", "smoothed_designs"]


@dataclass(frozen=True)
class CountSettings:
    """Numbers of the descent; tried on 1,000 rounds of 20 workers only."""

    widths: tuple[float, ...] = (0.3, 0.1, 0.03, 0.01)
    """``h`` in turn, in logarithms of a runtime."""
    maximum: float = 1.0 / 3.0
    """Width of the smoothed maximum, as a share of ``h``."""
    steps: int = 60
    """Quasi-Newton steps for one width at most."""
    least: float = 1e-4
    """Least share of a level that a descent starts from."""
    steep: float = 50.0
    """Exponent beyond which a round is late, or in time, altogether."""


_SETTINGS = CountSettings()


def smoothed_designs(
    relative: FloatArray, costs: FloatArray, start: FloatArray, stop: Callable[[], bool]
) -> list[FloatArray]:
    """Shares that meet ever more rounds, one for every width.

    Parameters
    ----------
    relative : ndarray, shape (K, m)
        ``u L T_(N-n) / t`` of the levels in question: runtime of one unit of work for all
        coordinates, in deadlines.
    costs : ndarray, shape (m,)
        ``n + 1`` of the levels.
    start : ndarray, shape (m,)
        Shares to start from.
    stop : callable
        Whether time is up.
    """
    from scipy import optimize

    minimize: Any = optimize.minimize

    logs = np.log(relative)
    point = np.log(np.maximum(start, _SETTINGS.least))
    found = []

    def watch(_: FloatArray) -> None:
        if stop():
            raise StopIteration

    for width in _SETTINGS.widths:
        if stop():
            break
        ended = minimize(
            lambda a, width=width: _count(logs, costs, a, width),
            point,
            jac=True,
            method="L-BFGS-B",
            callback=watch,
            options={"maxiter": _SETTINGS.steps},
        )
        point = np.asarray(ended.x)
        found.append(_shares(point))
    return found


def _shares(point: FloatArray) -> FloatArray:
    raised = np.exp(point - point.max())
    return np.asarray(raised / raised.sum())


def _count(
    logs: FloatArray, costs: FloatArray, point: FloatArray, width: float
) -> tuple[float, FloatArray]:
    """Smoothed number of late rounds and its gradient in the logarithms of the shares."""
    x = _shares(point)
    work = np.cumsum(costs * x)
    reached = logs + np.log(work)
    top = reached.max(axis=1, keepdims=True)
    smooth = width * _SETTINGS.maximum
    weight = np.exp((reached - top) / smooth)
    total = weight.sum(axis=1, keepdims=True)
    runtime = top[:, 0] + smooth * np.log(total[:, 0])
    steep = _SETTINGS.steep
    late = 1.0 / (1.0 + np.exp(-np.clip(runtime / width, -steep, steep)))
    by_work = ((late * (1.0 - late) / width / total[:, 0]) @ weight) / work
    by_share = np.cumsum(by_work[::-1])[::-1] * costs
    return float(late.sum()), x * (by_share - by_share @ x)
