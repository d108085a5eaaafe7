"""Requests to stop: Ctrl-C and SIGTERM end a command soon, with what it has found so far.

A command runs within :func:`stoppable`.  The first signal is a request: solvers that ask
:func:`requested` end with the best design they have.  What does not come to an end by itself gets a
``KeyboardInterrupt``, and a process that is stuck in compiled code is ended from a thread of its own.
In scripts and notebooks a run is :func:`interruptible`: the same at Ctrl-C, but no process is ended.
"""

from __future__ import annotations

import _thread
import contextlib
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

__all__ = [
    "INTERRUPTED",
    "at_the_end",
    "commanded",
    "cooperating",
    "end_others",
    "finishing",
    "interruptible",
    "requested",
    "since_request",
    "starting",
    "stoppable",
    "wanted",
]

#: Exit code of a command that was stopped, as shells have it.
INTERRUPTED = 130


@dataclass(frozen=True)
class Patience:
    """Seconds after a request."""

    #: For solvers to end by themselves; the whole is to take less than two seconds.
    cooperation: float = 1.4
    #: For a command to clean up after its interruption.
    interruption: float = 1.75
    #: For a command that has found nothing yet and starts processes, which take their time to end.
    starting: float = 0.8
    #: For a command to show what was found, once it has begun to; a second signal ends it at once.
    showing: float = 30.0


@dataclass
class _State:
    wanted: bool = False
    command: bool = False
    """Whether the process is that of a command, not a script's."""
    signal: str = ""
    asked: float = math.inf
    """When the user asked to stop, as :func:`time.monotonic` tells."""
    handled: bool = False
    """Whether the handler of the signal has run in Python; the guard thread learns of it before."""
    cooperating: int = 0
    starting: bool = False
    """Whether processes are being started, and no result is there yet."""
    finishing: bool = False
    """Whether the result is about to be shown."""
    leaving: bool = False
    """Whether the command is over, so that nothing is left to interrupt."""
    ends: list[Callable[[], None]] = field(default_factory=list)


_state = _State()


def wanted() -> bool:
    """Whether requests to stop are watched for, so that runs have to be such that they can be stopped."""
    return _state.wanted


def commanded() -> bool:
    """Whether a command runs, whose standard streams are its own."""
    return _state.command


def requested() -> bool:
    """Whether the user or the operating system asked to stop."""
    return bool(_state.signal)


def since_request() -> float:
    """Seconds since the user asked to stop; minus infinity where nobody did."""
    return time.monotonic() - _state.asked


def at_the_end(end: Callable[[], None]) -> None:
    """Call a function before the process of a stopped command ends: it ends other processes."""
    _state.ends.append(end)


def end_others() -> None:
    """End the other processes that a command has started."""
    while _state.ends:
        with contextlib.suppress(Exception):
            _state.ends.pop()()


def finishing() -> None:
    """Leave time to show what was found: nothing is being solved any more."""
    _state.finishing = True


@contextmanager
def cooperating() -> Iterator[None]:
    """Take a first signal as a request only, since what runs here asks for it."""
    _state.cooperating += 1
    try:
        yield
    finally:
        _state.cooperating -= 1


@contextmanager
def starting() -> Iterator[None]:
    """End soon after a signal, since nothing has been found: here other processes are started."""
    before, _state.starting = _state.starting, True
    try:
        yield
    finally:
        _state.starting = before


@contextmanager
def stoppable(patience: Patience | None = None) -> Iterator[None]:
    """Handle SIGINT and SIGTERM while a command runs; only in the main thread of a process.

    Raises
    ------
    KeyboardInterrupt
        Within the block, at a signal when nothing cooperates, or some time after it.
    """
    if not _here():
        yield
        return
    with _watched((signal.SIGINT, signal.SIGTERM), _guard, patience or Patience()):
        _state.command = True
        yield


