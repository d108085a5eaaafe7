"""Standard output is for results alone: what libraries print is sent elsewhere."""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

__all__ = ["library_output", "result_output"]

_STDOUT, _STDERR = 1, 2

_lock = threading.RLock()
_users = 0
_exit = contextlib.ExitStack()


@contextmanager
def library_output(*, log: bool) -> Iterator[None]:
    """Keep standard output free of what compiled libraries print while the block runs.

    Descriptor 1 points to standard error if ``log``, else nowhere; Python's own ``print`` still
    reaches standard output, except with ``log``, where logs written by Python code go to standard
    error too.  Blocks may overlap in several threads: the first one decides.

    Examples
    --------
    >>> import os
    >>> with library_output(log=False):
    ...     _ = os.write(1, b"a banner of a library")
    ...     print("a result")
    a result
    """
    global _users
    with _lock:
        if _users == 0:
            _exit.enter_context(_diverted(log=log))
            if log:
                _exit.enter_context(contextlib.redirect_stdout(sys.stderr))
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _exit.close()


@contextmanager
def result_output() -> Iterator[None]:
    """Keep standard output for Python's ``print`` alone; descriptor 1 is standard error meanwhile."""
    with _diverted(log=True):
        yield


@contextmanager
def _diverted(*, log: bool) -> Iterator[None]:
    """Point descriptor 1 elsewhere, and ``sys.stdout`` to where descriptor 1 was."""
    stream = sys.stdout
    _flush(stream)
    try:
        kept = os.dup(_STDOUT)
    except OSError:  # a closed standard output cannot be spoiled
        yield
        return
    if log:
        os.dup2(_STDERR, _STDOUT)
    else:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, _STDOUT)
        os.close(nowhere)
    moved = _on(kept, stream) if _descriptor(stream) == _STDOUT else None
    if moved is not None:
        sys.stdout = moved
    try:
        yield
    finally:
        _flush(sys.stdout)
        os.dup2(kept, _STDOUT)
        if moved is None:
            os.close(kept)
        else:
            if sys.stdout is moved:
                sys.stdout = stream
            with contextlib.suppress(OSError, ValueError):
                moved.close()


def _descriptor(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (AttributeError, OSError, ValueError):  # a notebook, a captured stream, a closed one
        return None


def _on(descriptor: int, like: TextIO) -> TextIO:
    return io.TextIOWrapper(
        io.FileIO(descriptor, "w"),
        encoding=like.encoding,
        errors=like.errors,
        line_buffering=True,
        write_through=True,
    )


def _flush(stream: TextIO | None) -> None:
    """Empty the buffers of Python and of the C library, which outlive a change of descriptor."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        if stream is not None:
            stream.flush()
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).fflush(None)
