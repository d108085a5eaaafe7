"""Branch and bound for the completion probability: bounds that hold, gaps that close."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from scipy import optimize

import cgcopt as cg
from cgcopt.arrays import FloatArray
from cgcopt.design import budget_weights, work_of_partition
from cgcopt.evaluation.crossing.completion import completion_probabilities
from cgcopt.evaluation.density.quantile import runtime_quantile
from cgcopt.evaluation.result import Certificate
from cgcopt.solution import SolutionStatus, TerminationCondition
from cgcopt.solvers.convex.knapsack_qp import maximise_quadratic
from cgcopt.solvers.proof.box_slices import without_slices
from cgcopt.solvers.proof.conditional_bound import conditional_bound
from cgcopt.solvers.proof.log_concave_envelope import Envelope
from cgcopt.solvers.proof.log_concavity import hazard_barrier, reach
from cgcopt.solvers.proof.relaxation import Relaxation
from cgcopt.solvers.proof.speed_box import Box, Speeds, root_box
from cgcopt.workers.base import ContinuousTimes
from tests.turns import few_examples, in_turns

MODELS: dict[str, ContinuousTimes] = {
    "exponential": cg.Exponential(1.0),
    "shifted": cg.ShiftedExponential(0.1, 1.0),
    "late shift": cg.ShiftedExponential(1.0, 2.0),
    "heavy Weibull": cg.Weibull(0.5, 1.0),
    "Weibull": cg.Weibull(3.0, 1.0, 0.3),
    "gamma": cg.Gamma(0.6, 1.0, 0.05),
    "log-normal": cg.LogNormal(1.5, 1.0),
    "wide log-normal": cg.LogNormal(3.0, 1.0, 0.1),
    "heavy Pareto": cg.Pareto(0.6, 1.0),
    "Pareto": cg.Pareto(2.5, 1.0, 0.1),
}


def system_of(times: ContinuousTimes, workers: int) -> cg.System:
    return cg.System(workers, 1000, times, samples=workers)


def problem_of(times: ContinuousTimes, workers: int, level: float) -> cg.Problem:
    """The deadline that the design of equal blocks keeps with the probability ``level``."""
    system = system_of(times, workers)
    work = work_of_partition(np.full(workers, 1000 / workers))
    return cg.Problem(system, cg.CompletionProbability(runtime_quantile(system, work, level).value))


def deadline_of(problem: cg.Problem) -> float:
    assert isinstance(problem.objective, cg.CompletionProbability)
    return problem.objective.deadline


def random_designs(rng: np.random.Generator, workers: int, count: int) -> FloatArray:
    """Cumulative works of random designs of 1000 coordinates, sparse ones among them."""
    parts = rng.gamma(10 ** rng.uniform(-1, 1, (count, 1)), size=(count, workers)) + 1e-300
    return work_of_partition(1000 * parts / parts.sum(axis=1, keepdims=True))


def published(workers: int, exponent: float) -> cg.Problem:
    times = cg.ShiftedExponential(rate=0.1, shift=1.0)
    system = cg.System(workers, 40_000, times, samples=50)
    return cg.Problem(system, cg.CompletionProbability(10**exponent))


# The best designs known before there were bounds, to six digits.
@pytest.mark.parametrize(
    ("workers", "exponent", "best", "gap", "nodes"),
    [
        (4, 6.8, 0.696433, 1e-6, 30),
        (6, 6.6, 0.618010, 1e-6, 60),
        (10, 6.5, 0.745596, 1e-4, 80),
        (20, 6.5, 0.990699, 1e-4, 60),
        (30, 6.5, 0.999903, 1e-5, 20),
    ],
)
def test_the_published_setting_is_solved(
    workers: int, exponent: float, best: float, gap: float, nodes: int
) -> None:
    solution = cg.solve(published(workers, exponent), "global", gap=gap, time_limit=60)
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.termination is TerminationCondition.OPTIMAL
    assert solution.certificate is Certificate.BRANCH_AND_BOUND
    assert solution.value == pytest.approx(best, abs=6e-7)
    assert solution.value <= solution.bound <= solution.value / (1 - gap) * (1 + 1e-12)
    assert solution.details["nodes"] <= nodes


def subdivided(problem: cg.Problem, tolerance: float) -> tuple[float, float]:
    """Value and bound by exhaustive subdivision of the partitions, with monotonicity alone.

    In a box of ``x_0 .. x_{N-2}`` each cumulative work is least at a known corner, and ``P`` falls
    with every work.
    """
    system, deadline = problem.system, deadline_of(problem)
    N, L = system.workers, system.coordinates
    cost = np.arange(1, N)
    low, high = np.zeros((1, N - 1)), np.full((1, N - 1), float(L))
    best, settled = 0.0, 0.0
    while low.size:
        middle = 0.5 * (low + high)
        feasible = low.sum(axis=1) <= L
        low, high, middle = low[feasible], high[feasible], middle[feasible]
        last = N * L - np.minimum(high, L) @ (N - cost)
        # The last work is also at least that of the level before plus nothing.
        first = np.cumsum(cost * low, axis=1)
        least = np.column_stack([first, np.maximum(last, first[:, -1])])
        bound = completion_probabilities(system, least, deadline).probability
        shrink = np.minimum(1.0, L / np.maximum(middle.sum(axis=1), 1e-300))[:, np.newaxis]
        inside = middle * shrink
        design = np.column_stack([inside, np.maximum(L - inside.sum(axis=1), 0.0)])
        values = completion_probabilities(system, work_of_partition(design), deadline).probability
        best = max(best, float(values.max(initial=0.0)))
        alive = bound > best + tolerance
        settled = max(settled, float(bound[~alive].max(initial=0.0)))
        low, high = low[alive], high[alive]
        axis = np.argmax(high - low, axis=1)
        cut = 0.5 * (low + high)[np.arange(axis.size), axis]
        left, right = high.copy(), low.copy()
        left[np.arange(axis.size), axis] = right[np.arange(axis.size), axis] = cut
        low, high = np.concatenate([low, right]), np.concatenate([left, high])
    return best, max(best, settled)


@in_turns(every=2, name=MODELS.keys(), size={"two": (2, 1e-5), "three": (3, 1e-3)})
def test_exhaustive_subdivision_confirms_value_and_bound(
    name: str, size: tuple[int, float]
) -> None:
    workers, tolerance = size
    problem = problem_of(MODELS[name], workers, 0.3)
    best, bound = subdivided(problem, tolerance)
    solution = cg.solve(problem, "global", gap=1e-7)
    assert solution.status is SolutionStatus.OPTIMAL
    assert best <= solution.bound
    assert solution.value <= bound
    assert bound - best <= 1.01 * tolerance


@pytest.mark.skipif(find_spec("pyscipopt") is None, reason="SCIP is not installed")
@pytest.mark.parametrize(
    ("make", "gap"),
    [
        (lambda: published(2, 6.8), 1e-4),
        (lambda: published(3, 6.8), 1e-3),
        (lambda: problem_of(cg.Weibull(2.0, 1.0), 2, 0.4), 1e-4),
    ],
    ids=["two", "three", "Weibull"],
)
def test_a_global_solver_on_the_algebraic_model_agrees(
    make: Callable[[], cg.Problem], gap: float
) -> None:
    problem = make()
    outside = cg.solve(problem, "pyomo-scip-exact", gap=gap, time_limit=60)
    ours = cg.solve(problem, "global", gap=1e-7)
    assert outside.certificate is Certificate.DUAL_BOUND
    assert outside.bound < 1.0
    assert outside.value <= ours.bound
    assert ours.value <= outside.bound
    assert ours.value == pytest.approx(outside.value, rel=2 * gap)


@few_examples
@given(
    name=st.sampled_from(sorted(MODELS)),
    workers=st.integers(1, 9),
    odds=st.floats(-12, 6),
    seed=st.integers(0, 10**6),
)
def test_no_design_beats_the_bound(name: str, workers: int, odds: float, seed: int) -> None:
    problem = problem_of(MODELS[name], workers, 1 / (1 + math.exp(-odds)))
    nodes = 1 + seed % 20  # also bounds of unfinished runs
    solution = cg.solve(problem, "global", gap=1e-6, raw={"nodes": nodes}, starts=1)
    works = random_designs(np.random.default_rng(seed), workers, 300)
    found = completion_probabilities(problem.system, works, deadline_of(problem))
    assert found.probability.max() <= solution.bound * (1 + 1e-12)
    assert found.complement.min() >= solution.details["complement_bound"] * (1 - 1e-9) - 1e-15
    assert solution.value <= solution.bound


@given(
    name=st.sampled_from(sorted(MODELS)),
    workers=st.integers(2, 8),
    odds=st.floats(-8, 4),
    seed=st.integers(0, 10**6),
)
def test_bounds_of_boxes_hold_at_every_point_of_expansion(
    name: str, workers: int, odds: float, seed: int
) -> None:
    """Also where no Newton step was taken: the bound comes from concavity, not from optimality."""
    rng = np.random.default_rng(seed)
    problem = problem_of(MODELS[name], workers, 1 / (1 + math.exp(-odds)))
    system, deadline = problem.system, deadline_of(problem)
    speeds = Speeds.of(system, deadline)
    works = random_designs(rng, workers, 1000)
    inside = works * system.unit / deadline
    around = inside[rng.integers(1000)]
    spread = 1 + 10 ** rng.uniform(-2, 1.5)
    end = system.worker_times.support[0]
    least = math.inf if end == 0 else (1 - 1e-9) / end
    box = speeds.tightened(Box(around / spread, np.minimum(around * spread, least)))
    if box is None:
        return
    envelope = Envelope.of(MODELS[name], float(box.upper[-1]))
    majorant = envelope.on(box, range(workers), envelope.empty(workers))
    relaxation = Relaxation(envelope, majorant, box, speeds)
    chosen = ((inside >= box.lower) & (inside <= box.upper)).all(axis=1)
    values = completion_probabilities(system, works[chosen], deadline).log_probability
    start = box.lower + rng.uniform(size=workers) * (box.upper - box.lower)
    for enough in (math.inf, -math.inf):  # at the start, and at the maximum
        relaxed = conditional_bound(relaxation, start, enough=enough, tolerance=1e-9)
        assert (values <= relaxed.log_bound + 1e-12).all()
        assert speeds.weights @ relaxed.point.speed == pytest.approx(speeds.budget, rel=1e-9)
    for drop in (0.1, 1.0, 5.0):
        enough = relaxed.log_bound - drop
        rest, beyond = without_slices(relaxation, relaxed.point, enough=enough)
        assert beyond <= enough
        assert ((rest.lower >= box.lower) & (rest.upper <= box.upper)).all()
        cut = ((y := inside[chosen]) < rest.lower).any(axis=1) | (y > rest.upper).any(axis=1)
        assert (values[cut] <= beyond + 1e-12).all()


@pytest.mark.parametrize("name", MODELS)
def test_majorants_are_least_and_log_concave(name: str) -> None:
    times = MODELS[name]
    rng = np.random.default_rng(3)
    fastest = float(1 / times.ppf(1e-4))
    slowest = float(1 / times.isf(1e-4))
    envelope = Envelope.of(times, fastest)
    ends = np.sort(slowest * (fastest / slowest) ** rng.uniform(size=(40, 2)), axis=1)
    box = Box(ends[:, 0], ends[:, 1])
    majorant = envelope.on(box, range(40), envelope.empty(40))
    share = np.linspace(0, 1, 801)[:, np.newaxis]
    y = box.lower + share * (box.upper - box.lower)
    p, late, slope = envelope.values(majorant, y)
    height, _ = reach(times, y)
    assert np.abs(p + late - 1).max() < 1e-12
    log_p = np.where(late < 0.5, np.log1p(-np.minimum(late, 0.5)), np.log(p))
    assert (log_p >= height - 1e-12 * (1 + np.abs(height))).all()
    assert (np.diff(log_p, n=2, axis=0) <= 1e-11 * (1 + np.abs(height[1:-1]))).all()
    # Least: the upper hull of the points of the graph is no lower than the rounding allows.
    z = box.lower * (box.upper / box.lower) ** np.linspace(0, 1, 3001)[:, np.newaxis]
    touched = np.log(envelope.values(majorant, z)[0])
    graph, _ = reach(times, z)
    for k in range(0, 40, 4):
        hull = np.interp(z[:, k], *_upper_hull(z[:, k], graph[:, k]))
        assert (touched[:, k] - hull).max() < 1e-4 * np.ptp(graph[:, k])
    step = 1e-6 * y[400]
    up, down = (envelope.values(majorant, y[400] + s * step)[0] for s in (1, -1))
    kink = np.abs(y[400] - majorant.left) < 2 * step
    kink |= np.abs(y[400] - majorant.right) < 2 * step
    difference = (up - down) / (2 * step)
    assert difference[~kink] == pytest.approx(slope[400][~kink], rel=1e-4, abs=1e-9 / slowest)


def _upper_hull(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Leave out all points on or below the line between their neighbours, until none is left."""
    while True:
        p, q = x[2:] - x[:-2], y[2:] - y[:-2]
        inside = p * (y[1:-1] - y[:-2]) <= (x[1:-1] - x[:-2]) * q
        if not inside.any():
            return x, y
        kept = np.concatenate(([True], ~inside, [True]))
        x, y = x[kept], y[kept]


