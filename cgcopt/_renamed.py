"""Old names that work for one version more, each with a warning that says the new one."""

from __future__ import annotations

import warnings
from typing import TypeVar

__all__ = ["old_level", "warn_renamed"]

T = TypeVar("T")


def warn_renamed(old: str, new: str, *, stacklevel: int) -> None:
    """Warn that a name has changed; ``stacklevel`` as in :func:`warnings.warn`."""
    warnings.warn(f"{old} is now called {new}", DeprecationWarning, stacklevel=stacklevel + 1)


def old_level(form: T, level: T | None, old: str = "level", new: str = "form") -> T:
    """Return the form of a call that may still name it ``level``."""
    if level is None:
        return form
    warn_renamed(f"the keyword {old}", new, stacklevel=3)
    return level
