"""Plans: whoever is late, the cells of a plan give the whole gradient; files keep every number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgcopt import Design, InvalidInputError, Schedule, load_plan, make_plan, save_plan
from cgcopt.codes import Plan, fit_plan
from cgcopt.compare.show.plan_plot import plot_plan

SCHEDULES = {
    "design": Design([6, 3, 0, 5, 2, 4]),
    "rotated": Schedule([6, 3, 0, 5, 2, 4]),
    "unequal": Schedule([30, 10, 0, 12, 0, 40], work=np.array([1, 2, 0.5, 1, 0.25, 3])),
    "one idle": Schedule([10, 5, 0, 0, 0, 4], work=np.array([1.0, 1, 1, 1, 1, 0])),
    "one level": Design([0, 0, 7, 0, 0, 0]),
    "three cells": Schedule([6, 3, 0, 5, 2, 4], cells=3),
}


def same(a: Plan, b: Plan) -> bool:
    blocks = zip(a.blocks, b.blocks, strict=True)
    return (
        (a.samples, a.cells, a.title) == (b.samples, b.cells, b.title)
        and np.array_equal(a.partition, b.partition)
        and np.array_equal(a.fractions, b.fractions)
        and all(
            np.array_equal(getattr(x, name), getattr(y, name))
            for x, y in blocks
            for name in ("cuts", "order", "pieces")
        )
        and all(
            np.array_equal(x.code.matrix, y.code.matrix) and x.code.placement == y.code.placement
            for x, y in zip(a.blocks, b.blocks, strict=True)
        )
    )


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_round_carried_out_gives_the_gradient(name: str) -> None:
    plan = make_plan(SCHEDULES[name], samples=53)
    rng = np.random.default_rng(0)
    gradients = rng.standard_normal((53, plan.coordinates))  # of single samples
    for _ in range(5):
        arrivals = rng.permutation(plan.workers)
        decoded = np.zeros(plan.coordinates)
        sent: dict[tuple[int, int], dict[int, np.ndarray]] = {}
        for i in range(plan.workers):
            for step in plan.steps(i):
                part = gradients[:, step.start : step.stop]
                sent.setdefault((step.block, step.cell), {})[i] = sum(
                    weight * part[first:end].sum(axis=0)
                    for weight, (first, end) in zip(step.weights, step.ranges, strict=True)
                )
        for (b, c), vectors in sent.items():
            block = plan.blocks[b]
            first = set(arrivals[: plan.workers - block.level].tolist())
            used = {i: vector for i, vector in vectors.items() if i in first}
            decoded[block.cuts[c] : block.cuts[c + 1]] += block.code.decode(used)
        np.testing.assert_allclose(decoded, gradients.sum(axis=0), atol=1e-9)


@given(data=st.data())
def test_every_coordinate_and_sample_is_planned(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 7))
    x = np.array(data.draw(st.lists(st.integers(0, 9), min_size=n, max_size=n)), dtype=float)
    x[data.draw(st.integers(0, n - 1))] += 1
    rotated = data.draw(st.booleans())
    ends = st.lists(st.integers(0, int(x.sum())), max_size=5, unique=True).map(sorted)
    boundaries = data.draw(st.none() | ends)
    samples = data.draw(st.integers(n, 60))
    plan = make_plan(Schedule(x, rotated=rotated), samples, boundaries=boundaries)
    assert plan.coordinates == x.sum()
    if boundaries is None:
        assert np.array_equal(plan.deployed, x)
    cuts = np.concatenate([block.cuts for block in plan.blocks])
    assert boundaries is None or set(cuts.tolist()) <= {*boundaries, 0, int(x.sum())}
    for block in plan.blocks:
        assert (np.abs(block.samples_of - samples * (block.level + 1) / n) <= block.level + 1).all()
    top = max(block.level for block in plan.blocks) + 1
    assert plan.storage.max() <= top * -(-samples // n) / samples  # no more than the top needs
    for i in range(n):
        stored = {s for first, end in plan.held(i) for s in range(first, end)}
        for step in plan.steps(i):
            assert {s for first, end in step.ranges for s in range(first, end)} <= stored


def test_cells_are_computed_in_the_order_of_the_schedule() -> None:
    schedule = Schedule([16, 0, 0, 8])
    plan = make_plan(schedule)
    for i in range(4):
        mine = [step.cell for step in plan.steps(i) if step.block == 0]
        assert mine == np.argsort(schedule.places[i]).tolist()
    assert [step.cell for step in make_plan(Design([16, 0, 0, 8])).steps(2)] == [0, 0]


def test_work_is_that_of_the_schedule() -> None:
    schedule = SCHEDULES["unequal"]
    assert isinstance(schedule, Schedule)
    samples = 60_000
    plan = make_plan(schedule, samples)
    expected = schedule.cumulative_work[:, -1] / schedule.workers  # in rounds over all data
    np.testing.assert_allclose(plan.work / samples, expected, rtol=2e-3)


def test_lower_blocks_use_what_is_stored_anyway() -> None:
    kinds = [str(block.code.construction) for block in make_plan([5, 5, 5, 5, 5, 5]).blocks]
    repetition = "fractional repetition"
    assert kinds == ["uncoded", repetition, repetition, "universal", "universal", "replication"]
    # Cyclic windows of four would not hold the classes of level 1: nothing more is stored for them.
    limited = make_plan([5, 5, 0, 5, 0, 0])
    assert [str(block.code.construction) for block in limited.blocks][1:] == ["universal"] * 2
    assert limited.storage.tolist() == pytest.approx([4 / 6] * 6)
    # Where the classes nest, all levels repeat.
    nested = make_plan([5, 5, 0, 5, 0, 0, 0, 0])
    assert [str(block.code.construction) for block in nested.blocks][1:] == [repetition] * 2
    assert nested.storage.tolist() == pytest.approx([4 / 8] * 8)


@pytest.mark.parametrize("name", SCHEDULES)
def test_files_keep_every_number(name: str, tmp_path: Path) -> None:
    plan = make_plan(SCHEDULES[name], samples=77, title="ein Plan, ü")
    path = tmp_path / "plan.npz"
    save_plan(plan, path)
    assert same(load_plan(path), plan)


def test_a_file_is_read_with_numpy_alone(tmp_path: Path) -> None:
    plan = make_plan(SCHEDULES["unequal"], samples=77)
    path = tmp_path / "plan.npz"
    save_plan(plan, path)
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    assert all(array.dtype.kind in "iufbU" for array in arrays.values())
    # The steps of worker 3, by docs/plan.md.
    found = []
    for b, level in enumerate(arrays["levels"]):
        cuts, pieces = arrays[f"block{b}_cuts"], arrays[f"block{b}_pieces"]
        row = arrays[f"block{b}_matrix"][3]
        held = np.flatnonzero(arrays[f"block{b}_holds"][3])
        assert arrays[f"block{b}_holds"].sum(axis=0).tolist() == [level + 1] * (pieces.size - 1)
        for c in arrays[f"block{b}_order"][3]:
            samples = sum(pieces[j + 1] - pieces[j] for j in held)
            weight = sum(row[j] * (pieces[j + 1] - pieces[j]) for j in held)
            found.append((cuts[c], cuts[c + 1], samples, weight))
    expected = []
    for step in plan.steps(3):
        sizes = [end - first for first, end in step.ranges]
        weight = np.dot(step.weights, sizes)
        expected.append((step.start, step.stop, sum(sizes), pytest.approx(weight)))
    assert found == expected


def test_fitting_to_another_model() -> None:
    plan = make_plan(SCHEDULES["unequal"], samples=600)
    fitted = fit_plan(plan, 1200, 920, boundaries=np.arange(0, 921, 10))
    assert fitted.coordinates == 920
    assert fitted.samples == 1200
    assert fitted.deployed.tolist() == [300, 100, 0, 120, 0, 400]
    np.testing.assert_allclose(fitted.fractions, plan.fractions, atol=1e-12)
    assert same(fit_plan(plan, 600, 92), plan)
    design = make_plan(SCHEDULES["design"], samples=60)
    assert same(fit_plan(design, 60, 20), design)


def test_description_and_picture(tmp_path: Path) -> None:
    plan = make_plan(SCHEDULES["rotated"], samples=60, title="six workers")
    table = plan.describe()
    assert table["level"].tolist() == [0, 1, 3, 4, 5]
    assert table["coordinates"].tolist() == [6, 3, 5, 2, 4]
    assert table["waits for"].tolist() == [6, 5, 3, 2, 1]
    assert (table["residual"] < 1e-9).all()
    plot_plan(make_plan(SCHEDULES["unequal"], title="unequal"), tmp_path / "unequal.png")
    assert (tmp_path / "unequal.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.usefixtures("no_rendering")
def test_the_picture_of_a_design(tmp_path: Path) -> None:
    plot_plan(make_plan(SCHEDULES["design"], title="design"), tmp_path / "design.png")
    assert (tmp_path / "design.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"samples": 3}, "samples = 3: must be at least 6"),
        ({"coordinates": 0}, "coordinates = 0"),
        ({"boundaries": [3, 50]}, "boundaries = 50"),
        ({"boundaries": [2.5]}, "boundaries = 2.5"),
        ({"boundaries": [1, 5, 5]}, "boundaries = '5, 5': must be cumulative counts, increasing"),
        ({"boundaries": [7, 5]}, "boundaries = '7, 5': must be cumulative counts, increasing"),
    ],
)
def test_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        make_plan([6, 3, 0, 5, 2, 4], **arguments)  # type: ignore[arg-type]


def test_files_that_are_no_plan(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no such file"):
        load_plan(tmp_path / "none.npz")
    text = tmp_path / "text.npz"
    text.write_text("hello")
    with pytest.raises(InvalidInputError, match="npz file"):
        load_plan(text)
    pickled = tmp_path / "pickled.npz"
    np.savez(pickled, format=np.array([{}], dtype=object))
    with pytest.raises(InvalidInputError, match="without pickled objects"):
        load_plan(pickled)
    other = tmp_path / "other.npz"
    np.savez(other, format=np.array("cgcopt-plan"), version=np.array(7))
    with pytest.raises(InvalidInputError, match="version 7"):
        load_plan(other)
    plan = make_plan([2, 1])
    save_plan(plan, tmp_path / "good.npz")
    with np.load(tmp_path / "good.npz") as file:
        arrays = dict(file)
    np.savez(other, **{name: array for name, array in arrays.items() if name != "block1_cuts"})
    with pytest.raises(InvalidInputError, match="block1_cuts"):
        load_plan(other)
    np.savez(other, **{**arrays, "block1_cuts": np.array([1, 3])})
    with pytest.raises(InvalidInputError, match="first coordinate of block 1"):
        load_plan(other)
    with pytest.raises(InvalidInputError, match="a file that can be written"):
        save_plan(plan, tmp_path)
