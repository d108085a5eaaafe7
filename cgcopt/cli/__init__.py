"""The command line. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from cgcopt._streams import result_output

__all__ = ["main"]

BAD_INPUT = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``cgcopt`` with these arguments (by default the process's own).

    Returns
    -------
    int
        The exit code: 0 good, 1 a check failed, 2 bad input (one line on standard error), 130
        interrupted.

    Examples
    --------
    >>> main(["evaluate", "paper", "--partition", "1,2"])
    2
    """
    import typer

    from cgcopt.cli.app import app
    from cgcopt.errors import CgcoptError

    # The base of typer's own complaints about arguments; typer does not export it.
    usage_error: Any = typer.BadParameter.__mro__[2]
    command = typer.main.get_command(app)
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        with result_output():
            code = command.main(given or ["--help"], prog_name="cgcopt", standalone_mode=False)
    except CgcoptError as error:
        return _refuse(str(error))
    except usage_error as error:
        return _refuse(error.format_message())
    except SystemExit:  # typer's answer to a closed pipe, as in `cgcopt solvers | head -3`
        return 0
    if code == INTERRUPTED:
        print("interrupted", file=sys.stderr)
    return code if isinstance(code, int) else 0


def _refuse(message: str) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return BAD_INPUT
