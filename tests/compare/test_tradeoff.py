"""Trade-offs: values fall as limits loosen, bounds hold, tables and pictures are made."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import cgcopt as cg
from cgcopt.cli.app import app
from cgcopt.compare.results.tradeoff import tradeoff
from cgcopt.compare.show.tradeoff_report import grid_table, write_tradeoff
from cgcopt.errors import UnsupportedProblemError

SYSTEM = cg.System(6, 100, cg.ShiftedExponential(rate=1e-3, shift=50))
PROBLEM = cg.Problem(SYSTEM, cg.ExpectedRuntime(), title="small")


@pytest.fixture(scope="module")
def found():
    return tradeoff(PROBLEM, [1, 3, 6], [1, 2, 6])


def test_values_fall_as_limits_loosen(found):
    assert len(found.points) == 15
    values = {(p.copies or 6, p.blocks or 6): p.solution.value for p in found.points}
    for (r, b), value in values.items():
        for (other_r, other_b), other in values.items():
            if other_r >= r and other_b >= b:
                assert other <= value * (1 + 1e-9)
    assert values[6, 6] == pytest.approx(found.best.value, rel=1e-4)


def test_bounds_fall_as_limits_loosen_and_alike_limits_are_solved_once(found):
    bounds = {(p.copies or 6, p.blocks or 6): p.solution for p in found.points}
    for (r, b), tight in bounds.items():
        for (other_r, other_b), loose in bounds.items():
            if other_r >= r and other_b >= b:
                assert tight.bound >= min(loose.bound, tight.value) * (1 - 1e-12)
    alike = [p.solution for p in found.points if p.copies in (0, 6) and p.blocks == 2]
    assert len(alike) == 2
    assert alike[0].evaluation is alike[1].evaluation


def test_every_point_keeps_its_limits_and_its_bound(found):
    for point in found.points:
        design = point.solution.design
        assert design.copies <= (point.copies or 6)
        assert design.blocks <= (point.blocks or 6)
        assert point.solution.gap <= 1e-4
        assert found.proven_price(point) <= found.price(point) + 1e-12


def test_one_copy_is_no_coding(found):
    uncoded = cg.evaluate(PROBLEM, [100, 0, 0, 0, 0, 0]).value
    assert found.against_copies()[0].solution.value == pytest.approx(uncoded, rel=1e-12)


def test_a_report_has_tables_and_a_picture(found, tmp_path):
    names = {path.name for path in write_tradeoff(found, tmp_path, "cgcopt tradeoff small")}
    assert names == {"tradeoff.md", "tradeoff.csv", "tradeoff.png"}
    assert (tmp_path / "tradeoff.png").stat().st_size > 10_000
    table = grid_table(found)
    assert list(table.columns) == ["blocks", "1", "3", "6"]
    assert table["6"].tolist()[-1] == "0.00 %"
    frame = found.frame()
    assert np.all(frame["bound"] <= frame["value"])


def test_the_command(tmp_path):
    file = tmp_path / "small.toml"
    file.write_text(cg.instance_text(PROBLEM), encoding="utf-8")
    result = CliRunner().invoke(app, ["tradeoff", str(file), "--json", "--copies", "3"])
    assert result.exit_code == 0, result.output
    points = json.loads(result.stdout)["points"]
    assert max(point["used_copies"] for point in points) == 3


def test_other_objectives_are_refused():
    with pytest.raises(UnsupportedProblemError, match="expected runtime"):
        tradeoff(cg.Problem(SYSTEM, cg.Quantile(0.9)))


@pytest.mark.parametrize("points", [0, 2])
def test_an_interrupted_command_has_the_points_that_were_over(points, found, monkeypatch):
    asked = iter([*[False] * points, True])
    monkeypatch.setattr("cgcopt.process.stopping.commanded", lambda: True)
    monkeypatch.setattr("cgcopt.process.stopping.requested", lambda: next(asked))
    part = tradeoff(PROBLEM, [1, 3, 6], [1, 2, 6])
    assert len(part.points) == points + 1
    for point, whole in zip(part.points, found.points, strict=False):
        assert (point.copies, point.blocks) == (whole.copies, whole.blocks)
        assert part.price(point) == pytest.approx(found.price(whole), rel=1e-3)
    assert grid_table(part).shape[0] > 0
