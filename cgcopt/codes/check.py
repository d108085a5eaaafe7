"""What decoding costs in accuracy, over many sets of stragglers."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.codes.decoding import amplification, decoding_vector, residual, straggler_sets
from cgcopt.process.cores import blas_threads

__all__ = ["TOLERANCE", "CodeCheck", "check_decoding"]


#: Relative error up to which a decoded gradient counts as right, in double precision.
TOLERANCE = 1e-8


@dataclass(frozen=True)
class CodeCheck:
    """What decoding costs in accuracy, over the straggler sets that were tried.

    Attributes
    ----------
    residual : float
        Worst ``max |lambda^T B - 1|``: the relative error of a decoded gradient in double precision.
    amplification : float
        Worst ``max_j sum_i |lambda_i B_ij|``; relative noise in what workers send grows by it.
    sets : int
        Straggler sets that were tried.
    exhaustive : bool
        Whether these are all sets of ``s`` stragglers.
    worst : tuple of int
        The stragglers with the largest residual.
    """

    residual: float
    amplification: float
    sets: int
    exhaustive: bool
    worst: tuple[int, ...]

    @property
    def sound(self) -> bool:
        """Whether every set decodes to a relative error of 1e-8."""
        return self.residual <= TOLERANCE

    @property
    def single_precision(self) -> float:
        """Relative error to expect when workers round what they send to float32."""
        return self.amplification * 2.0**-24

    def __str__(self) -> str:
        which = "all" if self.exhaustive else "contiguous and random"
        return (
            f"{self.sets} straggler sets ({which}): residual {self.residual:.1e}, "
            f"noise amplification {self.amplification:.2g}, "
            f"about {self.single_precision:.0e} with float32"
        )


def check_decoding(
    matrix: FloatArray, classes: tuple[IntArray, ...], stragglers: int, most: int, seed: int
) -> CodeCheck:
    """Decode with every set of ``s`` stragglers, or with ``most`` contiguous and random ones.

    Parameters
    ----------
    matrix : ndarray, shape (workers, pieces)
    classes : tuple of ndarray
        Workers whose pieces are connected.
    stragglers : int
        ``s``.
    most : int
        Sets to try.
    seed : int
        Of the random sets.
    """
    workers = matrix.shape[0]
    error, amplified, count = 0.0, 0.0, 0
    worst: tuple[int, ...] = ()
    with blas_threads(1):
        for late in straggler_sets(workers, stragglers, most, seed):
            alive = np.ones(workers, dtype=np.bool_)
            alive[late] = False
            vector = decoding_vector(matrix, classes, stragglers, alive)
            amplified = max(amplified, amplification(matrix, vector))
            found = residual(matrix, vector)
            if not found <= error:
                error, worst = found, tuple(late.tolist())
            count += 1
    return CodeCheck(error, amplified, count, comb(workers, stragglers) <= most, worst)
