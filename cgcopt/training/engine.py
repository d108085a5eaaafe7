"""Where workers run: what starts them, streams what they send, says when one is lost."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cgcopt.arrays import FloatArray
from cgcopt.codes.plan import Step
from cgcopt.training.pace import Pace
from cgcopt.training.worker import Message

__all__ = ["Engine", "Event", "Order"]


@dataclass(frozen=True)
class Order:
    """What one worker is asked to do in a round, see :meth:`cgcopt.training.worker.Worker.compute`."""

    worker: int
    pace: Pace
    delivered: Collection[tuple[int, int]] = ()


@dataclass(frozen=True)
class Event:
    """A vector of a worker, or the news that the worker is lost (``message`` is ``None``)."""

    worker: int
    message: Message | None = None


class Engine(Protocol):
    """Workers in processes of their own."""

    def new_round(self) -> int:
        """Return a number that no round of these workers had before; numbers increase."""
        ...

    def begin(
        self, plan: str, sequence: int, parameters: FloatArray, orders: Sequence[Order]
    ) -> None:
        """Let workers begin with a round."""
        ...

    def next(self, timeout: float) -> Event | None:
        """Wait for the next event; ``None`` after ``timeout`` seconds without one."""
        ...

    def cancel(self, sequence: int) -> None:
        """Let all workers stop working for a round; what they still send is dropped."""
        ...

    def assign(self, plan: str, programs: Mapping[int, Sequence[Step]]) -> None:
        """Replace the steps of a plan at every worker."""
        ...

    def processes(self) -> dict[int, int]:
        """Process numbers of the workers that can be reached."""
        ...
