"""Options that every solver understands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cgcopt._validate import finite_number, whole_number
from cgcopt.errors import InvalidInputError
from cgcopt.process.log import LOGGER

__all__ = ["Options", "Progress"]

#: Called with the share of the work that is done (None where unknown) and a short message.
Progress = Callable[[float | None, str], None]


#: Scenarios beyond which a run would fill the memory.
MOST_SCENARIOS = 10**7
#: Threads beyond which no machine has any.
MOST_THREADS = 4096
#: Starts beyond which a run would never end.
MOST_STARTS = 10**6


@dataclass(frozen=True)
class Options:
    """How a solver is to run.

    Parameters
    ----------
    gap : float
        Relative gap at which a solver may stop.
    time_limit : float, optional
        Seconds after which a solver is to stop with the best it has.
    threads : int, optional
        Threads that a solver may use; the solver's own choice where not given.
    seed : int
        Seed of every random choice.
    scenarios : int
        Rounds to draw for solvers that need a finite sample; those that do not ignore it.
    starts : int, optional
        Starting points of a multi-start method; the method's own choice where not given.
    verbose : bool
        Show the log on standard error: that of an outside solver, and what own methods tell the
        standard logger ``cgcopt`` at level ``INFO``.
    raw : mapping
        Options of one solver under that solver's own names, passed through unchanged.
    progress : callable, optional
        Receives progress; see :data:`Progress`.
    """

    gap: float = 1e-6
    time_limit: float | None = None
    threads: int | None = None
    seed: int = 0
    scenarios: int = 1000
    starts: int | None = None
    verbose: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict)
    progress: Progress | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        # Each number has one type, so that equal options have one key in a store.
        self._take("gap", finite_number, least=0, below=1)
        self._take("time_limit", finite_number, above=0)
        self._take("threads", whole_number, least=1, most=MOST_THREADS)
        self._take("seed", whole_number, least=0)
        self._take("scenarios", whole_number, least=1, most=MOST_SCENARIOS)
        self._take("starts", whole_number, least=1, most=MOST_STARTS)
        if not isinstance(self.raw, Mapping):
            raise InvalidInputError("options.raw", self.raw, "a mapping from names to values")

    def _take(self, name: str, check: Callable[..., float], **allowed: float) -> None:
        """Check a number and keep it in its type; ``None`` where that is the default."""
        value, default = getattr(self, name), getattr(Options, name)
        if value is None and default is None:
            return
        object.__setattr__(self, name, check(f"options.{name}", value, **allowed))

    def report(self, share: float | None, message: str) -> None:
        """Tell the log, and the progress callback where there is one."""
        if message:
            LOGGER.info("%s", message)
        if self.progress is not None:
            self.progress(share, message)
