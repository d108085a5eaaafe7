"""Runs end in time, at a signal, and leave no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.errors import InvalidInputError
from cgcopt.problem import Form, Problem
from cgcopt.process import stopping
from cgcopt.solution import SolutionStatus, TerminationCondition
from cgcopt.solvers.adapters import child
from cgcopt.solvers.adapters.child import PATIENCE, solve_in_child
from cgcopt.solvers.adapters.highs import Highs
from cgcopt.solvers.adapters.scipy_milp import ScipyMilp

TIMES = cg.ShiftedExponential(rate=1e-3, shift=50.0)
#: Rounds need no compiled kernels in the process of the command.
HARD = """
[system]
workers = 10
coordinates = 150
[worker_times]
family = "scenarios"
times = {times}
"""


def hard() -> Problem:
    """Rounds for which HiGHS looks at its clock only after a minute in coordinate form."""
    system = cg.System(10, 150, TIMES)
    return Problem(system, cg.ExpectedRuntime()).sampled(150, seed=3)


def easy() -> Problem:
    return Problem(cg.System(4, 100, TIMES), cg.ExpectedRuntime()).sampled(10, seed=0)


@pytest.mark.parametrize("cls", [Highs, pytest.param(ScipyMilp, marks=pytest.mark.slow)])
def test_a_run_that_does_not_stop_is_ended_with_what_it_had(cls: Any) -> None:
    problem = hard()
    cg.solve(easy(), cls(), form="block", time_limit=60.0)  # starts the process
    started = time.perf_counter()
    solution = cg.solve(problem, cls(), form="coordinate", time_limit=0.5, gap=0.0)
    assert time.perf_counter() - started < 0.5 * 1.1 + 2.0 + 2.0  # and judging, on a busy machine
    assert solution.termination is TerminationCondition.TIME_LIMIT
    assert solution.status is SolutionStatus.FEASIBLE
    assert solution.partition is not None
    assert solution.partition.sum() == 150


def test_a_library_that_ends_its_process_when_it_is_stopped(monkeypatch: Any) -> None:
    monkeypatch.setattr(child._Child, "ask_to_stop", lambda self: self.process.kill())
    solution = cg.solve(hard(), ScipyMilp(), form="coordinate", time_limit=0.1, gap=0.0)
    assert solution.termination is TerminationCondition.TIME_LIMIT
    assert "ended from outside" in solution.message


def test_the_process_serves_again_and_is_replaced_when_it_dies() -> None:
    problem = easy()
    here = cg.solve(problem, "highs", form="block")
    first = cg.solve(problem, "highs", form="block", time_limit=60)
    process = child._child().process
    second = cg.solve(problem, "scipy-milp", form="block", time_limit=60)
    assert child._child().process is process
    process.kill()
    process.wait()
    third = cg.solve(problem, "highs", form="block", time_limit=60)
    assert child._child().process is not process
    assert first.value == second.value == third.value == here.value
    assert first.details == here.details


def test_what_a_run_raises_or_warns_of_comes_through() -> None:
    problem = easy()
    with pytest.raises(InvalidInputError, match=r"options.raw\['nonsense'\]"):
        cg.solve(problem, "highs", raw={"nonsense": 1}, time_limit=60)
    solution = cg.solve(problem, "cvxpy-scs", raw={"nonsense": 1}, time_limit=60)
    assert solution.termination is TerminationCondition.ERROR
    assert "nonsense" in solution.message


def test_a_process_that_dies_at_work_is_an_error() -> None:
    class _Dies:
        """Pickled as a call that ends the process it is read in."""

        def __reduce__(self) -> Any:
            return os._exit, (7,)

    solver: Any = Highs()
    options = cg.Options(raw={"start": _Dies()})
    with pytest.raises(cg.CgcoptError, match="the process of the solver ended with code"):
        solve_in_child(solver, easy(), Form.BLOCK, options)


def test_a_solver_of_a_script_runs_where_it_is() -> None:
    class Mine(Highs):
        name = "mine"

    problem = easy()
    assert solve_in_child(Mine(), problem, Form.BLOCK, cg.Options()) is None
    assert cg.solve(problem, Mine(), form="block", time_limit=60).status is SolutionStatus.OPTIMAL


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_signal_ends_a_command_with_its_incumbent(number: signal.Signals, tmp_path: Path) -> None:
    instance = tmp_path / "hard.toml"
    instance.write_text(HARD.format(times=hard().system.worker_times.times.tolist()))
    command = [sys.executable, "-m", "cgcopt", "solve", str(instance), "--solver", "scipy-milp"]
    command += ["--form", "coordinate"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        children = _children_at_work(process.pid)
        started = time.perf_counter()
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        took = time.perf_counter() - started
    assert process.returncode == 130
    assert "interrupted" in err
    assert "interrupted" in out or took > 1.4  # a busy machine may not come to judging it
    assert took < 6.0  # 2 s on an idle machine, with the end of the interpreter
    time.sleep(0.2)
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)


def _children_at_work(pid: int) -> list[int]:
    """Wait until a child of the process has used some seconds of CPU."""
    listing = Path(f"/proc/{pid}/task/{pid}/children")
    if not listing.exists():
        pytest.skip("this system does not list the children of a process")
    for _ in range(600):
        found = [int(text) for text in listing.read_text().split()]
        for number in found:
            fields = Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()
            if (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") > 3.0:
                return found
        time.sleep(0.1)
    raise AssertionError("no child came to work")


def test_the_patience_keeps_the_promise() -> None:
    for limit in np.geomspace(0.1, 1e4, 20):
        worst = PATIENCE.beyond + PATIENCE.share * limit + PATIENCE.stop
        assert worst + 0.5 < 2.0 + 0.1 * limit


def test_a_process_that_is_gone_when_it_is_spoken_to_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = easy()
    gone = child._Child()
    gone.process.kill()
    gone.process.wait()
    monkeypatch.setattr(child, "_child", lambda: gone)
    with pytest.raises(cg.CgcoptError, match="the process of the solver was killed by signal 9"):
        solve_in_child(Highs(), problem, Form.BLOCK, cg.Options())


def test_what_was_found_may_take_longer_to_be_shown() -> None:
    code = (
        "import os, signal, time\n"
        "from cgcopt.process import stopping\n"
        "with stopping.stoppable(stopping.Patience(0.05, 0.1, showing=30.0)):\n"
        "    try:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        time.sleep(5.0)\n"
        "    except KeyboardInterrupt:\n"
        "        stopping.finishing()\n"
        "    time.sleep(0.25)\n"
        "    print('shown')\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "shown\n"), done.stderr


def test_an_interruption_while_a_command_ends_is_none_of_its_caller() -> None:
    code = (
        "import _thread, os, signal, time\n"
        "from cgcopt.process import stopping\n"
        "for _ in range(3):\n"
        "    try:\n"
        "        with stopping.stoppable(stopping.Patience(cooperation=0.05, interruption=30.0)):\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "            time.sleep(5.0)\n"
        "    except KeyboardInterrupt:\n"
        "        pass\n"
        "    time.sleep(0.15)\n"
        "print('end')\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "end\n"), done.stderr


SCRIPT = """
import sys, time
import cgcopt as cg
times = cg.ShiftedExponential(rate=1e-3, shift=50.0)
hard = cg.Problem(cg.System(10, 150, times), cg.ExpectedRuntime()).sampled(150, seed=3)
cg.solve(hard, "highs", form="block")
cg.solve(hard, "uniform")
print("ready", flush=True)
try:
    if sys.argv[1] == "solve":
        cg.solve(hard, sys.argv[2], form="coordinate", gap=0.0)
    else:
        names = ["uniform", sys.argv[2] + ":coordinate"]
        cg.compare(hard, names, options=cg.Options(gap=0.0))
