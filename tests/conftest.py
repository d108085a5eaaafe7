"""What every test stands on: the tree, fixed hypothesis profiles, no display, no network."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

if not (ROOT / "cgcopt" / "solvers").exists():
    # A source distribution has no links: what is tested is the installed package, in this process and
    # in its children, although Python puts the folder that it is started in first.
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]
    sys.path.append(str(ROOT))
    os.environ["PYTHONSAFEPATH"] = "1"

# The doctest collector would import the benchmark scripts.
collect_ignore = ["benchmarks"]

os.environ["MPLBACKEND"] = "agg"
# The readline library, which a debugger imports, sets it for all processes that are started.
os.environ.pop("COLUMNS", None)
# Tests run on all cores already; threads of BLAS would only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

for name, examples in (("quick", 25), ("thorough", 100)):
    settings.register_profile(
        name,
        deadline=None,
        derandomize=True,
        max_examples=examples,
        suppress_health_check=[HealthCheck.too_slow],
    )


def pytest_configure(config: pytest.Config) -> None:
    """Draw more examples where the slow tests run too."""
    gc.disable()
    settings.load_profile("quick" if config.option.markexpr == "not slow" else "thorough")


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what was imported and collected: it lives to the end."""
    gc.freeze()
    gc.enable()


_connect = socket.socket.connect


def _connect_locally(self: socket.socket, address: object) -> None:
    host = address[0] if isinstance(address, tuple) else "localhost"
    if host not in ("localhost", "127.0.0.1", "::1"):
        raise AssertionError(f"a test tried to reach the network: {address}")
    _connect(self, address)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", _connect_locally)


@pytest.fixture(autouse=True)
def _pyomo_logs_to_an_open_stream() -> Iterator[None]:
    """Give the handler of pyomo's logger the standard output of the process.

    It keeps the one that it finds when pyomo is first imported, which a test may have captured: that is
    closed at the end of the test, and pyomo asks closed streams for their descriptor.
    """
    yield
    logging = sys.modules.get("pyomo.common.log")
    if logging is not None and logging.pyomo_handler.stream is not sys.__stdout__:
        logging.pyomo_handler.stream = sys.__stdout__  # setStream would flush the closed one


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the top of the source tree."""
    return ROOT


_STRENGTHS = "cgcopt.solvers.schedules.search.strengths"


@pytest.fixture(scope="module")
def few_restarts() -> Iterator[None]:
    """Let searches for schedules begin anew once, not forty times; tests of that solver have them all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_STRENGTHS, lambda *given: given[-1].strengths[:1])
        yield


@pytest.fixture
def few_restarts_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the searches of one test begin anew once."""
    monkeypatch.setattr(_STRENGTHS, lambda *given: given[-1].strengths[:1])


@pytest.fixture
def no_rendering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let figures be made but not rendered, where what they look like is not the point."""
    from matplotlib.figure import Figure

    def written(_: Figure, path: str | Path, **__: object) -> None:
        svg = Path(path).suffix == ".svg"
        Path(path).write_bytes(b"<svg/>" if svg else b"\x89PNG\r\n\x1a\n")

    monkeypatch.setattr(Figure, "savefig", written)


@pytest.fixture(scope="session")
def shared_traces() -> Path:
    """Return the folder of measured traces beside the source tree; skip where it is absent."""
    folder = ROOT.parent / "shared" / "traces"
    if not folder.is_dir():
        pytest.skip("the measured traces are not beside this source tree")
    return folder


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """Return the folder of small inputs with known outcomes; skip where it is absent."""
    folder = ROOT.parent / "shared" / "cases"
    if not folder.is_dir():
        pytest.skip("the small inputs are not beside this source tree")
    return folder


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def _runs_in_this_process() -> Iterator[None]:
    """Let runs of outside solvers stay here, where tests replace parts of them.

    They are made in processes that Ctrl-C can end unless somebody else handles it.
    """
    before = signal.signal(signal.SIGINT, _interrupt)
    yield
    signal.signal(signal.SIGINT, before)
