"""From candidates on held-out rounds to a decision that does not chase noise.

The best of many candidates looks better than it is. So a decision goes up from simple to elaborate:

1. An uncoded way (balance, leave out, cyclic, dynamic) must beat equal uncoded shares by two standard
   errors; of those that do, the simplest is taken that the best of them does not beat by one error
   (Breiman et al., "Classification and Regression Trees", 1984, section 3.4.3).
2. A code or a schedule must beat what step 1 left, and the best uncoded way, by two standard errors;
   the simplest within one error of the best again.
3. The whole choice is made once more on the earlier blocks alone and judged on the block after
   (*nested*): what it gains there holds no choice among candidates.  A choice that gains nothing there
   is not called significant.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.compare.results.yardstick import Gain, Yardstick

__all__ = ["Contender", "Decision", "DecisionSettings", "Kind", "decide", "nested_gain"]


class Kind(StrEnum):
    """What a candidate is, from simple to elaborate; the verdicts of an advice."""

    DO_NOT_CODE = "do-not-code"
    """Equal shares of the data, uncoded."""
    BALANCE = "balance"
    """Uncoded shares that suit the speed of every worker."""
    LEAVE_OUT = "leave-out"
    """The slowest workers left out, uncoded."""
    CYCLIC = "cyclic"
    """Uncoded subsets in cyclic order, each on several workers."""
    DYNAMIC = "dynamic"
    """Cells on request."""
    CODE = "code"
    """A gradient code, one order and equal work."""
    SCHEDULE = "schedule"
    """Workers that differ in order or work, coded or not."""

    @property
    def is_simple(self) -> bool:
        """Whether all workers compute in one order and nothing is coded."""
        return self not in (Kind.CODE, Kind.SCHEDULE)

    @property
    def rank(self) -> int:
        """Place from simple to elaborate."""
        return list(Kind).index(self)


@dataclass(frozen=True)
class DecisionSettings:
    """Numbers of a decision.

    Attributes
    ----------
    errors : float
        Standard errors that count as significant.
    ties : float
        Standard errors within which the simplest is taken.
    least : float
        Share of the time that a gain must save to be worth anything.
    rounds : int
        Held-out rounds below which no error is believed.
    """

    errors: float = 2.0
    ties: float = 1.0
    least: float = 0.01
    rounds: int = 8


@dataclass(frozen=True, eq=False)
class Contender:
    """A candidate as a decision sees it.

    Attributes
    ----------
    name : str
    kind : Kind
    copies : float
        What simplicity counts within a kind.
    ends : ndarray, shape (K,)
        Seconds of the held-out rounds.
    """

    name: str
    kind: Kind
    copies: float
    ends: FloatArray

    def part(self, rounds: slice) -> Contender:
        """The same contender on some of the rounds."""
        return Contender(self.name, self.kind, self.copies, self.ends[rounds])


@dataclass(frozen=True, eq=False)
class Decision:
    """What is chosen, and why.

    Attributes
    ----------
    chosen : Contender
    significant : bool
        Whether it beats uncoded equal shares and the best simple alternative by two standard errors.
    gain : Gain
        Over uncoded equal shares.
    alternative : Contender
        The best simple alternative to what is chosen; for a simple choice, the best candidate beside it.
    over_alternative : Gain
        Of what is chosen over it.
    best_coded : Contender or None
        The best code or schedule on the held-out rounds.
    """

    chosen: Contender
    significant: bool
    gain: Gain
    alternative: Contender
    over_alternative: Gain
    best_coded: Contender | None


def decide(
    contenders: Sequence[Contender], yardstick: Yardstick, settings: DecisionSettings
) -> Decision:
    """Choose among contenders that were judged on the same rounds; the first is uncoded equal shares.

    Examples
    --------
    >>> from cgcopt.compare.results.yardstick import MeanYardstick
    >>> plain = np.tile([1.0, 1.2, 1.1], 10)
    >>> ways = [Contender("uncoded", Kind.DO_NOT_CODE, 1, plain)]
    >>> ways += [Contender("optimal", Kind.CODE, 3, 0.5 * plain)]
    >>> found = decide(ways, MeanYardstick(), DecisionSettings())
    >>> found.chosen.name, found.significant
    ('optimal', True)
    """
    uncoded = contenders[0]

    def over(this: Contender, other: Contender) -> Gain:
        return yardstick.gain(this.ends, other.ends)

    def beats(this: Contender, other: Contender) -> bool:
        enough = uncoded.ends.size >= settings.rounds
        return enough and over(this, other).shown(settings.errors, settings.least)

    def simplest(among: Sequence[Contender]) -> Contender:
        best = _best(among, yardstick)
        ordered = sorted(among, key=lambda each: (each.kind.rank, round(each.copies, 6)))
        tied = (each for each in ordered if not over(best, each).shown(settings.ties))
        return next(tied, best)

    simple = [each for each in contenders if each.kind.is_simple]
    coded = [each for each in contenders if not each.kind.is_simple]
    helps = [each for each in simple[1:] if beats(each, uncoded)]
    base = simplest(helps) if helps else uncoded
    rival = _best(simple, yardstick)
    better = [each for each in coded if beats(each, base)]
    proven = [each for each in better if beats(each, rival)]
    if proven or better:
        chosen = simplest(proven or better)
        significant = bool(proven) and beats(chosen, uncoded) and beats(chosen, rival)
        alternative = rival
    else:
        chosen, significant = base, base is not uncoded
        others = [each for each in contenders if each is not chosen]
        alternative = _best(others, yardstick) if others else chosen
    return Decision(
        chosen,
        significant,
        over(chosen, uncoded),
        alternative,
        over(chosen, alternative),
        _best(coded, yardstick) if coded else None,
    )


def _best(among: Sequence[Contender], yardstick: Yardstick) -> Contender:
    return min(among, key=lambda each: yardstick.loss(yardstick.value(each.ends)))


def nested_gain(
    contenders: Sequence[Contender],
    blocks: Sequence[int],
    yardstick: Yardstick,
    settings: DecisionSettings,
) -> tuple[Gain, Mapping[str, int]]:
    """Gain of the decision of the earlier blocks in the block after, and how often each was chosen.

    Blocks before which there are too few rounds to decide are not judged; NaN where none is left.
    """
    edges = np.cumsum(blocks)
    ends, uncoded = [], []
    chosen: dict[str, int] = {}
    for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if start < settings.rounds:
            continue
        seen = [each.part(slice(0, start)) for each in contenders]
        name = decide(seen, yardstick, settings).chosen.name
        chosen[name] = chosen.get(name, 0) + 1
        later = slice(start, stop)
        ends.append(next(each for each in contenders if each.name == name).ends[later])
        uncoded.append(contenders[0].ends[later])
    if not ends:
        return Gain(math.nan, math.nan), {}
    return yardstick.gain(np.concatenate(ends), np.concatenate(uncoded)), chosen
