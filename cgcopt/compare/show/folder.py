"""The folder of a report: every file whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cgcopt._writing import replacing, write_text
from cgcopt.errors import MissingExtraError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ReportFolder"]


@dataclass(frozen=True)
class ReportFolder:
    """A folder that exists, and what has been written to it.

    Attributes
    ----------
    path : Path
        The folder.
    files : list of Path
        Written files, in order.
    """

    path: Path
    files: list[Path] = field(default_factory=list)

    def text(self, name: str, text: str) -> None:
        """Write a text."""
        self.files.append(write_text(self.path / name, text))

    def table(self, name: str, frame: pd.DataFrame) -> None:
        """Write a table as CSV, numbers unrounded."""
        with replacing(self.path / name) as unfinished:
            frame.to_csv(unfinished, index=False, errors="backslashreplace")
        self.files.append(self.path / name)

    def picture(self, name: str, draw: Callable[[Path], None], title: str) -> str:
        """Write what a function draws to a path, and return the Markdown that shows it.

        Where matplotlib is not installed nothing is written, and a line that names the extra is returned.
        """
        try:
            with replacing(self.path / name) as unfinished:
                draw(unfinished)
        except MissingExtraError as missing:
            return f"({name} is left out: {missing})"
        self.files.append(self.path / name)
        return f"![{title}]({name})"
