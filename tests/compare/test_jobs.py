"""Comparisons on several processes, and on the workers of dask."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.cli import main
from cgcopt.compare.published.sweep import published_sweep
from cgcopt.compare.results import runs
from cgcopt.compare.results.compare import compare
from cgcopt.compare.results.comparison import Comparison
from cgcopt.compare.results.curve import deadline_curve
from cgcopt.compare.results.executors import DaskWorkers, WorkerProcesses, cores
from cgcopt.compare.results.row import Row
from cgcopt.compare.results.runs import capped
from cgcopt.compare.results.store import Store
from cgcopt.compare.show.report import settings_section
from cgcopt.errors import MissingExtraError, WorkersLostError
from cgcopt.options import Options
from cgcopt.solution import Seconds
from cgcopt.solvers import registry

SYSTEM = cg.System(5, 200, cg.ShiftedExponential(rate=1e-3, shift=50.0), samples=5)
SMALL = cg.Problem(SYSTEM, cg.ExpectedRuntime(), title="small")
LATE = cg.Problem(SYSTEM, cg.CompletionProbability(3e5), title="late")
#: Rounds, which a process evaluates without scipy and numba, that take it a second to load.
ROUNDS = cg.Problem(
    cg.System(3, 60, cg.Scenarios([[1.0, 2.0, 3.0]])), cg.ExpectedRuntime(), "rounds"
)
OPTIONS = Options(scenarios=40, time_limit=20.0)

MISBEHAVED = '''
"""Solvers that cost the process in which they run, or hold it."""

import os
import sys
import time
from pathlib import Path

import numpy as np

import cgcopt as cg
from cgcopt.solvers.base import RUNTIME_RELAXED, Outcome, Role, Solver


class Equal(Solver):
    """Equal blocks; keeps a diary of its runs."""

    name, summary, role = "equal", "equal blocks", Role.ITERATIVE
    solves = RUNTIME_RELAXED

    def solve(self, problem, level, options):
        """Share out."""
        folder = Path(options.raw["diary"])
        times = len(list(folder.glob(f"{self.name} {problem.name} *"))) + 1
        (folder / f"{self.name} {problem.name} {times}").touch()
        self.misbehave(times, folder, options)
        workers = problem.system.workers
        partition = np.full(workers, problem.system.coordinates / workers)
        return Outcome(cg.TerminationCondition.CONVERGED, partition)

    def misbehave(self, times, folder, options):
        """Do nothing bad."""


class Quitter(Equal):
    """Ends its process, as a fault in compiled code does."""

    name = "quitter"

    def misbehave(self, times, folder, options):
        """Die."""
        os._exit(3)


class Starved(Equal):
    """Is killed once, as where the memory did not suffice for all."""

    name = "starved"

    def misbehave(self, times, folder, options):
        """Die the first time."""
        if times == 1:
            os._exit(3)


class Leaver(Equal):
    """Leaves the program."""

    name = "leaver"

    def misbehave(self, times, folder, options):
        """Leave."""
        sys.exit("left")


class Meeting(Equal):
    """Waits for another run of its kind."""

    name = "meeting"

    def misbehave(self, times, folder, options):
        """Wait."""
        end = time.monotonic() + options.time_limit
        while len(list(folder.glob("meeting *"))) < 2:
            if time.monotonic() > end:
                raise TimeoutError("nobody came")
            time.sleep(0.02)


class Sleeper(Equal):
    """Lives until its time is up, and shows it."""

    name = "sleeper"

    def misbehave(self, times, folder, options):
        """Write down the time again and again."""
        end = time.monotonic() + options.time_limit
        while time.monotonic() < end:
            (folder / "alive").write_text(str(time.monotonic()))
            time.sleep(0.02)
'''


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an installed distribution of solvers, as pip leaves it."""
    folder = tmp_path_factory.mktemp("site")
    facts = folder / "misbehaved-1.0.dist-info"
    facts.mkdir()
    (folder / "misbehaved.py").write_text(MISBEHAVED)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: misbehaved\nVersion: 1.0\n")
    classes = ("Equal", "Quitter", "Starved", "Leaver", "Meeting", "Sleeper")
    points = [f"{name.lower()} = misbehaved:{name}" for name in classes]
    (facts / "entry_points.txt").write_text("\n".join(["[cgcopt.solvers]", *points]) + "\n")
    return folder


