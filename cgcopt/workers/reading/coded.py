"""A column of names: every different one once, and a number for each row."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

from cgcopt.arrays import IntArray

__all__ = ["Coded"]


class Coded(Sequence[str]):
    """The cells of a column of names, in four bytes a row beside the different names.

    Parameters
    ----------
    cells : iterable of str, optional
        The first cells.

    Examples
    --------
    >>> column = Coded(["w0", "w1", "w0"])
    >>> column.names, column.codes.tolist(), list(column)
    (['w0', 'w1'], [0, 1, 0], ['w0', 'w1', 'w0'])
    """

    def __init__(self, cells: Iterable[str] = ()) -> None:
        self._numbers: dict[str, int] = {}
        self._codes = array("i")
        self.extend(cells)

    def extend(self, cells: Iterable[str]) -> None:
        """Add cells at the end."""
        numbers = self._numbers
        self._codes.extend([numbers.setdefault(cell, len(numbers)) for cell in cells])

    @property
    def names(self) -> list[str]:
        """The different names, in the order in which they come first."""
        return list(self._numbers)

    @property
    def codes(self) -> NDArray[np.int32]:
        """The place of each cell in :attr:`names`, shape ``(R,)``, a view."""
        return np.frombuffer(self._codes, dtype=np.int32) if self._codes else np.empty(0, np.int32)

    def taken(self, rows: IntArray) -> Coded:
        """The cells of some rows."""
        names = self.names
        return Coded(names[code] for code in self.codes[rows].tolist())

    def __len__(self) -> int:
        return len(self._codes)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: int | slice) -> str | list[str]:
        if isinstance(row, slice):
            return list(self)[row]
        wanted = self._codes[row]
        return next(name for name, code in self._numbers.items() if code == wanted)

    def __iter__(self) -> Iterator[str]:
        names = self.names
        return (names[code] for code in self._codes)
