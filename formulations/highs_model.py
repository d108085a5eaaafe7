"""Blocks of named columns and rows, passed to HiGHS as one sparse matrix."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from copy import copy
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.process.highs import silent_highs

__all__ = ["HighsModel", "before", "highs_lp", "quiet_highs", "run_interior_point"]


class HighsModel:
    """Collects a model block by block; :meth:`build` passes it to HiGHS at once.

    A block of columns is an array of indices; a block of rows is a list of terms, each a pair of
    coefficients and columns whose shapes broadcast to the shape of the rows, with further axes
    summed over.

    Examples
    --------
    >>> model = HighsModel()
    >>> x = model.columns("x", (2,), cost=[1.0, 2.0])
    >>> model.rows("total", (), [(1.0, x)], lower=3.0)
    >>> highs = model.build()
    >>> _ = highs.run()
    >>> highs.getObjectiveValue()
    3.0
    """

    def __init__(self) -> None:
        self._columns: list[tuple[FloatArray, FloatArray, FloatArray, bool]] = []
        self._column_names: list[str] = []
        self._entries: list[tuple[IntArray, IntArray, FloatArray]] = []
        self._limits: list[tuple[FloatArray, FloatArray]] = []
        self._row_names: list[str] = []
        self._left_out: Collection[str] = ()

    def without(self, names: Collection[str]) -> HighsModel:
        """Return the same model, without the blocks of rows with these names."""
        same = copy(self)
        same._left_out = names
        return same

    def columns(
        self,
        name: str,
        shape: tuple[int, ...],
        *,
        lower: ArrayLike = 0.0,
        upper: ArrayLike = np.inf,
        cost: ArrayLike = 0.0,
        integer: bool = False,
    ) -> IntArray:
        """Add a block of columns and return their indices, of the given shape."""
        first, size = len(self._column_names), int(np.prod(shape))
        block = [np.broadcast_to(np.asarray(a, float), shape).ravel() for a in (lower, upper, cost)]
        self._columns.append((block[0], block[1], block[2], integer))
        self._column_names += _names(name, shape)
        return np.arange(first, first + size).reshape(shape)

    def rows(
        self,
        name: str,
        shape: tuple[int, ...],
        terms: Sequence[tuple[Any, IntArray]],
        *,
        lower: ArrayLike = -np.inf,
        upper: ArrayLike = np.inf,
        where: NDArray[np.bool_] | None = None,
    ) -> None:
        """Add a block of rows ``lower <= sum of terms <= upper``, those of ``where`` only."""
        if name in self._left_out:
            return
        keep = np.ones(shape, dtype=bool) if where is None else where
        first = len(self._row_names)
        number = first + (np.cumsum(keep.ravel()) - 1).reshape(shape)
        for coefficients, columns in terms:
            values = np.asarray(coefficients, dtype=np.float64)
            full = np.broadcast_shapes(shape + (1,) * (columns.ndim - len(shape)), columns.shape)
            full = np.broadcast_shapes(full, values.shape)
            extra = (1,) * (len(full) - len(shape))
            kept = np.broadcast_to(keep.reshape(shape + extra), full)
            row = np.broadcast_to(number.reshape(shape + extra), full)
            entries = np.broadcast_to(values, full)
            used = kept & (entries != 0.0)
            where_column = np.broadcast_to(columns, full)
            self._entries.append((row[used], where_column[used], entries[used]))
        limits = [np.broadcast_to(np.asarray(a, float), shape)[keep] for a in (lower, upper)]
        self._limits.append((limits[0], limits[1]))
        self._row_names += [
            text for text, used in zip(_names(name, shape), keep.ravel(), strict=True) if used
        ]

    def build(self, *, maximize: bool = False) -> Any:
        """Return a silent ``highspy.Highs`` with the model."""
        from scipy import sparse

        row, column, value = (np.concatenate(part) for part in zip(*self._entries, strict=True))
        shape = (len(self._row_names), len(self._column_names))
        lower, upper, cost, integer = zip(*self._columns, strict=True)
        whole = [np.full(block.size, flag) for block, flag in zip(lower, integer, strict=True)]
        lp = highs_lp(
            sparse.csr_array((value, (row, column)), shape=shape),
            np.concatenate(cost),
            (np.concatenate(lower), np.concatenate(upper)),
            tuple(np.concatenate(side) for side in zip(*self._limits, strict=True)),
            integer=np.concatenate(whole),
            maximize=maximize,
        )
        lp.col_names_, lp.row_names_ = self._column_names, self._row_names
        return quiet_highs(lp)


def before(columns: IntArray) -> tuple[FloatArray, IntArray]:
    """Return the term that subtracts the column before each one, and nothing from the first."""
    return np.where(np.arange(columns.size) > 0, -1.0, 0.0), np.roll(columns, 1)


def highs_lp(
    matrix: Any,
    cost: FloatArray,
    columns: Sequence[ArrayLike],
    rows: Sequence[ArrayLike],
    *,
    integer: NDArray[np.bool_] | None = None,
    maximize: bool = False,
) -> Any:
    """Return a ``highspy.HighsLp``: rows of ``matrix`` and columns between lower and upper bounds.

    Parameters
    ----------
    matrix : ndarray or scipy.sparse array, shape (m, n)
        Coefficients.
    cost : ndarray, shape (n,)
        Of the columns.
    columns, rows : pair of array_like
        Lower and upper bounds.
    integer : ndarray of bool, shape (n,), optional
        Which columns are whole numbers.
    maximize : bool
        Whether to maximise.
    """
    import highspy
    from scipy import sparse

    table: Any = sparse.csr_array(matrix)
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = table.shape
    lp.col_cost_ = cost
    lp.col_lower_, lp.col_upper_ = (np.broadcast_to(side, (lp.num_col_,)) for side in columns)
    lp.row_lower_, lp.row_upper_ = (np.broadcast_to(side, (lp.num_row_,)) for side in rows)
    if integer is not None and integer.any():
        kinds = highspy.HighsVarType
        lp.integrality_ = [kinds.kInteger if whole else kinds.kContinuous for whole in integer]
    lp.sense_ = highspy.ObjSense.kMaximize if maximize else highspy.ObjSense.kMinimize
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = table.indptr, table.indices
    lp.a_matrix_.value_ = table.data
    return lp


def quiet_highs(lp: Any, **options: Any) -> Any:
    """Return a ``highspy.Highs`` that holds the program, prints nothing and has these options."""
    highs = silent_highs()
    for name, value in options.items():
        highs.setOptionValue(name, value)
    highs.passModel(lp)
    return highs


def run_interior_point(highs: Any) -> None:
    """Run the interior point method of HiGHS, and its simplex method where that finds no point.

    Behind HiGHS's presolve the interior point method calls some feasible programs infeasible: the
    expected runtime of 30 workers on 2,000 rounds, which the simplex method solves.
    """
    highs.setOptionValue("solver", "ipm")
    highs.run()
    if highs.getModelStatus().name in _NO_POINT:
        highs.setOptionValue("solver", "simplex")
        highs.run()


_NO_POINT = ("kInfeasible", "kUnbounded", "kUnboundedOrInfeasible")


def _names(name: str, shape: tuple[int, ...]) -> list[str]:
    return list(_iterate_names(name, shape))


def _iterate_names(name: str, shape: tuple[int, ...]) -> Iterator[str]:
    for index in product(*map(range, shape)):
        yield "_".join((name, *map(str, index)))
