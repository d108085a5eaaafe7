"""Every solver under every limit and cost: it keeps them and its bound holds, or it refuses."""

import functools
import itertools
from collections import Counter

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.errors import UnsupportedProblemError
from cgcopt.problem import Form
from cgcopt.solution import SolutionStatus
from cgcopt.solvers.base import Role, Times
from cgcopt.solvers.registry import all_solvers

pytestmark = pytest.mark.usefixtures("few_restarts")

TIMES = cg.LogNormal(sigma=0.6, scale=1, shift=0.2)
ROUNDS = cg.Scenarios(TIMES.sample(15, 4, np.random.default_rng(7)))
#: Enough rounds to tell which designs of a grid can be best.
MANY = cg.Scenarios(TIMES.sample(200, 4, np.random.default_rng(8)))
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
TASKS = {
    cls: [
        task
        for task in sorted(cls.solves, key=lambda task: (task.objective.kind, task.form))
        if task.objective in OBJECTIVES
    ]
    for cls in all_solvers()
}


def cases():
    """Every solver, task and limit; what is quick is every solver under one limit and one cost.

    Those are such that met fewest before: so every limit meets every objective.
    """
    met = Counter()
    for cls, tasks in TASKS.items():
        quick = []
        for kind in ("limits", "costs"):
            pairs = [(task, name) for name in LIMITED if kind in LIMITED[name] for task in tasks]
            pairs.sort(key=lambda pair: (met[pair[0].objective, pair[1]], met[pair]))
            quick += pairs[:1]
            met.update((task.objective, name) for task, name in pairs[:1])
            met.update(pairs[:1])
        for task, name in itertools.product(tasks, LIMITED):
            yield pytest.param(
                cls,
                task,
                name,
                marks=[] if (task, name) in quick else pytest.mark.slow,
                id=f"{cls.name}-{task.objective.kind}-{task.form}-{name}",
            )


def problem_of(name, objective, times):
    given = LIMITED.get(name, {})
    system = cg.System(4, 40, times, samples=4, costs=given.get("costs", cg.Costs()))
    limits = given.get("limits", cg.Limits())
    return cg.Problem(system, OBJECTIVES[objective], limits=limits)


GRID = sorted({7, 30, *range(0, 41, 8)})


@functools.cache
def worth(objective, times, cost, ends):
    """The value of one design by the ends of its blocks; limits do not change it."""
    return cg.evaluate(problem_of(cost, objective, times), np.diff([0, *ends, 40])).value


@functools.cache
def within(name, ends):
    limits = LIMITED[name].get("limits", cg.Limits())
    return not limits.violation(np.diff([0, *ends, 40]))


def neighbours(ends):
    """What is left after moving every end by two coordinates or not at all."""
    for moves in itertools.product((-2, 0, 2), repeat=3):
        yield tuple(
            sorted(min(max(end + move, 0), 40) for end, move in zip(ends, moves, strict=True))
        )


@functools.cache
def best_known(name, objective, kind):
    """The best design of a grid and next to it, in whole numbers: no bound may pass it."""
    cost = name if "costs" in LIMITED[name] else ""
    sign = -1 if objective is cg.CompletionProbability else 1
    # Integrals take long: of all designs those that are best on many rounds.
    drawn = ROUNDS if kind is Times.SCENARIOS else MANY

    def likely(designs, most):
        kept = [ends for ends in designs if within(name, ends)]
        return sorted(kept, key=lambda ends: sign * worth(objective, drawn, cost, ends))[:most]

    coarse = likely(itertools.combinations_with_replacement(GRID, 3), 3)
    fine = likely({near for ends in coarse for near in neighbours(ends)}, 15)
    times = ROUNDS if kind is Times.SCENARIOS else TIMES
    return sign * min(sign * worth(objective, times, cost, ends) for ends in fine)


@pytest.mark.parametrize(("cls", "task", "name"), list(cases()))
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
    best = best_known(name, task.objective, kind)
    assert sign * solution.bound <= sign * best + 1e-9 * abs(best)
    if solution.gap <= 1e-6 and task.form is Form.RELAXED:
        assert sign * solution.value <= sign * best + 2e-6 * abs(best)


def test_every_limit_meets_every_objective_and_every_solver_limits_and_costs():
    quick = [case.values for case in cases() if not case.marks]
    assert {(name, task.objective) for _, task, name in quick} >= {
        (name, objective) for name in LIMITED for objective in OBJECTIVES
    }
    assert {(cls, kind) for cls, _, name in quick for kind in LIMITED[name]} == {
        (cls, kind) for cls, tasks in TASKS.items() if tasks for kind in ("limits", "costs")
    }


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
                for chosen in itertools.combinations(range(7), size)
            }
            found = tuple(best_levels(profile, np.arange(7), most).tolist())
            assert sums[found] == pytest.approx(max(sums.values()))
