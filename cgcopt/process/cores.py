"""How many cores there are to use, and how many of them linear algebra takes."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager

__all__ = ["blas_threads", "cores"]


def cores() -> int:
    """Number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def blas_threads(most: int | None) -> AbstractContextManager[object]:
    """Cap the threads of BLAS: on small matrices they cost far more than they give.

    Parameters
    ----------
    most : int, optional
        By default nothing is changed.
    """
    # The controller is looked for again when modules were imported: a search takes some milliseconds.
    from threadpoolctl import get_cached_controller

    limited: AbstractContextManager[object] = get_cached_controller().limit(
        limits=most, user_api="blas"
    )
    return limited
