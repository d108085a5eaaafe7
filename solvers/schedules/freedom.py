"""How much a schedule may differ from worker to worker."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Freedom"]


class Freedom(StrEnum):
    """Which work a schedule may give to its workers; each has more parameters than the one before."""

    EQUAL = "equal"
    """The same to all: ``N`` parameters."""
    SHARES = "shares"
    """One share a worker, the same on all levels but for caps: ``2 N`` parameters."""
    FULL = "full"
    """One number for every worker and block: ``N^2`` parameters."""
