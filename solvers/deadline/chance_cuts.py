r"""Cuts above the log of a completion probability, in what the levels are asked for.

With ``eta_n = -log p_n`` of the chance ``p_n`` that a worker has finished level ``n`` by the deadline,
``Phi(eta) = log P`` is concave for every distribution of independent workers
(:mod:`cgcopt.solvers.proof.log_concavity`) and differentiable, so that every point gives a cut

    log P <= Phi(eta^i) - c^i . (eta - eta^i),   c^i_n = p_n d log P / dp_n >= 0 .
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.evaluation.binomials import log_binomials
from cgcopt.evaluation.crossing.crossing import crossing
from cgcopt.solvers.proof.speed_box import BETA_ROOM

__all__ = ["Cut", "cut_at", "largest_late"]


@dataclass(frozen=True, eq=False)
class Cut:
    """``-log P >= offset + weight . eta`` on the allowed levels.

    Attributes
    ----------
    offset : float
    weight : ndarray, shape (m,)
        At least 0.
    loss : float
        ``-log P`` where the cut touches.
    """

    offset: float
    weight: FloatArray
    loss: float


def cut_at(eta: FloatArray, levels: IntArray, workers: int) -> Cut:
    """The cut at a point.

    Parameters
    ----------
    eta : ndarray, shape (m,)
        Finite, at least 0.
    levels : ndarray of int, shape (m,)
        The allowed levels; the others ask for nothing beyond.
    workers : int

    Examples
    --------
    One worker: ``P = p``, and the cut is exact.

    >>> cut = cut_at(np.array([0.7]), np.array([0]), 1)
    >>> round(cut.offset, 12), cut.weight.round(12).tolist()
    (0.0, [1.0])
    """
    done, late = np.ones(workers), np.zeros(workers)
    done[levels], late[levels] = np.exp(-eta), -np.expm1(-eta)
    found = crossing(done[::-1], late[::-1], gradient=True, threads=1)
    weight = (found.log_gradient[::-1] * done)[levels]
    loss = -float(found.log_probability)
    return Cut(loss - float(weight @ eta), weight, loss)


def largest_late(
    levels: IntArray, workers: int, log_probability: float, complement: float
) -> FloatArray:
    """Most of ``1 - p_n`` with which a level alone is in time with more than a probability.

    Parameters
    ----------
    levels : ndarray of int, shape (m,)
    workers : int
    log_probability, complement : float
        ``log P`` and ``1 - P`` to be exceeded.
    """
    from scipy.special import betaincinv

    n = levels
    if complement < 0.5:
        late = betaincinv(n + 1, workers - n, complement) * (1.0 + BETA_ROOM)
        return np.asarray(np.minimum(late, 1.0))
    if not np.isfinite(log_probability):
        return np.ones(n.size)
    # C(N, N-n) p^(N-n) is at least the probability that N-n workers are in time.
    union = np.exp((log_probability - log_binomials(workers)[:-1][n]) / (workers - n))
    exact = betaincinv(workers - n, n + 1, np.exp(log_probability))
    return np.asarray(1.0 - np.maximum(union, exact) * (1.0 - BETA_ROOM))
