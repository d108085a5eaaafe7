"""The end of a command's process: after an interruption it is left at once.

The interpreter takes its time to end: it waits for threads, takes libraries down and calls what they
have registered, which takes seconds on a busy machine.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from cgcopt.process.stopping import INTERRUPTED, end_others

__all__ = ["end_process"]


def end_process(command: Callable[[], int]) -> NoReturn:
    """Run a command, and end this process with its exit code; at once if it was interrupted.

    Parameters
    ----------
    command : callable
        Returns an exit code. By then files are closed, and what was to be shown is shown.
    """
    try:
        code = command()
    except KeyboardInterrupt:  # while it was loaded, or while it took its leave
        _say("interrupted")
        code = INTERRUPTED
    if code != INTERRUPTED:
        sys.exit(code)
    end_others()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()
    os._exit(INTERRUPTED)


def _say(text: str) -> None:
    with contextlib.suppress(AttributeError, OSError, ValueError):
        print(text, file=sys.stderr)
