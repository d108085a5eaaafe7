"""Recording real worker times: what is measured, and how recordings end early."""

from __future__ import annotations

import multiprocessing
import os
import platform
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cgcopt.errors import CgcoptError, InvalidInputError
from cgcopt.workers import Trace, processes, work
from cgcopt.workers.record import RecordingError, record

POSIX = os.name == "posix"


def test_a_small_recording(tmp_path: Path) -> None:
    environment, handler = dict(os.environ), signal.getsignal(signal.SIGINT)
    calls: list[tuple[int, int]] = []
    start = time.perf_counter()
    trace = record(
        2, 12, work_seconds=0.002, warmup=2, progress=lambda done, all_: calls.append((done, all_))
    )
    elapsed = time.perf_counter() - start
    assert trace.times.shape == (12, 2)
    assert calls == [(i, 12) for i in range(1, 13)]
    # Nobody can have worked longer than the whole recording took, nor for no time at all.
    assert trace.times.max(axis=1).sum() < elapsed
    assert np.median(trace.times) > 2e-4
    assert dict(os.environ) == environment
    assert signal.getsignal(signal.SIGINT) is handler
    assert multiprocessing.active_children() == []
    trace.write(tmp_path / "trace.csv")
    assert Trace.read(tmp_path / "trace.csv") == trace
    assert Trace.read(tmp_path / "trace.csv").comments == trace.comments


def test_the_description_names_the_work_and_no_person() -> None:
    trace = record(1, 2, samples=500, warmup=0)
    text = "\n".join(trace.comments)
    for part in ("1 worker processes, 2 rounds", "500 samples", "cores", f"numpy {np.__version__}"):
        assert part in text
    for private in (platform.node(), os.path.expanduser("~"), os.getcwd()):
        assert len(private) < 3 or private not in text


def test_a_round_takes_the_samples_that_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[tuple[int, int]] = []

    def gradient(x: Any, y: Any, weights: Any) -> Any:
        taken.append((len(x), len(y)))
        return np.zeros_like(weights)

    monkeypatch.setattr(work, "_gradient", gradient)
    here, there = multiprocessing.Pipe()
    here.send((30, 500))
    work.run_rounds(0, 4, there, threading.Barrier(1), patience=60.0)
    assert taken == [(30, 30), (500, 500)] * 2
    assert here.recv() == "ready"
    assert all(here.recv() >= 0.0 for _ in range(4))


def test_the_work_is_the_gradient_of_the_cross_entropy() -> None:
    rng = np.random.default_rng(1)
    x, y, _ = work._data(2300, rng)
    weights = rng.standard_normal((work.FEATURES, work.CLASSES))

    def loss(w: Any) -> float:
        scores = x @ w
        return float(np.mean(np.log(np.exp(scores).sum(axis=1)) - (scores * y).sum(axis=1)))

    gradient = work._gradient(x, y, weights)
    for i, j in [(0, 0), (5, 3), (63, 9)]:
        step = np.zeros_like(weights)
        step[i, j] = 1e-5
        slope = (loss(weights + step) - loss(weights - step)) / 2e-5
        assert gradient[i, j] == pytest.approx(slope, rel=1e-6, abs=1e-9)


def test_the_children_use_one_blas_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with processes._child_settings():
        assert os.environ["OMP_NUM_THREADS"] == "1"
        assert os.environ["MKL_NUM_THREADS"] == "1"
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ


@pytest.mark.skipif(not POSIX, reason="kills a process by a signal")
def test_a_killed_worker_ends_the_recording_and_keeps_it() -> None:
    def kill_one(done: int, _: int) -> None:
        if done == 5:
            victim = multiprocessing.active_children()[0].pid
            assert victim is not None
            os.kill(victim, signal.SIGKILL)

    trace = record(2, 2000, samples=200, progress=kill_one)
    assert 5 <= trace.round_count < 2000
    assert f"stopped after {trace.round_count} of 2000 rounds" in trace.comments[-1]
    assert "exit code -9" in trace.comments[-1]
    assert multiprocessing.active_children() == []


@pytest.mark.skipif(not POSIX, reason="stops a process by a signal")
def test_a_stuck_worker_ends_the_recording_and_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[processes.RecordingWorkers] = []

    class Workers(processes.RecordingWorkers):
        def __init__(self, patience: float) -> None:
            super().__init__(patience)
            made.append(self)

    monkeypatch.setattr(processes, "RecordingWorkers", Workers)
    monkeypatch.setattr(processes, "GRACE", 0.05)

    def stop_one(done: int, _: int) -> None:
        if done == 5:
            victim = multiprocessing.active_children()[0].pid
            assert victim is not None
            os.kill(victim, signal.SIGSTOP)
            made[0].patience = 0.3  # until then a busy machine has a minute to start them

    trace = record(2, 2000, samples=200, progress=stop_one)
    assert 5 <= trace.round_count < 2000
    assert "did not answer for 0.3 s" in trace.comments[-1]
    assert multiprocessing.active_children() == []


def test_an_interrupt_keeps_the_completed_rounds() -> None:
    def interrupt(done: int, _: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    trace = record(1, 500, samples=200, progress=interrupt)
    assert 4 <= trace.round_count < 500
    assert trace.comments[-1].endswith("interrupted")
    assert multiprocessing.active_children() == []


@pytest.mark.skipif(not POSIX, reason="sends Ctrl-C to a process group")
def test_ctrl_c_from_a_terminal(tmp_path: Path) -> None:
    script = tmp_path / "long.py"
    script.write_text(
        textwrap.dedent("""
        from cgcopt.workers.record import record

        def say(done, rounds):
            if done == 3:
                print("go", flush=True)

        if __name__ == "__main__":
            trace = record(1, 100_000, samples=2000, progress=say)
            print(trace.round_count >= 3, trace.comments[-1])
        """)
    )
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a process group of its own, as a shell makes one
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "go\n"
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert out.startswith("True stopped after ")
    assert out.rstrip().endswith("interrupted")
    assert err == ""
    assert process.returncode == 0


def test_a_script_without_a_guard_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "unguarded.py"
    script.write_text(
        textwrap.dedent("""
        from cgcopt.errors import CgcoptError
        from cgcopt.workers.record import record
        try:
            record(2, 3)
        except CgcoptError as error:
            print(error)
        """)
    )
    run = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60)
    assert run.stdout.startswith("no round was completed: worker 0 ended with exit code 1")
    assert '__name__ == "__main__"' in run.stdout


def test_a_worker_that_fails_says_why() -> None:
    with pytest.raises(RecordingError, match=r"worker \d failed .*MemoryError") as info:
        record(1, 3, samples=10**13)
    assert isinstance(info.value, CgcoptError)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"workers": 0}, "workers"),
        ({"workers": 1.5}, "workers"),
        ({"rounds": 0}, "rounds"),
        ({"rounds": "3"}, "rounds"),
        ({"warmup": -1}, "warmup"),
        ({"samples": 0}, "samples"),
        ({"work_seconds": 0.0}, "work_seconds"),
        ({"work_seconds": float("nan")}, "work_seconds"),
        ({"patience": -1.0}, "patience"),
    ],
)
def test_bad_input(arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInputError, match=f"^{field} = "):
        record(**{"workers": 2, "rounds": 3, **arguments})
