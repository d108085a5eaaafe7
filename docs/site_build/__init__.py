"""What the site shows that stands nowhere as text: written from the code at every build."""

from __future__ import annotations

import shutil
from pathlib import Path

from site_build.api import write_api
from site_build.formulas import write_formulas
from site_build.solvers import write_solvers

__all__ = ["write_generated"]


def write_generated(root: Path, folder: Path) -> None:
    """Write the generated sources of the site into ``folder``, unchanged files left alone."""
    write_api(folder / "api")
    write_formulas(folder / "formulas.txt")
    write_solvers(folder / "solvers.txt")
    notebooks = folder / "notebooks"
    notebooks.mkdir(parents=True, exist_ok=True)
    for source in sorted((root / "notebooks").glob("*.ipynb")):
        target = notebooks / source.name
        if not target.exists() or target.read_bytes() != source.read_bytes():
            shutil.copyfile(source, target)
