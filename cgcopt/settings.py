"""Settings of solvers: frozen dataclasses whose fields are the raw options that a solver takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from cgcopt._validate import did_you_mean, finite_number, whole_number
from cgcopt.errors import InvalidInputError

__all__ = ["NoSettings", "choice", "count", "number", "read_settings", "truth"]

S = TypeVar("S")


@dataclass(frozen=True)
class NoSettings:
    """Settings of a solver that takes no raw options."""


def count(default: int | None, *, least: int = 1) -> Any:
    """A field that takes whole numbers of at least ``least``; ``None`` leaves it to the solver."""
    return field(
        default=default,
        metadata={"check": lambda name, value: whole_number(name, value, least=least)},
    )


def number(
    default: float | None,
    *,
    least: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> Any:
    """A field that takes finite numbers within limits; ``None`` leaves it to the solver."""

    def check(name: str, value: Any) -> float:
        return finite_number(name, value, least=least, above=above, below=below)

    return field(default=default, metadata={"check": check})


def truth(default: bool) -> Any:
    """A field that takes true or false."""

    def check(name: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise InvalidInputError(name, value, "true or false")
        return value

    return field(default=default, metadata={"check": check})


def choice(default: str, names: tuple[str, ...]) -> Any:
    """A field that takes one of some names."""

    def check(name: str, value: Any) -> str:
        if value not in names:
            raise InvalidInputError(name, value, did_you_mean(str(value), names))
        return str(value)

    return field(default=default, metadata={"check": check})


def read_settings(settings: type[S], raw: Mapping[str, Any]) -> S:
    """Return the settings with the given raw options in place of their defaults.

    Raises
    ------
    InvalidInputError
        If a name is unknown, or a value is not of the kind that the field takes.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Steps:
    ...     steps: int = count(100)
    >>> read_settings(Steps, {"steps": 5})
    Steps(steps=5)
    >>> read_settings(Steps, {"step": 5})
    Traceback (most recent call last):
        ...
    cgcopt.errors.InvalidInputError: options.raw['step'] = 5: must be one of steps (did you mean 'steps'?)
    """
    known = {each.name: each for each in fields(settings)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for name, value in raw.items():
        place = f"options.raw[{name!r}]"
        if name not in known:
            allowed = did_you_mean(str(name), known) if known else "absent: the solver takes none"
            raise InvalidInputError(place, value, allowed)
        values[name] = known[name].metadata["check"](place, value)
    return settings(**values)
