"""What the master collects of the rounds of one plan, and what becomes of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.codes.plan import Plan
from cgcopt.training.delays import Delays
from cgcopt.training.pace import RoundModel
from cgcopt.training.result import BlockTimes, PlanRun

__all__ = ["Rounds"]

#: Lists with one entry a round.
_BY_ROUND = (
    "seconds",
    "modelled",
    "master",
    "decoding",
    "late",
    "messages",
    "errors",
    "lost",
    "slowness",
)


@dataclass
class Rounds:
    """What is collected of the rounds of one plan."""

    plan: Plan
    parameters: FloatArray
    model: RoundModel = field(init=False)
    seconds: list[float] = field(default_factory=list)
    modelled: list[float] = field(default_factory=list)
    master: list[float] = field(default_factory=list)
    decoding: list[FloatArray] = field(default_factory=list)
    late: list[FloatArray] = field(default_factory=list)
    messages: list[int] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    slowness: list[FloatArray] = field(default_factory=list)
    switched: bool = False
    since: int = 0
    before: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        self.model, self.before = RoundModel(self.plan), self.parameters

    def switch(self, plan: Plan) -> None:
        """Go on with another plan."""
        self.plan, self.model, self.switched = plan, RoundModel(plan), True
        self.since = len(self.seconds)

    def row(self, name: str, number: int) -> dict[str, Any]:
        """A round as a line of a table."""
        return {
            "plan": name,
            "round": number,
            "seconds": self.seconds[number],
            "modelled": self.modelled[number],
            "master": self.master[number],
            "decoding": float(self.decoding[number].sum()),
            "messages": self.messages[number],
            "error": self.errors[number],
            "loss": self.losses[number + 1],
            "lost": self.lost[number],
        }

    def cut(self, rounds: int) -> None:
        """Forget a round after so many, where another plan did not come to it."""
        if len(self.seconds) > rounds:
            self.parameters = self.before
        for name in _BY_ROUND:
            del getattr(self, name)[rounds:]
        del self.losses[rounds + 1 :]

    def _blocks(self, injected: bool) -> tuple[BlockTimes, ...]:
        """What each block of the plan in use took the master; rounds of earlier plans left out."""
        count = len(self.plan.blocks)
        since = self.since if self.since < len(self.late) else 0
        if len(self.late[since]) != count:
            return ()
        late, decoding = (np.array(part[since:]) for part in (self.late, self.decoding))
        return tuple(
            BlockTimes(
                block.level,
                block.stop - block.start,
                block.cells,
                float(late[:, b].mean()) if injected else math.nan,
                float(decoding[:, b].mean()),
            )
            for b, block in enumerate(self.plan.blocks)
        )

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
            master=np.array(self.master),
            decoding=np.array([part.sum() for part in self.decoding]),
            blocks=self._blocks(delays.injected),
            messages=np.array(self.messages, dtype=np.float64),
            errors=np.array(self.errors),
            losses=np.array(self.losses),
            lost=np.array(self.lost, dtype=np.float64),
            slowness=np.array(self.slowness),
            parameters=self.parameters,
        )
