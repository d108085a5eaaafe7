"""Designing anew from the rounds of the run itself."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cgcopt._validate import finite_number, whole_number
from cgcopt.arrays import FloatArray
from cgcopt.codes.plan import Plan
from cgcopt.objective import ExpectedRuntime
from cgcopt.problem import Problem
from cgcopt.system import System
from cgcopt.training.fit_task import plan_of_schedule
from cgcopt.training.pace import RoundModel
from cgcopt.training.task import Task
from cgcopt.workers.scenarios import Scenarios

__all__ = ["Proposal", "Redesign", "propose"]


@dataclass(frozen=True)
class Redesign:
    """When and how the first plan of a run is designed anew.

    Attributes
    ----------
    every : int
        Rounds after which the latest ``every`` rounds are looked at, at least 4.
    solver : str
        Of a problem whose worker times are recorded rounds. ``schedule`` tells workers apart;
        ``optimal`` is quicker and gives all workers equal work.
    raw : mapping
        Raw options of the solver; by default ``schedule`` gives each worker a share of the work. Few
        rounds carry so many numbers badly, but the check on held-out rounds stands behind them.
    seconds : float
        That a new design may take at most: the workers wait for it.
    gain : float
        Share of a round that a new plan must save on rounds that it was not made from.
    """

    every: int
    solver: str = "schedule"
    raw: Mapping[str, Any] | None = None
    seconds: float = 2.0
    gain: float = 0.05

    def __post_init__(self) -> None:
        whole_number("redesign-every", self.every, least=4)
        finite_number("redesign seconds", self.seconds, above=0)
        finite_number("redesign gain", self.gain, least=0, below=1)


@dataclass(frozen=True, eq=False)
class Proposal:
    """A new plan, and what the check on held-out rounds says.

    Attributes
    ----------
    plan : Plan
    now, then : float
        Mean seconds of the held-out rounds by the model, with the plan in use and with the new one.
    seconds : float
        What solving and planning took.
    pays : bool
        Whether the new plan saves enough.
    """

    plan: Plan
    now: float
    then: float
    seconds: float
    pays: bool

    def __str__(self) -> str:
        verdict = "plan changed" if self.pays else "plan kept"
        return (
            f"{verdict}: {self.now:.4g} s with it, {self.then:.4g} s with the new one on held-out "
            f"rounds; solved in {self.seconds:.2g} s"
        )


def propose(plan: Plan, slowness: FloatArray, task: Task, redesign: Redesign) -> Proposal:
    """Design from the first half of recorded rounds, and check on the second half.

    Parameters
    ----------
    plan : Plan
        In use.
    slowness : ndarray, shape (rounds, N)
        Seconds of each worker for one coordinate on all data, in time order.
    task : Task
    redesign : Redesign
    """
    from cgcopt.solvers.solve import solve

    began = time.perf_counter()
    half = len(slowness) // 2
    seen, held_out = slowness[:half], slowness[half:]
    # One sample of one cycle: a worker's time is that of one coordinate on all data.
    system = System(plan.workers, task.coordinates, Scenarios(seen))
    raw = redesign.raw
    if raw is None:
        raw = {"work": "shares"} if redesign.solver == "schedule" else {}
    problem = Problem(system, ExpectedRuntime())
    solution = solve(problem, redesign.solver, raw=raw, time_limit=redesign.seconds)
    schedule = solution.schedule
    candidate = (
        plan
        if schedule is None
        else plan_of_schedule(schedule, task, title=plan.title, problem=plan.problem)
    )
    now = float(RoundModel(plan).seconds(held_out).mean())
    then = float(RoundModel(candidate).seconds(held_out).mean())
    pays = then < (1 - redesign.gain) * now
    return Proposal(
        candidate, now, then, time.perf_counter() - began, bool(np.isfinite(then) and pays)
    )
