"""Names of results: made different in one place, for titles, rows and files alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["different_names", "file_stems", "one_line"]

#: Longest part of a file name that comes from a title, in characters.
_LONGEST = 40


def one_line(name: str) -> str:
    r"""Return a name as one line of text that any file can hold.

    Examples
    --------
    >>> one_line(" a\nb "), one_line("caf\udce9")
    ('a b', 'caf\\udce9')
    """
    text = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split()) or "unnamed"


def different_names(names: Sequence[str]) -> list[str]:
    """Return the names, a number behind those that an earlier one has too.

    Examples
    --------
    >>> different_names(["x", "x", "x (2)", "y"])
    ['x', 'x (3)', 'x (2)', 'y']
    """
    lines = [one_line(name) for name in names]
    return _different(lines, "{} ({})", reserved=lines)


def file_stems(names: Iterable[str]) -> dict[str, str]:
    """Return for each of these different names a part of a file name, all of them different.

    Examples
    --------
    >>> file_stems(["Paper, N = 20", "a b", "a_b", "A.B"])
    {'Paper, N = 20': 'paper_n_20', 'a b': 'a_b', 'a_b': 'a_b_2', 'A.B': 'a_b_3'}
    """
    listed = list(names)
    return dict(zip(listed, _different([_stem(name) for name in listed], "{}_{}"), strict=True))


def _stem(name: str) -> str:
    words = "".join(letter if letter.isalnum() else " " for letter in name).split()
    return "_".join(words).lower()[:_LONGEST] or "unnamed"


def _different(names: Sequence[str], pattern: str, reserved: Sequence[str] = ()) -> list[str]:
    """The names, changed where an earlier one is the same, to none that is given or reserved."""
    taken: set[str] = set()
    found = []
    for name in names:
        choice, number = name, 1
        while choice in taken or (number > 1 and choice in reserved):
            number += 1
            choice = pattern.format(name, number)
        taken.add(choice)
        found.append(choice)
    return found
