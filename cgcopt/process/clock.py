"""When a run has to stop."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from cgcopt.process.stopping import requested

__all__ = ["Clock"]


@dataclass(frozen=True)
class Clock:
    """When a run has to stop.

    Examples
    --------
    >>> Clock.started(None).expired
    False
    """

    end: float

    @classmethod
    def started(cls, limit: float | None) -> Clock:
        """Start the clock; ``limit`` in seconds, ``None`` for no limit."""
        return cls(math.inf if limit is None else time.perf_counter() + limit)

    @property
    def left(self) -> float:
        """Seconds left, at least 0, and 0 once the user asked to stop."""
        return 0.0 if requested() else max(self.end - time.perf_counter(), 0.0)

    @property
    def expired(self) -> bool:
        """Whether no time is left."""
        return self.left == 0.0