except cg.RunInterrupted as stop:
    solution, result = stop.solution, stop.result
    print(time.time(), solution.termination, solution.status, *(result.rows if result else []))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("what", "solver"), [("solve", "scipy-milp"), ("compare", "highs")])
def test_ctrl_c_in_a_script_gives_what_was_found(what: str, solver: str) -> None:
    script = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, what, solver], stdout=subprocess.PIPE, text=True
    )
    try:
        assert script.stdout is not None
        assert script.stdout.readline() == "ready\n"
        time.sleep(3.0)
        asked = time.time()
        script.send_signal(signal.SIGINT)
        ended, termination, status, *rows = script.communicate(timeout=60)[0].split(maxsplit=3)
    finally:
        script.kill()
    assert float(ended) - asked < 2.0 + 2.0  # on a busy machine
    assert (termination, status) == ("interrupted", "feasible")
    assert len(rows) == (what == "compare")


@pytest.fixture
def _ctrl_c() -> None:
    """As in a script; the handler of the tests comes back after the test."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.usefixtures("_ctrl_c")
def test_a_request_in_a_script_ends_with_its_run() -> None:
    with stopping.interruptible() as alone, stopping.cooperating():
        assert alone
        with stopping.interruptible() as again:
            assert not again
        os.kill(os.getpid(), signal.SIGINT)
        assert stopping.requested()
    assert not stopping.requested()
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


def test_ctrl_c_is_left_to_those_who_handle_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stopping.interruptible() as alone:
            assert not alone
    finally:
        signal.signal(signal.SIGINT, before)


@dataclass(frozen=True)
class _Hasty(stopping.Patience):
    cooperation: float = 0.1


@pytest.mark.usefixtures("_ctrl_c")
def test_what_does_not_end_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "Patience", _Hasty)

    def go_on() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):  # an interruption comes between two calls
            time.sleep(0.01)

    with pytest.raises(KeyboardInterrupt), stopping.interruptible(), stopping.cooperating():
        go_on()