@contextmanager
def interruptible() -> Iterator[bool]:
    """Take Ctrl-C as a request in a script or a notebook; yield whether this block does so.

    It does not within a command or another such block, in other threads, and where somebody else
    handles Ctrl-C.

    Raises
    ------
    KeyboardInterrupt
        Within the block, as :func:`stoppable` does.
    """
    if _state.wanted or not _here() or _handled_by_others():
        yield False
        return
    with _watched((signal.SIGINT,), _remind, Patience()):
        yield True


def _here() -> bool:
    """Whether signals can be handled from here."""
    return os.name == "posix" and threading.current_thread() is threading.main_thread()


def _handled_by_others() -> bool:
    """Whether Ctrl-C, or the news of a signal, is for somebody else, such as the loop of asyncio."""
    told = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(told)
    return told != -1 or signal.getsignal(signal.SIGINT) != signal.default_int_handler


@contextmanager
def _watched(
    signals: Sequence[signal.Signals], guard: Callable[[int, Patience], None], patience: Patience
) -> Iterator[None]:
    """Handle signals, of which a thread of its own hears at once."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = [signal.signal(number, _handle) for number in signals]
    # Python's own handlers wait for compiled code to return; the descriptor is written at once.
    woken = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    _begin(wanted=True)
    thread = threading.Thread(
        target=guard, args=(reading, patience), daemon=True, name="cgcopt-stop"
    )
    thread.start()
    try:
        yield
    finally:
        # The guard may interrupt at this very moment: that is for this handler, not for the next.
        _state.leaving = True
        signal.set_wakeup_fd(woken)
        os.close(writing)
        thread.join()
        os.close(reading)
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
        _begin(wanted=False)


def _begin(*, wanted: bool) -> None:
    _state.wanted, _state.signal, _state.asked = wanted, "", math.inf
    _state.handled = _state.leaving = _state.finishing = _state.command = False


def _request(name: str) -> None:
    if not _state.signal:
        _state.signal, _state.asked = name, time.monotonic()


def _handle(number: int, _: object) -> None:
    if _state.leaving:
        return
    first = not _state.handled and since_request() < Patience.cooperation
    _request(signal.Signals(number).name)
    _state.handled = True
    if not (first and _state.cooperating):
        raise KeyboardInterrupt


def _remind(reading: int, patience: Patience) -> None:
    """Wait for a signal; interrupt what does not end by itself some time after it."""
    if not _signalled(reading, None):
        return
    _request("SIGINT")
    if _signalled(reading, time.monotonic() + patience.cooperation, until_closed=True):
        _thread.interrupt_main()


def _guard(reading: int, patience: Patience) -> None:
    """Wait for a signal, then see to it that the process ends."""
    if not _signalled(reading, None):
        return
    started = time.monotonic()
    _request("SIGINT")
    if _state.starting:
        patience = replace(patience, cooperation=0.0, interruption=patience.starting)
    if not _signalled(reading, started + patience.cooperation, until_closed=True):
        return
    if not _state.finishing:
        _thread.interrupt_main()
        if not _signalled(reading, started + patience.interruption, until_closed=True):
            return
    if _state.finishing and not _signalled(reading, started + patience.showing, until_closed=True):
        return
    end_others()
    with contextlib.suppress(Exception):
        print("interrupted: ended in the middle of a step", file=sys.stderr, flush=True)
        sys.stdout.flush()
    os._exit(INTERRUPTED)


def _signalled(reading: int, end: float | None, *, until_closed: bool = False) -> bool:
    """Wait for a signal or an end in time; False if the command is over first."""
    import select

    while True:
        left = None if end is None else max(end - time.monotonic(), 0.0)
        ready, _, _ = select.select([reading], [], [], left)
        if not ready:
            return True
        numbers = os.read(reading, 64)
        if not numbers:  # closed: the command is over
            return False
        # A second signal is the interpreter's to handle.
        if not until_closed and {signal.SIGINT, signal.SIGTERM} & set(numbers):
            return True
