"""Who holds which piece of the data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgcopt.codes import Placement, arc_placement
from cgcopt.errors import InvalidInputError


@pytest.mark.parametrize("kind", ["cyclic", "repetition"])
@given(data=st.data())
def test_every_piece_has_as_many_holders_and_every_worker_as_many_pieces(
    kind: str, data: st.DataObject
) -> None:
    workers = data.draw(st.integers(1, 25))
    copies = data.draw(st.integers(1, workers))
    placement = getattr(Placement, kind)(workers, copies)
    assert placement.copies == copies
    assert (placement.holds.sum(axis=0) == copies).all()
    assert (placement.holds.sum(axis=1) == copies).all()
    assert sorted(i for c in placement.classes for i in c.tolist()) == list(range(workers))


@pytest.mark.parametrize(("workers", "copies"), [(12, 3), (12, 5), (7, 2), (9, 8), (6, 1)])
def test_classes_of_repetition_are_as_small_as_they_can_be(workers: int, copies: int) -> None:
    sizes = [c.size for c in Placement.repetition(workers, copies).classes]
    assert len(sizes) == workers // copies
    assert sizes[:-1] == [copies] * (len(sizes) - 1)


@given(data=st.data())
def test_arcs_cover_every_unit_by_different_workers(data: st.DataObject) -> None:
    workers = data.draw(st.integers(1, 9))
    copies = data.draw(st.integers(1, workers))
    units = data.draw(st.integers(1, 200))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    a = np.full(workers, copies / workers)
    for _ in range(20):  # move length between two workers, within [0, 1]
        i, j = rng.integers(workers, size=2)
        moved = rng.random() * min(a[i], 1 - a[j]) if i != j else 0.0
        a[i] -= moved
        a[j] += moved
    a = np.clip(a, 0.0, 1.0)
    placement, cuts = arc_placement(a, units)
    sizes = np.diff(cuts)
    assert cuts[0] == 0
    assert cuts[-1] == units
    assert (sizes > 0).all()
    assert (placement.holds.sum(axis=0) == copies).all()
    held = placement.holds @ sizes
    assert np.abs(held - a * units).max() <= 1.0 + 1e-9


def test_arcs_by_hand() -> None:
    placement, cuts = arc_placement([0.5, 0.5, 1.0], 10)
    assert cuts.tolist() == [0, 5, 10]
    assert placement.holds.tolist() == [[True, False], [False, True], [True, True]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Placement([[1, 0], [1, 0]]), "holders of piece 1 = 0: must be 2"),
        (lambda: Placement([[1, 1], [1, 0]]), "holders of piece 1 = 1: must be 2"),
        (lambda: Placement(np.zeros((2, 0))), "workers x pieces"),
        (lambda: Placement.cyclic(3, 4), "copies = 4: must be at most 3"),
        (lambda: Placement.of_pieces([[0], [-1]]), "placement = -1"),
        (lambda: arc_placement([0.5, 0.7], 10), "sum of the fractions = 1.2"),
        (lambda: arc_placement([1.5, 0.5], 10), "a share from 0 to 1"),
        (lambda: arc_placement([1.0], 0), "units of data = 0"),
    ],
)
def test_refused(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidInputError, match=message.replace("(", r"\(")):
        call()
