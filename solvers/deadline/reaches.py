"""How much work a level may be given for how much of its chance, in a mixed-integer program.

*Step distributions*: only the possible times matter as thresholds, and each level takes one of them:
with ``F(T_j)`` the chance of time ``T_j`` its work is at most ``t / (u T_j)``.

*Densities*: ``eta_n`` is at least every line that touches its convex minorant
(:mod:`cgcopt.solvers.proof.log_concave_envelope`) from below; lines are added where they are missing.
Where it is concave on one stretch, a choice between segments is as tight as their chords, which are
broken where a solution lies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cgcopt.arrays import LEAST_DIVISOR, FloatArray, IntArray
from cgcopt.evaluation.dispatch import Table, times_as
from cgcopt.formulations.highs_model import HighsModel
from cgcopt.problem import Form
from cgcopt.process.time_left import look
from cgcopt.solvers.deadline.design_part import DESIGN, DesignColumns, DesignPart
from cgcopt.solvers.proof.log_concave_envelope import Envelope
from cgcopt.solvers.proof.log_concavity import reach
from cgcopt.solvers.proof.speed_box import Box
from cgcopt.workers.base import ContinuousTimes, DiscreteTimes, Times

__all__ = ["DensityReach", "Reach", "StepReach", "reach_of"]

#: A deadline that equals a possible runtime counts as kept, however it is rounded.
_ROUNDING = 1.0 + 4.0 * np.finfo(np.float64).eps


@dataclass(frozen=True)
class ReachTuning:
    """Numbers of the program's columns; no measurement of them is on record."""

    unit: float = 0.05
    """Unit of ``eta``, as a share of the largest possible one: tolerances are relative to it."""
    chords: int = 4
    """Chords of a stretch at first."""
    room: float = 1e-12
    """What is taken off chords and tangents, relatively: rounding errors, with room to spare."""
    near: float = 1e-7
    """Distance of a new break from the others at least, as a share of the most work."""
    most: float = 700.0
    """``eta`` at most: beyond, ``exp(-eta)`` leaves the range of double precision."""


_TUNING = ReachTuning()

#: Columns, coefficients and least value of a row.
Row = tuple[IntArray, FloatArray, float]


class Reach(Protocol):
    """What the program knows of one kind of worker times."""

    most: FloatArray
    """Most work of every level, in coordinates, shape ``(m,)``."""
    scale: FloatArray
    """Unit of ``eta``, shape ``(m,)``: about the largest that comes into question."""

    def add(self, model: HighsModel, columns: DesignColumns, eta: IntArray) -> None:
        """Write columns and rows."""

    @property
    def chooses(self) -> bool:
        """Whether the program has whole numbers."""

    def asked(self, work: FloatArray) -> FloatArray:
        """``eta`` of a work, shape ``(m,)``."""

    def room(self, work: FloatArray) -> FloatArray | None:
        """Most work, shape ``(m,)``, that has the ``eta`` of a work; ``None`` where none has more."""

    def rows(self, work: FloatArray, columns: DesignColumns, eta: IntArray) -> Iterator[Row]:
        """Rows for the program that are missing at a work."""

    def refine(self, work: FloatArray, eta: FloatArray, least: float) -> bool:
        """Make the program finer where it is off by more than ``least``; whether it changed."""


