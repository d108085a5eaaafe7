"""From a problem to measured rounds: plans for a task by the names of solvers, and a run of them."""

from __future__ import annotations

from collections.abc import Mapping

from cgcopt.codes.plan import Plan
from cgcopt.errors import InvalidInputError
from cgcopt.problem import Problem
from cgcopt.schedule import Schedule
from cgcopt.training.delays import Delays
from cgcopt.training.fit_task import plan_of_schedule
from cgcopt.training.ray_engine import ray_engine
from cgcopt.training.redesign import Redesign
from cgcopt.training.result import TrainingRun
from cgcopt.training.task import Task
from cgcopt.training.train import AfterRound, Progress, TrainSettings, programs_of, train

__all__ = ["ROTATED", "plan_for", "run_plans"]

#: What a name ends in when workers are to start at different cells.
ROTATED = "+rotated"


def plan_for(problem: Problem, task: Task, name: str, *, seed: int = 0) -> Plan:
    """Plan for a task what a solver designs for a problem.

    Parameters
    ----------
    problem : Problem
    task : Task
        The partition is scaled to its coordinates, and block ends are moved to its boundaries.
    name : str
        Of a solver; with ``+rotated`` behind it, its partition in rotated order.
    seed : int

    Raises
    ------
    InvalidInputError
        If there is no such solver, or it returns no design.
    """
    from cgcopt.solvers.solve import solve

    rotated = name.endswith(ROTATED)
    solution = solve(problem, name.removesuffix(ROTATED), seed=seed)
    schedule = solution.schedule
    if schedule is None:
        raise InvalidInputError("solver", name, "one that finds a design or a schedule")
    if rotated:
        work = None if schedule.has_equal_work else schedule.work
        schedule = Schedule(schedule.partition, work)  # type: ignore[arg-type]
    return plan_of_schedule(schedule, task, seed=seed, title=name, problem=problem)


def run_plans(
    task: Task,
    plans: Mapping[str, Plan],
    delays: Delays,
    *,
    rounds: int,
    address: str | None = None,
    settings: TrainSettings | None = None,
    redesign: Redesign | None = None,
    progress: Progress | None = None,
    after_round: AfterRound | None = None,
) -> TrainingRun:
    """Start workers on Ray, train with every plan in turn, and stop the workers.

    Parameters are those of :func:`~cgcopt.training.train.train`; ``address`` is that of a Ray cluster
    to join.
    """
    if progress is not None:
        progress(None, "starting workers")
    with ray_engine(task, programs_of(plans), address=address) as engine:
        return train(
            task,
            plans,
            engine,
            delays,
            rounds=rounds,
            settings=settings,
            redesign=redesign,
            progress=progress,
            after_round=after_round,
        )
