"""What is wrong with a command line, in the words of all other refusals."""

from __future__ import annotations

from typing import Any

__all__ = ["complaint"]

#: What a value must be, by the kind of fault that the reader of the command line names.
_ALLOWED = {
    "float_parsing": "a number, without a unit or a sign behind it",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
}


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
        return str(error.format_message())
    fault = values()[0]
    allowed = _ALLOWED.get(fault["type"])
    if fault["type"] == "greater_than_equal":
        allowed = f"a number of at least {fault['ctx']['ge']:g}"
    choices = getattr(parameter.type_descriptor, "choices", None)
    if choices:
        allowed = "one of " + ", ".join(str(getattr(each, "value", each)) for each in choices)
    if allowed is None:
        return str(error.format_message())
    name = parameter.opts[0] if parameter.opts[0].startswith("-") else parameter.metavar
    return f"{name} = {fault['input']!r}: must be {allowed}"
