"""The log of own methods: standard :mod:`logging` under the name ``cgcopt``, level ``INFO``."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["LOGGER", "shown_log"]

LOGGER = logging.getLogger("cgcopt")


@contextmanager
def shown_log(wanted: bool) -> Iterator[None]:
    """Let the log be seen while the block runs, if ``wanted``.

    Handlers that the user has set up are used as they are; without any, lines go to standard error
    with the milliseconds since the start.
    """
    if not wanted:
        yield
        return
    level = LOGGER.level
    handler = None if LOGGER.hasHandlers() else logging.StreamHandler()
    if handler is not None:
        handler.setFormatter(logging.Formatter("%(relativeCreated)9.0f ms  %(message)s"))
        LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOGGER.setLevel(level)
        if handler is not None:
            LOGGER.removeHandler(handler)
