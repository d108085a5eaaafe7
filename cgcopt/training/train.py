"""Coded training: round after round, decode, check, step."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cgcopt._validate import whole_number
from cgcopt.codes.plan import Plan, Step
from cgcopt.errors import InvalidInputError, TrainingError
from cgcopt.process.stopping import requested
from cgcopt.training.collect import Rounds
from cgcopt.training.delays import Delays
from cgcopt.training.engine import Engine, Order
from cgcopt.training.pace import Pace
from cgcopt.training.redesign import Redesign, propose
from cgcopt.training.result import TrainingRun
from cgcopt.training.round import CodedRound
from cgcopt.training.task import Task

__all__ = ["TrainSettings", "programs_of", "train"]

Progress = Callable[[float | None, str], None]
AfterRound = Callable[[int, Mapping[str, Rounds]], None]


@dataclass(frozen=True)
class TrainSettings:
    """How long the master waits, and what it accepts."""

    patience: float = 60.0
    """Seconds without any vector after which a round is given up."""
    retry: float = 0.25
    """Seconds after which a lost worker is asked again; its replacement takes seconds to start."""
    tolerance: float = 1e-8
    """Relative error of a decoded gradient that stops the run."""


def programs_of(plans: Mapping[str, Plan]) -> list[dict[str, tuple[Step, ...]]]:
    """For each worker its steps in every plan.

    Raises
    ------
    InvalidInputError
        If the plans have different numbers of workers.
    """
    counts = {plan.workers for plan in plans.values()}
    if len(counts) != 1:
        raise InvalidInputError("workers of the plans", sorted(counts), "one number")
    return [
        {name: plan.steps(i) for name, plan in plans.items()} for i in range(next(iter(counts)))
    ]


def train(
    task: Task,
    plans: Mapping[str, Plan],
    engine: Engine,
    delays: Delays,
    *,
    rounds: int,
    settings: TrainSettings | None = None,
    redesign: Redesign | None = None,
    progress: Progress | None = None,
    before_round: Callable[[int], None] | None = None,
    after_round: AfterRound | None = None,
) -> TrainingRun:
    """Train with every plan for so many rounds, plan by plan in turn under the same delays.

    Where Ctrl-C ends a run, the rounds that all plans have made are its result, and a note says so.
    Each plan has its own parameters and takes the same steps of gradient descent; all see the whole
    gradient, so that they differ in time alone. Every decoded gradient is compared with the uncoded
    one outside the measured time.

    Parameters
    ----------
    task : Task
    plans : mapping
        Plans for the task by name, all with the same number of workers; the first one is in question.
    engine : Engine
        Workers with the :func:`programs_of` these plans.
    delays : Delays
    rounds : int
    settings : TrainSettings, optional
    redesign : Redesign, optional
        Let the first plan be designed anew from the rounds of the run itself.
    progress : callable, optional
        Called with the share of the rounds done and a text.
    before_round : callable, optional
        Called with the number of each round before it begins.
    after_round : callable, optional
        Called with the number of each round, and what has been collected of every plan so far.

    Raises
    ------
    TrainingError
        If a round does not end, or a decoded gradient is wrong.
    """
    settings = settings or TrainSettings()
    count = whole_number("rounds", rounds, least=1)
    for name, plan in plans.items():
        if (plan.coordinates, plan.samples) != (task.coordinates, task.samples):
            found = f"{plan.coordinates} coordinates, {plan.samples} samples"
            allowed = f"made for {task.coordinates} coordinates and {task.samples} samples"
            raise InvalidInputError(f"plan {name}", found, allowed)
    master = _Master(task, engine, settings)
    collected = {name: Rounds(plan, task.initial()) for name, plan in plans.items()}
    for name, own in collected.items():  # imports and first allocations are not measured
        own.losses.append(task.loss(own.parameters))
        master.carry_out(name, own, [Pace()] * own.plan.workers)
    try:
        for r in range(count):
            if before_round is not None:
                before_round(r)
            if redesign is not None and r and r % redesign.every == 0:
                _design_anew(master, next(iter(collected.items())), redesign, r)
            for name, own in collected.items():
                _round(master, name, own, delays, r)
            if after_round is not None:
                after_round(r, collected)
            if progress is not None:
                progress((r + 1) / count, f"round {r + 1} of {count}")
    except KeyboardInterrupt:
        done = min(len(own.seconds) for own in collected.values())
        if not done:
            raise
        for own in collected.values():
            own.cut(done)
        master.notes.append(f"interrupted after {done} of {count} rounds")
    runs = {name: own.result(name, delays) for name, own in collected.items()}
    return TrainingRun(task.name, delays.label, runs, tuple(master.notes))


def _round(master: _Master, name: str, own: Rounds, delays: Delays, r: int) -> None:
    """One measured round: decode, check, step."""
    task = master.task
    paces = delays.paces(r)
    state, seconds, waiting, lost = master.carry_out(name, own, paces)
    reference = task.gradient(own.parameters)
    error = float(np.abs(state.gradient - reference).max() / np.abs(reference).max())
    if not error <= master.settings.tolerance:
        raise TrainingError(
            f"round {r} of {name}: the decoded gradient is off by {error:.1e}, "
            f"more than {master.settings.tolerance:g}"
        )
    own.before = own.parameters
    own.parameters = own.parameters - task.step * state.gradient / task.samples
    own.seconds.append(seconds)
    row = np.array([[pace.per_work for pace in paces]])
    ends = own.model.ends(row, delays.costs)[0] if delays.injected else np.zeros(state.ends.size)
    own.modelled.append(float(ends.max()))
    own.master.append(seconds - waiting)
    own.late.append(state.ends - ends)
    own.decoding.append(state.decoding)
    own.messages.append(state.messages)
    own.errors.append(error)
    own.losses.append(task.loss(own.parameters))
    own.lost.append(lost)
    own.slowness.append(state.slowness(own.model, seconds))


def _design_anew(master: _Master, first: tuple[str, Rounds], redesign: Redesign, r: int) -> None:
    """Propose a plan from the latest rounds, and switch where it pays."""
    name, own = first
    latest = np.array(own.slowness[-redesign.every :])
    proposal = propose(own.plan, latest, master.task, redesign)
    master.notes.append(f"{name}, before round {r}: {proposal}")
    if proposal.pays:
        own.switch(proposal.plan)
        master.engine.assign(name, dict(enumerate(map(own.plan.steps, range(own.plan.workers)))))


class _Master:
    """Gives out rounds, takes vectors in, and asks replacements of lost workers again."""

    def __init__(self, task: Task, engine: Engine, settings: TrainSettings) -> None:
        self.task, self.engine, self.settings = task, engine, settings
        self.notes: list[str] = []

    def carry_out(
        self, name: str, own: Rounds, paces: Sequence[Pace]
    ) -> tuple[CodedRound, float, float, int]:
        """One round to its last cell; also its seconds, those of waiting, and the workers lost."""
        sequence = self.engine.new_round()
        state = CodedRound(own.plan, sequence)
        retry_at: dict[int, float] = {}
        down: set[int] = set()
        lost, told, waiting = 0, False, 0.0
        heard = state.began
        orders = [Order(i, pace) for i, pace in enumerate(paces)]
        self.engine.begin(name, sequence, own.parameters, orders)
        while not state.complete:
            if requested():
                raise KeyboardInterrupt
            now = time.perf_counter()
            due = [i for i, at in retry_at.items() if at <= now]
            if due:
                again = [Order(i, paces[i], state.delivered(i)) for i in due]
                self.engine.begin(name, sequence, own.parameters, again)
                for i in due:
                    del retry_at[i]
            event = self.engine.next(self.settings.retry)
            waiting += time.perf_counter() - now
            if event is None or event.message is None:
                if event is not None:
                    lost += event.worker not in down
                    down.add(event.worker)
                    retry_at[event.worker] = now + self.settings.retry
                    told = self._tell(name, state, down, told)
                if now - heard > self.settings.patience:
                    raise TrainingError(self._given_up(name, state, down))
                continue
            heard = now
            down.discard(event.worker)
            state.arrive(event.worker, event.message)
        seconds = time.perf_counter() - state.began
        self.engine.cancel(sequence)
        return state, seconds, waiting, lost

    def _tell(self, name: str, state: CodedRound, down: set[int], told: bool) -> bool:
        """Note it, once a round, when a block has to wait for a replacement."""
        blocks = state.unrecoverable(down)
        if blocks and not told:
            levels = ", ".join(str(state.plan.blocks[b].level) for b in blocks)
            self.notes.append(
                f"{name}, round {state.sequence}: workers {sorted(down)} are lost; the block of level "
                f"{levels} cannot be recovered without them and waits for their replacement"
            )
        return told or bool(blocks)

    def _given_up(self, name: str, state: CodedRound, down: set[int]) -> str:
        gone = f"; workers {sorted(down)} are lost" if down else ""
        return (
            f"{name}, round {state.sequence}: no vector for {self.settings.patience:g} s, "
            f"{state.missing} cells are missing{gone}"
        )
