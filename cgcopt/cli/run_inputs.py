"""What ``cgcopt run`` is to carry out: plans by name, and where the slowness of workers comes from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cgcopt.errors import InvalidInputError

if TYPE_CHECKING:
    from cgcopt.codes.plan import Plan
    from cgcopt.problem import Problem
    from cgcopt.training.delays import Delays
    from cgcopt.training.task import Task

__all__ = ["PlannedRun", "delays_of", "plans_of"]


@dataclass(frozen=True)
class PlannedRun:
    """Plans for one task.

    Attributes
    ----------
    plans : dict
        By name, the one in question first.
    problem : Problem or None
        What they were designed for, where that is known.
    notes : tuple of str
        What the user should know about them.
    """

    plans: dict[str, Plan]
    problem: Problem | None
    notes: tuple[str, ...] = ()

    @property
    def first(self) -> Plan:
        """The first plan, which the others are compared with."""
        return next(iter(self.plans.values()))


def plans_of(
    source: str,
    order: str | None,
    task: Task,
    against: str | None,
    delays: str | None,
    seed: int,
) -> PlannedRun:
    """Read or design the plan in question, and design those that it is compared with.

    Parameters
    ----------
    source : str
        An instance, a solution or a plan.
    order : str, optional
        ``same`` or ``rotated``.
    task : Task
    against : str, optional
        Names of solvers, with commas between them.
    delays : str, optional
        An instance here tells what a plan without a problem of its own is for.
    seed : int
    """
    from cgcopt.training.experiment import plan_for

    names = [name.strip() for name in (against or "").split(",") if name.strip()]
    if Path(source).suffix.lower() == ".npz":
        planned = _of_plan(source, order, task, seed)
    else:
        planned = _of_design(source, order, task, seed)
    if not names:
        return planned
    problem = _instance_of(delays) if planned.problem is None else planned.problem
    if problem is None:
        allowed = (
            "left out beside a plan that does not say what it was made for, "
            "or with --delays INSTANCE (`cgcopt plan` keeps the instance with the plan)"
        )
        raise InvalidInputError("against", against, allowed)
    for name in names:
        if name not in planned.plans:
            planned.plans[name] = plan_for(problem, task, name, seed=seed)
    return replace(planned, problem=problem)


def _of_plan(source: str, order: str | None, task: Task, seed: int) -> PlannedRun:
    from cgcopt.codes.plan_file import load_plan
    from cgcopt.codes.planning import fit_plan

    if order is not None:
        raise InvalidInputError("schedule", order, "left out beside a plan, which has its order")
    plan, notes = load_plan(source), []
    found = f"{plan.coordinates} coordinates and {plan.samples} units of data"
    if (plan.samples, plan.coordinates) != (task.samples, task.coordinates):
        plan = fit_plan(plan, task.samples, task.coordinates, boundaries=task.boundaries, seed=seed)
        notes.append(
            f"the plan has {found}: its shares are carried out on the {plan.coordinates} coordinates "
            f"and {plan.samples} samples of the task"
        )
    return PlannedRun({Path(source).stem: plan}, plan.problem, tuple(notes))


def _of_design(source: str, order: str | None, task: Task, seed: int) -> PlannedRun:
    from cgcopt.cli.inputs import deployable
    from cgcopt.training.fit_task import plan_of_schedule

    solved = Path(source).suffix.lower() == ".json"
    found = deployable(source, order)
    name = found.title if solved else "optimal+rotated" if order == "rotated" else "optimal"
    plan = plan_of_schedule(found.schedule, task, seed=seed, title=name, problem=found.problem)
    return PlannedRun({name: plan}, found.problem)


def _instance_of(delays: str | None) -> Problem | None:
    """The instance that delays are drawn from."""
    from cgcopt.cli.inputs import problem_of

    if delays in (None, "none") or _is_trace(delays):
        return None
    return problem_of(delays)


def _is_trace(source: str) -> bool:
    return Path(source).suffix.lower() == ".csv"


def delays_of(
    source: str | None,
    problem: Problem | None,
    plan: Plan,
    rounds: int,
    seconds: float,
    seed: int,
    busy: bool,
) -> Delays:
    """Where the slowness of workers comes from."""
    from cgcopt.training.delays import drawn_delays, no_delays, replayed_delays
    from cgcopt.workers.trace import Trace

    if source is not None and _is_trace(source):
        times = Trace.read(source).times
        own = None if problem is None else problem.system
        return replayed_delays(times, own, plan, seconds=seconds, busy=busy)
    chosen = problem if source is None else _instance_of(source)
    if chosen is None:
        return no_delays(plan.workers)
    system = chosen.system
    if system.workers != plan.workers:
        allowed = f"an instance with {plan.workers} workers"
        raise InvalidInputError("delays", source or "the plan's own", allowed)
    return drawn_delays(system, plan, rounds, seconds=seconds, seed=seed, busy=busy)
