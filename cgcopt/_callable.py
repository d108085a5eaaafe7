"""Packages that are also the function of their name: ``cg.compare(...)`` beside ``cgcopt.compare``."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["make_callable"]


def make_callable(package: str, home: str, function: str) -> None:
    """Let calls of a package go to a function of one of its modules, imported at the first call."""

    class Callable(ModuleType):
        @property
        def __wrapped__(self) -> Any:
            """The function, for ``inspect.signature`` and ``help``."""
            return getattr(import_module(home), function)

        def __call__(self, *arguments: Any, **named: Any) -> Any:
            return self.__wrapped__(*arguments, **named)

    sys.modules[package].__class__ = Callable
