"""Packages that import what they offer when it is first used, and are functions where that reads well.

Each module of a package imports the package first. Where its names are only looked up on use, one
run imports the modules that it needs, and no others.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["make_callable", "on_first_use"]


def on_first_use(package: str, homes: Mapping[str, tuple[str, ...]]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package whose names stand in its modules.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    homes : mapping
        The names by module.

    Examples
    --------
    >>> look_up = on_first_use("cgcopt", {"cgcopt.problem": ("Form", "Problem")})
    >>> look_up("Problem")
    <class 'cgcopt.problem.Problem'>
    >>> look_up("Problems")
    Traceback (most recent call last):
        ...
    AttributeError: module 'cgcopt' has no attribute 'Problems'
    """
    home = {name: module for module, names in homes.items() for name in names}

    def look_up(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        value = getattr(import_module(home[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return look_up


def make_callable(package: str, home: str, function: str) -> None:
    """Let calls of a package go to a function of one of its modules, imported at the first call."""

    class CallableModule(ModuleType):
        @property
        def __wrapped__(self) -> Any:
            """The function, for ``inspect.signature`` and ``help``."""
            return getattr(import_module(home), function)

        def __call__(self, *arguments: Any, **named: Any) -> Any:
            return self.__wrapped__(*arguments, **named)

    sys.modules[package].__class__ = CallableModule