@pytest.fixture
def diary(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Bring the solvers of ``site`` in, here and in spawned processes; yield their diary."""
    folder = tmp_path / "diary"
    folder.mkdir()
    monkeypatch.syspath_prepend(site)
    registry.all_solvers.cache_clear()
    yield folder
    registry.all_solvers.cache_clear()


@pytest.fixture(scope="module")
def pair(site: Path) -> Iterator[WorkerProcesses]:
    """Two processes for all tests that do not end them; they know the solvers of ``site`` too."""
    with WorkerProcesses(2) as executor:
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(site)
            wait([executor.submit(os.getpid), executor.submit(os.getpid)])
        yield executor


def noted(options: Options, diary: Path) -> Options:
    return replace(options, raw={"diary": str(diary)})


def facts(comparison: Comparison) -> list[str]:
    """All rows without what may differ from one machine or day to the next."""
    return [
        str(replace(row, computed="", jobs=0, solution=replace(row.solution, seconds=Seconds())))
        for row in comparison.rows
    ]


def died(rows: tuple[Row, ...]) -> list[str]:
    return [f"{row.problem} {row.solver}" for row in rows if row.failed]


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def stays_as_it_is(path: Path) -> bool:
    """Whether nobody writes a file for a quarter of a second, given ten seconds to come to rest."""
    before = path.read_text()
    for _ in range(40):
        time.sleep(0.25)
        now = path.read_text()
        if now == before:
            return True
        before = now
    return False


FEW = ["optimal", "highs", "cutting-plane", "uniform", "single-level"]


@pytest.mark.parametrize(
    ("problems", "solvers"),
    [
        ([ROUNDS], FEW),
        pytest.param([SMALL], FEW, marks=pytest.mark.slow),
        pytest.param([SMALL, LATE], None, marks=pytest.mark.slow),
    ],
    ids=["rounds", "few", "all"],
)
def test_two_processes_give_the_table_of_one(
    problems: list[cg.Problem], solvers: list[str] | None, pair: WorkerProcesses
) -> None:
    alone = compare(problems, solvers, options=OPTIONS)
    together = compare(problems, solvers, options=OPTIONS, executor=pair)
    assert len(alone.rows) >= (20 if solvers is None else 5)
    assert facts(together) == facts(alone)
    assert {row.jobs for row in alone.rows} == {1}
    assert {row.jobs for row in together.rows} == {2}
    assert together.frame()["jobs"].tolist() == [2] * len(together.rows)


@pytest.mark.slow
def test_a_process_that_dies_costs_its_own_row(diary: Path, tmp_path: Path) -> None:
    options = noted(OPTIONS, diary)
    twin = replace(SMALL, title="twin")
    names = ["equal", "quitter", "uncoded", "leaver", "closed-form-time", "uniform"]
    sound = [name for name in names if name not in ("quitter", "leaver")]
    with Store(tmp_path / "rows.sqlite") as store, WorkerProcesses(2) as executor:
        found = compare([SMALL, twin], names, options=options, store=store, executor=executor)
        assert [row.solver for row in found.rows] == names * 2
        assert died(found.rows) == ["small quitter", "small leaver", "twin quitter", "twin leaver"]
        messages = {row.solver: row.message for row in found.rows}
        assert messages["quitter"].startswith("BrokenProcessPool: ")
        assert messages["leaver"] == "SystemExit: left"
        assert {row.role for row in found.rows if row.failed} == {"iterative method"}
        # A dead process is a reason to try once more; an error is not.
        runs = sorted(path.name for path in diary.iterdir())
        assert [run for run in runs if "quitter" in run] == [
            f"quitter {problem} {times}" for problem in ("small", "twin") for times in (1, 2)
        ]
        assert [run for run in runs if "leaver" in run] == ["leaver small 1", "leaver twin 1"]

        again = compare([SMALL, twin], names, options=options, store=store, executor=executor)
        kept = [row.to_json() for row in found.rows if not row.failed]
        assert [row.to_json() for row in again.rows if not row.failed] == kept
        assert died(again.rows) == died(found.rows)
    rest = [row for row in found.rows if not row.failed]
    alone = compare([SMALL, twin], sound, options=capped(options, executor))
    assert facts(replace(found, rows=tuple(rest))) == facts(alone)


def test_runs_meet_and_one_that_is_lost_is_made_once_more_alone(
    diary: Path, pair: WorkerProcesses
) -> None:
    options = noted(OPTIONS, diary)
    twin = replace(ROUNDS, title="twin")
    patient = replace(options, time_limit=60.0)
    met = compare([ROUNDS, twin], ["meeting"], options=patient, executor=pair).rows
    row, left = compare(ROUNDS, ["starved", "leaver"], options=options, executor=pair).rows
    assert died(met) == []  # each waited for the other
    assert (row.solution.termination, row.jobs) == ("converged", 1)
    assert row.value == cg.evaluate(ROUNDS, np.full(3, 20.0), gradient=True).value
    # A dead process is a reason to try once more; an error is not.
    assert left.message == "SystemExit: left"
    assert sorted(path.name for path in diary.iterdir()) == [
        "leaver rounds 1",
        "meeting rounds 1",
        "meeting twin 1",
        "starved rounds 1",
        "starved rounds 2",
    ]


@pytest.mark.filterwarnings("ignore:.* multi-threaded:DeprecationWarning")
def test_a_pool_that_breaks_costs_what_was_in_it(diary: Path, tmp_path: Path) -> None:
    options = noted(OPTIONS, diary)
    method = "fork" if os.name == "posix" else "spawn"  # a fork has loaded what runs need
    with (
        Store(tmp_path / "rows.sqlite") as store,
        ProcessPoolExecutor(1, get_context(method)) as executor,
    ):
        first = compare(ROUNDS, ["uncoded"], options=OPTIONS, store=store, executor=executor)
        found = compare(
            ROUNDS, ["uncoded", "quitter", "equal"], options=options, store=store, executor=executor
        )
    assert found.rows[0].to_json() == first.rows[0].to_json()
    assert found.rows[0].jobs == 0  # an executor of the standard library does not say
    assert died(found.rows) == ["rounds quitter", "rounds equal"]
    assert all("BrokenProcessPool" in row.message for row in found.rows[1:])
    assert "several runs at a time, seconds are noisy" in settings_section(OPTIONS, "", found.rows)


def test_an_interruption_ends_the_processes_and_keeps_what_was_done(
    diary: Path, tmp_path: Path
) -> None:
    def stop(share: float | None, message: str) -> None:
        if "uncoded" in message:
            wait_until((diary / "alive").exists)
            raise KeyboardInterrupt

    alone = replace(OPTIONS, time_limit=600.0)
    options = noted(alone, diary)
    with Store(tmp_path / "rows.sqlite") as store:
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt), WorkerProcesses(2) as executor:
            compare(
                ROUNDS,
                ["uniform", "uncoded", "sleeper", "meeting"],
                options=replace(options, progress=stop),
                store=store,
                executor=executor,
            )
        assert time.monotonic() - started < 300
        assert stays_as_it_is(diary / "alive")
        kept = len(store)
        assert kept in (1, 2)  # the one that was told of, and perhaps the other
        compare(ROUNDS, ["uncoded"], options=capped(alone, executor), store=store)
        assert len(store) == kept


KILLED = """
import sys
import cgcopt as cg
from cgcopt.compare.results.executors import WorkerProcesses
from cgcopt.compare.results.compare import compare
from cgcopt.compare.results.store import Store
from cgcopt.options import Options

if __name__ == "__main__":
    system = cg.System(3, 60, cg.Scenarios([[1.0, 2.0, 3.0]]))
    rounds = cg.Problem(system, cg.ExpectedRuntime(), "rounds")
    options = Options(scenarios=40, time_limit=600.0, raw={"diary": sys.argv[2]})
    with WorkerProcesses(1) as executor:
        names = ["uncoded", "uniform", "sleeper", "tandon"]
        compare(rounds, names, options=options, store=Store(sys.argv[1]), executor=executor)
"""


def test_processes_end_with_a_comparison_that_is_killed(
    site: Path, diary: Path, tmp_path: Path
) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    paths = [str(site), *filter(None, sys.path)]
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "rows.sqlite"), str(diary)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    try:
        wait_until(lambda: (diary / "alive").exists() or process.poll() is not None)
        assert process.poll() is None
        with Store(tmp_path / "rows.sqlite") as store:
            wait_until(lambda: len(store) == 2)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert stays_as_it_is(diary / "alive")
    options = replace(OPTIONS, time_limit=600.0, threads=cores())
    with Store(tmp_path / "rows.sqlite") as store:
        assert len(store) == 2
        rows = compare(ROUNDS, ["uncoded", "uniform"], options=options, store=store).rows
        assert len(store) == 2  # found, not made again
    assert {row.jobs for row in rows} == {1}


def test_time_limits_reach_processes(diary: Path, pair: WorkerProcesses) -> None:
    options = replace(noted(OPTIONS, diary), time_limit=0.2)
    (row,) = compare(ROUNDS, ["sleeper"], options=options, executor=pair).rows
    assert 0.2 <= row.seconds < 10


@pytest.mark.slow
def test_time_limits_hold_in_processes(pair: WorkerProcesses) -> None:
    system = replace(SYSTEM, workers=120, coordinates=12_000)
    hard = cg.Problem(system, cg.CompletionProbability(1e6), title="hard")
    options = replace(OPTIONS, time_limit=0.3, gap=0.0)
    rows = compare(hard, ["successive-convex", "global"], options=options, executor=pair).rows
    assert rows[0].solution.termination == "time-limit"
    assert rows[0].seconds >= 0.27
    assert all(row.value > 0 and row.seconds < 10 for row in rows)


def test_threads_are_shared_out() -> None:
    assert WorkerProcesses(10_000).threads == 1
    with WorkerProcesses(1) as executor:
        assert executor.threads == cores()
        assert capped(OPTIONS, executor).threads == cores()
        assert capped(replace(OPTIONS, threads=1), executor).threads == 1
        assert capped(replace(OPTIONS, threads=4096), executor).threads == cores()
        # What reads its environment once, when it is loaded, is not loaded before that is set.
        assert executor.submit(os.getenv, "OMP_NUM_THREADS").result() == str(cores())
        loaded = executor.submit(eval, "'numpy' in __import__('sys').modules")
        assert loaded.result() is False
    assert capped(OPTIONS, None) == OPTIONS


def test_rows_of_other_code_are_refused(
    monkeypatch: pytest.MonkeyPatch, pair: WorkerProcesses
) -> None:
    monkeypatch.setattr("cgcopt.compare.results.runs.code_version", lambda: "cgcopt of another day")
    (row,) = compare(ROUNDS, ["uncoded"], options=OPTIONS, executor=pair).rows
    assert row.failed
    assert "other code" in row.message
    assert "than the comparison (cgcopt of another day)" in row.message


class Here(Executor):
    """Two jobs that are made in this process, where what they need is loaded."""

    jobs, threads = 2, max(1, cores() // 2)

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def test_sweeps_and_curves_take_an_executor() -> None:
    sweep = published_sweep(solvers=["tandon", "uncoded"], options=OPTIONS, executor=Here())
    curve = deadline_curve(LATE, [2e5, 3e5], ["optimal", "uncoded"], executor=Here())
    assert {row.jobs for row in (*sweep.comparison.rows, *curve.rows)} == {2}
    alone = deadline_curve(LATE, [2e5, 3e5], ["optimal", "uncoded"])
    assert [row.value for row in curve.rows] == [row.value for row in alone.rows]


def test_progress_rises_to_one(pair: WorkerProcesses) -> None:
    heard: list[tuple[float | None, str]] = []
    options = replace(OPTIONS, progress=lambda share, message: heard.append((share, message)))
    compare(ROUNDS, ["uncoded", "uniform"], options=options, executor=pair)
    shares = [share for share, _ in heard]
    assert shares == [0.5, 1.0, 1.0]
    assert {message for _, message in heard} == {"rounds: uncoded", "rounds: uniform", ""}


@pytest.fixture
def instance(tmp_path: Path) -> str:
    path = tmp_path / "small.toml"
    path.write_text(cg.instance_text(SMALL))
    return str(path)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main([*arguments, "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    results: list[dict[str, Any]] = json.loads(captured.out)["results"][0]
    return results


@pytest.mark.usefixtures("no_rendering")
def test_the_command_line_takes_jobs(
    instance: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def processes(jobs: int) -> AbstractContextManager[Here]:
        assert jobs == Here.jobs
        return nullcontext(Here())

    monkeypatch.setattr("cgcopt.compare.results.executors.WorkerProcesses", processes)
    out = tmp_path / "out"
    command = ["compare", instance, "--solvers", "highs,optimal,uncoded:block", "--scenarios", "40"]
    alone = printed(capsys, *command)
    together = printed(capsys, *command, "--jobs", "2", "--out", str(out))
    for name in ("solver", "form", "value", "bound", "gap"):
        assert [row[name] for row in together] == [row[name] for row in alone]
    report = (out / "report.md").read_text(encoding="utf-8")
    assert "- jobs: up to 2 runs at a time, seconds are noisy" in report
    assert f"- threads: {max(1, cores() // 2)}" in report
    assert "--jobs 2" in report
    again = printed(capsys, *command, "--jobs", "2", "--out", str(out))
    assert again == together  # seconds and dates too: nothing was made again


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--jobs", "0"], "jobs = 0: must be a whole number of at least 1"),
        (["--jobs", "2", "--scheduler", "tcp://127.0.0.1:1"], "jobs = 2: must be left out"),
    ],
)
def test_bad_numbers_of_jobs(
    instance: str, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["compare", instance, *arguments]) == 2
    assert message in capsys.readouterr().err


def test_without_dask_the_extra_is_named(
    instance: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"dask\.distributed is not installed"):
        DaskWorkers("tcp://127.0.0.1:1")
    assert main(["compare", instance, "--scheduler", "tcp://127.0.0.1:1"]) == 2
    assert "pip install 'cgcopt[dask]'" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://127.0.0.1:1"])
def test_a_scheduler_that_does_not_answer(address: str) -> None:
    pytest.importorskip("distributed")
    with pytest.raises(cg.InvalidInputError, match="dask scheduler that answers"):
        DaskWorkers(address, timeout=0.5)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\nhello, this is no dask"])
def test_what_listens_and_is_no_scheduler(answer: bytes) -> None:
    pytest.importorskip("distributed")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    connections.append(connection)
                    connection.sendall(answer)

        connections: list[socket.socket] = []
        threading.Thread(target=serve, daemon=True).start()
        started = time.monotonic()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(cg.InvalidInputError, match="dask scheduler that answers"):
            DaskWorkers(address, timeout=0.3)
        assert time.monotonic() - started < 10
        for connection in connections:
            connection.close()


class Deserted(Executor):
    """An executor whose workers have gone: nothing comes back."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        return Future()

    def trouble(self, silence: float, lost: float) -> tuple[str, bool]:
        return "nobody is left", True


def test_a_comparison_that_nobody_works_on_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(
        runs, "PATIENCE", runs.Patience(look=0.02, word=0.05, doubt=0.1, nobody=0.3)
    )
    heard: list[str] = []
    options = replace(OPTIONS, progress=lambda share, message: heard.append(message))
    with Store(tmp_path / "rows.sqlite") as store:
        compare(SMALL, ["uncoded"], options=OPTIONS, store=store)
        names = ["uncoded", "uniform"]
        with pytest.raises(WorkersLostError, match="nobody is left"):
            compare(SMALL, names, options=options, store=store, executor=Deserted())
        assert len(store) == 1
    assert "waiting: nobody is left" in heard
    assert [record.getMessage() for record in caplog.records] == ["waiting: nobody is left"]


class Stopped(ThreadPoolExecutor):
    """An executor of which one worker stops at its first run, and is given up."""

    def __init__(self) -> None:
        super().__init__(1)
        self.stopped: set[Future[Any]] = set()

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self.stopped:
            return super().submit(fn, *args, **kwargs)
        future: Future[Any] = Future()
        self.stopped = {future}
        return future

    def trouble(self, silence: float, lost: float) -> tuple[str, bool]:
        return "no sign of life from one", False

    def stuck(self, lost: float) -> set[Future[Any]]:
        return self.stopped


def test_runs_at_a_stopped_worker_are_made_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "PATIENCE", runs.Patience(look=0.02))
    with Stopped() as executor:
        found = compare(SMALL, ["uncoded", "uniform"], options=OPTIONS, executor=executor)
    assert facts(found) == facts(compare(SMALL, ["uncoded", "uniform"], options=OPTIONS))


