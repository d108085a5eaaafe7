"""A changed model has the optimum of one that is written anew, in every language that changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.errors import InvalidInputError, UnsupportedProblemError
from cgcopt.formulations import Formulation, formulate
from tests.turns import in_turns

TIMES = 50.0 + np.random.default_rng(7).exponential(1e3, (12, 4))
SYSTEM = cg.System(4, 60, cg.Scenarios(TIMES), samples=4)
UNIFORM = np.sort(TIMES, axis=1)[:, ::-1] * np.cumsum(15.0 * np.arange(1.0, 5.0))
SLOW = float(np.median(UNIFORM.max(axis=1)))
QUICK = 0.6 * SLOW


def solve(formulation: Formulation, model: Any) -> tuple[float, cg.Design]:
    """Solve without presolve: with it HiGHS 1.15.1 ends one changed quantile 31 % above the optimum."""
    language = type(model).__module__.split(".")[0]
    if language == "cvxpy":
        model.solve(solver="HIGHS", mip_rel_gap=0.0, presolve="off")
        value = model.value
    elif language == "pyomo":
        from pyomo.contrib.solver.solvers.highs import Highs

        options = {"presolve": "off"}
        value = Highs().solve(model, rel_gap=0.0, solver_options=options).incumbent_objective
    else:
        model.setOptionValue("mip_rel_gap", 0.0)
        model.setOptionValue("presolve", "off")
        model.run()
        value = model.getObjectiveValue()
    return formulation.value(value), formulation.design(model)


LANGUAGES = ["cvxpy", "pyomo", "highspy"]
FORMS = ["relaxed", "block"]


@in_turns(every=2, form=FORMS, language=LANGUAGES)
def test_the_budget_of_the_expected_runtime(form: str, language: str) -> None:
    problem = cg.Problem(SYSTEM, cg.ExpectedRuntime())
    formulation = formulate(problem, form)
    model = getattr(formulation, f"to_{language}")()
    solve(formulation, model)
    larger = cg.Problem(replace(SYSTEM, coordinates=90), cg.ExpectedRuntime())
    anew = formulate(larger, form)
    expected, _ = solve(anew, anew.to_highspy())
    changed = formulation.update(model, coordinates=90)
    value, design = solve(changed, model)
    assert value == pytest.approx(expected, rel=1e-8)
    assert design.coordinates == pytest.approx(90)
    assert cg.evaluate(larger, design).value == pytest.approx(expected, rel=1e-7)
    back = changed.update(model, coordinates=60)
    first, _ = solve(formulation, formulation.to_highspy())
    assert solve(back, model)[0] == pytest.approx(first, rel=1e-8)
    with pytest.raises(InvalidInputError, match="deadline"):
        changed.update(model, deadline=3.0)


@in_turns(every=3, form=FORMS, strong=[True, False], language=LANGUAGES)
def test_the_deadline_and_the_budget_of_a_probability(
    form: str, strong: bool, language: str
) -> None:
    formulation = formulate(cg.Problem(SYSTEM, cg.CompletionProbability(SLOW)), form, strong=strong)
    model = getattr(formulation, f"to_{language}")()
    if language == "cvxpy":
        assert model.is_dpp()
    solve(formulation, model)
    values = []
    changed: Formulation = formulation
    for deadline, coordinates in ((QUICK, 60), (SLOW, 75), (SLOW, 60)):
        changed = changed.update(model, deadline=deadline, coordinates=coordinates)
        value, design = solve(changed, model)
        system = replace(SYSTEM, coordinates=coordinates)
        problem = cg.Problem(system, cg.CompletionProbability(deadline))
        anew = formulate(problem, form, strong=strong)
        expected, _ = solve(anew, anew.to_highspy())
        assert value == pytest.approx(expected)
        assert cg.evaluate(problem, design).value == pytest.approx(expected)
        values.append(value)
    assert values[0] < values[2] > values[1]


@in_turns(
    every=3,
    how={
        "strong": {},
        "plain": {"strong": False},
        "no equivalence": {"equivalence": False},
        "no symmetry": {"symmetry": False},
    },
    language=LANGUAGES,
)
def test_the_deadline_of_a_probability_over_coordinates(how: Any, language: str) -> None:
    system = replace(SYSTEM, coordinates=6, worker_times=cg.Scenarios(TIMES[:6]))
    problem = cg.Problem(system, cg.CompletionProbability(SLOW / 10.0))
    formulation: Formulation = formulate(problem, "coordinate", **how)
    model = getattr(formulation, f"to_{language}")()
    if language == "cvxpy":
        assert model.is_dpp()
    solve(formulation, model)
    values = []
    for deadline in (0.6 * QUICK / 10.0, SLOW / 5.0, SLOW / 10.0):
        formulation = formulation.update(model, deadline=deadline)
        value, design = solve(formulation, model)
        anew = formulate(
            cg.Problem(system, cg.CompletionProbability(deadline)), "coordinate", **how
        )
        expected, _ = solve(anew, anew.to_highspy())
        assert value == pytest.approx(expected)
        assert cg.evaluate(formulation.problem, design).value == pytest.approx(expected)
        values.append(value)
    assert values[0] < values[2] < values[1]


CHANGES: tuple[dict[str, Any], ...] = (
    {"costs": cg.Costs(startup=5e3, per_coordinate=2e2, per_message=1e4)},
    {"limits": cg.Limits(blocks=1)},
    {"limits": cg.Limits(copies=2), "costs": cg.Costs(), "coordinates": 75},
    {"limits": cg.Limits(least=0.4), "costs": cg.Costs(per_coordinate=1e3)},
    {"limits": cg.Limits(), "costs": cg.Costs()},
)


@in_turns(
    every=3,
    objective={"runtime": cg.ExpectedRuntime(), "chance": cg.CompletionProbability(SLOW)},
    form=FORMS,
    language=LANGUAGES,
)
def test_costs_and_limits(objective: cg.Objective, form: str, language: str) -> None:
    problem = cg.Problem(SYSTEM, objective, limits=cg.Limits(blocks=2))
    formulation: Formulation = formulate(problem, form)
    model = getattr(formulation, f"to_{language}")()
    if language == "cvxpy":
        assert model.is_dpp()
    values = [solve(formulation, model)[0]]
    for change in CHANGES:
        formulation = formulation.update(model, **change)
        now = formulation.problem
        assert now.limits == change.get("limits", now.limits)
        value, design = solve(formulation, model)
        anew = formulate(now, form)
        expected, _ = solve(anew, anew.to_highspy())
        assert value == pytest.approx(expected, rel=1e-7), change
        assert cg.evaluate(now, design).value == pytest.approx(expected, rel=1e-6)
        assert not now.limits.violation(design.partition, tolerance=1e-6)
        values.append(value)
    assert len(set(np.round(values, 6))) >= 4


@pytest.mark.parametrize("language", LANGUAGES)
def test_boundaries_and_the_deadline_within_limits(language: str) -> None:
    problem = cg.Problem(
        SYSTEM, cg.CompletionProbability(SLOW), limits=cg.Limits(boundaries=[20, 40, 60])
    )
    formulation: Formulation = formulate(problem, "block")
    model = getattr(formulation, f"to_{language}")()
    solve(formulation, model)
    for boundaries, deadline in (([6, 40, 60], QUICK), ([6, 15, 60], SLOW), ([1, 2, 60], SLOW)):
        limits = cg.Limits(boundaries=boundaries)
        formulation = formulation.update(model, limits=limits, deadline=deadline)
        value, design = solve(formulation, model)
        anew = formulate(formulation.problem, "block")
        assert value == pytest.approx(solve(anew, anew.to_highspy())[0])
        assert cg.evaluate(formulation.problem, design).value >= value
    with pytest.raises(InvalidInputError, match="boundaries"):
        formulation.update(model, limits=cg.Limits(boundaries=[30, 60]))


def test_the_tail_takes_another_budget_and_no_limits() -> None:
    formulation = formulate(cg.Problem(SYSTEM, cg.ConditionalValueAtRisk(0.8)), "relaxed")
    for language in ("cvxpy", "pyomo", "highspy"):
        model = getattr(formulation, f"to_{language}")()
        first, _ = solve(formulation, model)
        changed = formulation.update(model, coordinates=90)
        assert solve(changed, model)[0] == pytest.approx(1.5 * first, rel=1e-8)
        with pytest.raises(UnsupportedProblemError, match="limits and costs"):
            formulation.update(model, limits=cg.Limits(copies=2))
    free = formulate(cg.Problem(SYSTEM, cg.ExpectedRuntime(), limits=cg.Limits(copies=2)))
    with pytest.raises(InvalidInputError, match="blocks=2"):
        free.update(free.to_highspy(), limits=cg.Limits(blocks=2))


@in_turns(
    every=4,
    kind={"quantile": cg.Quantile, "tail": cg.ConditionalValueAtRisk},
    model_kind={
        "relaxed": ("relaxed", True),
        "relaxed-plain": ("relaxed", False),
        "block": ("block", True),
        "coordinate": ("coordinate", True),
    },
    language=LANGUAGES,
)
def test_the_probability_and_the_budget_of_the_slowest_rounds(
    kind: type[cg.Objective], model_kind: tuple[str, bool], language: str
) -> None:
    form, strong = model_kind
    coordinates = (60, 75, 75, 60) if form != "coordinate" else (4,) * 4
    system = replace(SYSTEM, coordinates=coordinates[-1])
    formulation = formulate(cg.Problem(system, kind(0.8)), form, strong=strong)  # type: ignore[call-arg]
    model = getattr(formulation, f"to_{language}")()
    if language == "cvxpy":
        assert model.is_dpp()
    first, _ = solve(formulation, model)
    values = []
    for probability, L in zip((0.9, 0.6, 0.99, 0.8), coordinates, strict=True):
        budget = {} if form == "coordinate" else {"coordinates": L}
        formulation = formulation.update(model, probability=probability, **budget)
        value, design = solve(formulation, model)
        problem = cg.Problem(replace(system, coordinates=L), kind(probability))  # type: ignore[call-arg]
        assert formulation.problem == problem
        anew = formulate(problem, form, strong=strong)
        expected, _ = solve(anew, anew.to_highspy())
        assert value == pytest.approx(expected, rel=1e-6)
        assert cg.evaluate(problem, design).value == pytest.approx(expected, rel=1e-5)
        values.append(value)
    assert values[0] < values[2] > values[1]
    assert values[3] == pytest.approx(first, rel=1e-6)


def test_levels_that_had_no_row_weaken_the_bound_of_a_changed_model_and_never_break_it() -> None:
    anew = formulate(cg.Problem(SYSTEM, cg.Quantile(0.6)))
    formulation = formulate(cg.Problem(SYSTEM, cg.Quantile(0.9)))
    model = formulation.to_highspy()
    formulation.update(model, probability=0.6)
    bounds = []
    for each in (model, anew.to_highspy()):
        each.setOptionValue("solve_relaxation", True)
        each.run()
        bounds.append(each.getObjectiveValue())
    assert 0.0 < bounds[0] <= bounds[1] * (1.0 + 1e-9)


def test_the_exact_models_of_pyomo() -> None:
    import pyomo.environ as pyo

    system = cg.System(3, 100, cg.ShiftedExponential(rate=1e-3, shift=50.0))
    late = formulate(cg.Problem(system, cg.CompletionProbability(3e5)))
    model = late.to_pyomo()
    design = cg.Design([30.0, 30.0, 60.0])
    changed = late.update(model, deadline=2e5, coordinates=120)
    changed.warm_start(model, design)
    expected = cg.evaluate(
        cg.Problem(replace(system, coordinates=120), cg.CompletionProbability(2e5)), design
    )
    assert changed.value(pyo.value(model.total)) == pytest.approx(expected.value, rel=1e-9)
    assert changed.design(model).partition == pytest.approx(design.partition)
    slow = formulate(cg.Problem(system, cg.ExpectedRuntime()))
    model = slow.to_pyomo()
    changed = slow.update(model, coordinates=120)
    changed.warm_start(model, design)
    expected = cg.evaluate(
        cg.Problem(replace(system, coordinates=120), cg.ExpectedRuntime()), design
    )
    assert changed.value(pyo.value(model.total)) == pytest.approx(expected.value, rel=1e-4)


def test_what_cannot_be_changed_says_so() -> None:
    problem = cg.Problem(SYSTEM, cg.CompletionProbability(SLOW))
    coordinate = formulate(problem, "coordinate")
    with pytest.raises(
        UnsupportedProblemError,
        match=r"^deadline can .*, not coordinates: .* every coordinate; .*anew$",
    ):
        coordinate.update(coordinate.to_highspy(), coordinates=61)
    mean = formulate(cg.Problem(SYSTEM, cg.ExpectedRuntime()), "coordinate")
    with pytest.raises(
        UnsupportedProblemError, match=r"^nothing .* not coordinates: the model has"
    ):
        mean.update(mean.to_highspy(), coordinates=61)
    late = formulate(cg.Problem(replace(SYSTEM, coordinates=8), cg.Quantile(0.8)), "coordinate")
    with pytest.raises(
        UnsupportedProblemError, match=r"^probability can .*, not coordinates: .*anew$"
    ):
        late.update(late.to_highspy(), coordinates=9)
    with pytest.raises(InvalidInputError, match="deadline"):
        late.update(late.to_highspy(), deadline=3.0)
    formulation = formulate(problem, "block")
    with pytest.raises(InvalidInputError, match="LinearProgram"):
        formulation.update(formulation.to_scipy(), deadline=QUICK)
    with pytest.raises(InvalidInputError, match="most"):
        formulation.update(
            formulate(cg.Problem(SYSTEM, cg.ExpectedRuntime())).to_pyomo(), deadline=QUICK
        )
    with pytest.raises(InvalidInputError, match="coordinates"):
        formulation.update(formulation.to_highspy(), coordinates=2_000_000)


def table_of_changes() -> str:
    """What a model that stands takes, as the page of formulations shows it."""
    names = ("deadline", "probability", "coordinates", "limits", "costs")
    lines = ["| objective | model | " + " | ".join(names) + " |", "|---" * 7 + "|"]
    rounds = cg.System(3, 9, cg.Scenarios(TIMES[:4, :3]))
    exact = cg.System(3, 9, cg.ShiftedExponential(rate=1e-3, shift=50.0))
    few = cg.Limits(blocks=2)
    for objective in (
        cg.ExpectedRuntime(),
        cg.CompletionProbability(SLOW),
        cg.Quantile(0.6),
        cg.ConditionalValueAtRisk(0.6),
    ):
        free = cg.Problem(rounds, objective)
        models = {f"{form} form": formulate(free, form) for form in ("coordinate", "block")}
        models["block form, limits or costs"] = formulate(replace(free, limits=few), "block")
        if isinstance(objective, cg.ExpectedRuntime | cg.CompletionProbability):
            models["exact, pyomo"] = formulate(replace(free, system=exact), "relaxed")
        for name, formulation in models.items():
            cells = [formulation.fixed_since(parameter) or "yes" for parameter in names]
            name = name.replace("block form", "block and relaxed form")
            lines.append(f"| {objective.kind} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def test_the_page_of_formulations_shows_what_can_be_changed() -> None:
    page = Path(__file__).parents[2] / "docs" / "formulations.md"
    assert table_of_changes() in page.read_text(encoding="utf-8"), table_of_changes()