def test_the_root_box_holds_every_design_that_is_better() -> None:
    rng = np.random.default_rng(5)
    for times, level in itertools.product(MODELS.values(), (1e-6, 0.05, 0.4, 0.95)):
        problem = problem_of(times, 5, level)
        system, deadline = problem.system, deadline_of(problem)
        works = random_designs(rng, 5, 500)
        found = completion_probabilities(system, works, deadline)
        order = np.argsort(found.log_probability)
        k = order[-50]  # 49 designs are better than this one
        box = root_box(
            system,
            Speeds.of(system, deadline),
            float(found.log_probability[k]),
            float(found.complement[k]),
        )
        assert box is not None
        y = works[order[-49:]] * system.unit / deadline
        assert (y >= box.lower * (1 - 1e-12)).all()
        assert (y <= box.upper * (1 + 1e-12)).all()


@pytest.mark.parametrize("seed", range(8))
def test_quadratic_programs_against_slsqp(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 12))
    root = rng.normal(size=(n, n)) * 10 ** rng.uniform(-1, 1, n)
    H, g = -root @ root.T - 1e-3 * np.eye(n), 10 * rng.normal(size=n)
    v, low, high = rng.uniform(0.1, 1, n), -rng.uniform(size=n), rng.uniform(size=n)
    low[rng.uniform(size=n) < 0.3] = 0.0
    d = maximise_quadratic(H, g, v, low, high)
    assert abs(v @ d) < 1e-12
    assert ((d >= low) & (d <= high)).all()
    reference = optimize.minimize(
        lambda x: -(g @ x + 0.5 * x @ H @ x),
        np.zeros(n),
        jac=lambda x: -(g + H @ x),
        bounds=np.column_stack([low, high]),
        constraints={"type": "eq", "fun": lambda x: v @ x, "jac": lambda x: v},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    assert g @ d + 0.5 * d @ H @ d >= -reference.fun - 1e-9 * (1 + abs(reference.fun))


class Mixture(ContinuousTimes):
    """Two log-normal kinds of workers: the hazard rate of 1/T falls in two stretches."""

    label = "mixture"
    support = (0.0, math.inf)
    parts = (cg.LogNormal(0.7, 1.0), cg.LogNormal(0.7, 6.0))

    def cdf(self, t: ArrayLike) -> FloatArray:
        return np.asarray(sum(0.5 * part.cdf(t) for part in self.parts))

    def sf(self, t: ArrayLike) -> FloatArray:
        return np.asarray(sum(0.5 * part.sf(t) for part in self.parts))

    def ppf(self, q: ArrayLike) -> FloatArray:
        return self._inverse(q, self.cdf, 1.0)

    def isf(self, q: ArrayLike) -> FloatArray:
        return self._inverse(q, self.sf, -1.0)

    def _inverse(self, q: ArrayLike, function: Any, sign: float) -> FloatArray:
        q = np.asarray(q, dtype=np.float64)
        low, high = np.full(q.shape, -30.0), np.full(q.shape, 30.0)
        for _ in range(64):
            middle = 0.5 * (low + high)
            below = sign * (function(np.exp(middle)) - q) < 0
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.exp(high)

    def pdf(self, t: ArrayLike) -> FloatArray:
        return np.asarray(sum(0.5 * part.pdf(t) for part in self.parts))

    def logpdf(self, t: ArrayLike) -> FloatArray:
        return np.asarray(np.logaddexp(*(part.logpdf(t) + math.log(0.5) for part in self.parts)))

    def dlogpdf(self, t: ArrayLike) -> FloatArray:
        t = np.asarray(t, dtype=np.float64)
        share = np.exp([part.logpdf(t) + math.log(0.5) - self.logpdf(t) for part in self.parts])
        slopes = [part.dlogpdf(t) for part in self.parts]
        return np.asarray((share * slopes).sum(axis=0))

    def mean(self) -> float:
        return float(sum(0.5 * part.mean() for part in self.parts))

    def sample(self, rounds: int, workers: int, rng: np.random.Generator) -> FloatArray:
        return self.ppf(rng.uniform(size=(rounds, workers)))

    def to_dict(self) -> dict[str, Any]:
        return {}


def test_two_convex_stretches() -> None:
    """The constant majorant serves where one line does not."""
    times = Mixture()
    envelope = Envelope.of(times, 1.6)
    assert len(envelope.stretches) == 2
    box = Box(np.array([0.05, 0.15, 0.3, 0.7]), np.array([1.5, 0.5, 0.9, 1.4]))
    majorant = envelope.on(box, range(4), envelope.empty(4))
    y = box.lower + np.linspace(0, 1, 1001)[:, np.newaxis] * (box.upper - box.lower)
    log_p = np.log(envelope.values(majorant, y)[0])
    assert (log_p >= reach(times, y)[0] - 1e-12).all()
    assert (np.diff(log_p, n=2, axis=0) <= 1e-12).all()
    assert np.ptp(log_p, axis=0)[0] == 0.0 < np.ptp(log_p, axis=0)[1:].min()

    problem = problem_of(times, 2, 0.2)
    solution = cg.solve(problem, "global", gap=1e-3)
    assert solution.status is SolutionStatus.OPTIMAL
    best, bound = subdivided(problem, 1e-3)
    assert best <= solution.bound
    assert solution.value <= bound


def test_one_worker() -> None:
    problem = problem_of(MODELS["shifted"], 1, 0.4)
    solution = cg.solve(problem, "global")
    assert solution.bound == pytest.approx(0.4, rel=1e-9)
    assert solution.status is SolutionStatus.OPTIMAL


def test_impossible_and_hopeless_deadlines() -> None:
    """No worker can be that fast, or hardly any: the bound is 0, or a union bound."""
    system = system_of(MODELS["shifted"], 4)
    nobody = cg.solve(cg.Problem(system, cg.CompletionProbability(900.0)), "global")
    assert (nobody.value, nobody.bound) == (0.0, 0.0)
    hardly = cg.System(4, 1000, cg.Weibull(1.0, 1.0), samples=4)
    tiny = cg.solve(cg.Problem(hardly, cg.CompletionProbability(1e-290)), "global")
    assert 0.0 <= tiny.value <= tiny.bound < 1e-290


def test_small_probabilities_have_relative_gaps() -> None:
    problem = problem_of(MODELS["exponential"], 4, 1e-40)
    solution = cg.solve(problem, "global", gap=1e-4)
    assert solution.status is SolutionStatus.OPTIMAL
    assert 0 < solution.value <= solution.bound <= solution.value * 1.00011


def test_complement_gap_where_the_probability_is_near_one() -> None:
    problem = published(20, 6.8)
    solution = cg.solve(problem, "global", gap=1e-3, raw={"complement_gap": 0.01})
    assert solution.evaluation is not None
    late = solution.evaluation.complement
    assert late is not None
    assert late < 1e-5
    assert 0.99 * late <= solution.details["complement_bound"] <= late
    outcome = cg.solve(problem, "global", gap=1e-3)
    assert outcome.details["nodes"] == 1


@pytest.mark.parametrize(
    "raw", [{"complement_gap": 0}, {"complement_gap": 2.0}, {"nodes": 0}, {"nodes": "many"}]
)
def test_options_of_its_own_are_checked(raw: dict[str, Any]) -> None:
    with pytest.raises(cg.InvalidInputError, match=next(iter(raw))):
        cg.solve(published(3, 6.8), "global", raw=raw)


def test_where_the_hazard_rises_all_along_the_root_is_exact() -> None:
    for name in ("late shift", "Pareto"):
        problem = problem_of(MODELS[name], 6, 0.3)
        assert hazard_barrier(MODELS[name]) == pytest.approx(1 / MODELS[name].support[0])
        solution = cg.solve(problem, "global", gap=1e-8)
        assert solution.status is SolutionStatus.OPTIMAL
        assert solution.details["nodes"] == 1
        assert solution.details["fast_levels"] == 0


def test_limits_and_progress() -> None:
    problem = problem_of(MODELS["gamma"], 12, 0.005)  # every level is fast
    seen: list[tuple[float | None, str]] = []
    stopped = cg.solve(
        problem,
        "global",
        gap=0.0,
        raw={"nodes": 21},
        progress=lambda share, message: seen.append((share, message)),
    )
    assert stopped.termination is TerminationCondition.ITERATION_LIMIT
    assert stopped.status is SolutionStatus.FEASIBLE
    assert 21 <= stopped.details["nodes"] <= 22
    assert stopped.value < stopped.bound < stopped.details["root_bound"] < 1.0
    assert seen
    assert all(share is not None and 0 <= share <= 1 for share, _ in seen)
    assert "bound" in seen[0][1]
    timed = cg.solve(problem, "global", gap=1e-9, time_limit=0.1)
    assert timed.termination is TerminationCondition.TIME_LIMIT
    assert timed.value < timed.bound < 1.0
    assert timed.seconds.solve < 5.0


def test_more_nodes_never_loosen_the_bound() -> None:
    problem = published(10, 6.5)
    bounds = [
        cg.solve(problem, "global", gap=1e-8, raw={"nodes": nodes}).bound for nodes in (1, 4, 16)
    ]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] < bounds[0] - 1e-4


