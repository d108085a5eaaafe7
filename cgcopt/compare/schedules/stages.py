"""What every step away from one order and equal work gains, in the order in which they build up.

Uncoded, the paper's optimum with its proof, the same design rotated, the best schedule, the speed of
light; and what does without a code and is faster still.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cgcopt.compare.results.comparison import Comparison
from cgcopt.compare.results.replay import Replay, ReplayRow
from cgcopt.evaluation.result import Certificate
from cgcopt.objective import Sense
from cgcopt.problem import Form

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Stage", "Stages", "stages_of", "stages_of_replay"]

#: Solvers of schedules, and ways to spread the work without a code.
_SCHEDULES, _UNCODED = ("schedule", "two-level"), ("cyclic", "dynamic")
#: Where the speed of light comes from, where it is no bound for the mean itself.
_LIGHT = "speed of light"


@dataclass(frozen=True)
class Stage:
    """One step.

    Attributes
    ----------
    name : str
    solver : str
        Who found it; empty for a bound.
    value : float
        Seconds, or a probability.
    error : float
        Standard error of a simulated value; 0 otherwise.
    gap : float
        Proven gap within one order and equal work; NaN where there is none.
    certificate : str
        The proof behind the gap or the bound.
    partition : tuple of float
        The blocks; empty without any.
    """

    name: str
    solver: str
    value: float
    error: float = 0.0
    gap: float = math.nan
    certificate: str = ""
    partition: tuple[float, ...] = ()


@dataclass(frozen=True)
class Stages:
    """The five steps of one problem.

    Attributes
    ----------
    title : str
    rising : bool
        Whether large values are good.
    per_message : float
        Seconds that a message costs; with a cost, more cells cost more.
    steps : tuple of Stage
        Uncoded first, the speed of light last; a step that nobody took is missing.
    uncoded : tuple of Stage
        Ways without a code that were tried.
    """

    title: str
    rising: bool
    per_message: float
    steps: tuple[Stage, ...]
    uncoded: tuple[Stage, ...]

    @property
    def base(self) -> float:
        """The value without coding."""
        return self.steps[0].value

    @property
    def best_schedule(self) -> Stage:
        """The last step before the speed of light."""
        return [step for step in self.steps if step.solver][-1]

    @property
    def faster(self) -> list[Stage]:
        """Ways without a code that are better than the best schedule, the best one first."""
        best, sign = self.best_schedule.value, -1 if self.rising else 1
        better = [each for each in self.uncoded if sign * each.value < sign * best]
        return sorted(better, key=lambda each: sign * each.value)

    def frame(self) -> pd.DataFrame:
        """One row a step, numbers unrounded, with the value over the uncoded one."""
        import pandas as pd

        lines = [
            {
                "problem": self.title,
                "step": each.name,
                "solver": each.solver,
                "value": each.value,
                "standard_error": each.error,
                "over_uncoded": each.value / self.base if self.base else math.nan,
                "gap": each.gap,
                "certificate": each.certificate,
            }
            for each in (*self.steps, *self.uncoded)
        ]
        return pd.DataFrame(lines)


def stages_of(comparison: Comparison) -> Stages | None:
    """The steps of a comparison of one problem.

    Returns
    -------
    Stages or None
        None where the uncoded value, the optimum or every schedule is missing.

    Examples
    --------
    >>> import cgcopt as cg
    >>> from cgcopt.compare.results.compare import compare
    >>> system = cg.System(4, 100, cg.ShiftedExponential(rate=1e-3, shift=50))
    >>> problem = cg.Problem(system, cg.ExpectedRuntime())
    >>> found = stages_of(compare(problem, ["uncoded", "optimal", "two-level"]))
    >>> [step.name for step in found.steps]
    ['uncoded', "the paper's optimum", 'the best schedule', 'speed of light']
    """
    rows = [row for row in comparison.rows if row.form == Form.RELAXED]
    rising = any(row.sense is Sense.MAXIMIZE for row in rows)

    def step(name: str, solvers: Iterable[str], proven: bool = False) -> list[Stage]:
        found = [row for row in rows if row.solver in solvers and not math.isnan(row.value)]
        if not found:
            return []
        row = min(found, key=lambda row: -row.value if rising else row.value)
        solution = row.solution
        return [
            Stage(
                name,
                row.solver,
                row.value,
                solution.standard_error,
                comparison.gap(row) if proven else math.nan,
                str(solution.certificate) if proven else "",
                row.partition,
            )
        ]

    facts = rows[0].facts if rows else {}
    return _stages(
        rows[0].problem if rows else "",
        rising,
        float(facts.get("per_message", 0.0)),
        [
            step("uncoded", ["uncoded"]),
            step("the paper's optimum", ["optimal"], proven=True),
            step("the same design, rotated", ["rotated"]),
            step("the best schedule", _SCHEDULES),
            _light(comparison.speed_of_light),
        ],
        [*step("cyclic", ["cyclic"]), *step("dynamic", ["dynamic"])],
    )


def stages_of_replay(replay: Replay) -> Stages | None:
    """The steps on held-out rounds, designed on the rounds before them; None where one is missing.

    Of the designs of one solver for several models that of the whole rounds is taken.
    """
    rows = [row for row in replay.rows if not math.isnan(row.held_out)]
    rising = any(row.rising for row in rows)

    def step(name: str, solvers: Iterable[str]) -> list[Stage]:
        found = [row for row in rows if row.design in solvers]
        whole = [row for row in found if row.model in ("whole rounds", "none")] or found
        if not whole:
            return []
        row: ReplayRow = min(whole, key=lambda row: -row.held_out if rising else row.held_out)
        blocks = row.made.partition if row.made is not None else ()
        solver = "" if row.design == _LIGHT else row.design
        return [Stage(name, solver, row.held_out, row.standard_error, partition=blocks)]

    return _stages(
        f"{replay.title}, rounds held out",
        rising,
        replay.problem.system.costs.per_message,
        [
            step("uncoded", ["uncoded"]),
            step("the paper's optimum", ["optimal"]),
            step("the same design, rotated", ["rotated"]),
            step("the best schedule", _SCHEDULES),
            step(_LIGHT, [_LIGHT]),
        ],
        [stage for name in _UNCODED for stage in step(name, [name])],
    )


def _stages(
    title: str,
    rising: bool,
    per_message: float,
    steps: list[list[Stage]],
    uncoded: list[Stage],
) -> Stages | None:
    base, optimum, _, schedule, _ = steps
    if not (base and optimum and schedule):
        return None
    kept = tuple(stage for found in steps for stage in found)
    return Stages(title, rising, per_message, kept, tuple(uncoded))


def _light(bound: float) -> list[Stage]:
    """The best bound that holds for every scheme."""
    if math.isnan(bound):
        return []
    return [Stage(_LIGHT, "", bound, certificate=str(Certificate.SPEED_OF_LIGHT))]
