"""Side constraints on designs: copies of the data, blocks, levels and the places where blocks end."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cgcopt._validate import finite_number, whole_number
from cgcopt.arrays import FloatArray, IntArray
from cgcopt.errors import InvalidInputError

__all__ = ["ALL_LIMITS", "Limits", "boundaries_of_sizes", "read_sizes"]

#: Names of all limits.
ALL_LIMITS = frozenset({"copies", "blocks", "least", "levels", "boundaries"})


#: A share below a limit by this much still keeps it: what rounding may have cost.
_TOLERANCE = 1e-9
#: Share of a least block by which rounding may raise it above a whole number.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Limits:
    """Side constraints on a design; what is not given does not bind.

    Parameters
    ----------
    copies : int, optional
        Subsets of the data that a worker stores at most: all used levels are below it.
    blocks : int, optional
        Used levels at most.
    least : float, optional
        Share of the coordinates that a used level carries at least, above 0 and at most 1.
    levels : sequence of int, optional
        The levels that may be used.
    boundaries : sequence of int, optional
        Cumulative counts of coordinates at which a block may end, increasing, the last one ``L``:
        the ends of the tensors of a model, for example
        (:func:`~cgcopt.limits.boundaries_of_sizes`).

    Examples
    --------
    >>> Limits(copies=4, levels=[0, 3, 7]).allowed_levels(10).tolist()
    [0, 3]
    >>> Limits(blocks=2).violation([5.0, 3.0, 2.0])
    '3 levels are used, the limit is blocks = 2'
    """

    copies: int | None = None
    blocks: int | None = None
    least: float | None = None
    levels: Sequence[int] | None = None
    boundaries: Sequence[int] | None = None

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        for name in ("copies", "blocks"):
            value = getattr(self, name)
            if value is not None:
                set_field(self, name, whole_number(f"limits.{name}", value, least=1))
        if self.least is not None:
            least = finite_number("limits.least", self.least, above=0)
            if least > 1:
                raise InvalidInputError("limits.least", self.least, "a share, at most 1")
            set_field(self, "least", least)
        if self.levels is not None:
            levels = _whole_numbers("limits.levels", self.levels, least=0)
            if len(set(levels)) < len(levels):
                raise InvalidInputError("limits.levels", list(levels), "every level once")
            set_field(self, "levels", tuple(sorted(levels)))
        if self.boundaries is not None:
            ends = _whole_numbers("limits.boundaries", self.boundaries, least=1)
            if any(later <= earlier for earlier, later in pairwise(ends)):
                raise InvalidInputError(
                    "limits.boundaries", _shortened(ends), "cumulative counts, increasing"
                )
            set_field(self, "boundaries", ends)

    def __bool__(self) -> bool:
        """Whether any limit is given."""
        return bool(self.to_dict())

    @property
    def label(self) -> str:
        """A short description for names and tables; empty without limits."""
        shown = self.to_dict()
        if self.boundaries is not None:
            shown = {**shown, "boundaries": len(self.boundaries)}
        return " ".join(f"{name}={value}" for name, value in shown.items())

    def to_dict(self) -> Mapping[str, Any]:
        """The ``[limits]`` table of an instance file."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in fields.items()
            if value is not None
        }

    def check(self, workers: int, coordinates: int) -> None:
        """Refuse limits that no design of ``L`` coordinates on ``N`` workers can keep.

        Any allowed level can carry all coordinates, so that one is enough.

        Raises
        ------
        InvalidInputError
            Naming the limit, its value and what is allowed.
        """
        if self.copies is not None and self.copies > workers:
            raise InvalidInputError(
                "limits.copies", self.copies, f"at most {workers}, the number of subsets"
            )
        if self.blocks is not None and self.blocks > workers:
            raise InvalidInputError(
                "limits.blocks", self.blocks, f"at most {workers}, the number of levels"
            )
        if self.least is not None and self.least * coordinates > coordinates:
            raise InvalidInputError("limits.least", self.least, "a share, at most 1")
        if self.levels is not None and self.levels[-1] >= workers:
            raise InvalidInputError(
                "limits.levels", self.levels[-1], f"levels from 0 to {workers - 1}"
            )
        if self.allowed_levels(workers).size == 0:
            raise InvalidInputError(
                "limits.levels",
                list(self.levels or ()),
                f"some level below {self.copies}: copies = {self.copies} leaves no other",
            )
        if self.boundaries is not None and self.boundaries[-1] != coordinates:
            raise InvalidInputError(
                "limits.boundaries",
                f"last end {self.boundaries[-1]}",
                f"cumulative counts whose last is system.coordinates = {coordinates}",
            )

    def allowed_levels(self, workers: int) -> IntArray:
        """Levels that ``copies`` and ``levels`` allow, increasing."""
        levels = np.arange(workers) if self.levels is None else np.array(self.levels, np.int64)
        return levels if self.copies is None else levels[levels < self.copies]

    def most_blocks(self, workers: int) -> int:
        """How many levels a design can use at most."""
        most = int(self.allowed_levels(workers).size)
        if self.blocks is not None:
            most = min(most, self.blocks)
        if self.least is not None:
            most = min(most, int((1 + _TOLERANCE) / self.least))
        if self.boundaries is not None:
            most = min(most, len(self.boundaries))
        return most

    def least_block(self, coordinates: float, *, whole: bool) -> float:
        """What a used level carries at least, of so many coordinates; in whole numbers at least 1.

        Examples
        --------
        >>> Limits(least=0.3).least_block(5, whole=True), Limits(least=0.3).least_block(5, whole=False)
        (2.0, 1.5)
        """
        share = (self.least or 0.0) * coordinates
        return float(max(math.ceil(share * (1.0 - _ROUNDING)), 1)) if whole else share

    def convex(self, workers: int) -> bool:
        """Whether the designs within the limits are a convex set: levels are left out, no more."""
        unbound = self.most_blocks(workers) == self.allowed_levels(workers).size
        return self.least is None and self.boundaries is None and unbound

    def repaired(self, partition: ArrayLike, *, tolerance: float = 1e-6) -> FloatArray:
        """Move a partition onto the limits where it misses them by a rounding error of a solver.

        Shares up to ``tolerance`` count as none, and ends of blocks that close to a boundary lie on it;
        what is dropped goes to the largest block.

        Examples
        --------
        >>> Limits(blocks=1).repaired([1e-9, 3.0]).tolist()
        [0.0, 3.000000001]
        """
        x = np.array(partition, dtype=np.float64)
        total = float(x.sum())
        tiny = x <= tolerance * total
        dropped, x[tiny] = float(x[tiny].sum()), 0.0
        x[int(x.argmax())] += dropped
        if self.boundaries is None:
            return x
        counts, ends = np.cumsum(x), np.concatenate(([0.0], self.boundaries))
        place = np.clip(np.searchsorted(ends, counts), 1, ends.size - 1)
        nearest = ends[place - (counts - ends[place - 1] < ends[place] - counts)]
        on = np.abs(nearest - counts) <= tolerance * total
        return np.maximum(np.diff(np.where(on, nearest, counts), prepend=0.0), 0.0)

    def violation(self, partition: ArrayLike, *, tolerance: float = _TOLERANCE) -> str:
        """Say which limit a partition breaks, by more than ``tolerance`` of its sum; empty if none."""
        x = np.asarray(partition, dtype=np.float64)
        total = float(x.sum())
        used = np.flatnonzero(x > 0)
        forbidden = np.setdiff1d(used, self.allowed_levels(x.size))
        if forbidden.size:
            limit = (
                "copies" if self.copies is not None and forbidden[-1] >= self.copies else "levels"
            )
            value = self.copies if limit == "copies" else list(self.levels or ())
            return f"level {forbidden[-1]} is used, the limit is {limit} = {value}"
        if self.blocks is not None and used.size > self.blocks:
            return f"{used.size} levels are used, the limit is blocks = {self.blocks}"
        smallest = float(x[used].min()) / total
        if self.least is not None and smallest < self.least - tolerance:
            return f"a level carries the share {smallest:.6g}, the limit is least = {self.least:g}"
        if self.boundaries is not None:
            away = _distance(np.cumsum(x)[used], self.boundaries)
            worst = int(away.argmax())
            if away[worst] > tolerance * total:
                return (
                    f"the block of level {used[worst]} ends {away[worst]:.6g} coordinates away "
                    f"from the nearest of the boundaries"
                )
        return ""


