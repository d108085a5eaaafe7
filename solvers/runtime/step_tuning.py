"""Numbers of the minimisation for step distributions: its stages and when they are done."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FirstStages", "LastStage", "NewtonStage", "StepTuning"]


@dataclass(frozen=True)
class NewtonStage:
    """What a stage of Newton's method minimises, and when it is done."""

    width: float
    """Relative width of the bracket whose panels the minorant has."""
    spread: float
    """How far steps are spread, as a share of the way to the neighbouring values."""
    enough: float
    """Gap between minorant and bound at which the stage ends."""
    evaluations: int
    """Evaluations at most."""
    pairs: int = 1
    """Steps that correct the curvature."""


@dataclass(frozen=True)
class FirstStages:
    """Numbers of the stages before the last. No measurement of them is on record."""

    newton: tuple[tuple[float, float], ...] = ((1e-3, 1.0), (1e-4, 0.2), (1e-5, 0.03))
    """Newton's method: width of the bracket of every stage and how far steps are spread there."""
    newton_enough: float = 0.5
    """Gap between minorant and bound at which such a stage ends, as a share of its width."""
    trial_evaluations: int = 16
    """Evaluations at most in the very first stage, which may turn out to fail."""
    evaluations: int = 30
    """Evaluations at most in every other stage."""
    worth: float = 2.0
    """Later stages are made where their width is more than this many gaps."""
    rough: tuple[float, ...] = (1.2e-4, 1.2e-5)
    """Quasi-Newton method: width of the bracket of every stage."""
    rough_enough: float = 1.5
    """Gap between minorant and bound at which such a stage ends, as a share of its width."""
    few_levels: int = 70
    """Up to so many levels drawn rounds give the start, beyond it the optimum for fewer levels."""
    coarsening: int = 3
    """How many levels become one in the problem with fewer levels."""
    rounds: int = 4000
    """Rounds drawn for a start."""

    def stage(self, index: int, evaluations: int) -> NewtonStage:
        """A stage of Newton's method."""
        width, spread = self.newton[index]
        return NewtonStage(width, spread, self.newton_enough * width, evaluations)


@dataclass(frozen=True)
class LastStage:
    """Numbers of the last stage and of the bracket that closes the gap.

    No measurement of them is on record.
    """

    width: float = 1.35
    """Width of the bracket of a smooth minorant, as a share of the gap."""
    many_levels: int = 200
    """With more levels than this the bracket is narrower: of what is missed, the minorant has a
    larger part."""
    narrower: float = 0.07
    """Power of the number of levels, in units of that many, with which the bracket narrows."""
    rough_width: float = 0.4
    """Width of the bracket of another minorant, as a share of the gap."""
    spread: float = 0.006
    """How far steps are spread, as a share of the way to the neighbouring values."""
    enough: float = 0.2
    """The most that the stage may miss, as a share of the gap."""
    evaluations: int = 30
    """Evaluations of Newton's method at most."""
    pairs: int = 2
    """Steps of Newton's method that correct its curvature; they are short."""
    rough_evaluations: int = 200
    """Evaluations of a stage of the quasi-Newton method at most, here and before."""
    attempts: int = 8
    """Times that the stage is made at most."""
    cut: float = 0.4
    """Share of its width and spread that an attempt keeps where much is missing, and the least."""
    closing: float = 0.5
    """First width of the bracket that is to close the gap, as a share of the gap."""
    closest: float = 0.1
    """Least width of that bracket, as a share of the gap."""
    aim: float = 0.95
    """Gap that is aimed at, as a share of the wanted one."""

    def first_width(self, gap: float, levels: int, *, smooth: bool) -> float:
        """Width of the bracket at the first attempt."""
        if not smooth:
            return self.rough_width * gap
        many = max(levels / self.many_levels, 1.0)
        return self.width * gap / float(many**self.narrower)


@dataclass(frozen=True)
class StepTuning:
    """Numbers of :func:`minimised_steps`."""

    first: FirstStages = FirstStages()
    """Settings of the stages before the last."""
    last: LastStage = LastStage()
    """Settings of the last stage."""
