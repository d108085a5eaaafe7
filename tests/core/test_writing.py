"""Files are written whole or not at all."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from cgcopt._writing import replacing, write_text
from cgcopt.errors import OutputError


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a[b]*.csv"
    path.write_text("old")
    left = tmp_path / ".a[b]*.4194304999.unfinished.csv"  # beyond the largest number of a process
    left.write_text("ol")
    with suppress(ZeroDivisionError), replacing(path) as unfinished:
        unfinished.write_text("ne")
        raise ZeroDivisionError
    assert (path.read_text(), {inside.name for inside in tmp_path.iterdir()}) == (
        "old",
        {path.name},
    )
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    with replacing(link) as unfinished:
        unfinished.write_text("new")
    assert (path.read_text(), link.is_symlink()) == ("new", True)
    with pytest.raises(OutputError, match="cannot be written: no such file"):
        write_text(tmp_path / "absent" / "a.csv", "new")
