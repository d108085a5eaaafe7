"""The named instances. Nothing is stored: every call builds the same problems from constants.

Runtimes are in seconds of one worker that computes the whole gradient (``samples = N`` and
``cycles = 1/L``), so that values of instances of different sizes can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any

from cgcopt._validate import did_you_mean
from cgcopt.costs import Costs
from cgcopt.errors import InvalidInputError
from cgcopt.instance import example_instances, load_instance
from cgcopt.limits import Limits, boundaries_of_sizes
from cgcopt.objective import CompletionProbability, ExpectedRuntime, Objective, Quantile
from cgcopt.problem import Form, Problem
from cgcopt.system import System
from cgcopt.workers import worker_times_from_dict
from cgcopt.workers.base import WorkerTimes
from cgcopt.workers.families import (
    Exponential,
    Gamma,
    LogNormal,
    Pareto,
    ShiftedExponential,
    Weibull,
)
from cgcopt.workers.groups import Groups

__all__ = ["FAMILIES", "LibraryInstance", "library", "library_instance"]

#: The families of the instances, with typical parameters.
FAMILIES: Mapping[str, WorkerTimes] = MappingProxyType(
    {
        "shifted-exponential": ShiftedExponential(rate=1e-3, shift=50.0),
        "exponential": Exponential(rate=1.0),
        "lognormal": LogNormal(sigma=1.0, scale=1.0),
        "weibull": Weibull(shape=0.7, scale=1.0),
        "gamma": Gamma(shape=4.0, scale=0.25),
        "pareto": Pareto(shape=2.5, scale=1.0),
    }
)
COORDINATES = 20_000
#: Parameters of a network of some two dozen tensors, in the order of backpropagation.
TENSORS = (
    (1000, 512_000)
    + (512, 512, 2_359_296) * 2
    + (256, 256, 589_824) * 2
    + (128, 128, 147_456) * 2
    + (64, 64, 36_864) * 2
    + (64, 64, 9_408)
)


@dataclass(frozen=True)
class LibraryInstance:
    """A named problem in one form.

    Attributes
    ----------
    name : str
        Unique in the library; the title of the problem too.
    problem : Problem
        What is to be solved.
    form : Form
        The form in which it is posed.
    schedule : bool
        Whether order and work of every worker are free, too.
    """

    name: str
    problem: Problem
    form: Form = Form.RELAXED
    schedule: bool = False

    def facts(self) -> dict[str, Any]:
        """Return what the instance is, in plain values."""
        system, limits = self.problem.system, self.problem.limits
        return {
            "name": self.name,
            "objective": self.problem.objective.kind,
            "form": "schedule" if self.schedule else str(self.form),
            "workers": system.workers,
            "coordinates": system.coordinates,
            "worker times": system.worker_times.label,
            "limits": limits.label if limits else "",
            "costs": system.costs.label if system.costs else "",
        }


@cache
def library() -> Mapping[str, LibraryInstance]:
    """Return all instances by name.

    Examples
    --------
    >>> len(library())
    63
    >>> library()["runtime-pareto-n10"].problem.system.workers
    10
    """
    parts = (
        _runtimes,
        _probabilities,
        _quantiles,
        _recorded,
        _rounds,
        _limited,
        _costly,
        _beyond,
    )
    return MappingProxyType({instance.name: instance for part in parts for instance in part()})


def library_instance(name: str) -> LibraryInstance:
    """Return an instance by its name.

    Raises
    ------
    InvalidInputError
        If there is none of that name.
    """
    if name not in library():
        allowed = did_you_mean(name, library(), listing="cgcopt library")
        raise InvalidInputError("instance", name, allowed)
    return library()[name]


def _problem(
    name: str,
    times: WorkerTimes | str,
    workers: int,
    objective: Objective | None = None,
    *,
    coordinates: int = COORDINATES,
    limits: Limits | None = None,
    costs: Costs | None = None,
) -> Problem:
    system = System(
        workers,
        coordinates,
        FAMILIES[times] if isinstance(times, str) else times,
        samples=workers,
        cycles=1 / coordinates,
        costs=costs or Costs(),
    )
    return Problem(system, objective or ExpectedRuntime(), title=name, limits=limits or Limits())


def _runtimes() -> Iterator[LibraryInstance]:
    """Expected runtimes of every family, and the tails that numerics find hard."""
    for family in FAMILIES:
        for workers in (10, 50):
            name = f"runtime-{family}-n{workers}"
            yield LibraryInstance(name, _problem(name, family, workers))
    hard: list[tuple[str, WorkerTimes | str, int]] = [
        ("runtime-shifted-exponential-n200", "shifted-exponential", 200),
        ("runtime-heavy-weibull-n10", Weibull(shape=0.2, scale=1.0), 10),
        ("runtime-heavy-pareto-n10", Pareto(shape=1.05, scale=1.0), 10),
    ]
    for name, times, workers in hard:
        yield LibraryInstance(name, _problem(name, times, workers))
    name = "runtime-block-n20"
    yield LibraryInstance(
        name, _problem(name, "shifted-exponential", 20, coordinates=200), Form.BLOCK
    )


def _probabilities() -> Iterator[LibraryInstance]:
    """Deadlines that good designs meet nine times of ten, and tighter ones."""
    deadlines = {
        "shifted-exponential": {5: 1930.0, 10: 1970.0},
        "lognormal": {5: 2.8, 10: 3.2},
        "weibull": {5: 1.6, 10: 1.2},
    }
    for family, by_workers in deadlines.items():
        for workers, deadline in by_workers.items():
            name = f"probability-{family}-n{workers}"
            objective = CompletionProbability(deadline)
            yield LibraryInstance(name, _problem(name, family, workers, objective))
    for deadline in (1000.0, 2100.0):
        name = f"probability-shifted-exponential-n20-t{deadline:.0f}"
        objective = CompletionProbability(deadline)
        yield LibraryInstance(name, _problem(name, "shifted-exponential", 20, objective))


def _quantiles() -> Iterator[LibraryInstance]:
    for family, workers, probability in (
        ("shifted-exponential", 5, 0.9),
        ("shifted-exponential", 10, 0.99),
        ("shifted-exponential", 20, 0.9),
        ("lognormal", 10, 0.9),
    ):
        name = f"quantile-{family}-n{workers}-q{100 * probability:.0f}"
        yield LibraryInstance(name, _problem(name, family, workers, Quantile(probability)))


def _recorded() -> Iterator[LibraryInstance]:
    """The recorded trace that ships with the package: its times pooled, and its rounds as they are."""
    recorded = load_instance("recorded")
    rounds = replace(recorded, system=recorded.system.with_times(_rounds_of(recorded)))
    for label, problem, objective in (
        ("pooled-runtime", recorded, ExpectedRuntime()),
        ("pooled-probability", recorded, CompletionProbability(0.02)),
        ("rounds-runtime", rounds, ExpectedRuntime()),
        ("rounds-quantile-q90", rounds, Quantile(0.9)),
    ):
        name = f"recorded-{label}"
        yield LibraryInstance(name, replace(problem, title=name, objective=objective))


def _rounds_of(recorded: Problem) -> WorkerTimes:
    table = {**recorded.system.worker_times.to_dict(), "mode": "rounds"}
    return worker_times_from_dict(table, example_instances()["recorded"].parent)


#: Programs on drawn rounds: objective, form, workers, coordinates, rounds, deadline.
ROUNDS: tuple[tuple[str, Form, int, int, int, float], ...] = (
    ("runtime", Form.RELAXED, 10, 20_000, 1000, 0.0),
    ("runtime", Form.RELAXED, 20, 20_000, 5000, 0.0),
    ("runtime", Form.BLOCK, 5, 100, 50, 0.0),
    ("runtime", Form.BLOCK, 10, 1000, 200, 0.0),
    ("runtime", Form.BLOCK, 20, 10**9, 100, 0.0),
    ("runtime", Form.COORDINATE, 4, 20, 30, 0.0),
    ("runtime", Form.COORDINATE, 10, 50, 50, 0.0),
    ("probability", Form.RELAXED, 5, 20_000, 40, 1200.0),
    ("probability", Form.RELAXED, 10, 20_000, 100, 1300.0),
    ("probability", Form.BLOCK, 5, 100, 20, 1200.0),
    ("probability", Form.BLOCK, 5, 1_000_000, 40, 1200.0),
    ("probability", Form.BLOCK, 20, 1_000_000, 60, 1500.0),
    ("probability", Form.COORDINATE, 3, 12, 15, 1100.0),
    ("probability", Form.COORDINATE, 5, 20, 20, 1200.0),
)


def _rounds() -> Iterator[LibraryInstance]:
    """Finite programs, which every language can write down."""
    for kind, form, workers, coordinates, rounds, deadline in ROUNDS:
        name = f"rounds-{kind}-{form}-n{workers}-l{coordinates}-k{rounds}"
        objective = CompletionProbability(deadline) if kind == "probability" else None
        problem = _problem(name, "shifted-exponential", workers, objective, coordinates=coordinates)
        yield LibraryInstance(name, problem.sampled(rounds, seed=workers), form)


def _limited() -> Iterator[LibraryInstance]:
    """The setting of the paper at 20 workers within limits."""
    limits = {
        "copies4": Limits(copies=4),
        "blocks2": Limits(blocks=2),
        "blocks3": Limits(blocks=3),
        "blocks3-copies8": Limits(blocks=3, copies=8),
        "least5": Limits(least=0.05),
        "levels": Limits(levels=[0, 4, 9, 19]),
    }
    for label, limit in limits.items():
        name = f"limited-{label}-n20"
        yield LibraryInstance(name, _problem(name, "shifted-exponential", 20, limits=limit))
    name = "limited-tensors-n10"
    problem = _problem(
        name,
        "shifted-exponential",
        10,
        coordinates=sum(TENSORS),
        limits=Limits(boundaries=boundaries_of_sizes(TENSORS)),
    )
    yield LibraryInstance(name, problem)
    name = "limited-rounds-block-blocks2-n6-k40"
    problem = _problem(name, "shifted-exponential", 6, coordinates=1000, limits=Limits(blocks=2))
    yield LibraryInstance(name, problem.sampled(40, seed=6), Form.BLOCK)


def _costly() -> Iterator[LibraryInstance]:
    """What starting and sending cost, apart and together, in parts of a typical round."""
    costs = {
        "startup": Costs(startup=50.0),
        "per-coordinate": Costs(per_coordinate=0.01),
        "per-message": Costs(per_message=30.0),
        "all": Costs(startup=50.0, per_coordinate=0.005, per_message=30.0),
    }
    for label, cost in costs.items():
        name = f"costs-{label}-n20"
        yield LibraryInstance(name, _problem(name, "shifted-exponential", 20, costs=cost))


def _beyond() -> Iterator[LibraryInstance]:
    """Unequal workers, and schedules: orders and work of their own."""
    common = ShiftedExponential(rate=1e-3, shift=50.0)
    slow = ShiftedExponential(rate=2.5e-4, shift=200.0)
    fast = ShiftedExponential(rate=4e-3, shift=12.5)
    mixtures = {
        "groups-8-4": [(8, common), (4, slow)],
        "groups-4-4-2": [(4, fast), (4, common), (2, slow)],
    }
    for name, groups in mixtures.items():
        times = Groups(groups)
        yield LibraryInstance(name, _problem(name, times, sum(count for count, _ in groups)))
    for workers, rounds in ((3, 6), (4, 10), (10, 200)):
        name = f"schedule-n{workers}-k{rounds}"
        problem = _problem(name, "shifted-exponential", workers)
        yield LibraryInstance(name, problem.sampled(rounds, seed=workers), schedule=True)
