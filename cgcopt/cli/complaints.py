"""What is wrong with a command line, in the words of all other refusals."""

from __future__ import annotations

from typing import Any

from cgcopt.errors import InvalidInputError

__all__ = ["complaint"]

#: What a value must be, by the kind of fault that the reader of the command line names.
_ALLOWED = {
    "float_parsing": "a number, without a unit or a sign behind it",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
}
#: Characters of a word that are repeated to who typed it.
_LONGEST_WORD = 400


def complaint(error: Any) -> str:
    """Return the line for a usage error: option, value and what is allowed, where they are known.

    Parameters
    ----------
    error : UsageError
        Of typer.
    """
    values = getattr(error.__context__, "errors", None)
    parameter = getattr(error, "param", None)
    if values is None or parameter is None:
        return _told(error)
    fault = values()[0]
    allowed = _ALLOWED.get(fault["type"])
    if fault["type"] == "greater_than_equal":
        allowed = f"a number of at least {fault['ctx']['ge']:g}"
    choices = getattr(parameter.type_descriptor, "choices", None)
    if choices:
        allowed = "one of " + ", ".join(str(getattr(each, "value", each)) for each in choices)
    if allowed is None:
        return _told(error)
    name = parameter.opts[0] if parameter.opts[0].startswith("-") else parameter.metavar
    return str(InvalidInputError(name, fault["input"], allowed))


def _told(error: Any) -> str:
    """What typer says, without the end of words that nobody reads."""
    return " ".join(
        word if len(word) <= _LONGEST_WORD else f"{word[:_LONGEST_WORD]}..."
        for word in error.format_message().split()
    )