def test_silence_is_judged_by_time_limits() -> None:
    patience = runs.Patience(silent=20.0, unlimited=120.0)
    assert patience.lost([5.0, 10.0]) == pytest.approx(31.0)
    assert patience.lost([5.0, None]) == 120.0


@pytest.fixture
def cluster(diary: Path) -> Iterator[Any]:
    """A scheduler and two workers on loopback, which know the solvers of ``site``."""
    distributed, dask = pytest.importorskip("distributed"), pytest.importorskip("dask")
    # At the first death everything that waited for the worker is given up with it.
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as started,
    ):
        yield started


def test_dask_gives_the_table_of_one(instance: str, capsys: pytest.CaptureFixture[str]) -> None:
    distributed = pytest.importorskip("distributed")
    names = ["optimal", "closed-form-time", "uncoded"]
    # A thread of this process: another process takes seconds to import what runs need.
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        protocol="tcp://",
        host="127.0.0.1",
        dashboard_address=None,
        silence_logs=logging.CRITICAL,
    ) as cluster:
        with DaskWorkers(cluster.scheduler_address) as executor:
            assert (executor.jobs, executor.threads) == (1, cores())
            found = compare(SMALL, names, options=OPTIONS, executor=executor)
        assert [row.solver for row in found.rows] == names
        assert facts(found) == facts(compare(SMALL, names, options=capped(OPTIONS, executor)))

        command = ["compare", instance, "--solvers", "uncoded,optimal"]
        there = printed(capsys, *command, "--scheduler", cluster.scheduler_address)
    assert [row["value"] for row in there] == [row["value"] for row in printed(capsys, *command)]
    assert {row["jobs"] for row in there} == {1}


