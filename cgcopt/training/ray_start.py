"""Ray for one run: started on this machine alone, or joined, and ended whatever happens."""

from __future__ import annotations

import atexit
import importlib
import logging
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from cgcopt.errors import MissingExtraError, TrainingError
from cgcopt.process.stopping import at_the_end, requested, starting

__all__ = ["RaySettings", "running_ray"]

#: What Ray starts on a machine besides its store and its scheduler, and nothing here needs: the process
#: of the dashboard (there even without dashboard), the autoscaler, the copying of logs.
_NEEDLESS = ("start_api_server", "start_monitor", "start_log_monitor")
#: Seconds between two tries to remove a folder.
_PAUSE = 0.05
#: Seconds for these tries where the process has no time left.
_HASTE = 0.2


@dataclass(frozen=True)
class RaySettings:
    """How Ray is used."""

    start: float = 180.0
    """Seconds in which all workers must be up; a machine under load needs half a minute."""
    answer: float = 30.0
    """Seconds in which an object that is ready must be there."""
    joining: float = 10.0
    """Seconds in which a cluster to join must answer at its address."""
    clearing: float = 5.0
    """Seconds in which processes that are ending may still write temporary files."""
    memory: int = 100 * 2**20
    """Bytes of the object store of a local run; Ray wants 75 MB at least."""
    look: float = 0.2
    """Seconds between two looks at whether the user asked to stop, while workers start."""


@contextmanager
def running_ray(address: str | None, settings: RaySettings) -> Iterator[Any]:
    """Start Ray on the loopback address, or join a cluster; what was started is ended.

    Where the process has joined or started Ray before, that is used, and left as it is.

    Raises
    ------
    MissingExtraError
        If Ray is not installed.
    TrainingError
        If the cluster cannot be joined.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address is None:  # the switch that lets Ray keep to the loopback address, on every system
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    # In a notebook its import would ask for a package that nothing here needs.
    logging.getLogger("ray.widgets").setLevel(logging.ERROR)
    with ExitStack() as stack:
        try:
            import ray
        except ImportError as error:
            raise MissingExtraError("ray", "ray") from error
        stack.enter_context(_silent(ray))
        if requested():
            raise KeyboardInterrupt
        if not ray.is_initialized():
            if address is None:
                stack.enter_context(_started(ray, settings))
            else:
                stack.enter_context(_joined(ray, address, settings))
        yield ray


@dataclass
class _Local:
    """The processes and temporary files of a Ray of this run's own."""

    folder: str
    known: list[Any] = field(default_factory=list)

    def look(self) -> None:
        """Take down which processes there are: those that name the folder, and their children."""
        processes = importlib.import_module("psutil")  # comes with Ray
        for child in processes.Process().children():
            with suppress(processes.Error):
                if any(self.folder in word for word in child.cmdline()):
                    self.known += [child, *child.children(recursive=True)]

    def kill(self) -> None:
        """End all processes that are still there, at once."""
        with suppress(Exception):
            self.look()
        for process in self.known:
            with suppress(Exception):
                process.kill()

    def remove(self, patience: float) -> None:
        """Remove the folder, in which ending processes may still write."""
        end = time.monotonic() + patience
        while os.path.isdir(self.folder):
            shutil.rmtree(self.folder, ignore_errors=True)
            if time.monotonic() > end:
                return
            time.sleep(_PAUSE)

    def end_now(self) -> None:
        """End everything at once, for a process that has no time left."""
        self.kill()
        self.remove(_HASTE)


@contextmanager
def _started(ray: Any, settings: RaySettings) -> Iterator[None]:
    """Start Ray on the loopback address of this machine, for this run alone."""
    local = _Local(_short_folder())
    # An impatient second signal may interrupt the cleaning: then it is done when Python ends.
    atexit.register(local.end_now)
    at_the_end(local.end_now)
    # Where Ray was imported earlier, to join a cluster, the switch comes too late.
    ray._private.ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        with starting(), _lean(ray._private.node.Node), _own_signals():
            ray.init(
                address="local",
                num_cpus=1,
                include_dashboard=False,
                object_store_memory=settings.memory,
                _node_ip_address="127.0.0.1",
                _temp_dir=local.folder,
                log_to_driver=False,
                logging_level="ERROR",
            )
    except BaseException:
        local.end_now()
        atexit.unregister(ray.shutdown)  # it would wait for processes that are gone
        raise
    try:
        yield
    finally:
        with suppress(Exception):
            local.look()
        ray.shutdown()
        local.kill()
        local.remove(settings.clearing)
        atexit.unregister(local.end_now)


@contextmanager
def _joined(ray: Any, address: str, settings: RaySettings) -> Iterator[None]:
    """Join a cluster, and leave it."""
    _refuse_silence(address, settings.joining)
    try:
        with _own_signals():
            ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, ValueError, RuntimeError) as error:
        hint = "a cluster with tokens wants RAY_AUTH_MODE=token and its RAY_AUTH_TOKEN here too"
        raise TrainingError(f"no Ray cluster at {address!r}: {error} ({hint})") from error
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _lean(node: Any) -> Iterator[None]:
    """Let a node start without the processes that nothing here needs; Ray has no switch for them."""
    before = {name: getattr(node, name) for name in _NEEDLESS if hasattr(node, name)}
    for name in before:
        setattr(node, name, _nothing)
    try:
        yield
    finally:
        for name, method in before.items():
            setattr(node, name, method)


def _nothing(node: Any, **_: Any) -> None:
    node._webui_url = None


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep this process's answers to signals: Ray puts its own in the place of that to SIGTERM."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _short_folder() -> str:
    """A new folder for temporary files: paths of sockets in it are at most 107 bytes long."""
    usual = tempfile.gettempdir()
    parent = "/tmp" if len(usual) > 24 and os.path.isdir("/tmp") else usual
    return tempfile.mkdtemp(prefix="cgcopt-", dir=parent)


def _refuse_silence(address: str, patience: float) -> None:
    """Refuse an address at which nobody listens: Ray itself would wait for minutes."""
    place = address.removeprefix("ray://")
    host, colon, port = place.rpartition(":")
    if not colon or not port.isdigit():
        return  # "auto" or a name that Ray knows
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=patience).close()
    except (OSError, OverflowError) as error:
        raise TrainingError(f"no Ray cluster at {address!r}: {error}") from error


@contextmanager
def _silent(ray: Any) -> Iterator[None]:
    """Keep Ray's notes about processes that died off standard output, which is for results.

    Ray has no public switch for them; this one is the one that its debugger uses.
    """
    private = ray._private.worker
    before = getattr(private, "_worker_logs_enabled", True)
    private._worker_logs_enabled = False
    try:
        yield
    finally:
        private._worker_logs_enabled = before
