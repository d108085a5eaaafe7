"""Coded training: round after round, decode, check, step."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cgcopt._validate import whole_number
from cgcopt.arrays import FloatArray
from cgcopt.codes.plan import Plan, Step
from cgcopt.errors import InvalidInputError, TrainingError
from cgcopt.training.delays import Delays
from cgcopt.training.engine import Engine, Order
from cgcopt.training.pace import Pace, RoundModel
from cgcopt.training.redesign import Redesign, propose
from cgcopt.training.result import PlanRun, TrainingRun
from cgcopt.training.round import CodedRound
from cgcopt.training.task import Task

__all__ = ["TrainSettings", "programs_of", "train"]

Progress = Callable[[float | None, str], None]


@dataclass(frozen=True)
class TrainSettings:
    """How long the master waits, and what it accepts."""

    patience: float = 60.0
    """Seconds without any vector after which a round is given up."""
    retry: float = 0.25
    """Seconds after which a lost worker is asked again; its replacement takes seconds to start."""
    tolerance: float = 1e-8
    """Relative error of a decoded gradient that stops the run."""


@dataclass
class Rounds:
    """What is collected of the rounds of one plan."""

    plan: Plan
    parameters: FloatArray
    model: RoundModel = field(init=False)
    seconds: list[float] = field(default_factory=list)
    modelled: list[float] = field(default_factory=list)
    decoding: list[float] = field(default_factory=list)
    messages: list[int] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    slowness: list[FloatArray] = field(default_factory=list)
    switched: bool = False

    def __post_init__(self) -> None:
        self.model = RoundModel(self.plan)

    def switch(self, plan: Plan) -> None:
        """Go on with another plan."""
        self.plan, self.model, self.switched = plan, RoundModel(plan), True

    def result(self, name: str, delays: Delays) -> PlanRun:
        """Freeze it; with several plans the prediction is that of the plan of each round."""
        predicted = np.empty(0)
        if delays.injected and self.switched:
            predicted = np.array(self.modelled)
        elif delays.injected:
            predicted = self.model.seconds(delays.predicted, delays.costs)
        return PlanRun(
            name=name,
            plan=self.plan,
            seconds=np.array(self.seconds),
            modelled=np.array(self.modelled),
            predicted=predicted,
            decoding=np.array(self.decoding),
            messages=np.array(self.messages, dtype=np.float64),
            errors=np.array(self.errors),
            losses=np.array(self.losses),
            lost=np.array(self.lost, dtype=np.float64),
            slowness=np.array(self.slowness),
            parameters=self.parameters,
        )


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
) -> TrainingRun:
    """Train with every plan for so many rounds, plan by plan in turn under the same delays.

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
    for r in range(count):
        if before_round is not None:
            before_round(r)
        if redesign is not None and r and r % redesign.every == 0:
            _design_anew(master, next(iter(collected.items())), redesign, r)
        for name, own in collected.items():
            _round(master, name, own, delays, r)
        if progress is not None:
            progress((r + 1) / count, f"round {r + 1} of {count}")
    runs = {name: own.result(name, delays) for name, own in collected.items()}
    return TrainingRun(task.name, delays.label, runs, tuple(master.notes))


def _round(master: _Master, name: str, own: Rounds, delays: Delays, r: int) -> None:
    """One measured round: decode, check, step."""
    task = master.task
    paces = delays.paces(r)
    state, seconds, lost = master.carry_out(name, own, paces)
    reference = task.gradient(own.parameters)
    error = float(np.abs(state.gradient - reference).max() / np.abs(reference).max())
    if not error <= master.settings.tolerance:
        raise TrainingError(
            f"round {r} of {name}: the decoded gradient is off by {error:.1e}, "
            f"more than {master.settings.tolerance:g}"
        )
    own.parameters = own.parameters - task.step * state.gradient / task.samples
    own.seconds.append(seconds)
    row = np.array([[pace.per_work for pace in paces]])
    own.modelled.append(float(own.model.seconds(row, delays.costs)[0]) if delays.injected else 0.0)
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
    ) -> tuple[CodedRound, float, int]:
        """One round to its last cell; returns it, its seconds and how many workers were lost."""
        sequence = self.engine.new_round()
        state = CodedRound(own.plan, sequence)
        retry_at: dict[int, float] = {}
        down: set[int] = set()
        lost, waited = 0, False
        start = heard = time.perf_counter()
        orders = [Order(i, pace) for i, pace in enumerate(paces)]
        self.engine.begin(name, sequence, own.parameters, orders)
        while not state.complete:
            now = time.perf_counter()
            due = [i for i, at in retry_at.items() if at <= now]
            if due:
                again = [Order(i, paces[i], state.delivered(i)) for i in due]
                self.engine.begin(name, sequence, own.parameters, again)
                for i in due:
                    del retry_at[i]
            event = self.engine.next(self.settings.retry)
            if event is None or event.message is None:
                if event is not None:
                    lost += event.worker not in down
                    down.add(event.worker)
                    retry_at[event.worker] = now + self.settings.retry
                    waited = self._tell(name, state, down, waited)
                if now - heard > self.settings.patience:
                    raise TrainingError(self._given_up(name, state, down))
                continue
            heard = now
            down.discard(event.worker)
            state.arrive(event.worker, event.message)
        seconds = time.perf_counter() - start
        self.engine.cancel(sequence)
        return state, seconds, lost

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
