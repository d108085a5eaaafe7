"""Coded rounds on real processes: Ray on the loopback address of this machine.

Slow is what starts a cluster; the same rounds without processes are quick, in ``test_rounds.py``.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

import cgcopt as cg
from cgcopt.errors import TrainingError
from cgcopt.training import (
    Network,
    RayEngine,
    TrainSettings,
    digits_task,
    drawn_delays,
    no_delays,
    programs_of,
    ray_engine,
    train,
)
from cgcopt.training.ray_start import RaySettings

WORKERS = 4
TIMES = cg.ShiftedExponential(rate=1e-3, shift=50)
SYSTEM = cg.System(WORKERS, 20_000, TIMES, samples=WORKERS)

# Ray's own warnings are not ours to mend.
pytestmark = [
    pytest.mark.skipif(find_spec("ray") is None, reason="the extra ray is not installed"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def task() -> Network:
    task = digits_task("network")
    assert isinstance(task, Network)
    return task


@pytest.fixture(scope="module")
def plans(task: Network) -> dict[str, cg.Plan]:
    kinds = {
        "design": cg.Design([900, 300, 500, 710]),
        "rotated": cg.Schedule([900, 300, 500, 710]),
        "unequal": cg.Schedule([900, 300, 500, 710], work=[1, 1, 1, 2.0]),  # type: ignore[arg-type]
    }
    size = {"samples": task.samples, "coordinates": task.coordinates}
    return {
        name: cg.make_plan(kind, **size, boundaries=task.boundaries) for name, kind in kinds.items()
    }


@pytest.fixture(scope="module")
def engine(task: Network, plans: dict[str, cg.Plan]) -> Iterator[RayEngine]:
    with ray_engine(task, programs_of(plans)) as engine:
        yield engine


def descent(task: Network, rounds: int) -> np.ndarray:
    parameters = task.initial()
    for _ in range(rounds):
        parameters = parameters - task.step * task.gradient(parameters) / task.samples
    return parameters


def test_nobody_at_the_address(task: Network, plans: dict[str, cg.Plan]) -> None:
    with (
        pytest.raises(TrainingError, match=r"no Ray cluster at '127\.0\.0\.1:9'"),
        ray_engine(task, programs_of(plans), address="127.0.0.1:9"),
    ):
        pass


@pytest.mark.slow
def test_rounds_are_exact_and_take_what_the_model_says(
    engine: RayEngine, task: Network, plans: dict[str, cg.Plan]
) -> None:
    delays = drawn_delays(SYSTEM, plans["design"], 3, seconds=0.05, seed=1)
    run = train(task, plans, engine, delays, rounds=3)
    expected = descent(task, 3)
    for own in run.plans.values():
        np.testing.assert_allclose(own.parameters, expected, atol=1e-10)
        assert own.errors.max() < 1e-10
        late = own.seconds - own.modelled
        assert late.min() > -0.02  # no vector is sent before its time
        assert np.median(late) < 0.3  # generous: tests share the machine


@pytest.mark.slow
def test_only_this_machine_can_reach_it(engine: RayEngine) -> None:
    import ray

    (node,) = ray.nodes()
    assert node["NodeManagerAddress"] == "127.0.0.1"
    # Neither dashboard nor autoscaler: a store, a scheduler, and what the scheduler starts.
    own = psutil.Process().children()
    names = {Path(child.cmdline()[0]).name for child in own if "ray" in " ".join(child.cmdline())}
    assert names == {"gcs_server", "raylet"}
    listening = {
        connection.laddr.ip.removeprefix("::ffff:")
        for child in psutil.Process().children(recursive=True)
        for connection in child.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening <= {"127.0.0.1", "::1"}


@pytest.mark.slow
def test_workers_are_processes_of_their_own(engine: RayEngine) -> None:
    processes = engine.processes()
    assert sorted(processes) == list(range(WORKERS))
    assert len({os.getpid(), *processes.values()}) == WORKERS + 1


@pytest.mark.slow
def test_killed_workers(engine: RayEngine, task: Network, plans: dict[str, cg.Plan]) -> None:
    # Fifty kills: the same without processes in test_rounds.py, and the benchmark of training.
    chosen = {"rotated": plans["rotated"]}
    delays = drawn_delays(SYSTEM, plans["rotated"], 4, seconds=0.3, seed=2)
    rng = np.random.default_rng(1)
    killed: list[int] = []
    timers: list[threading.Timer] = []

    def kill_one(number: int) -> None:
        for timer in timers:
            timer.join()
        if number in (1, 2):
            process = int(rng.choice(list(engine.processes().values())))
            timers.append(threading.Timer(0.15 * rng.random(), kill, [process]))
            timers[-1].start()

    def kill(process: int) -> None:
        os.kill(process, signal.SIGKILL)
        killed.append(process)

    settings = TrainSettings(patience=120.0)
    run = train(task, chosen, engine, delays, rounds=4, settings=settings, before_round=kill_one)
    assert len(killed) == 2
    np.testing.assert_allclose(run.first.parameters, descent(task, 4), atol=1e-10)
    assert run.first.lost.sum() >= 1


@pytest.mark.slow
def test_no_delays(engine: RayEngine, task: Network, plans: dict[str, cg.Plan]) -> None:
    chosen = {"design": plans["design"]}
    run = train(task, chosen, engine, no_delays(WORKERS), rounds=3)
    np.testing.assert_allclose(run.first.parameters, descent(task, 3), atol=1e-10)
    assert np.isnan(run.first.predicted_mean)


def test_workers_that_die_while_starting_are_said_in_one_line() -> None:
    import ray

    def lost(*_: object, **__: object) -> None:
        raise ray.exceptions.RayError("gone\nfor good")

    engine = RayEngine.__new__(RayEngine)
    engine._ray = SimpleNamespace(get=lost, exceptions=ray.exceptions)
    engine._settings = RaySettings()
    with pytest.raises(TrainingError, match="workers cannot be reached") as info:
        engine._answers([])
    assert "\n" not in str(info.value)
