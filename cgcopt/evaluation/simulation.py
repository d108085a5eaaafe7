"""Monte Carlo: the worth of a design from drawn rounds, with its standard error.

It works for every model of worker times and shares no code with the exact evaluation, so that the
two check each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cgcopt._validate import finite_number, whole_number
from cgcopt.arrays import FloatArray
from cgcopt.design import Design
from cgcopt.errors import InvalidInputError
from cgcopt.evaluation.own_unit import OwnUnit, in_own_unit
from cgcopt.evaluation.result import Evaluation, Method, Probability
from cgcopt.evaluation.rounds.quantile import rank_of
from cgcopt.evaluation.rounds.tail_mean import mean_of_worst
from cgcopt.evaluation.schedules.baselines import Cyclic, Dynamic
from cgcopt.evaluation.schedules.ends import Assignment, ends_in_pieces
from cgcopt.evaluation.schedules.overlapped import Overlapped
from cgcopt.evaluation.started.rounds import drawn_ends
from cgcopt.evaluation.table import entry_of
from cgcopt.problem import Problem
from cgcopt.process.time_left import OutOfTimeError, look, over
from cgcopt.schedule import Schedule
from cgcopt.seeds import generator
from cgcopt.system import System
from cgcopt.workers.base import Times

__all__ = [
    "simulate",
    "simulated_mean",
    "simulated_quantile",
    "simulated_runtimes",
    "simulated_share",
    "simulated_tail_mean",
]

#: Rounds drawn where nothing is said.
ROUNDS = 100_000


@dataclass(frozen=True)
class _Tuning:
    """Numbers of a simulation, chosen without a recorded measurement."""

    chunk: int = 2**19
    """Worker times drawn at once (4 MB)."""
    fewest: int = 16
    """Rounds that make an estimate when the time is over before all are drawn."""
    deviations: float = 2.0
    """Half-width, in standard deviations, of the binomial interval behind a quantile's standard error."""


_TUNING = _Tuning()


@in_own_unit(OwnUnit.evaluation)
def simulate(
    problem: Problem,
    work: Assignment | ArrayLike,
    *,
    rounds: int = ROUNDS,
    seed: int = 0,
    overlapped: bool = False,
) -> Evaluation:
    """Estimate the objective of a design from drawn rounds.

    Parameters
    ----------
    problem : Problem
        What is asked; any worker times.
    work : Design, Schedule, Cyclic, Dynamic or array_like, shape (N,)
        What the workers do in the rounds, or the cumulative work ``w`` of a design.
    rounds : int
        How many rounds to draw; memory does not grow with it, but for a quantile or a
        conditional value at risk. Fewer are drawn
        where a time limit comes first.
    seed : int
        Equal seeds give equal results.
    overlapped : bool
        Whether the workers of a design send a block while they compute the next one
        (:class:`~cgcopt.evaluation.schedules.overlapped.Overlapped`); by default in turn.

    Returns
    -------
    Evaluation
        ``standard_error`` of a mean is the sample standard deviation over ``sqrt(rounds)``; of a
        share ``p`` it is ``sqrt(p (1 - p) / rounds)`` with ``p`` moved towards 1/2 by one round on
        each side, so that it is not 0 where no round, or every round, meets the deadline. A
        quantile uses the distribution-free interval of the order statistics whose ranks are two
        binomial standard deviations below and above, a quarter of its width (David and Nagaraja,
        Order Statistics, section 7.1); it is infinite where the rounds are too few for such
        ranks. That of a conditional value at risk is that of the mean of ``t + (tau - t)^+ / (1 - q)``
        at the quantile ``t``. The bracket ``lower, upper`` is the trivial one: simulation proves nothing.

    Examples
    --------
    >>> import cgcopt as cg
    >>> system = cg.System(3, 30, cg.ShiftedExponential(rate=1.0, shift=0.5))
    >>> result = simulate(cg.Problem(system, cg.ExpectedRuntime()), cg.Design([10, 10, 10]))
    >>> bool(result.standard_error < 0.003 * result.value)
    True
    """
    rounds = whole_number("rounds", rounds, least=1)
    if overlapped:
        work = _overlapped(work)
    objective = problem.objective
    entry = entry_of(objective, Times.SAMPLER)
    return entry.evaluate(problem.system, work, *objective.parameters, rounds=rounds, seed=seed)


@singledispatch
def _overlapped(work: Any) -> Overlapped:
    return Overlapped(Design.from_work(work))


@_overlapped.register
def _(work: Overlapped) -> Overlapped:
    return work


@_overlapped.register
def _(work: Design) -> Overlapped:
    return Overlapped(work)


@_overlapped.register(Schedule)
@_overlapped.register(Cyclic)
@_overlapped.register(Dynamic)
def _(work: Any) -> Overlapped:
    raise InvalidInputError("overlapped", True, "left out: only designs overlap")


