"""The best completion probability of independent workers, also in whole numbers and within limits.

Outer approximation (Duran and Grossmann, Mathematical Programming 36, 1986): ``-log P`` is a convex
function of ``eta = -log p`` (:mod:`cgcopt.solvers.deadline.chance_cuts`), and what a level asks for
depends on its work alone (:mod:`cgcopt.solvers.deadline.reaches`). Cuts are collected on the linear
program first; then HiGHS looks for designs of the mixed-integer program that beat the best one known,
each of which is evaluated and leaves its cut, until there is none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import Design
from cgcopt.evaluation.evaluate import evaluate
from cgcopt.evaluation.result import as_probability
from cgcopt.formulations.highs_model import HighsModel
from cgcopt.options import Options
from cgcopt.problem import Form, Problem
from cgcopt.process.clock import Clock
from cgcopt.process.incumbents import keep_design
from cgcopt.solvers.deadline.branch_and_cut import branch_and_cut
from cgcopt.solvers.deadline.chance_cuts import Cut, cut_at, largest_late
from cgcopt.solvers.deadline.design_part import DESIGN, DesignColumns, DesignPart
from cgcopt.solvers.deadline.reaches import Reach, reach_of

__all__ = ["BestChance", "ChanceSettings"]


@dataclass(frozen=True)
class ChanceSettings:
    """Numbers of the outer approximation; no measurement of them is on record."""

    accuracy: float = 2e-6
    """What is taken off a bound, in the unit: twice the tolerance of HiGHS in whole numbers."""
    unit: float = 0.05
    """Unit of ``-log P``, as a share of that of the best design."""
    linear_tolerance: float = 1e-9
    """Tolerance of the linear programs, where there are no whole numbers."""
    linear: int = 2000
    """Linear programs at most."""
    linear_time: float = 0.3
    """Share of the time left for them."""
    touched: float = 0.02
    """Share of the wanted difference, or of the gap left, at which a point is not cut off again."""
    masters: int = 400
    """Mixed-integer programs at most."""
    smallest: float = 1e-290
    """``-log P`` that counts as none."""
    largest: float = 1e3
    """``-log P`` to which the unit refers at most."""
    sum_off: float = 1e-9
    """Relative deviation of the sum of a design from the budget that is still rounding."""
    most_gap: float = 0.5
    """Relative gap of ``P`` at most, of which a logarithm can be taken."""
    of_gap: float = 0.9
    """Share of the gap that a better design has to gain."""
    of_accuracy: float = 1.5
    """What it has to gain at least, in what is taken off a bound."""
    linear_accuracy: float = 10.0
    """What is taken off a bound of a linear program, in its tolerance."""
    longest: float = 1e9
    """Seconds that stand for no time limit."""
    branch_gap: float = 0.1
    """Gap at which a mixed-integer program ends, as a share of what is left to the goal."""
    digits: int = 6
    """Decimals to which two works agree that count as the same point."""


_SETTINGS = ChanceSettings()


@dataclass(eq=False)
class BestChance:
    """Search for a design that is better than the best one known.

    Attributes
    ----------
    problem : Problem
        Completion probability of independent workers, with any limits, without costs.
    form : Form
    options : Options
        ``gap``, ``threads`` and ``seed`` count.
    clock : Clock
    partition : ndarray, optional
        The best design known.
    loss, complement : float
        ``-log P`` and ``1 - P`` of it.
    least : float
        ``-log P`` of every design at least, as far as is proven.
    wanted : float, optional
        ``-log P`` to be reached: the search is over as soon as a design reaches it, or none can.
    """

    problem: Problem
    form: Form
    options: Options
    clock: Clock
    wanted: float | None = None
    partition: FloatArray | None = None
    loss: float = math.inf
    complement: float = 1.0
    least: float = 0.0
    masters: int = 0
    nodes: int = 0
    cuts: list[Cut] = field(default_factory=list)
    works: list[FloatArray] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.deadline,) = self.problem.objective.parameters
        self.part = DesignPart(self.problem, self.form)

    def offer(self, partition: FloatArray) -> bool:
        """Take note of a design; return whether it is the best one."""
        x = self.problem.limits.repaired(partition) if self.problem.limits else partition
        total = self.part.coordinates
        if self.problem.limits.violation(x) or abs(x.sum() / total - 1.0) > _SETTINGS.sum_off:
            return False
        if self.form is not Form.RELAXED and not Design(x).is_integer:
            return False
        found = as_probability(evaluate(self.problem, Design(x)))
        if not -found.log_value < self.loss:
            return False
        keep_design(x)
        self.partition, self.loss, self.complement = x, max(-found.log_value, 0.0), found.complement
        return True

    @property
    def goal(self) -> float:
        """``-log P`` that designs have to reach."""
        if self.wanted is not None:
            return self.wanted
        allowed = -math.log1p(-min(self.options.gap, _SETTINGS.most_gap)) * _SETTINGS.of_gap
        return self.loss - max(allowed, _SETTINGS.of_accuracy * self._accuracy)

    @property
    def _accuracy(self) -> float:
        """What is taken off a bound."""
        return self.unit * (
            _SETTINGS.accuracy
            if self._discrete
            else _SETTINGS.linear_accuracy * _SETTINGS.linear_tolerance
        )

    @property
    def over(self) -> bool:
        """Whether it is decided if a design has the wanted loss, or the gap is closed."""
        if self.wanted is not None:
            return self.loss <= self.wanted or self.least > self.wanted
        return self.loss <= _SETTINGS.smallest or self.least >= self.goal

    def prove(self) -> bool:
        """Search until the bound is proven or time is up; whether it is."""
        self.unit = 1.0
        if self.loss <= _SETTINGS.smallest:
            return True
        if self.wanted is None:
            log_value, complement = -self.loss, self.complement
        else:
            log_value, complement = -self.wanted, -math.expm1(-self.wanted)
        self.unit = _SETTINGS.unit * min(max(-log_value, _SETTINGS.smallest), _SETTINGS.largest)
        late = largest_late(self.part.levels, self.problem.system.workers, log_value, complement)
        self.reach: Reach = reach_of(self.part, self.deadline, late)
        if float(self.reach.most @ self.part.weights) < self.part.coordinates * (
            1.0 - _SETTINGS.sum_off
        ):
            self.least = max(self.least, min(self.loss, math.inf if self.wanted else self.loss))
            return True
        self._build()
        self._collect()
        if not self.over and self._discrete:
            self._branch()
        return self.over

    @property
    def _discrete(self) -> bool:
        """Whether the program has whole numbers."""
        part = self.part
        boundaries = part.problem.limits.boundaries is not None
        return part.whole or part.counted or boundaries or self.reach.chooses

    def _build(self) -> None:
        """The program without cuts but one, at what every level asks for at the most."""
        model, size = HighsModel(), self.part.levels.size
        self.columns: DesignColumns = self.part.add(model, self.reach.most)
        self.eta: IntArray = model.columns("eta", (size,))
        self.lost = int(model.columns("loss", (1,), cost=1.0)[0])
        self.reach.add(model, self.columns, self.eta)
        self.model: Any = model.build()

    def _add(self, columns: IntArray, values: FloatArray, least: float) -> None:
        used = values != 0.0
        self.model.addRow(
            float(least), np.inf, int(used.sum()), columns[used].astype(np.int32), values[used]
        )

    def _cut(self, eta: FloatArray, work: FloatArray) -> Cut:
        """Add the cut at a point, and the lines at a work; return the cut."""
        cut = cut_at(np.maximum(eta, 0.0), self.part.levels, self.problem.system.workers)
        if np.isfinite(cut.offset) and np.isfinite(cut.weight).all():
            self.cuts.append(cut)
            self._add_cut(cut)
        for row in self.reach.rows(work, self.columns, self.eta):
            self._add(*row)
        return cut

    def _add_cut(self, cut: Cut) -> None:
        row = np.append(-cut.weight * self.reach.scale / self.unit, 1.0)
        self._add(np.append(self.eta, self.lost), row, cut.offset / self.unit)

    def _state(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """``eta`` and the work of a point."""
        per = self.part.coordinates / DESIGN.scale
        return values[self.eta] * self.reach.scale, values[self.columns.work] * per

    def _note(self, bound: float) -> None:
        """Take note of a bound of the program."""
        known = bound * self.unit - self._accuracy
        if self.wanted is None:
            known = min(known, self.loss)
        self.least = max(self.least, known)

    def _collect(self) -> None:
        """Cuts from the linear program."""
        self.model.setOptionValue("solve_relaxation", True)
        clock = Clock.started(min(self.clock.left, _SETTINGS.longest) * _SETTINGS.linear_time)
        if not self._discrete:
            clock = self.clock
            for side in "primal", "dual":
                name = f"{side}_feasibility_tolerance"
                self.model.setOptionValue(name, _SETTINGS.linear_tolerance)
        if self.partition is not None:
            self._cut_at_design(self.partition)
        for _ in range(_SETTINGS.linear):
            if clock.expired:
                break
            ended = branch_and_cut(self.model, self.options, clock, gap=0.0, absolute=0.0)
            if not ended.proven:
                break
            if ended.values is None:
                self._empty()
                break
            value = float(ended.values[self.lost])
            self._note(value)
            if self.over:
                break
            eta, work = self._state(ended.values)
            missing = float(np.max(self.reach.asked(work) - eta)) * (not self._discrete)
            self.works.append(work)
            cut = self._cut(eta, work)
            self._offer_point(ended.values)
            open_ = max(self.goal - value * self.unit, 0.0)
            allowed = _SETTINGS.touched * open_
            if cut.loss - value * self.unit <= allowed and missing <= allowed:
                break
        self.model.setOptionValue("solve_relaxation", False)

    def _cut_at_design(self, partition: FloatArray) -> None:
        """The cut where a design lies."""
        costs = self.part.levels + 1.0
        work = np.cumsum(partition[self.part.levels] * costs)
        self.works.append(work)
        self._cut(self.reach.asked(work), work)

    def _empty(self) -> None:
        """No design reaches the goal."""
        self.least = max(self.least, math.nextafter(self.goal, math.inf))

    def _branch(self) -> None:
        """Designs of the mixed-integer program, until there is none better."""
        seen: set[bytes] = set()
        for _ in range(_SETTINGS.masters):
            if self.over or self.clock.expired:
                return
            self.model.changeColBounds(self.lost, 0.0, self.goal / self.unit)
            gap = _SETTINGS.branch_gap * max(self.goal - self.least, 0.0) / self.unit
            ended = branch_and_cut(self.model, self.options, self.clock, gap=0.0, absolute=gap)
            self.masters += 1
            self.nodes += ended.nodes
            if ended.proven and ended.values is None:
                self._empty()
                return
            self._note(ended.bound)
            if ended.values is None:
                return
            eta, work = self._state(ended.values)
            better = self._offer_point(ended.values)
            finer = self.reach.refine(work, eta, _SETTINGS.touched * (self.loss - self.least))
            key = np.round(work, _SETTINGS.digits).tobytes()
            if key in seen and not (better or finer):
                return
            seen.add(key)
            self._again(finer, self.reach.asked(work), work)

    def _again(self, finer: bool, eta: FloatArray, work: FloatArray) -> None:
        """Add the cut at a point; write the program anew first where it has become finer."""
        self.works.append(work)
        if finer:
            self._build()
            for cut in self.cuts:
                self._add_cut(cut)
            for known in self.works:
                for row in self.reach.rows(known, self.columns, self.eta):
                    self._add(*row)
        self._cut(eta, work)

    def _offer_point(self, values: FloatArray) -> bool:
        """Offer the design of a point, and the one with most to spare at its thresholds."""
        partition = self.part.partition(self.columns, values)
        if not partition.sum() > 0:
            return False
        if self.form is not Form.RELAXED and not self.part.whole:
            partition = np.round(partition)
        _, work = self._state(values)
        room = self.reach.room(work)
        within = None if room is None else self.part.within(room, partition)
        better = within is not None and self.offer(within)
        return self.offer(partition) or better
