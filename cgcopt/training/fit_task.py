"""A schedule planned for a task."""

from __future__ import annotations

from cgcopt.codes.plan import Plan
from cgcopt.codes.planning import make_plan
from cgcopt.problem import Problem
from cgcopt.schedule import Schedule
from cgcopt.training.task import Task

__all__ = ["plan_of_schedule"]


def plan_of_schedule(
    schedule: Schedule,
    task: Task,
    *,
    seed: int = 0,
    title: str = "",
    problem: Problem | None = None,
) -> Plan:
    """Plan a schedule for a task, scaled to its coordinates; ``problem`` is kept with the plan."""
    return make_plan(
        schedule,
        task.samples,
        coordinates=task.coordinates,
        boundaries=task.boundaries,
        seed=seed,
        title=title,
        problem=problem,
    )
