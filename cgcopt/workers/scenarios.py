"""Whole rounds of worker times, kept together: a trace in mode ``rounds``, or drawn rounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from cgcopt._validate import whole_number
from cgcopt.arrays import FloatArray, read_only
from cgcopt.errors import InvalidInputError
from cgcopt.workers.base import Times, WorkerTimes
from cgcopt.workers.measured import in_unit, longest_time, range_label, source_label
from cgcopt.workers.validation import frozen_times

__all__ = ["Scenarios"]


#: Entries of the largest sample of rounds: 1.6 GB.
LARGEST_SAMPLE = 2 * 10**8
#: Times that are looked at for a typical one.
_SOME = 1000


@dataclass(frozen=True, eq=False, repr=False)
class Scenarios(WorkerTimes):
    """Finitely many equally likely rounds, each kept whole.

    Workers may depend on each other and differ: this is a trace in mode ``rounds``, or a sample of
    rounds drawn from a model (:meth:`draw`).  Two are equal when their times are.

    Parameters
    ----------
    times : array_like, shape (K, N)
        Worker times of ``K`` rounds of ``N`` workers, seconds per cycle, > 0; infinite for a
        worker that never answered.
    source : mapping, optional
        The ``[worker_times]`` table that gives these times again; by default :meth:`to_dict`
        writes out the times.
    notes : sequence of str, optional
        What was taken for what in a file, for reports.

    Raises
    ------
    InvalidInputError
        If the table of times is empty, ragged, or has a bad entry.

    Examples
    --------
    >>> rounds = Scenarios([[3.0, 1.0], [2.0, 5.0], [4.0, 4.0]])
    >>> rounds.workers, rounds.rounds
    (2, 3)
    >>> rounds.sorted_times.tolist()
    [[1.0, 3.0], [2.0, 5.0], [4.0, 4.0]]
    """

    kind: ClassVar[Times] = Times.SCENARIOS

    times: FloatArray
    source: Mapping[str, Any] | None = field(default=None)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        times = frozen_times("worker_times.times", self.times, 2, infinite=True)
        object.__setattr__(self, "times", times)
        if self.source is not None:
            object.__setattr__(self, "source", dict(self.source))

    @classmethod
    def draw(cls, model: WorkerTimes, rounds: int, workers: int, seed: int) -> Scenarios:
        """Draw ``rounds`` rounds of ``workers`` workers from a model.

        The result remembers the model and the seed, and writes them out in place of the times.

        Raises
        ------
        InvalidInputError
            If a number is refused, or a drawn time is 0 or infinite in double precision.

        Examples
        --------
        >>> from cgcopt.workers.families import Exponential
        >>> Scenarios.draw(Exponential(1.0), rounds=3, workers=2, seed=7).times.shape
        (3, 2)
        """
        seed = whole_number("seed", seed, least=0)
        size = whole_number("rounds", rounds, least=1) * whole_number("workers", workers, least=1)
        if size > LARGEST_SAMPLE:
            raise InvalidInputError(
                "rounds x workers", size, f"at most {LARGEST_SAMPLE} times in all"
            )
        times = model.sample(rounds, workers, np.random.default_rng(seed))
        sizes = {"rounds": int(rounds), "workers": int(workers), "seed": seed}
        return cls(times, {"family": "sampled", "model": dict(model.to_dict()), **sizes})

    @cached_property
    def can_fail(self) -> bool:
        """Whether a time is infinite."""
        return bool(np.isinf(self.times).any())

    @property
    def longest(self) -> float:
        """The largest finite time, or 1 if there is none."""
        return longest_time(self.times)

    @cached_property
    def typical(self) -> float:
        """The median of all times, or of some thousand of them."""
        flat = self.times.reshape(-1)
        return float(np.sort(flat[:: max(flat.size // _SOME, 1)])[min(flat.size, _SOME) // 2])

    def in_unit(self, factor: float) -> Self | None:
        """The same rounds where a second has ``factor`` units, a power of two.

        ``None`` where that rounds a time or takes it out of the range of doubles.
        """
        times = in_unit(self.times, factor)
        return None if times is None else type(self)(times)

    def answering(self, late: float) -> Scenarios:
        """The same rounds with ``late`` in place of infinite times."""
        times = np.where(np.isinf(self.times), late, self.times)
        return Scenarios(times) if self.can_fail else self

    def __repr__(self) -> str:
        return f"Scenarios({self.rounds} x {self.workers} times in {range_label(self.times)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Scenarios):
            return NotImplemented
        return np.array_equal(self.times, other.times)

    def __hash__(self) -> int:
        return hash((self.times.shape, self.times.tobytes()))

    @property
    def rounds(self) -> int:
        """How many rounds there are, ``K``."""
        return int(self.times.shape[0])

    @property
    def workers(self) -> int:
        """How many workers every round has, ``N``."""
        return int(self.times.shape[1])

    @cached_property
    def sorted_times(self) -> FloatArray:
        """Order statistics of every round, ascending, shape ``(K, N)``, read-only."""
        return read_only(np.sort(self.times, axis=1))

    def sample(self, rounds: int, workers: int, rng: np.random.Generator) -> FloatArray:
        """Draw whole rounds with replacement, shape ``(rounds, workers)``.

        Raises
        ------
        InvalidInputError
            If ``workers`` is not the number of workers of the scenarios.
        """
        if whole_number("workers", workers, least=1) != self.workers:
            raise InvalidInputError("workers", workers, f"{self.workers}, as in {self.label}")
        return self.times[rng.integers(self.rounds, size=whole_number("rounds", rounds, least=1))]

    @property
    def label(self) -> str:
        """Where the rounds come from and how many there are."""
        return source_label(
            self.source, "scenarios", f"{self.rounds} rounds x {self.workers} workers"
        )

    def to_dict(self) -> Mapping[str, Any]:
        """The ``[worker_times]`` table: the source, or the times."""
        if self.source is None:
            return {"family": "scenarios", "times": self.times.tolist()}
        mode = {"mode": "rounds"} if self.source.get("family") == "trace" else {}
        return {**self.source, **mode}