def _distance(counts: FloatArray, boundaries: Sequence[int]) -> FloatArray:
    """Distance of cumulative counts from the nearest boundary."""
    ends = np.concatenate(([0.0], boundaries))
    place = np.clip(np.searchsorted(ends, counts), 1, ends.size - 1)
    return np.minimum(np.abs(counts - ends[place - 1]), np.abs(ends[place] - counts))


def boundaries_of_sizes(sizes: Iterable[int]) -> tuple[int, ...]:
    """Turn the sizes of tensors, in the order of their coordinates, into the ends of blocks.

    Examples
    --------
    >>> boundaries_of_sizes([9408, 64, 4096])
    (9408, 9472, 13568)
    """
    return tuple(accumulate(_whole_numbers("sizes", sizes, least=1)))


def read_sizes(path: str | Path) -> tuple[int, ...]:
    """Read a text file with one tensor size a line; empty lines and ``#`` comments do not count.

    Raises
    ------
    InvalidInputError
        If the file cannot be read, or a line is not a whole number of at least 1.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise InvalidInputError(
            "limits.boundaries", str(path), f"a readable file of tensor sizes ({reason})"
        ) from None
    sizes: list[int] = []
    for number, line in enumerate(text.splitlines(), start=1):
        word = line.partition("#")[0].strip()
        if not word:
            continue
        if not word.isdecimal() or int(word) == 0:
            raise InvalidInputError(
                f"{path}:{number}", word, "a tensor size, a whole number of at least 1"
            )
        sizes.append(int(word))
    if not sizes:
        raise InvalidInputError("limits.boundaries", str(path), "a file with a tensor size a line")
    return tuple(sizes)


def _whole_numbers(field: str, values: Iterable[Any], *, least: int) -> tuple[int, ...]:
    allowed = f"a list of whole numbers of at least {least}"
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise InvalidInputError(field, values, allowed)
    numbers = tuple(
        whole_number(field, v.item() if isinstance(v, np.generic) else v, least=least)
        for v in values
    )
    if not numbers:
        raise InvalidInputError(field, [], allowed)
    return numbers


def _shortened(numbers: Sequence[int]) -> list[Any]:
    return list(numbers) if len(numbers) <= 8 else [*numbers[:4], "...", *numbers[-3:]]
