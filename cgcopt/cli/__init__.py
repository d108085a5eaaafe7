"""The command line. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from cgcopt.process.leaving import end_process
from cgcopt.process.stopping import INTERRUPTED, requested, stoppable
from cgcopt.process.streams import result_output

__all__ = ["command", "main"]

FAILED = 1
BAD_INPUT = 2


def command() -> NoReturn:
    """Run ``cgcopt`` and end this process: the entry point of the console script."""
    end_process(main)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``cgcopt`` with these arguments (by default the process's own).

    Returns
    -------
    int
        The exit code: 0 good; 1 a check failed, nothing was found, or the result could not be
        written or shown; 2 bad input; 130 interrupted (Ctrl-C or SIGTERM). Whatever is not good
        is said in one line on standard error.

    Examples
    --------
    >>> main(["evaluate", "paper", "--partition", "1,2"])
    2
    """
    from cgcopt.cli.process import standard_streams

    read, stopped = standard_streams(), False
    try:
        with stoppable():
            try:
                code = _run(sys.argv[1:] if arguments is None else list(arguments))
            except Exception:
                if not requested():
                    raise
                code = INTERRUPTED  # compiled code makes other errors of an interruption
            stopped = requested()
    except KeyboardInterrupt:
        code = INTERRUPTED
    if stopped or code == INTERRUPTED:
        found = ": what was found by then is shown" if code == 0 else ""
        print(f"interrupted{found}", file=sys.stderr)
        return INTERRUPTED
    if not read and code == 0:
        return _say("standard output is closed: nothing was shown", FAILED)
    return code


def _run(arguments: Sequence[str]) -> int:
    import typer

    from cgcopt.cli.app import app
    from cgcopt.cli.complaints import complaint
    from cgcopt.errors import CgcoptError, OutputError, WorkersLostError

    # The base of typer's own complaints about arguments; typer does not export it.
    usage_error: Any = typer.BadParameter.__mro__[2]
    command = typer.main.get_command(app)
    try:
        with result_output():
            code = command.main(arguments or ["--help"], prog_name="cgcopt", standalone_mode=False)
            sys.stdout.flush()
    except (OutputError, WorkersLostError) as error:
        return _say(str(error), FAILED)
    except CgcoptError as error:
        return _say(str(error), BAD_INPUT)
    except usage_error as error:
        return _say(complaint(error), BAD_INPUT)
    except SystemExit:  # typer's answer to a closed pipe, as in `cgcopt solvers | head -3`
        return 0
    except OSError as error:
        return _say(_where(error), FAILED)
    return code if isinstance(code, int) else 0


def _where(error: OSError) -> str:
    """What could not be done, with the name of the file where there is one."""
    import errno

    reason = (error.strerror or str(error)).lower()
    if error.filename is not None:
        return f"{error.filename}: {reason}"
    writing = (errno.ENOSPC, errno.EIO, errno.EBADF, errno.EPIPE, errno.EFBIG, errno.EDQUOT)
    return f"standard output: {reason}" if error.errno in writing else reason


def _say(message: str, code: int) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return code