def test_whole_coordinates_keep_the_bound() -> None:
    problem = problem_of(MODELS["gamma"], 4, 0.3)
    relaxed = cg.solve(problem, "global")
    whole = cg.solve(problem, "global", form="block")
    assert whole.design is not None
    assert whole.design.is_integer
    assert whole.value <= relaxed.bound * (1 + 1e-12)
    assert whole.bound <= relaxed.bound * (1 + 1e-6)


def test_a_bad_first_design_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search climbs from its own relaxed solutions."""
    from cgcopt.solvers.base import Outcome
    from cgcopt.solvers.global_probability import OptimalProbability

    def poor(self: object, problem: cg.Problem, *rest: object) -> Outcome:
        x = np.zeros(problem.system.workers)
        x[0] = problem.system.coordinates
        return Outcome(TerminationCondition.CONVERGED, partition=x, details={"starts": 0})

    expected = cg.solve(published(6, 6.6), "global")
    monkeypatch.setattr(OptimalProbability, "solve", poor)
    solution = cg.solve(published(6, 6.6), "global")
    assert solution.details["improvements"] >= 1
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.value == pytest.approx(expected.value, rel=1e-6)


def test_speeds_of_designs_meet_the_polytope() -> None:
    problem = published(7, 6.5)
    speeds = Speeds.of(problem.system, deadline_of(problem))
    work = work_of_partition(np.full(7, 40_000 / 7))
    y = work * problem.system.unit / deadline_of(problem)
    assert speeds.weights == pytest.approx(budget_weights(7))
    assert speeds.weights @ y == pytest.approx(speeds.budget)
    assert speeds.tightened(Box(y + 1e-3, y + 1.0)) is None
