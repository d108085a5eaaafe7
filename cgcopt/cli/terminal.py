"""What commands show: results on standard output, progress on standard error."""

from __future__ import annotations

import json
import math
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgcopt.errors import MissingExtraError
from cgcopt.options import Progress

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

__all__ = ["console", "print_json", "progress", "records", "show_then_write"]

#: Seconds of work before a progress bar appears.
PATIENCE = 1.0
#: Columns of a table that is not written to a terminal, where the variable ``COLUMNS`` says nothing.
PLAIN_WIDTH = 240


def console() -> Console:
    """Return the console of standard output; plain and wide where that is not a terminal.

    The variable ``COLUMNS`` sets the width of both.
    """
    from rich.console import Console

    if sys.stdout.isatty():
        return Console(highlight=False, markup=False, emoji=False)
    told = os.environ.get("COLUMNS", "")
    width = int(told) if told.isdecimal() and 0 < int(told) < PLAIN_WIDTH else PLAIN_WIDTH
    return Console(highlight=False, markup=False, emoji=False, width=width, no_color=True)


def show_then_write(
    show: Callable[[], None],
    write: Callable[[], Sequence[Path]] | None,
    *,
    quiet: bool = False,
    pictures: bool = True,
) -> None:
    """Show results, then write their files and name them: neither is lost when the other fails.

    Where ``pictures`` would be among the files and matplotlib is not installed, a line on standard error
    names the extra.
    """
    trouble: BaseException | None = None
    try:
        show()
        sys.stdout.flush()
    # The reader has gone, which rich makes a SystemExit, or the disk behind the output is full.
    except (OSError, SystemExit) as error:
        trouble = error
    files = [] if write is None else write()
    if trouble is not None:
        raise trouble
    if files and not quiet:
        names = ", ".join(file.name for file in files)
        console().print(f"written to {files[0].parent}: {names}")
    if files and pictures:
        say_what_is_not_drawn()


def say_what_is_not_drawn() -> None:
    """Name the extra on standard error where pictures are left out."""
    from cgcopt.compare.show.drawing import require_matplotlib

    try:
        require_matplotlib()
    except MissingExtraError as missing:
        print(f"pictures are left out: {missing}", file=sys.stderr)


def print_json(value: Mapping[str, Any]) -> None:
    """Print JSON and nothing else."""
    print(json.dumps(value, indent=2, allow_nan=False))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the lines of a table for :func:`print_json`; null where a number is not finite."""
    return [
        {
            str(name): None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in record.items()
        }
        for record in frame.to_dict(orient="records")
    ]


@contextmanager
def progress(title: str) -> Iterator[Progress | None]:
    """Show a progress bar on standard error while the block runs, after its first second.

    It leaves nothing behind, and there is none where standard error is not a terminal.

    Yields
    ------
    Progress or None
        The callback for :class:`~cgcopt.options.Options`.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    bar = Bar(
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task(title, total=None)

    def report(share: float | None, message: str) -> None:
        text = message or title
        bar.update(
            task,
            description=text[:70],
            total=None if share is None else 1.0,
            completed=share or 0.0,
        )

    # A timer, because a solver that reports nothing must not look like a hanging program.
    timer = threading.Timer(PATIENCE, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield report
    finally:
        timer.cancel()
        timer.join()
        bar.stop()
