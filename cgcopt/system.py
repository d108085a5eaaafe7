"""A cluster and the work it is given."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from cgcopt._validate import finite_number, whole_number
from cgcopt.costs import Costs
from cgcopt.errors import InvalidInputError
from cgcopt.workers.base import WorkerTimes

__all__ = ["MAX_COORDINATES", "System"]

#: Whole numbers up to here are exact in double precision, and so is every partition of them.
MAX_COORDINATES = 2**53
#: Designs hold a number for each worker, and methods far more.
MAX_WORKERS = 10**6


@dataclass(frozen=True)
class System:
    """One master, ``workers`` workers, and a model whose gradient they compute together.

    Parameters
    ----------
    workers : int
        ``N``, the number of workers, at least 1.
    coordinates : int
        ``L``, the number of model parameters, from 1 to 2**53.
    worker_times : WorkerTimes
        Seconds that a worker needs for one CPU cycle.
    samples : int
        ``M``, the number of training samples, cut into ``N`` equal subsets.
    cycles : float
        ``b``, the CPU cycles for one partial derivative on one sample.
    costs : Costs
        Seconds for starting and sending; none by default.

    Examples
    --------
    >>> from cgcopt import ShiftedExponential, System
    >>> System(workers=20, coordinates=20_000, worker_times=ShiftedExponential(rate=1e-3, shift=50)).unit
    0.05
    """

    workers: int
    coordinates: int
    worker_times: WorkerTimes
    samples: int = 1
    cycles: float = 1.0
    costs: Costs = field(default_factory=Costs)

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        workers = whole_number("system.workers", self.workers, least=1, most=MAX_WORKERS)
        set_field(self, "workers", workers)
        coordinates = whole_number("system.coordinates", self.coordinates, least=1)
        if coordinates > MAX_COORDINATES:
            raise InvalidInputError(
                "system.coordinates", self.coordinates, f"at most 2**53 = {MAX_COORDINATES}"
            )
        set_field(self, "coordinates", coordinates)
        set_field(self, "samples", whole_number("system.samples", self.samples, least=1))
        set_field(self, "cycles", finite_number("system.cycles", self.cycles, above=0))
        if not isinstance(self.worker_times, WorkerTimes):
            raise InvalidInputError(
                "system.worker_times",
                self.worker_times,
                "a WorkerTimes model such as ShiftedExponential(rate=1e-3, shift=50)",
            )
        if not isinstance(self.costs, Costs):
            raise InvalidInputError("system.costs", self.costs, "Costs(startup=..., ...)")
        recorded = getattr(self.worker_times, "workers", None)
        if recorded is not None and recorded != self.workers:
            raise InvalidInputError(
                "system.workers",
                self.workers,
                f"{recorded}, the number of workers in the rounds of {self.worker_times.label}",
            )

    @property
    def unit(self) -> float:
        """``u = M b / N``: cycles that one coordinate on one data subset costs a worker."""
        return self.samples * self.cycles / self.workers

    def with_times(self, worker_times: WorkerTimes) -> System:
        """Return the same system under another model of worker times."""
        return replace(self, worker_times=worker_times)
