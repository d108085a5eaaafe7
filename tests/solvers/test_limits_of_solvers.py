"""Every solver under every limit and cost: it keeps them and its bound holds, or it refuses."""

import functools

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.errors import UnsupportedProblemError
from cgcopt.problem import Form
from cgcopt.solution import SolutionStatus
from cgcopt.solvers.base import Role, Times
from cgcopt.solvers.registry import all_solvers

TIMES = cg.LogNormal(sigma=0.6, scale=1, shift=0.2)
ROUNDS = cg.Scenarios(TIMES.sample(25, 4, np.random.default_rng(7)))
LIMITED = {
    "copies": {"limits": cg.Limits(copies=2)},
    "blocks": {"limits": cg.Limits(blocks=2)},
    "least": {"limits": cg.Limits(least=0.3)},
    "levels": {"limits": cg.Limits(levels=[1, 3])},
    "boundaries": {"limits": cg.Limits(boundaries=[7, 30, 40])},
    "all": {"limits": cg.Limits(copies=3, blocks=2, least=0.2, boundaries=[7, 30, 40])},
    "startup": {"costs": cg.Costs(startup=5.0)},
    "per_coordinate": {"costs": cg.Costs(per_coordinate=0.3)},
    "per_message": {"costs": cg.Costs(per_message=6.0)},
}
OBJECTIVES = {
    cg.ExpectedRuntime: cg.ExpectedRuntime(),
    cg.CompletionProbability: cg.CompletionProbability(75.0),
    cg.ConditionalValueAtRisk: cg.ConditionalValueAtRisk(0.5),
    cg.Quantile: cg.Quantile(0.6),
}
#: Share their formulations with the others, and take longer.
SLOW = ("cvxpy-", "pyomo-", "scipy-milp")
CASES = [
    pytest.param(cls, task, marks=[pytest.mark.slow] if cls.name.startswith(SLOW) else [])
    for cls in all_solvers()
    for task in sorted(cls.solves, key=lambda task: (task.objective.kind, task.form))
    if task.objective in OBJECTIVES
]


def problem_of(name, objective, times):
    given = LIMITED[name]
    system = cg.System(4, 40, times, samples=4, costs=given.get("costs", cg.Costs()))
    limits = given.get("limits", cg.Limits())
    return cg.Problem(system, OBJECTIVES[objective], limits=limits)


def designs(limits):
    """Partitions of 40 coordinates in steps of 2.5, those on the boundaries, within the limits."""
    ends = sorted({0, 7, 30, 40, *np.arange(0, 40.1, 2.5)})
    for i, a in enumerate(ends):
        for j, b in enumerate(ends[i:], start=i):
            for c in ends[j:]:
                x = np.diff([0, a, b, c, 40])
                if not limits.violation(x):
                    yield x


@functools.cache
def best_known(name, objective, kind, whole):
    """The best design of a grid: no bound may pass it."""
    times = ROUNDS if kind is Times.SCENARIOS else TIMES
    problem = problem_of(name, objective, times)
    values = [
        cg.evaluate(problem, x).value
        for x in designs(problem.limits)
        if not whole or np.all(x == np.round(x))
    ]
    return max(values) if objective is cg.CompletionProbability else min(values)


@pytest.mark.parametrize("name", LIMITED)
@pytest.mark.parametrize(
    ("cls", "task"), CASES, ids=lambda v: getattr(v, "name", None) or str(v.form)
)
def test_limits_are_kept_or_refused(cls, task, name):
    if not cls.available():
        pytest.skip(f"{cls.name} is not installed")
    kind = Times.CONTINUOUS if Times.CONTINUOUS in cls.times else Times.SCENARIOS
    times = ROUNDS if kind is Times.SCENARIOS else TIMES
    problem = problem_of(name, task.objective, times)
    try:
        solution = cg.solve(problem, cls(), form=task.form, time_limit=4, threads=1)
    except UnsupportedProblemError:
        assert not cls.fits(problem) or cls.role in (Role.SCHEME, Role.ADAPTER, Role.SCHEDULE)
        return
    sign = -1 if task.objective is cg.CompletionProbability else 1
    if solution.status is SolutionStatus.SCHEME:
        assert sign * solution.bound <= sign * solution.value + 1e-9
        return
    assert solution.design is not None, solution.message
    x = solution.design.partition
    assert problem.limits.violation(x) == ""
    assert x.sum() == pytest.approx(40)
    if task.form is not Form.RELAXED:
        assert solution.design.is_integer
    assert solution.value == pytest.approx(cg.evaluate(problem, x).value, rel=1e-9)
    best = best_known(name, task.objective, kind, task.form is not Form.RELAXED)
    assert sign * solution.bound <= sign * best + 1e-9 * abs(best)
    if solution.gap <= 1e-6 and task.form is Form.RELAXED:
        assert sign * solution.value <= sign * best + 2e-6 * abs(best)


SCHEMES = [cls for cls in all_solvers() if cls.role in (Role.SCHEME, Role.CLOSED_FORM)]


@pytest.mark.parametrize("cls", dict.fromkeys(SCHEMES), ids=lambda cls: cls.name)
def test_formulas_and_schemes_are_rounded_within_limits(cls):
    for name in ("copies", "blocks", "least", "boundaries", "all"):
        for objective in {task.objective for task in cls.solves} - {cg.ConditionalValueAtRisk}:
            problem = problem_of(name, objective, TIMES)
            try:
                solution = cg.solve(problem, cls(), form="block")
            except UnsupportedProblemError:
                assert cls.name in ("tandon", "ferdinand-full")
                continue
            assert solution.design.is_integer
            assert problem.limits.violation(solution.design.partition) == ""


def test_a_formula_keeps_its_proportions_and_says_so():
    """On one level set the closed form minimises ``max_n u E[T_(N-n)] w_n`` over that set."""
    problem = problem_of("levels", cg.ExpectedRuntime, TIMES)
    solution = cg.solve(problem, "closed-form-time")
    from cgcopt.evaluation.order_statistics import order_statistic_means

    means = order_statistic_means(TIMES, 4)[::-1]
    reached = means[[1, 3]] * solution.design.work[[1, 3]]
    assert reached[0] == pytest.approx(reached[1])
    assert "restricted to 2 levels" in solution.message


def test_the_best_levels_of_a_formula_are_found():
    """By brute force over all pairs."""
    from itertools import combinations

    from cgcopt.solvers.limited.restricted import best_levels

    rng = np.random.default_rng(0)
    for _ in range(50):
        profile = np.cumsum(rng.exponential(size=7))
        for most in (1, 2, 3):
            sums = {
                chosen: sum(
                    profile[s] * (1 / (s + 1) - (1 / (after + 1) if after is not None else 0))
                    for s, after in zip(chosen, [*chosen[1:], None], strict=True)
                )
                for size in range(1, most + 1)
                for chosen in combinations(range(7), size)
            }
            found = tuple(best_levels(profile, np.arange(7), most).tolist())
            assert sums[found] == pytest.approx(max(sums.values()))
