"""Files and folders that a command is to write: refused before anything is computed for them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from cgcopt.errors import InvalidInputError

__all__ = ["writable_file", "writable_folder", "writable_picture"]


def writable_file(field: str, path: Path, suffixes: tuple[str, ...]) -> Path:
    """Refuse a file that cannot be written, before anything is computed for it."""
    if path.suffix.lower() not in suffixes:
        raise InvalidInputError(
            field, str(path), f"a file name that ends in {' or '.join(suffixes)}"
        )
    allowed = "a file that can be written"
    if path.is_dir():
        raise InvalidInputError(field, str(path), f"{allowed} (it is a folder)")
    if path.exists():
        if not os.access(path, os.W_OK):
            raise InvalidInputError(field, str(path), f"{allowed} (permission denied)")
        return path
    _try_to_write(field, path, path.parent, allowed)
    return path


def writable_picture(field: str, path: Path) -> Path:
    """Refuse a picture that cannot be drawn or written, before anything is computed for it."""
    from cgcopt.compare.show.drawing import require_matplotlib

    writable_file(field, path, (".png", ".pdf", ".svg"))
    require_matplotlib()
    return path


def writable_folder(field: str, path: Path) -> Path:
    """Make a folder, and refuse one that cannot be written, before anything is computed for it."""
    allowed = "a folder that can be written"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or "cannot be made").lower()
        raise InvalidInputError(field, str(path), f"{allowed} ({reason})") from None
    _try_to_write(field, path, path, allowed)
    return path


def _try_to_write(field: str, path: Path, folder: Path, allowed: str) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = (error.strerror or "not writable").lower()
        raise InvalidInputError(field, str(path), f"{allowed} ({reason})") from None
