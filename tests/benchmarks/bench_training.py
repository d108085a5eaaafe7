"""Coded training on processes: workers killed at random moments, and what a round costs the master.

``python -m tests.benchmarks.run training`` prints the table; needs the extra ``ray``.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from typing import Any

import numpy as np

import cgcopt as cg
from cgcopt.training import digits_task, drawn_delays, programs_of, ray_engine, train
from cgcopt.training.train import TrainSettings

WORKERS = 6
ROUND = 0.4
"""Predicted seconds of a round."""


def run(quick: bool = False) -> list[dict[str, Any]]:
    """Kill workers at random moments of training; one row.

    Returns
    -------
    list of dict
        ``kills``; ``rounds``; ``lost`` (losses noticed in a round); ``waited`` (rounds that
        had to wait for a replacement); ``difference`` of the final parameters from those of plain
        gradient descent, largest entry; ``largest error`` of a decoded gradient; ``seconds``;
        ``median round``.
    """
    kills = 8 if quick else 50
    task = digits_task("softmax")
    schedule = cg.Schedule([100, 150, 150, 100, 50, 100])
    plan = cg.make_plan(
        schedule, task.samples, coordinates=task.coordinates, boundaries=task.boundaries
    )
    plans = {"rotated": plan}
    times = cg.ShiftedExponential(rate=1e-3, shift=50)
    system = cg.System(WORKERS, 20_000, times, samples=WORKERS)
    delays = drawn_delays(system, plan, 200, seconds=ROUND, seed=0)
    rng = np.random.default_rng(0)
    killed: list[int] = []
    timers: list[threading.Timer] = []

    def kill(process: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
            killed.append(process)

    with ray_engine(task, programs_of(plans)) as engine:

        def before(number: int) -> None:
            for timer in timers:
                timer.join()
            if number >= 1 and len(killed) < kills:
                reached = list(engine.processes().values())
                process = int(rng.choice(reached))
                timers.append(threading.Timer(ROUND * rng.random(), kill, [process]))
                timers[-1].start()

        began = time.perf_counter()
        rounds = kills + 5
        settings = TrainSettings(patience=180.0)
        result = train(
            task, plans, engine, delays, rounds=rounds, settings=settings, before_round=before
        )
        seconds = time.perf_counter() - began
    parameters = task.initial()
    for _ in range(rounds):
        parameters = parameters - task.step * task.gradient(parameters) / task.samples
    own = result.first
    return [
        {
            "kills": len(killed),
            "rounds": rounds,
            "lost": int(own.lost.sum()),
            "waited": len(result.notes),
            "difference": float(np.abs(own.parameters - parameters).max()),
            "largest error": float(own.errors.max()),
            "seconds": seconds,
            "median round": float(np.median(own.seconds)),
        }
    ]
