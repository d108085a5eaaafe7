"""The universal gradient code: coefficients for any placement of the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.codes.check import TOLERANCE, CodeCheck, check_decoding
from cgcopt.codes.placement import Placement
from cgcopt.errors import DecodingError
from cgcopt.process.cores import blas_threads
from cgcopt.seeds import generator

__all__ = ["Drawing", "universal_matrix"]


@dataclass(frozen=True)
class Drawing:
    """How often coefficients are drawn, and when a draw is good enough."""

    most: int = 8
    """Draws at most; the best is kept."""
    growth: float = 20.0
    """A noise amplification up to ``growth * N**2`` is not unlucky: 1 to 4 draws of 5 stay below,
    N = 10 to 200, and rounding then costs a good code ``4e-9`` at N = 200 in the worst case."""
    probes: int = 48
    """Straggler sets on which a draw is tried, half of them contiguous."""


def universal_matrix(placement: Placement, seed: int, drawing: Drawing) -> FloatArray:
    """Draw a code for a placement in which every piece has ``s + 1`` holders.

    Take ``C`` of shape ``(s+1, N)`` with orthonormal Gaussian rows, and for piece ``j`` with holders
    ``S_j`` the column ``b_j`` with ``C_{S_j} b_j = 1``. With any ``s`` stragglers there is a
    ``lambda = C^T mu`` that vanishes on them, and ``lambda^T B = mu^T C B = (mu^T 1) 1^T``: the others
    decode (Wang et al., ICDCS 2019; the null-space argument is that of Tandon et al., ICML 2017).

    Parameters
    ----------
    placement : Placement
        One class: its pieces connect all workers.
    seed : int
    drawing : Drawing
        Draws that amplify noise too much are thrown away.

    Returns
    -------
    ndarray, shape (workers, pieces)

    Raises
    ------
    DecodingError
        If no draw decodes to 1e-8 on the straggler sets that were tried.
    """
    everyone = (np.arange(placement.workers),)
    late = placement.copies - 1
    best: tuple[CodeCheck, FloatArray] | None = None
    for draw in range(drawing.most):
        rng = generator(seed, "gradient-code", placement.workers, placement.copies, draw)
        with blas_threads(1):
            matrix = _draw(placement, rng)
        tried = check_decoding(matrix, everyone, late, drawing.probes, seed)
        if best is None or tried.amplification < best[0].amplification:
            best = tried, matrix
        if best[0].amplification <= drawing.growth * placement.workers**2:
            break
    if best is None or not best[0].sound:
        raise DecodingError(
            f"no code for {placement.workers} workers and {late} stragglers decodes to {TOLERANCE:g}: "
            f"{drawing.most} draws left a relative error of {best[0].residual if best else np.nan:.1e}"
        )
    return best[1]


def _draw(placement: Placement, rng: np.random.Generator) -> FloatArray:
    gaussian = rng.standard_normal((placement.workers, placement.copies))
    carrier = np.linalg.qr(gaussian)[0].T
    matrix = np.zeros((placement.workers, placement.pieces))
    ones = np.ones(placement.copies)
    solved: dict[bytes, FloatArray] = {}
    for j in range(placement.pieces):
        key = placement.holds[:, j].tobytes()
        holders = placement.holders(j)
        if key not in solved:  # pieces with the same holders share their coefficients
            solved[key] = np.linalg.solve(carrier[:, holders], ones)
        matrix[holders, j] = solved[key]
    # Every worker's row may be scaled freely: a coded vector is then as large as a partial gradient.
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix / np.where(norms > 0, norms, 1.0)
