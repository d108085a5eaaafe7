"""The standard streams of the process of a command."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress

__all__ = ["standard_streams"]


def standard_streams() -> bool:
    """Make the standard streams fit for use, and return whether anybody reads standard output.

    A closed descriptor would be given to the next file that is opened, and what a library prints
    would land there. A character that standard output does not know is shown by its code.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    read = sys.stdout is not None
    if sys.stdout is None:
        sys.stdout = io.StringIO()
    if sys.stderr is None:
        sys.stderr = io.StringIO()
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    return read