@pytest.mark.slow
def test_a_dask_worker_that_dies_costs_its_own_row(cluster: Any, diary: Path) -> None:
    names = ["equal", "optimal", "quitter", "uncoded"]
    options = noted(OPTIONS, diary)
    with DaskWorkers(cluster.scheduler_address) as executor:
        assert (executor.jobs, executor.threads) == (2, max(1, cores() // 2))
        found = compare(SMALL, names, options=options, executor=executor)
    assert [row.solver for row in found.rows] == names
    assert died(found.rows) == ["small quitter"]
    assert found.rows[2].message.startswith("KilledWorker: ")
    assert {row.jobs for row in found.rows} == {1, 2}
    sound = [name for name in names if name != "quitter"]
    rest = replace(found, rows=tuple(row for row in found.rows if not row.failed))
    assert facts(rest) == facts(compare(SMALL, sound, options=capped(options, executor)))


@pytest.mark.slow
def test_a_comparison_whose_dask_workers_are_stopped_ends(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(runs, "PATIENCE", runs.Patience(look=0.2, word=1, nobody=1, silent=1))
    options = replace(OPTIONS, time_limit=1.0)
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        DaskWorkers(cluster.scheduler_address) as executor,
    ):
        process = executor._client.submit(os.getpid).result()
        os.kill(process, signal.SIGSTOP)
        try:
            started = time.monotonic()
            with pytest.raises(WorkersLostError, match="no sign of life from"):
                compare(SMALL, ["uncoded", "uniform"], options=options, executor=executor)
            assert time.monotonic() - started < 15
        finally:
            os.kill(process, signal.SIGCONT)
    assert any("waiting: no sign of life" in record.getMessage() for record in caplog.records)


def test_dask_workers_of_several_threads_are_refused() -> None:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=2,
            processes=False,
            protocol="tcp://",
            host="127.0.0.1",
            dashboard_address=None,
        ) as cluster,
        pytest.raises(cg.InvalidInputError, match="workers of one thread each"),
    ):
        DaskWorkers(cluster.scheduler_address)


class _Gone(ThreadPoolExecutor):
    """An executor like that of dask once its scheduler is lost: it gives its runs up."""

    def trouble(self, silence: float, lost: float) -> tuple[str, bool]:
        return "the scheduler does not answer", True

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.cancel()
        future.set_running_or_notify_cancel()
        return future


def test_runs_that_an_executor_gives_up_are_no_failures_of_solvers() -> None:
    with _Gone(1) as executor, pytest.raises(WorkersLostError, match="does not answer"):
        compare(SMALL, ["uncoded", "uniform"], options=OPTIONS, executor=executor)
