"""Every command ends soon at a signal, with exit code 130 and a word, and leaves no process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

POSIX = os.name == "posix"
INSTANCE = """
[system]
workers = 100
coordinates = 20000
[worker_times]
family = "shifted-exponential"
rate = 1e-3
shift = 50.0
"""
SHARES = ",".join(["200"] * 100)
#: Seconds to the end on an idle machine are two; here others may be at work.
PATIENCE = 6.0
#: One computation, one run after another, and processes of its own: then more of each kind.
COMMANDS = [
    ["evaluate", "instance.toml", "--partition", SHARES],
    ["tradeoff", "instance.toml"],
    ["record", "--workers", "2", "--rounds", "100000", "--out", "times.csv"],
]
MORE = [
    ["plan", "instance.toml", "--out", "plan.npz"],
    ["curve", "instance.toml", "--out", "curve"],
    ["schedules"],
    ["library", "--out", "folder"],
    ["verify", "instance.toml"],
    ["compare", "instance.toml", "--jobs", "2", "--out", "compared"],
]

pytestmark = pytest.mark.skipif(not POSIX, reason="signals of POSIX systems")


def descendants(pid: int) -> list[int]:
    """Processes below a process, as Linux tells them."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            below = [int(text) for text in path.read_text().split()]
        except OSError:
            continue
        found += below + [lower for one in below for lower in descendants(one)]
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.parametrize(
    "command",
    [*COMMANDS, *(pytest.param(command, marks=pytest.mark.slow) for command in MORE)],
    ids=lambda command: command[0],
)
def test_a_command_ends_at_a_signal(command: Sequence[str], tmp_path: Path) -> None:
    (tmp_path / "instance.toml").write_text(INSTANCE)
    number = (signal.SIGINT, signal.SIGTERM)[len(command) % 2]
    run = [sys.executable, "-c", STARTED, *command]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        run, stdout=pipe, stderr=pipe, text=True, env=environment, cwd=tmp_path
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "started\n"
        time.sleep(1.0)
        others = descendants(process.pid)
        began = time.perf_counter()
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        took = time.perf_counter() - began
    assert process.returncode == 130, err
    assert err.splitlines()[-1].startswith("interrupted"), err
    assert took < PATIENCE
    end = time.perf_counter() + PATIENCE
    while any(map(alive, others)) and time.perf_counter() < end:
        time.sleep(0.05)
    assert not any(map(alive, others))


#: The command line, with a word when signals are listened to.
STARTED = """
import contextlib, sys
import cgcopt.cli as cli
listening = cli.stoppable

@contextlib.contextmanager
def told():
    with listening():
        print("started", file=sys.stderr, flush=True)
        yield

cli.stoppable = told
cli.command()
"""


def test_the_process_of_an_interrupted_command_does_not_wait_for_its_libraries() -> None:
    code = (
        "import atexit, threading, time\n"
        "from cgcopt.process.leaving import end_process\n"
        "atexit.register(time.sleep, 60)\n"
        "threading.Thread(target=time.sleep, args=[60]).start()\n"
        "def command():\n"
        "    print('kept')\n"
        "    raise KeyboardInterrupt\n"
        "end_process(command)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=50
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "kept\n", "interrupted\n")


def test_while_processes_are_started_a_signal_ends_all_soon() -> None:
    code = (
        "import os, signal, threading, time\n"
        "from cgcopt.process.stopping import "
        "Patience, at_the_end, cooperating, starting, stoppable\n"
        "at_the_end(lambda: print('others ended', flush=True))\n"
        "threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "with stoppable(Patience(starting=0.2)), cooperating(), starting():\n"
        "    while True:\n"
        "        try:\n"
        "            time.sleep(20)\n"
        "        except KeyboardInterrupt:\n"
        "            began = time.monotonic()\n"
    )
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (130, "others ended\n")
    assert time.monotonic() - began < 15
