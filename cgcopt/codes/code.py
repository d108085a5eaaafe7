"""Gradient codes: any ``N - s`` of ``N`` workers give the sum of all partial gradients."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cgcopt._validate import whole_number
from cgcopt.arrays import FloatArray, IntArray
from cgcopt.codes.check import TOLERANCE, CodeCheck, check_decoding
from cgcopt.codes.combine import combine
from cgcopt.codes.decoding import decoding_vector, enough_answered, residual
from cgcopt.codes.placement import Placement
from cgcopt.errors import DecodingError, InvalidInputError

__all__ = ["Construction", "GradientCode"]


#: Decoding vectors that a code remembers.
_REMEMBERED = 4096


class Construction(StrEnum):
    """How the coefficients of a code are made."""

    UNCODED = "uncoded"
    """No redundancy: every piece has one holder, who sends it as it is."""
    REPLICATION = "replication"
    """Every worker holds everything and sends the sum; one answer is enough."""
    REPETITION = "fractional repetition"
    """Classes of ``s + 1`` workers with equal pieces send their sums: coefficients 0 and 1."""
    UNIVERSAL = "universal"
    """Drawn coefficients for any placement, see :func:`~cgcopt.codes.universal.universal_matrix`."""
    MIXED = "repetition and universal"
    """Some classes of ``s + 1`` workers that repeat, larger ones with drawn coefficients."""


@dataclass(frozen=True, eq=False)
class GradientCode:
    """Who holds which piece of the data, and how what the workers send is combined.

    Worker ``i`` sends ``sum_j B_ij g_j`` over its pieces ``j``; with any ``s`` stragglers there is a
    vector ``lambda`` with ``lambda^T B = 1``, zero on the stragglers.

    Parameters
    ----------
    placement : Placement
        Who holds what; its copies are ``s + 1``.
    matrix : array_like, shape (workers, pieces)
        ``B``, zero where a worker does not hold a piece.

    Examples
    --------
    >>> from cgcopt.codes import gradient_code
    >>> code = gradient_code(workers=5, stragglers=2)
    >>> partial = np.arange(10.0).reshape(5, 2)  # piece j, coordinate l
    >>> sent = {i: code.encode(i, partial[code.pieces_of(i)]) for i in (0, 2, 3)}
    >>> bool(np.allclose(code.decode(sent), partial.sum(axis=0)))
    True
    """

    placement: Placement
    matrix: FloatArray
    _vectors: OrderedDict[bytes, FloatArray] = field(
        default_factory=OrderedDict, init=False, repr=False
    )

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float64)
        holds = self.placement.holds
        if matrix.shape != holds.shape or not np.all(np.isfinite(matrix)):
            allowed = f"{holds.shape[0]} x {holds.shape[1]} finite numbers"
            raise InvalidInputError("matrix", f"shape {matrix.shape}", allowed)
        if np.any(matrix[~holds]):
            i, j = np.argwhere((matrix != 0) & ~holds)[0].tolist()
            raise InvalidInputError(f"matrix[{i}, {j}]", matrix[i, j].item(), "0: not held")
        matrix.flags.writeable = False
        object.__setattr__(self, "matrix", matrix)

    @property
    def workers(self) -> int:
        """``N``."""
        return self.placement.workers

    @property
    def pieces(self) -> int:
        """How many pieces of data there are."""
        return self.placement.pieces

    @property
    def stragglers(self) -> int:
        """``s``: how many workers may be missing, whichever they are."""
        return self.placement.copies - 1

    @cached_property
    def classes(self) -> tuple[IntArray, ...]:
        """Workers whose pieces are connected; each class decodes its own pieces."""
        return self.placement.classes

    @property
    def construction(self) -> Construction:
        """How the coefficients are made."""
        if self.placement.copies == 1:
            return Construction.UNCODED
        repeated = [members.size == self.placement.copies for members in self.classes]
        if all(repeated):
            return Construction.REPLICATION if len(repeated) == 1 else Construction.REPETITION
        return Construction.MIXED if any(repeated) else Construction.UNIVERSAL

    @property
    def reason(self) -> str:
        """Why the code is made as it is, in one sentence."""
        copies, sizes = self.placement.copies, [members.size for members in self.classes]
        large = [size for size in sizes if size > copies]
        return {
            Construction.UNCODED: "no straggler is tolerated: every piece is sent as it is",
            Construction.REPLICATION: "every worker of the class holds everything: no code is needed",
            Construction.REPETITION: f"{len(sizes)} classes of {copies} workers hold the same pieces: "
            "sums decode exactly",
            Construction.UNIVERSAL: "the pieces of the workers overlap: drawn coefficients decode with "
            f"any {self.stragglers} stragglers",
            Construction.MIXED: f"classes of {copies} workers repeat; of {', '.join(map(str, large))} "
            "workers have drawn coefficients",
        }[self.construction]

    def pieces_of(self, worker: int) -> IntArray:
        """The pieces that a worker holds, increasing."""
        return self.placement.pieces_of(worker)

    def encode(
        self,
        worker: int,
        partial_gradients: NDArray[Any] | Sequence[NDArray[Any]] | Mapping[int, NDArray[Any]],
        *,
        dtype: DTypeLike | None = None,
    ) -> NDArray[Any]:
        """Combine a worker's partial gradients into the one vector that it sends.

        Parameters
        ----------
        worker : int
        partial_gradients : array_like, shape (pieces held, ...), or mapping
            One partial gradient for each piece that the worker holds, in the order of
            :meth:`pieces_of`, or ``{piece: gradient}``.
        dtype : dtype, optional
            Of the result; by default that of the gradients. Codes that amplify noise lose digits of
            float32 gradients, unless they are sent in double precision.

        Returns
        -------
        ndarray
            Of the shape of one partial gradient.
        """
        held = self.pieces_of(worker)
        parts = partial_gradients
        if isinstance(parts, Mapping):
            if set(parts) != set(held.tolist()):
                raise InvalidInputError(
                    "partial_gradients", sorted(parts), f"pieces {held.tolist()}"
                )
            parts = [parts[j] for j in held.tolist()]
        if len(parts) != held.size or held.size == 0:
            allowed = f"{held.size}, one for each piece of worker {worker}"
            raise InvalidInputError("number of partial gradients", len(parts), allowed)
        weights = self.matrix[worker, held]
        if (
            isinstance(parts, np.ndarray)
            and parts.dtype.kind == "f"
            and dtype in (None, parts.dtype)
        ):
            flat = parts.reshape(held.size, -1)
            return np.asarray(weights.astype(parts.dtype) @ flat).reshape(parts.shape[1:])
        arrays = [np.asarray(part) for part in parts]
        chosen = np.result_type(np.float32, *arrays) if dtype is None else dtype
        return combine(weights.tolist(), arrays, chosen)

    def tolerates(self, survivors: Iterable[int]) -> bool:
        """Whether the gradient can be decoded from what these workers sent."""
        return enough_answered(self.classes, self.stragglers, self._alive(survivors))

    def decoding_vector(self, survivors: Iterable[int]) -> FloatArray:
        """Return ``lambda`` with ``lambda^T B = 1`` that is zero on stragglers, shape ``(workers,)``.

        It is remembered for the set of survivors.

        Raises
        ------
        DecodingError
            If a class of workers has more than ``s`` stragglers, or rounding would cost more than
            1e-8 relatively.
        """
        alive = self._alive(survivors)
        if not enough_answered(self.classes, self.stragglers, alive):
            late = np.flatnonzero(~alive).tolist()
            raise DecodingError(
                f"workers {late} are missing: the code tolerates {self.stragglers} stragglers"
            )
        vector = self._vector(alive)
        error = residual(self.matrix, vector)
        if not error <= TOLERANCE:
            raise DecodingError(
                f"survivors {np.flatnonzero(alive).tolist()} decode with a relative error of "
                f"{error:.1e} only: wait for one more worker, or draw the code with another seed"
            )
        return vector

    def decode(
        self, sent: Mapping[int, NDArray[Any]], *, dtype: DTypeLike | None = None
    ) -> NDArray[Any]:
        """Recover the sum of all partial gradients from what the survivors sent.

        Parameters
        ----------
        sent : mapping
            ``{worker: vector}`` as :meth:`encode` made them.
        dtype : dtype, optional
            Of the result; by default that of the vectors. Sums are made in double precision.

        Raises
        ------
        DecodingError
            As :meth:`decoding_vector`.
        """
        vector = self.decoding_vector(sent)
        used = [(float(vector[i]), np.asarray(sent[i])) for i in sorted(sent) if vector[i] != 0]
        shapes = {array.shape for _, array in used}
        if len(shapes) > 1:
            raise InvalidInputError("sent", sorted(shapes), "vectors of one shape")
        arrays = [array for _, array in used]
        chosen = np.result_type(np.float32, *arrays) if dtype is None else dtype
        return combine([weight for weight, _ in used], arrays, chosen)

    def check(self, *, sets: int = 500, seed: int = 0) -> CodeCheck:
        """Decode with many straggler sets and report the worst.

        Parameters
        ----------
        sets : int
            Sets to try: all sets of ``s`` stragglers where there are no more, else half of them
            contiguous and half drawn.
        seed : int
        """
        most = whole_number("sets", sets, least=1)
        return check_decoding(self.matrix, self.classes, self.stragglers, most, seed)

    def __getstate__(self) -> dict[str, Any]:
        return {"placement": self.placement, "matrix": self.matrix}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _vectors=OrderedDict())

    def __repr__(self) -> str:
        return (
            f"GradientCode({self.construction}: {self.workers} workers, {self.pieces} pieces, "
            f"{self.stragglers} stragglers)"
        )

    def _alive(self, survivors: Iterable[int]) -> NDArray[np.bool_]:
        alive = np.zeros(self.workers, dtype=np.bool_)
        for worker in survivors:
            if not 0 <= worker < self.workers:
                raise InvalidInputError(
                    "survivors", worker, f"workers from 0 to {self.workers - 1}"
                )
            alive[worker] = True
        return alive

    def _vector(self, alive: NDArray[np.bool_]) -> FloatArray:
        key = alive.tobytes()
        found = self._vectors.get(key)
        if found is None:
            found = decoding_vector(self.matrix, self.classes, self.stragglers, alive)
            found.flags.writeable = False
            self._vectors[key] = found
            while len(self._vectors) > _REMEMBERED:
                self._vectors.popitem(last=False)
        else:
            self._vectors.move_to_end(key)
        return found
