"""What a coded training run measured, beside what the model of a round says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.codes.plan import Plan

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BlockTimes", "PlanRun", "SpeedUp", "TrainingRun"]


@dataclass(frozen=True)
class BlockTimes:
    """What a block took the master besides waiting for work and delays.

    Attributes
    ----------
    level, coordinates, cells : int
        Of the block.
    overhead : float
        Mean seconds by which its last cell was recovered later than the model says for the same
        delays; NaN without injected delays.
    decoding : float
        Mean seconds of a round that decoding the block took.
    """

    level: int
    coordinates: int
    cells: int
    overhead: float
    decoding: float


@dataclass(frozen=True)
class SpeedUp:
    """How many times longer another plan takes than the first one, in the same rounds."""

    ratio: float
    standard_error: float


@dataclass(frozen=True, eq=False)
class PlanRun:
    """The rounds of one plan.

    Attributes
    ----------
    name : str
    plan : Plan
    seconds : ndarray, shape (R,)
        Measured, from the start of a round to the last decoded cell.
    modelled : ndarray, shape (R,)
        What the model says for the delays of the same rounds; 0 without injected delays.
    predicted : ndarray, shape (K,)
        Rounds of the model from many more draws.
    master : ndarray, shape (R,)
        Seconds of a round that the master itself was at work, and did not wait for vectors.
    decoding : ndarray, shape (R,)
        Of these, what decoding took.
    blocks : tuple of BlockTimes
        The same by block of the plan in use.
    messages : ndarray of int, shape (R,)
        Coded vectors that the master took in.
    errors : ndarray, shape (R,)
        Largest deviation of the decoded from the uncoded gradient, over the largest entry of that.
    losses : ndarray, shape (R + 1,)
        Mean loss before the first and after every round.
    lost : ndarray of int, shape (R,)
        Workers that died in a round.
    slowness : ndarray, shape (R, N)
        Seconds of each worker for one coordinate on all data, as far as it came.
    parameters : ndarray, shape (L,)
        At the end.
    """

    name: str
    plan: Plan
    seconds: FloatArray
    modelled: FloatArray
    predicted: FloatArray
    master: FloatArray
    decoding: FloatArray
    blocks: tuple[BlockTimes, ...]
    messages: FloatArray
    errors: FloatArray
    losses: FloatArray
    lost: FloatArray
    slowness: FloatArray
    parameters: FloatArray

    @property
    def mean(self) -> float:
        """Mean measured seconds of a round."""
        return float(self.seconds.mean())

    @property
    def standard_error(self) -> float:
        """Standard error of :attr:`mean`; NaN for a single round."""
        return _standard_error(self.seconds)

    @property
    def predicted_mean(self) -> float:
        """Mean seconds of a round by the model; NaN without injected delays."""
        return float(self.predicted.mean()) if self.predicted.size else math.nan

    @property
    def overhead(self) -> float:
        """Mean of measured minus modelled seconds of the same rounds: start, sending, decoding.

        NaN without injected delays, where the model says nothing.
        """
        if not self.predicted.size:
            return math.nan
        return float((self.seconds - self.modelled).mean())

    @property
    def distance(self) -> float:
        """Kolmogorov-Smirnov distance of measured and predicted rounds; NaN without prediction.

        The mean overhead, which the model leaves out, is taken off the measured rounds first.
        """
        if not self.predicted.size:
            return math.nan
        from scipy.stats import ks_2samp

        return float(ks_2samp(self.seconds - self.overhead, self.predicted).statistic)


@dataclass(frozen=True, eq=False)
class TrainingRun:
    """Coded training with one or several plans, round by round in turn under the same delays.

    Attributes
    ----------
    task : str
    delays : str
        Where the delays come from.
    plans : mapping
        The runs by name; the first one is the one in question.
    notes : tuple of str
        What happened besides: workers lost, blocks that had to wait for a replacement, plans changed.
    """

    task: str
    delays: str
    plans: Mapping[str, PlanRun]
    notes: tuple[str, ...] = ()

    @property
    def first(self) -> PlanRun:
        """The run of the first plan, which the others are compared with."""
        return next(iter(self.plans.values()))

    @property
    def rounds(self) -> int:
        """How many rounds every plan made."""
        return int(self.first.seconds.size)

    def speed_up(self, name: str) -> SpeedUp:
        """Mean round of another plan over that of the first, with its paired standard error."""
        own, other = self.first.seconds, self.plans[name].seconds
        ratio = float(other.mean() / own.mean())
        return SpeedUp(ratio, _standard_error(other - ratio * own) / float(own.mean()))

    def table(self) -> pd.DataFrame:
        """One line a plan."""
        import pandas as pd

        lines = []
        for name, run in self.plans.items():
            speed = self.speed_up(name)
            lines.append(
                {
                    "plan": name,
                    "blocks": len(run.plan.blocks),
                    "cells": sum(block.cells for block in run.plan.blocks),
                    "measured mean [s]": run.mean,
                    "standard error": run.standard_error,
                    "predicted mean [s]": run.predicted_mean,
                    "same delays [s]": float(run.modelled.mean()),
                    "overhead [ms]": 1e3 * run.overhead,
                    "master [ms]": 1e3 * float(run.master.mean()),
                    "decoding [ms]": 1e3 * float(run.decoding.mean()),
                    "messages": float(run.messages.mean()),
                    "KS distance": run.distance,
                    "takes times the first": speed.ratio,
                    "its error": speed.standard_error,
                    "largest error": float(run.errors.max()),
                    "final loss": float(run.losses[-1]),
                }
            )
        return pd.DataFrame(lines)

    def to_dict(self) -> dict[str, Any]:
        """The keys of ``cgcopt run --json``; what is not finite is ``None``."""
        first = self.first
        others = [name for name in self.plans if name != first.name]
        return {
            "task": self.task,
            "delays": self.delays,
            "rounds": self.rounds,
            "measured_mean": first.mean,
            "standard_error": _finite(first.standard_error),
            "predicted_mean": _finite(first.predicted_mean),
            "overhead": _finite(first.overhead),
            "master_overhead": float(first.master.mean()),
            "decoding": float(first.decoding.mean()),
            "blocks": [
                {**asdict(block), "overhead": _finite(block.overhead)} for block in first.blocks
            ],
            "ks_distance": _finite(first.distance),
            "max_decoding_error": max(float(run.errors.max()) for run in self.plans.values()),
            "final_loss": float(first.losses[-1]),
            "against": {
                name: {
                    "measured_mean": self.plans[name].mean,
                    "standard_error": _finite(self.plans[name].standard_error),
                    "predicted_mean": _finite(self.plans[name].predicted_mean),
                    "overhead": _finite(self.plans[name].overhead),
                    "master_overhead": float(self.plans[name].master.mean()),
                    "ks_distance": _finite(self.plans[name].distance),
                    "speed_up": self.speed_up(name).ratio,
                    "speed_up_error": _finite(self.speed_up(name).standard_error),
                }
                for name in others
            },
            "notes": list(self.notes),
        }


def _standard_error(values: FloatArray) -> float:
    if values.size < 2:
        return math.nan
    return float(values.std(ddof=1) / np.sqrt(values.size))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