def simulated_runtimes(
    system: System, work: Assignment | ArrayLike, *, rounds: int, seed: int = 0
) -> Iterator[FloatArray]:
    """Yield the runtimes (seconds) of ``rounds`` drawn rounds in pieces of bounded size.

    Parameters
    ----------
    system : System
        With any worker times.
    work : array_like, shape (N,)
        Cumulative work ``w``.
    rounds : int
        How many rounds to draw.
    seed : int
        Equal seeds give equal rounds.
    """
    assignment = work if isinstance(work, Assignment) else np.asarray(work, dtype=np.float64)
    rng = generator(seed, "simulation", system.worker_times.label, system.workers)
    rows, done = max(_TUNING.chunk // system.workers, 1), 0
    for start in range(0, rounds, rows):
        count = min(rows, rounds - start)
        if system.worker_times.kind is Times.STARTED:
            yield drawn_ends(system, assignment, count, rng)
            done += count
            if over():
                return
            continue
        times = system.worker_times.sample(count, system.workers, rng)
        pieces = []
        try:
            for piece in ends_in_pieces(assignment, system, times):
                pieces.append(piece)
                done += piece.size
                if done >= _TUNING.fewest:
                    look()
        except OutOfTimeError:
            if done < _TUNING.fewest:
                raise
            if pieces:
                yield np.concatenate(pieces)
            return
        # In one piece, so that sums do not depend on how quick the machine is.
        yield np.concatenate(pieces)


def simulated_mean(
    system: System,
    work: Assignment | ArrayLike,
    *,
    gradient: bool = False,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> Evaluation:
    """Mean runtime of drawn rounds; see :func:`simulate`. There is no gradient."""
    count, mean, squares = 0, 0.0, 0.0
    for runtimes in simulated_runtimes(system, work, rounds=rounds, seed=seed):
        # Means and squared deviations of two samples join without cancellation (Chan et al. 1983).
        size, centre = runtimes.size, float(runtimes.mean())
        away = centre - mean
        squares += float(((runtimes - centre) ** 2).sum()) + away**2 * count * size / (count + size)
        mean += away * size / (count + size)
        count += size
    error = math.sqrt(squares / (count - 1) / count) if count > 1 else math.inf
    return Evaluation(mean, Method.SIMULATION, 0.0, math.inf, standard_error=error)


def simulated_share(
    system: System,
    work: Assignment | ArrayLike,
    deadline: float,
    *,
    gradient: bool = False,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> Probability:
    """Share of drawn rounds that end by the deadline; see :func:`simulate`. There is no gradient."""
    count = met = 0
    for runtimes in simulated_runtimes(system, work, rounds=rounds, seed=seed):
        count += runtimes.size
        met += int(np.count_nonzero(runtimes <= deadline))
    share = met / count
    moved = (met + 1) / (count + 2)
    return Probability(
        share,
        Method.SIMULATION,
        0.0,
        1.0,
        standard_error=math.sqrt(moved * (1 - moved) / count),
        complement=(count - met) / count,
        log_value=math.log(share) if met else -math.inf,
    )


def simulated_quantile(
    system: System,
    work: Assignment | ArrayLike,
    probability: float,
    *,
    gradient: bool = False,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> Evaluation:
    """Quantile of the runtimes of drawn rounds; see :func:`simulate`. There is no gradient."""
    probability = finite_number("probability", probability, above=0, below=1)
    drawn = simulated_runtimes(system, work, rounds=rounds, seed=seed)
    runtimes = np.concatenate(list(drawn))
    count = runtimes.size
    runtimes.sort()
    spread = _TUNING.deviations * math.sqrt(count * probability * (1 - probability))
    low = math.floor(count * probability - spread)
    high = math.ceil(count * probability + spread)
    error = math.inf
    if low >= 1 and high <= count:
        error = float(runtimes[high - 1] - runtimes[low - 1]) / (2 * _TUNING.deviations)
    value = float(runtimes[rank_of(probability, count) - 1])
    return Evaluation(value, Method.SIMULATION, 0.0, math.inf, standard_error=error)


def simulated_tail_mean(
    system: System,
    work: Assignment | ArrayLike,
    probability: float,
    *,
    gradient: bool = False,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> Evaluation:
    """Mean of the slowest share of drawn rounds; see :func:`simulate`. There is no gradient."""
    q = finite_number("probability", probability, above=0, below=1)
    drawn = simulated_runtimes(system, work, rounds=rounds, seed=seed)
    runtimes = np.concatenate(list(drawn))
    count = runtimes.size
    last = rank_of(q, count) - 1
    quantile = float(np.partition(runtimes, last)[last])
    excess = np.maximum(runtimes - quantile, 0.0) / (1.0 - q)
    error = float(excess.std(ddof=1)) / math.sqrt(count) if count > 1 else math.inf
    value = mean_of_worst(runtimes, q)
    return Evaluation(value, Method.SIMULATION, 0.0, math.inf, standard_error=error)
