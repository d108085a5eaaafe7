"""Writing files: whole or not at all, and an error that says what could not be written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cgcopt.errors import OutputError

__all__ = ["replacing", "write_text"]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a name to write to; what stands there takes the place of ``path`` when the block ends.

    A reader, and whoever comes after a crash, finds the old file or the new one, never a part.

    Raises
    ------
    OutputError
        If the file cannot be written, as on a full disk.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "numbers.csv"
    ...     with replacing(path) as unfinished:
    ...         _ = unfinished.write_text("1,2,3")
    ...         path.exists()
    ...     [file.name for file in path.parent.iterdir()]
    False
    ['numbers.csv']
    """
    final = Path(os.path.realpath(path))  # of a link, the file behind it
    # Nothing can take the place of a device or a pipe.
    whole = path.is_file() or not path.exists()
    unfinished = final.with_name(f".{final.stem}.{os.getpid()}.unfinished{final.suffix}")
    _remove_leftovers(final)
    try:
        yield unfinished if whole else path
        if whole:
            os.replace(unfinished, final)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        failure = OutputError(f"{path} cannot be written: {reason}")
        failure.strerror = reason
        raise failure from error
    finally:
        with suppress(OSError):
            unfinished.unlink()


def write_text(path: Path, text: str) -> Path:
    r"""Write a text in UTF-8, whole or not at all, and return its path.

    Bytes of a file name that are no UTF-8 are written as ``\udcff``.
    """
    with replacing(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8", errors="backslashreplace")
    return path


def _remove_leftovers(path: Path) -> None:
    """Remove what processes left behind that were killed while they wrote the same file."""
    with suppress(OSError):
        for left in path.parent.glob(f".{_plain(path.stem)}.*.unfinished{_plain(path.suffix)}"):
            owner = left.name.removesuffix(f".unfinished{path.suffix}").rpartition(".")[2]
            if owner.isdigit() and not _runs(int(owner)):
                left.unlink()


def _plain(text: str) -> str:
    """A text with nothing in it that stands for other texts in a pattern of file names."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in text)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
