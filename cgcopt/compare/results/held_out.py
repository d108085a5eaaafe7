"""One judge of designs on rounds that they have not seen.

The rounds of a trace are split in time order (:class:`~cgcopt.workers.blocks.TimeBlocks`). For every
block, each candidate designs on all rounds before it, and its runtimes are then computed, exactly, on
the rounds of the block. All candidates are judged on the same rounds.

What is kept of a candidate is when each round ends, not one value: gains are told from differences on
the same rounds, with errors that allow for dependence between them
(:mod:`~cgcopt.compare.results.yardstick`), and the blocks of a candidate, each with a design of its own,
are put together. For one design, the value of its ends is that of :func:`cgcopt.judge` under the problem
with these rounds as worker times.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cgcopt.arrays import FloatArray
from cgcopt.compare.results.designer import Candidate, Designer, Made, Size, size_of
from cgcopt.design import Design
from cgcopt.errors import CgcoptError
from cgcopt.evaluation.schedules.baselines import sent_share, speed_of_light
from cgcopt.evaluation.schedules.ends import ends_of_rounds
from cgcopt.options import Options
from cgcopt.problem import Problem
from cgcopt.process import stopping
from cgcopt.workers.blocks import Block
from cgcopt.workers.trace import Trace

__all__ = ["Failed", "HeldOut", "Judged", "held_out", "no_coding", "seen_rounds"]


@dataclass(frozen=True, eq=False)
class Judged:
    """A candidate that made a design for every block.

    Attributes
    ----------
    candidate : Candidate
    ends : ndarray, shape (K,)
        Seconds of the held-out rounds.
    promised : float
        What its models promised, mean over the blocks.
    made : Made
        The design of the last block, and its model there.
    size : Size
        The most that its designs need.
    sent : float
        Coordinates that a worker sends in a round at most, over ``L`` (on request: on average).
    """

    candidate: Candidate
    ends: FloatArray
    promised: float
    made: Made
    size: Size
    sent: float

    @property
    def name(self) -> str:
        """Name of the candidate in tables."""
        return self.candidate.name


@dataclass(frozen=True)
class Failed:
    """A candidate that made none.

    Attributes
    ----------
    name : str
        What rows call it.
    model : str
        Its model where it failed.
    message : str
        Why there is no design.
    """

    name: str
    model: str
    message: str


@dataclass(frozen=True, eq=False)
class HeldOut:
    """All candidates on the same rounds.

    Attributes
    ----------
    judged : tuple of Judged
        Those that could be made, in the order of the candidates.
    failed : tuple of Failed
        Those that could not.
    uncoded, light : ndarray, shape (K,)
        Seconds of the held-out rounds without coding, and at the speed of light.
    blocks : tuple of int
        How many rounds every block has.
    stopped : str
        Why candidates are missing: the time limit, or an interruption; empty where none are.
    """

    judged: tuple[Judged, ...]
    failed: tuple[Failed, ...]
    uncoded: FloatArray
    light: FloatArray
    blocks: tuple[int, ...]
    stopped: str = ""

    def __repr__(self) -> str:
        return f"<HeldOut {len(self.judged)} designs on {len(self.uncoded)} rounds>"


def no_coding(problem: Problem) -> Design:
    """All coordinates on level 0.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(2, 6, cg.Exponential(rate=1.0))
    >>> no_coding(Problem(system, cg.ExpectedRuntime())).partition.tolist()
    [6.0, 0.0]
    """
    x = np.zeros(problem.system.workers)
    x[0] = problem.system.coordinates
    return Design(x)


def held_out(
    trace: Trace,
    problem: Problem,
    candidates: Iterable[Candidate],
    blocks: Sequence[Block],
    options: Options,
    *,
    seconds: float = math.inf,
    title: str = "",
    every: int = 1,
) -> HeldOut:
    """Design on the rounds before every block, and judge on its rounds.

    Parameters
    ----------
    trace : Trace
        Rounds in time order.
    problem : Problem
        System, objective and limits; its worker times are not looked at.
    candidates : iterable of Candidate
        In the order in which they are to be judged: what time does not suffice for is left out.
    blocks : sequence of Block
        In time order, one behind the other.
    options : Options
        For every solver; its time limit holds for a single design.
    seconds : float
        For everything.
    title : str
        For the progress.
    every : int
        Designs are made on every so many of the rounds before a block; all of its rounds judge them.

    Returns
    -------
    HeldOut
        Candidates that were not judged on all blocks are left out.
    """
    listed = list(candidates)
    system, started = problem.system, time.monotonic()
    later = trace.times[blocks[0].later.start : blocks[-1].later.stop]
    designers = [
        Designer(problem, seen_rounds(trace, block.seen.stop, every), options) for block in blocks
    ]
    judged: list[Judged | Failed] = []
    stopped = ""
    try:
        for done, candidate in enumerate(listed):
            options.report(done / len(listed), f"{title}: {candidate.name}")
            left = seconds - (time.monotonic() - started)
            if left <= 0:
                stopped = f"the time limit ends the table after {done} of {len(listed)} candidates"
                break
            _share_time(designers, options, left / (len(listed) - done), left)
            # The first is what the others are compared with.
            end = started + seconds if judged else math.inf
            judged.append(_judge(candidate, designers, trace, blocks, end))
            if stopping.requested():
                judged.pop()
                raise KeyboardInterrupt
    except _OutOfTimeError:
        stopped = f"the time limit ends the table after {len(judged)} of {len(listed)} candidates"
    except KeyboardInterrupt:
        if not judged:
            raise
        stopping.finishing()
        stopped = f"interrupted after {len(judged)} of {len(listed)} candidates"
    return HeldOut(
        tuple(each for each in judged if isinstance(each, Judged)),
        tuple(each for each in judged if isinstance(each, Failed)),
        ends_of_rounds(no_coding(problem), system, later),
        speed_of_light(system, later),
        tuple(block.later.stop - block.later.start for block in blocks),
        stopped,
    )


def seen_rounds(trace: Trace, stop: int, every: int = 1) -> Trace:
    """The rounds before ``stop``, or every so many of them, the latest included.

    Examples
    --------
    >>> seen_rounds(Trace([[1.0], [2.0], [3.0], [4.0], [5.0]]), 4, every=3).times.tolist()
    [[1.0], [4.0]]
    """
    if every == 1:
        return trace.between(0, stop)
    return Trace(trace.times[(stop - 1) % every : stop : every], trace.columns)


#: A design that is cut off sooner would be judged for what the machine was busy with.
_LEAST_SECONDS = 15.0


class _OutOfTimeError(Exception):
    """The time for everything is over, in the middle of a candidate."""


def _share_time(
    designers: Sequence[Designer], options: Options, seconds: float, left: float
) -> None:
    """Let every block have as much of the seconds of a candidate as any other, of those that are left."""
    most = min(left, math.inf if options.time_limit is None else options.time_limit)
    # Most candidates take far less than their share.
    each = min(most, max(4.0 * seconds / len(designers), _LEAST_SECONDS))
    for designer in designers:
        limit = each if math.isfinite(each) else None
        designer.options = replace(options, time_limit=limit)


def _judge(
    candidate: Candidate,
    designers: Sequence[Designer],
    trace: Trace,
    blocks: Sequence[Block],
    end: float,
) -> Judged | Failed:
    """Design and judge; a candidate that the end cuts off is not judged for that.

    Raises
    ------
    _OutOfTimeError
        If not every block has a design by then, as :func:`time.monotonic` tells.
    """
    ends, made = [], []
    try:
        for designer, block in zip(designers, blocks, strict=True):
            made.append(designer.make(candidate))
            if time.monotonic() > end:
                raise _OutOfTimeError
            system = designer.problem.system
            ends.append(ends_of_rounds(made[-1].assignment, system, trace.times[block.later]))
    except CgcoptError as error:
        message = " ".join(str(error).split())
        model = made[-1].model if made else str(candidate.model)
        return Failed(candidate.name, model, message)
    sizes = [size_of(each.assignment, trace.workers) for each in made]
    copies = [size.copies for size in sizes if size.copies is not None]
    used = [size.blocks for size in sizes if size.blocks is not None]
    return Judged(
        candidate,
        np.concatenate(ends),
        float(np.mean([each.promised for each in made])),
        made[-1],
        Size(max(copies, default=None), max(used, default=None)),
        max(sent_share(each.assignment) for each in made),
    )
