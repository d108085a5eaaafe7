"""What a process of outside solvers does: it takes runs from its parent and says what comes out."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from cgcopt.arrays import FloatArray
from cgcopt.errors import SolverError
from cgcopt.options import Options
from cgcopt.problem import Form, Problem

__all__ = ["report_incumbent", "serve"]


@dataclass
class _Serving:
    """The way to the parent, and whether it has asked for a stop."""

    connection: Connection
    stop: bool = False
    sending: threading.Lock = field(default_factory=threading.Lock)

    def send(self, message: tuple[str, Any]) -> None:
        with self.sending, contextlib.suppress(BrokenPipeError):
            self.connection.send(message)


#: Set in the child alone.
_serving: _Serving | None = None


def report_incumbent(partition: FloatArray) -> None:
    """Tell the parent, where there is one, of the best design so far."""
    if _serving is not None:
        _serving.send(("incumbent", partition))


def serve(descriptor: int) -> None:
    """Serve the runs that come through a pipe until its other end is closed."""
    global _serving
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    serving = _serving = _Serving(Connection(descriptor))
    jobs: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_listen, args=(serving, jobs), daemon=True).start()
    while True:
        kind, *content = jobs.get()
        if kind == "import":
            _import(*content)
        elif kind == "prepare":
            _prepare(*content)
            serving.send(("ready", None))
        else:
            serving.stop = False
            serving.send(_run(*content))


def _prepare(modules: Sequence[str], problem: Problem) -> None:
    from cgcopt.evaluation.evaluate import warm_up

    _import(modules)
    warm_up(problem)


def _import(modules: Sequence[str]) -> None:
    from importlib import import_module

    for module in modules:
        import_module(module)
    if "highspy" in sys.modules:
        _let_highs_be_stopped()


def _run(solver: Any, problem: Problem, form: Form, options: Options) -> tuple[str, Any]:
    from cgcopt.process.cores import blas_threads
    from cgcopt.process.streams import library_output

    with (
        warnings.catch_warnings(record=True) as caught,
        blas_threads(options.threads or 1),
        library_output(log=options.verbose),
    ):
        warnings.simplefilter("always")
        try:
            outcome = solver.solve_here(problem, form, options)
        except Exception as error:
            return "raised", _portable(error)
    found = [(str(entry.message), entry.category) for entry in caught]
    kept = [(text, category) for text, category in found if category is RuntimeWarning]
    return "outcome", (outcome, kept)


def _portable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return SolverError(f"{type(error).__name__}: {error}")
    return error


def _listen(serving: _Serving, jobs: SimpleQueue[Any]) -> None:
    """Take messages from the parent while the main thread is at work."""
    while True:
        try:
            message = serving.connection.recv()
        except (EOFError, OSError):
            os._exit(1)
        except Exception as error:  # what was sent cannot be read here
            serving.send(("raised", SolverError(f"the process of the solver: {error}")))
            continue
        if message[0] == "stop":
            serving.stop = True
        else:
            jobs.put(message)


def _let_highs_be_stopped() -> None:
    """Give every HiGHS of this process callbacks that end it when the parent asks for it."""
    import highspy

    if highspy.Highs.__name__ == "StoppableHighs":
        return

    class StoppableHighs(highspy.Highs):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            for event in self.cbMipInterrupt, self.cbSimplexInterrupt, self.cbIpmInterrupt:
                event.subscribe(_interrupt_if_asked)

    StoppableHighs.__module__ = "highspy"
    highspy.Highs = StoppableHighs


def _interrupt_if_asked(event: Any) -> None:
    if _serving is not None and _serving.stop:
        event.interrupt()


def _die_with_parent() -> None:
    """On Linux a child that a library keeps busy ends with its parent, however that ends."""
    import ctypes

    set_death_signal = 1
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
