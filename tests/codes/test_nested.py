"""Data for unequal work: lower blocks within what the highest one has stored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cgcopt as cg
from cgcopt.codes.nested import nested_placements, storage_of, whole_assignments
from cgcopt.schedule import fractions_of_shares

pytestmark = pytest.mark.usefixtures("few_restarts")


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), workers=st.integers(2, 9))
def test_shares_store_what_the_highest_level_needs(seed: int, workers: int) -> None:
    rng = np.random.default_rng(seed)
    fractions = fractions_of_shares(rng.exponential(size=workers) ** 2, rng.uniform(0.3, 1.0))
    used = sorted(rng.choice(workers, size=rng.integers(1, workers + 1), replace=False).tolist())
    units = 5000
    held = np.zeros((workers, units), dtype=bool)
    found = nested_placements(fractions, used, units)
    for level in used:
        placement, cuts = found[level]
        whole = np.repeat(placement.holds, np.diff(cuts), axis=1)
        assert (whole.sum(axis=0) == level + 1).all()  # any N - n workers recover the block
        np.testing.assert_allclose(whole.mean(axis=1), fractions[:, level], atol=0.02)
        held |= whole
    np.testing.assert_allclose(held.mean(axis=1), fractions[:, used[-1]], atol=0.02)
    assert np.array_equal(storage_of(fractions, used), fractions[:, used[-1]])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_mixture_of_whole_assignments_is_the_matrix(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sums = rng.integers(0, 4, size=4)
    rows = max(int(sums.sum()), 1)
    sums[0] += rows - sums.sum()
    column = np.repeat(np.arange(4), sums)
    weights = rng.dirichlet(np.ones(6))
    wanted = np.zeros((rows, 4))
    for weight in weights:
        wanted[np.arange(rows), rng.permutation(column)] += weight
    shares, columns = whole_assignments(wanted, sums.tolist())
    mixed = np.zeros_like(wanted)
    for share, chosen in zip(shares, columns, strict=True):
        assert np.bincount(chosen, minlength=4).tolist() == sums.tolist()
        mixed[np.arange(rows), chosen] += share
    np.testing.assert_allclose(mixed, wanted, atol=1e-7)


def test_levels_that_do_not_fit_are_laid_apart() -> None:
    fractions = np.array([[1.0, 0.5, 1.0], [0.0, 0.75, 1.0], [0.0, 0.75, 1.0]])
    stored = storage_of(fractions, [0, 1])
    assert stored[0] == 1.0  # it computes all of level 0 alone
    assert stored.max() <= 1.0
    placement, _ = nested_placements(fractions, [0, 1], 300)[0]
    assert (placement.holds.sum(axis=0) == 1).all()


@pytest.mark.parametrize(
    ("work", "copies"), [("shares", 2), pytest.param("full", 3, marks=pytest.mark.slow)]
)
def test_no_worker_stores_more_than_the_limit(work: str, copies: int) -> None:
    times = cg.ShiftedExponential(rate=1e-3, shift=50).sample(15, 5, np.random.default_rng(0))
    times[:, :1] *= 4
    times[:, 2] *= 2
    system = cg.System(5, 20_000, cg.Scenarios(times), samples=5)
    problem = replace(cg.Problem(system, cg.ExpectedRuntime()), limits=cg.Limits(copies=copies))
    found = cg.solve(problem, "schedule", raw={"work": work}).schedule
    samples = 6000
    plan = cg.make_plan(found, samples)
    assert 5 * plan.storage.max() <= copies + 0.02
    # Every sample counts once in what is decoded, whoever is late.
    for block in plan.blocks:
        assert block.code.check(sets=20).residual < 1e-8
