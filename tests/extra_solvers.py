"""Solvers that tests bring along, found as those of a plug-in are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from unittest.mock import patch

from cgcopt.solvers import registry
from cgcopt.solvers.base import Solver


@contextmanager
def extra_solvers(*classes: type[Solver]) -> Iterator[None]:
    """Let these classes be found beside the solvers of the package while the block runs."""
    points = [SimpleNamespace(load=lambda cls=cls: cls) for cls in classes]
    registry.all_solvers.cache_clear()
    try:
        with patch.object(registry, "entry_points", lambda group: points):
            yield
    finally:
        registry.all_solvers.cache_clear()
