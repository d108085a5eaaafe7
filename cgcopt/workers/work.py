"""What a recorded worker does: the gradient of a softmax regression on its own data."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import numpy as np

from cgcopt.arrays import FloatArray

if TYPE_CHECKING:
    from multiprocessing.synchronize import Barrier

__all__ = ["CLASSES", "FEATURES", "run_rounds"]

FEATURES = 64
CLASSES = 10


@dataclass(frozen=True)
class _Tuning:
    """Numbers of the work. No measurement of them is on record."""

    block: int = 1000
    """Samples at a time, whose scores stay in the cache."""
    blocks_timed: int = 10
    """Blocks of the gradient that is timed to find the seconds of a sample."""
    timings: int = 15
    """Timings of it, of which the quickest counts."""
    rate: float = 0.1
    """Step of the descent, so that the weights change from round to round."""


_TUNING = _Tuning()


def run_rounds(
    number: int, total: int, pipe: Connection[Any, Any], barrier: Barrier, patience: float
) -> None:
    """Compute one gradient a round and send the seconds it took; the body of a worker process.

    Parameters
    ----------
    number : int
        Which worker this is; the seed of its data.
    total : int
        How many gradients.
    pipe : Connection
        To the parent.  First "ready" is sent; then the numbers of samples are received that are
        used in turn, or ``None`` as the request to send the seconds per sample first.
    barrier : Barrier
        Where all workers meet before each round.
    patience : float
        Seconds to wait there.
    """
    try:
        pipe.send("ready")
        sizes = pipe.recv()
        if sizes is None:
            pipe.send(_seconds_per_sample())
            sizes = pipe.recv()
        x, y, weights = _data(max(sizes), np.random.default_rng(number))
        for k in range(total):
            size = sizes[k % len(sizes)]
            barrier.wait(patience)
            start = time.perf_counter()
            weights -= _TUNING.rate * _gradient(x[:size], y[:size], weights)
            pipe.send(time.perf_counter() - start)
    except (EOFError, OSError, threading.BrokenBarrierError):
        return  # the parent has gone, or a worker was lost and the parent knows
    except Exception as error:
        pipe.send(error)


def _data(samples: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, FloatArray]:
    x = rng.standard_normal((samples, FEATURES))
    y = np.eye(CLASSES)[rng.integers(CLASSES, size=samples)]
    return x, y, np.zeros((FEATURES, CLASSES))


def _gradient(x: FloatArray, y: FloatArray, weights: FloatArray) -> FloatArray:
    """Gradient of the mean cross-entropy of a softmax regression, block by block of the data.

    Blocks keep the scores in the cache, so that the time grows in proportion to the data.
    """
    total = np.zeros_like(weights)
    for start in range(0, len(x), _TUNING.block):
        rows = x[start : start + _TUNING.block]
        scores = rows @ weights
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        scores -= y[start : start + _TUNING.block]
        total += rows.T @ scores
    return total / len(x)


def _seconds_per_sample() -> float:
    x, y, weights = _data(_TUNING.blocks_timed * _TUNING.block, np.random.default_rng(0))
    best = math.inf
    for _ in range(_TUNING.timings):
        start = time.perf_counter()
        _gradient(x, y, weights)
        best = min(best, time.perf_counter() - start)
    return best / len(x)
