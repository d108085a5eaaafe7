"""The type of a schedule: what is let in, shares and caps, places, and the way to a file and back."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cgcopt as cg
from cgcopt.schedule import cyclic_places, fractions_of_shares

ROWS = np.array([[0.1, 1, 0, 1], [0.3, 0.5, 0, 1], [0.4, 0.5, 0, 1], [0.2, 0, 0, 1]])


def test_equal_work_is_the_default():
    schedule = cg.Schedule([40, 10, 0, 50])
    assert schedule.work[2].tolist() == [40, 20, 0, 200]
    assert np.array_equal(schedule.cumulative_work[3], schedule.design.work)
    assert schedule.fractions[0].tolist() == [0.25, 0.5, 0.75, 1.0]
    assert schedule == cg.Schedule([40, 10, 0, 50], work=[1, 1, 1, 1])


def test_fractions_come_back():
    schedule = cg.Schedule.from_fractions([40, 10, 0, 50], ROWS)
    used = schedule.partition > 0
    assert np.allclose(schedule.fractions[:, used], ROWS[:, used], atol=1e-15)
    grown = schedule.with_partition([80, 5, 0, 15])
    assert np.allclose(grown.fractions[:, used], ROWS[:, used], atol=1e-15)


def test_every_worker_starts_at_its_own_cell():
    places = cyclic_places(5, 3)
    assert np.array_equal(np.sort(places, axis=1), np.tile([1, 2, 3], (5, 1)))
    first = places.argmin(axis=1)
    assert first.tolist() == [i * 3 // 5 for i in range(5)]


def test_one_cell_is_one_order():
    assert cg.Schedule([2, 1], cells=1) == cg.Schedule([2, 1], rotated=False)
    assert not cg.Schedule([2, 1], cells=1).rotated


@given(st.lists(st.sampled_from([0.0, 1e-6, 0.1, 0.5, 1.0, 7.0]), min_size=1, max_size=7))
def test_shares_hold_their_caps_and_sums(shares):
    if sum(shares) == 0:
        return
    a = fractions_of_shares(shares)
    count = len(shares)
    assert np.allclose(a.sum(axis=0), np.arange(1, count + 1), rtol=1e-12)
    assert a.min() >= 0
    assert a.max() <= 1
    # Below the caps the parts are in the proportion of the shares.
    for n in range(count):
        inside = (a[:, n] < 1) & (np.array(shares) > 0)
        ratio = a[inside, n] / np.array(shares)[inside]
        assert ratio.size == 0 or np.allclose(ratio, ratio[0], rtol=1e-9)


def test_to_a_file_and_back():
    schedule = cg.Schedule.from_fractions([40, 10, 0, 50], ROWS, cells=3)
    again = cg.Schedule.from_dict(json.loads(json.dumps(schedule.to_dict())))
    assert again == schedule
    assert hash(again) == hash(schedule)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"partition": [1, -1]}, "partition = -1.0: must be finite numbers of at least 0"),
        (
            {"partition": [1, 1], "work": [1, 1, 1]},
            r"work = 'shape \(3,\)': must be shape \(2, 2\)",
        ),
        ({"partition": [1, 1], "work": [0, 0]}, "shares with a positive sum"),
        ({"partition": [1, 1], "work": [[1, 2], [1, -2]]}, "work = -2.0: must be finite numbers"),
        ({"partition": [2, 0], "work": [[5, 0], [0, 0]]}, r"work\[0, 0\] = 5.0: must be at most"),
        ({"partition": [2, 0], "work": [[1, 0], [2, 0]]}, r"sum of work\[:, 0\] = 3.0: must be"),
        ({"partition": [2, 0], "rotated": False, "cells": 2}, "cells = 2: must be 1 where"),
        ({"partition": [2, 0], "rotated": "no"}, "rotated = 'no': must be True or False"),
        ({"partition": [2, 0], "cells": 0}, "cells = 0: must be a whole number of at least 1"),
        ({"partition": [2, 0], "work": "fast"}, "work = 'fast': must be numbers"),
    ],
)
def test_refused_at_the_door(arguments, message):
    with pytest.raises(cg.InvalidInputError, match=message):
        cg.Schedule(**arguments)


def test_unknown_keys_are_refused():
    with pytest.raises(cg.InvalidInputError, match="schedule = 'order': must be one of"):
        cg.Schedule.from_dict({"partition": [1, 1], "order": 1})
    with pytest.raises(cg.InvalidInputError, match="a table with a partition"):
        cg.Schedule.from_dict({"cells": 1})


def test_check_speaks_of_the_partition():
    with pytest.raises(cg.InvalidInputError, match="one for each level"):
        cg.Schedule([1, 1]).check(3, 2)
    assert cg.Schedule([1, 1]).check(2, 2).coordinates == 2
