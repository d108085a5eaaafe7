"""Limits and costs at the door: what is refused, what is kept, how they are written."""

import numpy as np
import pytest

import cgcopt as cg
from cgcopt.errors import InvalidInputError
from cgcopt.instance import problem_from_dict

TIMES = cg.ShiftedExponential(rate=1e-3, shift=50)


def problem(workers=6, coordinates=100, **limits):
    system = cg.System(workers, coordinates, TIMES)
    return cg.Problem(system, cg.ExpectedRuntime(), limits=cg.Limits(**limits))


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"copies": 0}, r"limits.copies.*at least 1"),
        ({"copies": 7}, r"limits.copies.*at most 6"),
        ({"blocks": 7}, r"limits.blocks.*at most 6"),
        ({"blocks": 1.5}, r"limits.blocks.*whole number"),
        ({"least": 0}, r"limits.least.*above 0"),
        ({"least": 1.01}, r"limits.least.*at most 1"),
        ({"levels": []}, r"limits.levels.*list"),
        ({"levels": "012"}, r"limits.levels.*list"),
        ({"levels": [1, 1]}, r"limits.levels.*once"),
        ({"levels": [6]}, r"limits.levels.*from 0 to 5"),
        ({"levels": [3, 4], "copies": 3}, r"limits.levels.*below 3"),
        ({"boundaries": [50]}, r"limits.boundaries.*= 100"),
        ({"boundaries": [50, 50, 100]}, r"limits.boundaries.*increasing"),
        ({"boundaries": [50, 100, 120]}, r"limits.boundaries.*= 100"),
    ],
)
def test_impossible_limits_are_refused_with_the_reason(limits, message):
    with pytest.raises(InvalidInputError, match=message):
        problem(**limits)


@pytest.mark.parametrize("field", ["startup", "per_coordinate", "per_message"])
def test_costs_are_at_least_0(field):
    with pytest.raises(InvalidInputError, match=f"costs.{field}"):
        cg.Costs(**{field: -1.0})


def test_an_instance_file_carries_limits_and_costs(tmp_path):
    limits = cg.Limits(copies=4, blocks=2, least=0.1, levels=[0, 2, 3], boundaries=[40, 100])
    costs = cg.Costs(startup=1.5, per_message=0.25)
    system = cg.System(6, 100, TIMES, costs=costs)
    given = cg.Problem(system, cg.ExpectedRuntime(), limits=limits, title="deployed")
    file = tmp_path / "deployed.toml"
    file.write_text(cg.instance_text(given), encoding="utf-8")
    assert cg.load_instance(file) == given


def test_boundaries_may_be_a_file_of_tensor_sizes(tmp_path):
    (tmp_path / "sizes.txt").write_text(
        "# a small network\n30\n\n20  # bias\n50\n", encoding="utf-8"
    )
    text = cg.instance_text(problem()) + '\n[limits]\nboundaries = "sizes.txt"\n'
    (tmp_path / "net.toml").write_text(text, encoding="utf-8")
    assert cg.load_instance(tmp_path / "net.toml").limits.boundaries == (30, 50, 100)


@pytest.mark.parametrize("line", ["-3", "0", "4.5", "conv1"])
def test_a_file_of_sizes_names_the_line_it_cannot_read(tmp_path, line):
    file = tmp_path / "sizes.txt"
    file.write_text(f"30\n{line}\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"sizes\.txt:2"):
        cg.read_sizes(file)


@pytest.mark.parametrize("name", ["limits", "costs"])
def test_unknown_keys_are_refused(name):
    table = {
        "system": {"workers": 3, "coordinates": 9},
        "worker_times": {"family": "exponential", "rate": 1.0},
        name: {"copy": 1},
    }
    with pytest.raises(InvalidInputError, match=rf"{name}\.copy"):
        problem_from_dict(table)


def test_violations_name_the_limit():
    x = np.array([60.0, 0.0, 30.0, 10.0, 0.0, 0.0])
    assert cg.Limits(copies=4, blocks=3, least=0.1, boundaries=(60, 90, 100)).violation(x) == ""
    assert "copies = 3" in cg.Limits(copies=3).violation(x)
    assert "levels = [0, 2]" in cg.Limits(levels=[0, 2]).violation(x)
    assert "blocks = 2" in cg.Limits(blocks=2).violation(x)
    assert "least = 0.11" in cg.Limits(least=0.11).violation(x)
    assert "level 2 ends 10" in cg.Limits(boundaries=(60, 80, 100)).violation(x)


@pytest.mark.parametrize(
    ("limits", "most", "convex"),
    [
        ({}, 6, True),
        ({"copies": 4}, 4, True),
        ({"levels": [0, 5], "blocks": 2}, 2, True),
        ({"blocks": 5}, 5, False),
        ({"least": 0.3}, 3, False),
        ({"boundaries": [50, 100]}, 2, False),
    ],
)
def test_how_many_levels_can_be_used(limits, most, convex):
    given = cg.Limits(**limits)
    assert given.most_blocks(6) == most
    assert given.convex(6) is convex
