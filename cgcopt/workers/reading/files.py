"""Opening files that users name: regular ones of a sensible size, no pipes and no devices."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import BinaryIO

from cgcopt.errors import InvalidInputError

__all__ = ["name_of", "open_regular", "read_text", "reason_of"]

#: Bytes of a text file that is read as a whole: instances and partitions are far below.
LARGEST_TEXT = 256 * 2**20


def open_regular(field: str, path: Path, allowed: str) -> BinaryIO:
    """Open a regular file for reading bytes; a pipe, a device or a folder is refused unread.

    Raises
    ------
    InvalidInputError
        If the file does not exist, is not regular, or may not be read.

    Examples
    --------
    >>> open_regular("trace", Path("/dev/zero"), "a CSV file")
    Traceback (most recent call last):
        ...
    cgcopt.errors.InvalidInputError: trace = '/dev/zero': must be a CSV file (it is a device)
    """
    try:
        kind = _kind(path.stat().st_mode)
        if kind:
            raise InvalidInputError(field, str(path), f"{allowed} ({kind})")
        return path.open("rb")
    except (OSError, ValueError) as error:
        if isinstance(error, InvalidInputError):
            raise
        raise InvalidInputError(field, str(path), f"{allowed} ({reason_of(error)})") from None


def read_text(field: str, path: Path, allowed: str) -> str:
    """Return the text of a regular file in UTF-8.

    Raises
    ------
    InvalidInputError
        If it cannot be opened, is not text, or is larger than any file of this kind.
    """
    with open_regular(field, path, allowed) as stream:
        try:
            content = stream.read(LARGEST_TEXT + 1)
            if len(content) > LARGEST_TEXT:
                reason = f"larger than {LARGEST_TEXT // 2**20} MB"
                raise InvalidInputError(field, str(path), f"{allowed} ({reason})")
            return content.decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInputError(field, str(path), f"{allowed} ({reason_of(error)})") from None


def name_of(path: Path) -> str:
    """Return the name of a file of times without its endings.

    Examples
    --------
    >>> name_of(Path("runs/load0.5.csv.gz"))
    'load0.5'
    """
    stem = path.stem
    return Path(stem).stem if path.suffix.lower() in (".gz", ".bz2", ".xz", ".zst") else stem


def reason_of(error: Exception) -> str:
    """Say in a few words why a file could not be read or written."""
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8 text"
    if isinstance(error, OSError):
        return (error.strerror or "cannot be read").lower()
    return "a name that no file can have"


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "is a directory"
    if stat.S_ISFIFO(mode):
        return "it is a pipe: write it to a file first"
    return "" if stat.S_ISREG(mode) else "it is a device"
