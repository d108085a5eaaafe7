"""What all plots share: colours, size and style of a figure, writing it to a file."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgcopt.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


__all__ = ["COLOURS", "MARKERS", "figure", "plain_text", "require_matplotlib", "save"]

#: Okabe and Ito's palette, told apart by colour-blind readers.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
#: A second way to tell the curves apart.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


_STYLE: Any = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "savefig.dpi": 160,
    "svg.hashsalt": "cgcopt",
}


def require_matplotlib() -> None:
    """Refuse to draw where matplotlib is not installed.

    Raises
    ------
    MissingExtraError
        The message names the extra.
    """
    try:
        found = find_spec("matplotlib")
    except ValueError:  # a module that is blocked, as tests do it
        found = None
    if found is None:
        raise MissingExtraError("matplotlib, which draws pictures,", "plots")


@contextmanager
def figure(width: float, height: float, **layout: Any) -> Iterator[tuple[Figure, Any]]:
    """Open a figure of this size in inches with axes in the package's style.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context(_STYLE):
        # Without pyplot there is no global state, and no backend to choose.
        drawn = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(drawn)
        yield drawn, drawn.subplots(**layout)


def save(drawn: Figure, path: str | Path) -> None:
    """Write a figure to a file."""
    # Without the date and the version of matplotlib equal plots are equal files.
    undated = {".png": "Software", ".svg": "Date", ".pdf": "CreationDate"}
    metadata: Any = {undated.get(Path(path).suffix.lower(), "Title"): None}
    with warnings.catch_warnings():
        # A letter that the font has not is drawn as a box.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        drawn.savefig(path, metadata=metadata)


def plain_text(text: str) -> str:
    r"""Escape what matplotlib would read as mathematics.

    Examples
    --------
    >>> print(plain_text("5 $ a run"))
    5 \$ a run
    """
    return text.replace("$", r"\$")