class StepReach:
    """The reach of a step distribution: exact, with binaries."""

    chooses = True

    def __init__(self, part: DesignPart, deadline: float, late: FloatArray) -> None:
        system = part.problem.system
        times = times_as(DiscreteTimes, system, "thresholds are possible times, not those of")
        values = times.values
        chance = np.minimum(np.cumsum(times.weights), 1.0)
        beyond = np.append(np.cumsum(times.weights[::-1])[::-1][1:], 0.0)
        work = deadline / (system.unit * values) * _ROUNDING
        if part.form is not Form.RELAXED:
            work = np.floor(work)
        self.part = part
        with np.errstate(divide="ignore"):
            eta = np.where(beyond < 0.5, -np.log1p(-np.minimum(beyond, 0.5)), -np.log(chance))
        whole = (part.levels + 1.0) * part.coordinates
        self.choices: list[tuple[FloatArray, FloatArray]] = []
        for n, most in enumerate(whole):
            # Of the thresholds beyond all possible work the most likely one is enough.
            first = max(int(np.count_nonzero(work >= most)) - 1, 0)
            keep = np.arange(first, values.size)
            keep = keep[(beyond[keep] <= late[n]) | (keep == values.size - 1)]
            self.choices.append((np.minimum(work[keep], most), eta[keep]))
        self.most = np.array([work.max() for work, _ in self.choices])
        self.scale = np.array(
            [max(_TUNING.unit * float(eta.max()), LEAST_DIVISOR) for _, eta in self.choices]
        )

    def add(self, model: HighsModel, columns: DesignColumns, eta: IntArray) -> None:
        """One binary for every level and threshold."""
        for n, (work, chance) in enumerate(self.choices):
            look()
            pick = model.columns(f"pick_{n}", (work.size,), upper=1.0, integer=True)
            model.rows(f"one_{n}", (), [(np.ones(work.size), pick)], lower=1.0, upper=1.0)
            scaled = work * (DESIGN.scale / self.part.coordinates)
            room = [(np.ones(1), columns.work[n : n + 1]), (-scaled, pick)]
            model.rows(f"room_{n}", (), room, upper=0.0)
            asked = [(np.ones(1), eta[n : n + 1]), (-chance / self.scale[n], pick)]
            model.rows(f"asked_{n}", (), asked, lower=0.0)

    def rows(self, work: FloatArray, columns: DesignColumns, eta: IntArray) -> Iterator[Row]:
        """No row is ever missing."""
        yield from ()

    def refine(self, work: FloatArray, eta: FloatArray, least: float) -> bool:
        """Nothing to refine: the program is exact."""
        return False

    def asked(self, work: FloatArray) -> FloatArray:
        """``eta`` of the slowest thresholds that leave room for a work."""
        return np.array(
            [eta[j] for (_, eta), j in zip(self.choices, self._place(work), strict=True)]
        )

    def room(self, work: FloatArray) -> FloatArray:
        """Most work of every level at these thresholds."""
        most = [room[j] for (room, _), j in zip(self.choices, self._place(work), strict=True)]
        return np.maximum.accumulate(most)

    def _place(self, work: FloatArray) -> list[int]:
        """Their places; the work may be too large by the tolerance of the program."""
        slack = DESIGN.scale**-3 * self.part.coordinates
        return [
            max(int(np.count_nonzero(room >= done - slack)) - 1, 0)
            for (room, _), done in zip(self.choices, work, strict=True)
        ]


@dataclass(eq=False)
class _Segments:
    """Segments of one level: ``eta`` is convex before and behind its concave stretch, chords lie between.

    Attributes
    ----------
    breaks : ndarray
        Ends of the chords, in coordinates of work.
    work, chosen : ndarray of int
        Columns of the work within a segment and of the choice; the first and the last are convex.
    """

    breaks: FloatArray
    work: IntArray
    chosen: IntArray


