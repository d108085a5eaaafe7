"""Making a gradient code: a placement where none is given, and coefficients for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cgcopt._validate import whole_number
from cgcopt.arrays import FloatArray
from cgcopt.codes.code import GradientCode
from cgcopt.codes.placement import Placement
from cgcopt.codes.universal import Drawing, universal_matrix
from cgcopt.errors import InvalidInputError

__all__ = ["gradient_code"]


def gradient_code(
    workers: int,
    stragglers: int,
    placement: Placement | Sequence[Sequence[int]] | str | None = None,
    seed: int = 0,
    *,
    drawing: Drawing | None = None,
) -> GradientCode:
    """Make a code with which any ``workers - stragglers`` workers give the whole gradient.

    Parameters
    ----------
    workers : int
        ``N``.
    stragglers : int
        ``s``, from 0 to ``N - 1``; every piece of data is held by ``s + 1`` workers.
    placement : Placement, list of lists of pieces, 'cyclic', 'repetition', optional
        Who holds what. By default the one that decodes best: classes of workers that hold the same
        pieces as far as they fit (:meth:`Placement.repetition`), else cyclic windows. Either way
        every worker holds ``s + 1`` of ``N`` pieces.
    seed : int
        Of drawn coefficients.
    drawing : Drawing, optional
        How often coefficients are drawn anew when they amplify noise.

    Raises
    ------
    InvalidInputError
        If the numbers or the placement are refused.
    DecodingError
        If no draw decodes to 1e-8 on the straggler sets that were tried.

    Examples
    --------
    >>> code = gradient_code(workers=12, stragglers=3)
    >>> print(code.construction, "-", code.reason)
    fractional repetition - 3 classes of 4 workers hold the same pieces: sums decode exactly
    >>> code.decoding_vector(survivors=[1, 2, 5, 6, 7, 8, 9, 10, 11])
    array([0., 1., 0., 0., 0., 1., 0., 0., 1., 0., 0., 0.])
    >>> gradient_code(workers=4, stragglers=2, placement="cyclic").check().sound
    True
    """
    n = whole_number("workers", workers, least=1)
    s = whole_number("stragglers", stragglers, least=0)
    if s >= n:
        raise InvalidInputError("stragglers", s, f"less than {n}, the workers")
    holds = _placement(n, s, placement)
    drawing = drawing or Drawing()
    matrix = np.zeros(holds.holds.shape)
    for members in holds.classes:
        pieces = np.flatnonzero(holds.holds[members].any(axis=0))
        part = Placement(holds.holds[np.ix_(members, pieces)])
        matrix[np.ix_(members, pieces)] = _class_matrix(part, seed, drawing)
    return GradientCode(holds, matrix)


def _placement(
    workers: int, stragglers: int, wanted: Placement | Sequence[Sequence[int]] | str | None
) -> Placement:
    if wanted is None or wanted == "repetition":
        return Placement.repetition(workers, stragglers + 1)
    if wanted == "cyclic":
        return Placement.cyclic(workers, stragglers + 1)
    if isinstance(wanted, str):
        raise InvalidInputError("placement", wanted, "'cyclic', 'repetition' or a Placement")
    holds = wanted if isinstance(wanted, Placement) else Placement.of_pieces(wanted)
    if holds.workers != workers:
        raise InvalidInputError("placement", f"{holds.workers} workers", f"{workers} workers")
    if holds.copies != stragglers + 1:
        allowed = f"stragglers + 1 = {stragglers + 1} holders of every piece"
        raise InvalidInputError("placement", f"{holds.copies} holders", allowed)
    return holds


def _class_matrix(placement: Placement, seed: int, drawing: Drawing) -> FloatArray:
    if placement.workers == placement.copies:
        return np.ones(placement.holds.shape)
    return universal_matrix(placement, seed, drawing)
