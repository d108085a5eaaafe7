"""Sample-average studies against enumeration and known optima."""

from __future__ import annotations

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.study.show.texts import samples_table

TIMES = cg.ShiftedExponential(rate=1e-3, shift=50.0)


@pytest.mark.parametrize("objective", [cg.ExpectedRuntime(), cg.CompletionProbability(35_000.0)])
def test_promises_are_too_good_and_intervals_hold(objective: cg.ExpectedRuntime) -> None:
    problem = cg.Problem(cg.System(4, 100, TIMES), objective)
    study = cg.saa_study(problem, [5, 40], 6)
    sign = -1.0 if objective.kind == "completion-probability" else 1.0
    small, large = study.lines
    assert sign * small.bias < sign * large.bias + 2 * large.promised_error
    assert sign * small.bias < 0
    for line in study.lines:
        assert line.true_gap + 1e-6 * study.optimum >= 0
        assert line.true_gap <= line.gap_upper
        assert line.gap_error > 0
        assert line.gap_estimate <= line.gap_upper
    assert len(samples_table(study)) == 2


def test_the_numbers_are_those_of_the_definition() -> None:
    from scipy.stats import t

    problem = cg.Problem(cg.System(3, 60, TIMES), cg.ExpectedRuntime())
    (line,) = cg.saa_study(problem, [8], 4, confidence=0.9).lines
    candidate = cg.solve(problem.sampled(8, 0)).partition
    samples = [problem.sampled(8, seed) for seed in range(1, 5)]
    best = np.array([cg.solve(sample).value for sample in samples])
    gaps = np.array([cg.evaluate(s, candidate).value for s in samples]) - best
    error = gaps.std(ddof=1) / 2
    assert line.promised == pytest.approx(best.mean())
    assert line.gap_estimate == pytest.approx(gaps.mean(), rel=1e-3)
    assert line.gap_upper == pytest.approx(gaps.mean() + t.ppf(0.9, 3) * error, rel=1e-3)
    assert line.candidate_value == cg.evaluate(problem, candidate).value


def test_bad_arguments_are_refused() -> None:
    problem = cg.Problem(cg.System(3, 60, TIMES), cg.ExpectedRuntime())
    for scenarios, more in (
        ([], {}),
        ([0], {}),
        ([5], {"replications": 1}),
        ([5], {"confidence": 1}),
    ):
        with pytest.raises(cg.InvalidInputError):
            cg.saa_study(problem, scenarios, **more)


def test_a_study_that_was_cut_short_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from cgcopt.compare.results.runs import Run
    from cgcopt.compare.results.store import Store

    problem = cg.Problem(cg.System(3, 60, TIMES), cg.ExpectedRuntime())
    made: list[str] = []
    row = Run.row

    def counted(run: Run) -> object:
        if len(made) == 4:
            raise KeyboardInterrupt
        made.append(run.key)
        return row(run)

    monkeypatch.setattr(Run, "row", counted)
    store = Store()
    with pytest.raises(KeyboardInterrupt):
        cg.saa_study(problem, [5, 8], 3, store=store)
    assert len(store) == 4
    monkeypatch.setattr(Run, "row", row)
    study = cg.saa_study(problem, [5, 8], 3, store=store)
    assert len(store) == 9  # the problem itself, and four samples of each size
    anew = cg.saa_study(problem, [5, 8], 3)
    assert [line.gap_upper for line in study.lines] == [line.gap_upper for line in anew.lines]