class DensityReach:
    """The reach of times with a density: chords and tangents of ``eta``."""

    def __init__(self, part: DesignPart, deadline: float, late: FloatArray) -> None:
        system = part.problem.system
        times = times_as(ContinuousTimes, system, "the envelope needs a density, not")
        self.times, self.per_work = times, system.unit / deadline
        self.per = part.coordinates / DESIGN.scale
        whole = (part.levels + 1.0) * part.coordinates
        with np.errstate(divide="ignore"):
            fastest = 1.0 / times.isf(np.minimum(late, 1.0))
        self.most = np.minimum(whole, fastest / self.per_work * (1.0 + DESIGN.room))
        box = Box(np.zeros(whole.size), self.most * self.per_work)
        self.envelope = Envelope.of(times, float(box.upper.max()))
        every = range(whole.size)
        self.majorant = self.envelope.on(box, every, self.envelope.empty(whole.size))
        self.scale = np.maximum(_TUNING.unit * self.asked(self.most), LEAST_DIVISOR)
        self.segments = {
            n: _Segments(np.linspace(*ends, _TUNING.chords + 1), np.zeros(0, int), np.zeros(0, int))
            for n in every
            if (ends := self._stretch(float(self.most[n]))) is not None
        }

    @property
    def chooses(self) -> bool:
        """Whether a level is not convex throughout."""
        return bool(self.segments)

    def room(self, work: FloatArray) -> None:
        """``None``: more work asks for a larger ``eta``."""

    def _stretch(self, most: float) -> tuple[float, float] | None:
        """Where ``eta`` is concave, if that is one stretch of the work."""
        ends = [(s.low / self.per_work, s.high / self.per_work) for s in self.envelope.stretches]
        inside = [(low, min(high, most)) for low, high in ends if low < most]
        return inside[0] if len(inside) == 1 else None

    def add(self, model: HighsModel, columns: DesignColumns, eta: IntArray) -> None:
        """Segments of the levels that are not convex throughout."""
        for n, segments in self.segments.items():
            ends = np.concatenate(([0.0], segments.breaks, [self.most[n]])) / self.per
            count = ends.size - 1
            segments.work = model.columns(f"part_{n}", (count,))
            segments.chosen = model.columns(f"in_{n}", (count,), upper=1.0, integer=True)
            one, pair = np.ones(count), [(1.0, segments.work)]
            whole = [(one, segments.work), (-np.ones(1), columns.work[n : n + 1])]
            model.rows(f"whole_{n}", (), whole, lower=0.0, upper=0.0)
            model.rows(f"one_{n}", (), [(one, segments.chosen)], lower=1.0, upper=1.0)
            model.rows(f"from_{n}", (count,), [*pair, (-ends[:-1], segments.chosen)], lower=0.0)
            model.rows(f"to_{n}", (count,), [*pair, (-ends[1:], segments.chosen)], upper=0.0)
            chords = [(a, part) for a, part in zip(self._chords(n), _inner(segments), strict=True)]
            asked = [(np.ones(1), eta[n : n + 1]), *chords]
            model.rows(f"asked_{n}", (), asked, lower=0.0)

    def _chords(self, n: int) -> tuple[FloatArray, FloatArray]:
        """Coefficients of the work and of the choice of the chords in ``-eta``, scaled."""
        breaks = self.segments[n].breaks
        heights = self.asked(breaks) * (1.0 - _TUNING.room)
        rate = np.diff(heights) / np.diff(breaks)
        scale = self.scale[n]
        return -rate * self.per / scale, -(heights[:-1] - rate * breaks[:-1]) / scale

    def asked(self, work: FloatArray) -> FloatArray:
        """``eta`` of a work."""
        height, _ = reach(self.times, np.maximum(work, 0.0) * self.per_work)
        return np.minimum(-height, _TUNING.most)

    def rows(self, work: FloatArray, columns: DesignColumns, eta: IntArray) -> Iterator[Row]:
        """Tangents of the convex minorant of ``eta``, and of ``eta`` itself where it is convex."""
        at = np.clip(work, 0.0, self.most)
        done, late, derivative = self.envelope.values(self.majorant, at * self.per_work)
        with np.errstate(divide="ignore", invalid="ignore"):
            height = np.where(late < 0.5, -np.log1p(-np.minimum(late, 0.5)), -np.log(done))
            rate = np.where(derivative == 0.0, 0.0, -derivative / done) * self.per_work
        usable = np.isfinite(height) & np.isfinite(rate)
        for n in np.flatnonzero(usable):
            scale = self.scale[n]
            pair = np.array([eta[n], columns.work[n]])
            gradient = rate[n] * self.per / scale
            yield pair, np.array([1.0, -gradient]), float(height[n] - rate[n] * at[n]) / scale
            if n in self.segments:
                yield from self._tangent(int(n), float(at[n]), eta)

    def _tangent(self, n: int, at: float, eta: IntArray) -> Iterator[Row]:
        """The line that touches ``eta`` in a convex segment, beside the chords of the others."""
        segments = self.segments[n]
        first = at <= segments.breaks[0]
        if not first and at < segments.breaks[-1]:
            return
        height, rate = reach(self.times, at * self.per_work)
        gradient = float(rate) * self.per_work
        if not (math.isfinite(gradient) and math.isfinite(height)):
            return
        offset = (-float(height) - gradient * at) * (1.0 - _TUNING.room)
        place = 0 if first else -1
        by_work, by_choice = self._chords(n)
        line = np.array([-gradient * self.per, -offset]) / self.scale[n]
        inner = _inner(segments)
        yield (
            np.concatenate(
                ([eta[n], segments.work[place], segments.chosen[place]], inner[0], inner[1])
            ),
            np.concatenate(([1.0], line, by_work, by_choice)),
            0.0,
        )

    def refine(self, work: FloatArray, eta: FloatArray, least: float) -> bool:
        """Break the chords at a work where they ask for too little; whether one was broken."""
        missing = self.asked(work) - eta
        broken = False
        for n, segments in self.segments.items():
            breaks, at = segments.breaks, float(work[n])
            near = np.abs(breaks - at).min() <= _TUNING.near * float(self.most[n])
            if missing[n] > least and breaks[0] < at < breaks[-1] and not near:
                segments.breaks = np.sort(np.append(breaks, at))
                broken = True
        return broken


def _inner(segments: _Segments) -> tuple[IntArray, IntArray]:
    return segments.work[1:-1], segments.chosen[1:-1]


#: The reach of each kind of worker times.
REACHES: Table[Times, Callable[[DesignPart, float, FloatArray], Reach]] = Table(
    "no bound on the completion probability",
    {Times.CONTINUOUS: DensityReach, Times.DISCRETE: StepReach},
)


def reach_of(part: DesignPart, deadline: float, late: FloatArray) -> Reach:
    """The reach of a problem's worker times."""
    return REACHES[part.problem.system.worker_times.kind](part, deadline, late)
