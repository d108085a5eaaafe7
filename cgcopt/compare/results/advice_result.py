"""What an advice says: the verdict, every candidate, and what they rest on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cgcopt.compare.results.held_out import HeldOut
from cgcopt.compare.results.verdict import (
    Decision,
    Kind,
)
from cgcopt.compare.results.yardstick import Gain
from cgcopt.problem import Problem
from cgcopt.solution import Solution
from cgcopt.workers.trace import Trace

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Advice", "AdviceRow"]


@dataclass(frozen=True)
class AdviceRow:
    """One candidate.

    Attributes
    ----------
    name : str
    kind : str
        The verdict that it stands for; empty for bounds that nobody can have.
    held_out, standard_error : float
        The objective on the held-out rounds, and its error.
    promised : float
        What its models promised for them, mean over the blocks.
    ratio_to_uncoded, ratio_error : float
        ``held_out`` over that of uncoded equal shares, and its error, rounds paired.
    copies, blocks : float
        Subsets of the data that a worker holds, and used levels, at most; NaN where there are none.
    sent : float
        Coordinates that a worker sends in a round at most, over ``L`` (on request: on average).
    message : str
        Why there is nothing, where there is nothing.
    """

    name: str
    kind: str = ""
    held_out: float = math.nan
    standard_error: float = math.nan
    promised: float = math.nan
    ratio_to_uncoded: float = math.nan
    ratio_error: float = math.nan
    copies: float = math.nan
    blocks: float = math.nan
    sent: float = math.nan
    message: str = ""


@dataclass(frozen=True, eq=False)
class Advice:
    """A decision and everything that it rests on.

    Attributes
    ----------
    title : str
    trace : Trace
        The rounds that count.
    problem : Problem
        Objective, costs and limits, on all of these rounds.
    verdict : Kind
    significant : bool
        Whether the choice beats uncoded equal shares and the best simple alternative by two paired
        standard errors, and gained on later blocks when it was made on earlier ones.
    rows : tuple of AdviceRow
        Candidates, the best on held-out rounds first.
    bounds : tuple of AdviceRow
        Speed of light and what hindsight reaches: nobody can have them.
    decision : Decision or None
        ``None`` where there are too few rounds to hold any out.
    nested : Gain
        Of the choice among candidates itself, on blocks that it has not seen.
    needed : int or None
        Rounds that would be needed to show what these cannot.
    judged_rounds : int
    solution : Solution
        The chosen design, made on all rounds; its value is in-sample.
    coded : Solution, optional
        The best code or schedule, made on all rounds, where the choice is none that a plan can carry
        out (cyclic order, cells on request).
    notes : tuple of str
    judged : HeldOut or None
        Every candidate with the ends of its rounds and its last design.
    """

    title: str
    trace: Trace
    problem: Problem
    verdict: Kind
    significant: bool
    rows: tuple[AdviceRow, ...]
    bounds: tuple[AdviceRow, ...]
    decision: Decision | None
    nested: Gain
    needed: int | None
    judged_rounds: int
    solution: Solution
    notes: tuple[str, ...] = ()
    judged: HeldOut | None = None
    coded: Solution | None = None

    def __repr__(self) -> str:
        certainty = "significant" if self.significant else "not significant"
        return f"<Advice {self.title}: {self.verdict} ({self.chosen}), {certainty}>"

    @property
    def chosen(self) -> str:
        """Name of the chosen candidate."""
        return "uncoded" if self.decision is None else self.decision.chosen.name

    def row(self, name: str) -> AdviceRow:
        """The row of a candidate or bound."""
        return next(row for row in (*self.rows, *self.bounds) if row.name == name)

    def frame(self) -> pd.DataFrame:
        """All rows as a table, numbers unrounded."""
        import pandas as pd

        return pd.DataFrame([vars(row) for row in (*self.rows, *self.bounds)])

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON; ``None`` where a number is not finite or there is none."""
        decision = self.decision
        gain = Gain(math.nan, math.nan) if decision is None else decision.gain
        result = {
            "title": self.title,
            "verdict": str(self.verdict),
            "significant": self.significant,
            "chosen": self.chosen,
            "gain": gain.size,
            "gain_error": gain.error,
            "nested_gain": self.nested.size,
            "nested_gain_error": self.nested.error,
            "candidates": [vars(row) for row in self.rows],
            "hindsight": [vars(row) for row in self.bounds],
            "speed_of_light": self.row("speed of light").held_out,
            "rounds": self.trace.round_count,
            "workers": self.trace.workers,
            "judged_rounds": self.judged_rounds,
            "rounds_needed": self.needed,
            "objective": self.problem.objective.kind,
            "notes": list(self.notes),
        }
        return dict(_finite(result))


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
