"""One split of rounds in time order, for all who design on the first ones and judge on later ones.

Rounds are never shuffled: slow workers tend to stay slow, and a shuffled split would show the rounds
that judge to whoever designs (blocked cross-validation with a growing past: Bergmeir and Benitez, "On
the use of cross-validation for time series predictor evaluation", Information Sciences 191, 2012).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

__all__ = ["Block", "TimeBlocks"]


@dataclass(frozen=True)
class Block:
    """Rounds that are judged together.

    Attributes
    ----------
    seen : slice
        All rounds before, on which is designed.
    later : slice
        The rounds that judge.
    """

    seen: slice
    later: slice


@dataclass(frozen=True)
class TimeBlocks:
    """The first rounds are only designed on; the others are cut into blocks that judge in turn.

    Attributes
    ----------
    first : float
        Share of the rounds that the first design may see.
    blocks : int
        Blocks that judge; fewer where a block would have less than ``least`` rounds.
    least : int
        Rounds of a block.

    Examples
    --------
    >>> [(b.seen.stop, b.later.stop) for b in TimeBlocks(0.5, 2).of(12)]
    [(6, 9), (9, 12)]
    >>> TimeBlocks(0.5, 2).of(1)
    []
    """

    first: float = 0.5
    blocks: int = 4
    least: int = 1

    def of(self, rounds: int) -> list[Block]:
        """The blocks of so many rounds, at least one round before the first; none below 2 rounds."""
        if rounds < 2:
            return []
        start = min(max(round(self.first * rounds), 1), rounds - 1)
        count = min(self.blocks, max((rounds - start) // max(self.least, 1), 1))
        edges = np.linspace(start, rounds, count + 1).astype(int).tolist()
        return [Block(slice(0, a), slice(a, b)) for a, b in itertools.pairwise(edges)]

    def rounds_for(self, judged: float) -> int:
        """How many rounds there must be for so many of them to judge.

        Examples
        --------
        >>> TimeBlocks(0.5).rounds_for(30)
        60
        """
        return math.ceil(judged / (1.0 - self.first))
